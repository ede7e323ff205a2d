//! What every format of records does: it turns values into rows.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::reject::Reject;

/// Decodes the values of records into the columns of one source.
///
/// A reader calls [`push`](Self::push) for every record and [`flush`](Self::flush) for every few thousand.
pub trait Decoder: Send {
    /// The Arrow schema of what [`flush`](Self::flush) returns.
    fn schema(&self) -> SchemaRef;

    /// Rows since the last flush.
    fn rows(&self) -> usize;

    /// Bytes of values since the last flush. Flush long before [`BATCH_BYTES_MAX`](crate::limits::BATCH_BYTES_MAX), or `push`
    /// will reject.
    fn bytes(&self) -> usize;

    /// Newest value of the event-time column among the rows since the last flush, microseconds since 1970 UTC. `None`
    /// without rows that have one.
    fn event_time_max_us(&self) -> Option<i64>;

    /// Appends the value as one row.
    ///
    /// # Errors
    /// The value does not fit; nothing was appended. Any bytes are safe to pass.
    fn push(&mut self, value: &[u8]) -> Result<(), Reject>;

    /// Takes the rows out, columns in schema order, and leaves the decoder empty, with room for as much again.
    ///
    /// # Errors
    /// Arrow refuses a column: a bug, as every value was checked. The rows are lost, the decoder is empty all the same.
    fn flush(&mut self) -> Result<Vec<ArrayRef>, ArrowError>;
}
