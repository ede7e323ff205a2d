//! What a store keeps: its columns, which of them are the key, and when rows are evicted.

use arrow::datatypes::SchemaRef;

/// What a store keeps.
#[derive(Debug, Clone)]
pub struct StoreSpec {
    /// Name under which its blocks are filed.
    pub name: String,
    /// Columns of a row.
    pub schema: SchemaRef,
    /// The first so many columns are the key.
    pub keys: usize,
    /// Column (timestamp in microseconds) with the watermark at which a row is evicted; a null stays. `None`: rows stay.
    pub expires: Option<usize>,
    /// Column (timestamp in microseconds) with the epoch time at which a row is evicted; a null stays. `None`: rows stay.
    pub expires_at_batch_time: Option<usize>,
    /// False if no row is ever read back ([`Shard::gather`]), only whether its key is there: then only hashes stay in memory.
    pub keeps_rows: bool,
}
