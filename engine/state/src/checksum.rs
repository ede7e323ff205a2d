//! How every stored value is guarded: its bytes, a checksum over its key, bytes and format, and the format.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::error::StateError;

/// Format of the stored values and of the keys.
pub(crate) const FORMAT: u8 = 1;

/// Length of what follows a value's own bytes: the checksum 8, the format 1.
pub(crate) const CHECKSUM_BYTES: usize = 9;

/// Appends the checksum to a value in place. It stands last, so that neither appending nor stripping moves the bytes.
///
/// The key is part of the checksum: a value found under another key is as wrong as a flipped byte.
pub(crate) fn append_checksum(key: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    let checksum = checksum_of(key, &value, FORMAT);
    // Exact, because a commit holds hundreds of megabytes of blocks: doubling each of them would double the memory.
    value.reserve_exact(CHECKSUM_BYTES);
    value.extend_from_slice(&checksum.to_le_bytes());
    value.push(FORMAT);
    value
}

/// The value's own bytes, once they are verified.
///
/// # Errors
/// As [`verify_checksum`].
pub(crate) fn strip_checksum(
    key: &[u8],
    mut stored: Vec<u8>,
    place: impl Fn() -> String,
) -> Result<Vec<u8>, StateError> {
    let bytes = verify_checksum(key, &stored, place)?.len();
    stored.truncate(bytes);
    Ok(stored)
}

/// The value's own bytes, borrowed, once they are verified.
///
/// # Errors
/// `Corrupt` if the bytes are not those that were stored under this key, `Format` if a newer engine stored them.
pub(crate) fn verify_checksum<'a>(
    key: &[u8],
    stored: &'a [u8],
    place: impl Fn() -> String,
) -> Result<&'a [u8], StateError> {
    let Some((value, tail)) = stored.split_last_chunk::<CHECKSUM_BYTES>() else {
        let detail = format!("{} bytes are too few for a value with its checksum", stored.len());
        return Err(StateError::Corrupt { place: place(), detail: detail.into() });
    };
    let [c0, c1, c2, c3, c4, c5, c6, c7, format] = *tail;
    let appended = u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]);
    let counted = checksum_of(key, value, format);
    // The format is part of the checksum: a newer one that fits was written so, one that does not is a flipped byte.
    if format > FORMAT && appended == counted {
        return Err(StateError::Format { place: place(), found: u32::from(format), supported: u32::from(FORMAT) });
    }
    if format != FORMAT || appended != counted {
        let detail =
            format!("checksum {counted:016x} (format {format}) is not the stored {appended:016x} (format {FORMAT})");
        return Err(StateError::Corrupt { place: place(), detail: detail.into() });
    }
    Ok(value)
}

fn checksum_of(key: &[u8], value: &[u8], format: u8) -> u64 {
    xxh3_64_with_seed(value, xxh3_64(key) ^ u64::from(format))
}

#[cfg(test)]
mod tests;
