//! The blocks of the running epoch: what changed in shards, encoded, and numbered in the order in which shards were finished.

use std::sync::Arc;

use arrow::compute::concat_batches;
use state::BlockKey;

use super::format::{BLOCK_ROWS, BlockRows, Entry, Format};
use super::index::{MARKED, REMOVED, ROWS};
use super::shard::Changes;
use super::spec::StoreSpec;
use crate::OperatorError;

/// A block that is in no commit yet.
#[derive(Debug, Clone)]
pub(super) struct FreshBlock {
    pub key: BlockKey,
    pub bytes: Arc<[u8]>,
    /// Rows or ids in it.
    pub entries: u64,
}

/// A block without a key.
pub(super) struct EncodedBlock {
    kind: u8,
    bytes: Arc<[u8]>,
    entries: u64,
}

/// Encodes what changed in some shards, ascending: rows, then ids of removed rows, then ids of marked rows.
pub(super) fn encode(
    spec: &StoreSpec,
    format: &Format,
    changes: &[(u8, Changes)],
) -> Result<Vec<EncodedBlock>, OperatorError> {
    debug_assert!(changes.is_sorted_by(|one, other| one.0 < other.0), "a block's rows stand shard by shard");
    let of = |ids: fn(&Changes) -> &[u64]| -> Vec<Entry> {
        changes.iter().flat_map(|(shard, changes)| ids(changes).iter().map(|id| (*shard, *id))).collect()
    };
    let entries = of(|changes| &changes.ids);
    let rows = BlockRows {
        shards: entries.iter().map(|(shard, _)| *shard).collect(),
        ids: entries.iter().map(|(_, id)| *id).collect(),
        marked: changes.iter().flat_map(|(_, changes)| changes.marked.iter().copied()).collect(),
        rows: concat_batches(&spec.schema, changes.iter().map(|(_, changes)| &changes.rows))?,
    };
    let mut blocks = Vec::new();
    for from in (0..rows.len()).step_by(BLOCK_ROWS) {
        let slice = rows.slice(from, BLOCK_ROWS.min(rows.len() - from));
        blocks.push(EncodedBlock { kind: ROWS, bytes: format.encode_rows(&slice)?, entries: slice.len() as u64 });
    }
    for (kind, ids) in [(REMOVED, of(|changes| &changes.removed)), (MARKED, of(|changes| &changes.marks))] {
        if !ids.is_empty() {
            blocks.push(EncodedBlock { kind, bytes: format.encode_ids(&ids)?, entries: ids.len() as u64 });
        }
    }
    Ok(blocks)
}

/// Files blocks behind those that the epoch has made already, each with the next number of its bucket and kind. `key` says all else.
pub(super) fn number(
    store: &str,
    key: BlockKey,
    encoded: Vec<EncodedBlock>,
    fresh: &mut Vec<FreshBlock>,
) -> Result<(), OperatorError> {
    for EncodedBlock { kind, bytes, entries } in encoded {
        let is_like = |other: &&FreshBlock| other.key.bucket == key.bucket && other.key.section == kind;
        let sequence = sequence(store, fresh.iter().filter(is_like).count())?;
        fresh.push(FreshBlock { key: BlockKey { section: kind, sequence, ..key }, bytes, entries });
    }
    Ok(())
}

/// A number of a block as keys have it.
pub(super) fn sequence(store: &str, number: usize) -> Result<u16, OperatorError> {
    u16::try_from(number).map_err(|_| {
        let what = format!("store {store}: one epoch has more than 65,536 blocks of a shard");
        OperatorError::Compute(format!("{what}; lower max_offsets_per_trigger"))
    })
}
