//! Which blocks an operator has, by bucket, and which of them are due for compaction.

use std::collections::BTreeMap;

use state::BlockKey;

use super::shard::UNSHARDED;
use crate::block_tiers::{BlockRef, due};

/// The blocks of an operator, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Index {
    buckets: BTreeMap<i64, Vec<BlockRef>>,
}

impl Index {
    pub fn new(blocks: impl IntoIterator<Item = BlockRef>) -> Index {
        let mut index = Index::default();
        for block in blocks {
            index.buckets.entry(block.key.bucket).or_default().push(block);
        }
        for blocks in index.buckets.values_mut() {
            blocks.sort_by_key(|block| order(&block.key));
        }
        index
    }

    pub fn add(&mut self, block: BlockRef) {
        let blocks = self.buckets.entry(block.key.bucket).or_default();
        let at = blocks.partition_point(|other| order(&other.key) <= order(&block.key));
        blocks.insert(at, block);
    }

    pub fn buckets(&self) -> impl Iterator<Item = i64> + '_ {
        self.buckets.keys().copied()
    }

    /// All blocks of these buckets, oldest first within each.
    pub fn blocks_in(&self, buckets: std::ops::Range<i64>) -> impl Iterator<Item = &BlockRef> {
        self.buckets.range(buckets).flat_map(|(_, blocks)| blocks)
    }

    /// True if a bucket's rows are spread over shards.
    pub fn is_sharded(&self, buckets: std::ops::Range<i64>) -> bool {
        self.blocks_in(buckets).any(|block| block.key.section != UNSHARDED)
    }

    /// Removes and returns the blocks of all buckets below `until`.
    pub fn take_below(&mut self, until: i64) -> Vec<BlockRef> {
        let kept = self.buckets.split_off(&until);
        let dropped = std::mem::replace(&mut self.buckets, kept);
        dropped.into_values().flatten().collect()
    }

    /// The newest blocks of a bucket that are of one tier, oldest first, if they come from enough deltas to be merged,
    /// and the tier they make. Sharded and unsharded blocks go together: merged apart they would change places in time,
    /// and a list would not come out in the order of its rows.
    pub fn due(&self, bucket: i64) -> Option<(u16, Vec<BlockRef>)> {
        let blocks = self.buckets.get(&bucket)?;
        let (tier, from) = due(blocks, |key| (key.epoch, key.writer, key.sequence))?;
        Some((tier, blocks[from..].to_vec()))
    }

    pub fn remove(&mut self, gone: &[BlockRef]) {
        for block in gone {
            if let Some(blocks) = self.buckets.get_mut(&block.key.bucket) {
                blocks.retain(|other| other.key != block.key);
            }
        }
        self.buckets.retain(|_, blocks| !blocks.is_empty());
    }

    pub fn bytes(&self) -> u64 {
        self.buckets.values().flatten().map(|block| block.bytes).sum()
    }

    pub fn len(&self) -> usize {
        self.buckets.values().map(Vec::len).sum()
    }
}

fn order(key: &BlockKey) -> (u64, u16, u16, u8) {
    (key.epoch.0, key.writer, key.sequence, key.section)
}
