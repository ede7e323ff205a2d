//! What an epoch changes in the state.

use crate::key::{BlockKey, BucketRange};

/// What one epoch changes in the state. Applied in this order: `drop_buckets`, `deletes`, `puts`.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct StateChanges {
    /// Buckets whose every block goes.
    pub drop_buckets: Vec<BucketRange>,
    /// Single blocks that go.
    pub deletes: Vec<BlockKey>,
    /// Blocks that come, or replace the block under the same key. Their epoch is the one committed, or an earlier one.
    pub puts: Vec<(BlockKey, Vec<u8>)>,
    /// The operators' new manifest, if it changes.
    pub manifest: Option<Vec<u8>>,
}
