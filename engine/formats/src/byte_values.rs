//! Values of varying length, as Arrow lays them out.

use arrow::buffer::{Buffer, OffsetBuffer};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base64 with the usual alphabet, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Values of varying length, end to end.
pub(crate) struct ByteValues {
    /// One more than there are values; starts with 0. They stay below 2^31: see `BATCH_BYTES_MAX`.
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

impl ByteValues {
    pub(crate) fn new(values: usize, bytes: usize) -> ByteValues {
        let mut offsets = Vec::with_capacity(values + 1);
        offsets.push(0);
        ByteValues { offsets, bytes: Vec::with_capacity(bytes) }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) -> bool {
        self.push_with(|bytes| bytes.extend_from_slice(value))
    }

    #[inline]
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        write(&mut self.bytes);
        self.offsets.push(self.bytes.len() as i32);
        true
    }

    pub(crate) fn push_base64(&mut self, text: &[u8]) -> bool {
        let decoded = BASE64.decode_vec(text, &mut self.bytes).is_ok();
        self.offsets.push(self.bytes.len() as i32);
        decoded
    }

    pub(crate) fn fill(&mut self, row: usize) {
        self.offsets.resize(row + 1, self.bytes.len() as i32);
    }

    pub(crate) fn truncate(&mut self, row: usize) {
        self.offsets.truncate(row + 1);
        self.bytes.truncate(self.offsets.last().copied().unwrap_or(0) as usize);
    }

    pub(crate) fn take(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        let empty = ByteValues::new(self.offsets.len(), self.bytes.len());
        let full = std::mem::replace(self, empty);
        (OffsetBuffer::new(full.offsets.into()), full.bytes.into())
    }
}
