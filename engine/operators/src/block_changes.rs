//! What an epoch writes to the checkpoint and deletes from it.

use std::sync::Arc;

use state::{BlockKey, BucketRange};

/// What an epoch changes in an operator's state.
#[derive(Debug, Default)]
pub struct BlockChanges {
    /// Blocks to write.
    pub puts: Vec<(BlockKey, Arc<[u8]>)>,
    /// Blocks to delete.
    pub deletes: Vec<BlockKey>,
    /// Buckets to drop whole.
    pub drops: Vec<BucketRange>,
}

impl BlockChanges {
    /// Adds those of another store of the same operator.
    pub(crate) fn extend(&mut self, other: BlockChanges) {
        self.puts.extend(other.puts);
        self.deletes.extend(other.deletes);
        self.drops.extend(other.drops);
    }
}
