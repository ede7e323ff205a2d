//! What an epoch changes in the state, and how that becomes part of its one write.

use epoch::EpochId;

use crate::blocks::put_block;
use crate::error::StateError;
use crate::key::{BlockKey, BucketRange};
use crate::record::{Kind, put_only};
use crate::store::{Family, WriteBatch};

/// What one epoch changes in the state. Applied in this order: `drop_buckets`, `deletes`, `puts`.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct StateChanges {
    /// Buckets whose every block is removed.
    pub drop_buckets: Vec<BucketRange>,
    /// Single blocks that are removed.
    pub deletes: Vec<BlockKey>,
    /// Blocks that are added, or replace the block under the same key. Their epoch is the one committed, or an earlier one.
    pub puts: Vec<(BlockKey, Vec<u8>)>,
    /// The operators' new manifest, if it changes.
    pub manifest: Option<Vec<u8>>,
}

/// Adds the state changes of an epoch to a batch: blocks and index alike.
///
/// # Errors
/// `Protocol` for a block of a later epoch.
pub(crate) fn put_changes(batch: &mut WriteBatch, epoch: EpochId, changes: StateChanges) -> Result<(), StateError> {
    for range in changes.drop_buckets.iter().filter(|range| !range.is_empty()) {
        let (from, until) = range.bounds();
        batch.delete_range(Family::Blocks, &from, &until);
        batch.delete_range(Family::Index, &from, &until);
    }
    for key in changes.deletes.iter().map(BlockKey::to_bytes) {
        batch.delete(Family::Blocks, &key);
        batch.delete(Family::Index, &key);
    }
    for (at, block) in changes.puts {
        if at.epoch > epoch {
            return Err(StateError::Protocol(format!("epoch {epoch} is to write the block of {at}")));
        }
        put_block(batch, &at, block);
    }
    if let Some(manifest) = changes.manifest {
        put_only(batch, Kind::Manifest, manifest);
    }
    Ok(())
}
