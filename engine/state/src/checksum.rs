//! How every stored value is sealed: its bytes, a checksum over its key, bytes and format, and the format.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::error::StateError;

/// Format of the sealed values and of the keys.
pub(crate) const FORMAT: u8 = 1;

/// Length of what sealing appends, bytes.
pub(crate) const SEAL_BYTES: usize = 9;

/// Seals a value in place. The seal stands last, so that neither sealing nor opening moves the bytes.
///
/// The key is part of the checksum: a value found under another key is as wrong as a flipped byte.
pub(crate) fn seal(key: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    let checksum = checksum(key, &value, FORMAT);
    value.reserve_exact(SEAL_BYTES);
    value.extend_from_slice(&checksum.to_le_bytes());
    value.push(FORMAT);
    value
}

/// Takes the seal off.
///
/// # Errors
/// `Corrupt` if the bytes are not those sealed, `Format` if a newer engine sealed them.
pub(crate) fn open(key: &[u8], mut sealed: Vec<u8>, place: impl Fn() -> String) -> Result<Vec<u8>, StateError> {
    let bytes = open_borrowed(key, &sealed, place)?.len();
    sealed.truncate(bytes);
    Ok(sealed)
}

/// The bytes that were sealed.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_borrowed<'a>(
    key: &[u8],
    sealed: &'a [u8],
    place: impl Fn() -> String,
) -> Result<&'a [u8], StateError> {
    let Some((value, tail)) = sealed.split_last_chunk::<SEAL_BYTES>() else {
        let detail = format!("{} bytes are too few for a sealed value", sealed.len());
        return Err(StateError::Corrupt { place: place(), detail });
    };
    let [c0, c1, c2, c3, c4, c5, c6, c7, format] = *tail;
    let stored = u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]);
    let counted = checksum(key, value, format);
    if format > FORMAT && stored == counted {
        return Err(StateError::Format { place: place(), found: u32::from(format), supported: u32::from(FORMAT) });
    }
    if format != FORMAT || stored != counted {
        let detail =
            format!("checksum {counted:016x} (format {format}) is not the stored {stored:016x} (format {FORMAT})");
        return Err(StateError::Corrupt { place: place(), detail });
    }
    Ok(value)
}

fn checksum(key: &[u8], value: &[u8], format: u8) -> u64 {
    xxh3_64_with_seed(value, xxh3_64(key) ^ u64::from(format))
}

#[cfg(test)]
mod tests;
