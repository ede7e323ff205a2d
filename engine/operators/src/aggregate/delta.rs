//! What a lane hands over: blocks of one bucket with where they belong.

use std::sync::Arc;

/// What one lane made of one bucket in one epoch, encoded.
#[derive(Debug, Clone)]
pub struct Delta {
    /// Start of the pane in microseconds, or the key bucket.
    pub bucket: i64,
    /// Shard of the rows, or [`super::shard::UNSHARDED`].
    pub shard: u8,
    /// Number among the blocks of this lane and epoch.
    pub sequence: u16,
    /// Rows in it.
    pub rows: u64,
    /// The block.
    pub bytes: Arc<[u8]>,
}
