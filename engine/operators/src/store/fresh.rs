//! The blocks of the running epoch: what changed in shards, encoded, and numbered in the order in which shards were finished.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use state::BlockKey;

use super::format::{BLOCK_ROWS, BlockRows, Entry, Format};
use super::index::{MARKED, REMOVED, ROWS};
use super::shard::Changes;
use super::spec::StoreSpec;
use crate::OperatorError;
use crate::cut::{PART_BYTES, batch_bytes};

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
    let mut blocks = Vec::new();
    for rows in block_rows(spec, changes)? {
        blocks.push(EncodedBlock { kind: ROWS, bytes: format.encode_rows(&rows)?, entries: rows.len() as u64 });
    }
    for (kind, ids) in [(REMOVED, of(|changes| &changes.removed)), (MARKED, of(|changes| &changes.marks))] {
        if !ids.is_empty() {
            blocks.push(EncodedBlock { kind, bytes: format.encode_ids(&ids)?, entries: ids.len() as u64 });
        }
    }
    Ok(blocks)
}

/// The rows that are new in some shards, in blocks: full ones, but none with more bytes than can be put together.
fn block_rows(spec: &StoreSpec, changes: &[(u8, Changes)]) -> Result<Vec<BlockRows>, OperatorError> {
    let (mut blocks, mut open, mut bytes) = (Vec::new(), OpenBlock::default(), 0);
    for (shard, changes) in changes {
        let mut first = 0;
        for part in &changes.rows {
            let mut from = 0;
            while from < part.num_rows() {
                let count = (part.num_rows() - from).min(BLOCK_ROWS - open.ids.len());
                let slice = part.slice(from, count);
                let slice_bytes = batch_bytes(&slice);
                if !open.ids.is_empty() && (bytes + slice_bytes > PART_BYTES || count == 0) {
                    blocks.push(std::mem::take(&mut open).close(spec)?);
                    bytes = 0;
                    continue;
                }
                open.shards.resize(open.shards.len() + count, *shard);
                open.ids.extend_from_slice(&changes.ids[first..first + count]);
                open.marked.extend_from_slice(&changes.marked[first..first + count]);
                open.batches.push(slice);
                (from, first, bytes) = (from + count, first + count, bytes + slice_bytes);
            }
        }
        debug_assert_eq!(first, changes.ids.len(), "every new row has an id");
    }
    if !open.ids.is_empty() {
        blocks.push(open.close(spec)?);
    }
    Ok(blocks)
}

/// A block to which rows are added.
#[derive(Default)]
struct OpenBlock {
    shards: Vec<u8>,
    ids: Vec<u64>,
    marked: Vec<bool>,
    batches: Vec<RecordBatch>,
}

impl OpenBlock {
    fn close(self, spec: &StoreSpec) -> Result<BlockRows, OperatorError> {
        let OpenBlock { shards, ids, marked, batches } = self;
        Ok(BlockRows { shards, ids, marked, rows: concat_batches(&spec.schema, &batches)? })
    }
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
