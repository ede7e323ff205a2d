//! Whether a value is within the limits of a record and of a batch.

use crate::limits::{BATCH_BYTES_MAX, RECORD_BYTES_MAX};
use crate::reject::Reject;

/// Checks a value against the limits of a record and of a batch.
#[inline]
pub(crate) fn check_size(value: &[u8], batch_bytes: usize) -> Result<(), Reject> {
    let length = value.len();
    if length > RECORD_BYTES_MAX {
        return Err(Reject::new(format!("record of {length} bytes: the limit is {RECORD_BYTES_MAX}")));
    }
    check_batch(length, batch_bytes)
}

/// Checks that a batch that holds `batch_bytes` can take `length` more.
#[inline]
pub(crate) fn check_batch(length: usize, batch_bytes: usize) -> Result<(), Reject> {
    if length > BATCH_BYTES_MAX.saturating_sub(batch_bytes) {
        return Err(Reject::new(format!("batch full: it would hold more than the limit of {BATCH_BYTES_MAX} bytes")));
    }
    Ok(())
}
