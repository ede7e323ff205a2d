//! Which blocks a store has, by bucket, and which of them have become many.

use state::{BlockKey, OperatorId};

use crate::block_tiers::{BlockRef, due, tier};
use crate::keyed::SHARDS;

/// One bucket a shard, and one for blocks of all shards.
pub(super) const BUCKETS: usize = SHARDS as usize + 1;

/// The bucket of blocks of all shards.
pub(super) const ALL: usize = SHARDS as usize;

/// Rows.
pub(super) const ROWS: u8 = 0;
/// Ids of rows that were removed.
pub(super) const REMOVED: u8 = 1;
/// Ids of rows that were marked.
pub(super) const MARKED: u8 = 2;
/// The one block that says what there is.
pub(super) const SUMMARY: u8 = 3;

/// Writer number of what moved from the blocks of all shards to a shard's own: the highest that is no merged block's, so that it stands
/// behind what the shard has of the same epoch and is of tier 0 like it.
pub(super) const MOVED_WRITER: u16 = 0x7fff;

/// The blocks of a store. Those that were written together, a *group*, share epoch and writer.
#[derive(Debug)]
pub(super) struct Index {
    pub operator: OperatorId,
    buckets: Vec<Vec<BlockRef>>,
    pub summary: Option<BlockRef>,
    /// A block that is none of this store's kinds.
    pub foreign: Option<BlockKey>,
}

impl Index {
    pub fn new(operator: OperatorId, blocks: Vec<(BlockKey, u64)>) -> Index {
        let mut index = Index { operator, buckets: vec![Vec::new(); BUCKETS], summary: None, foreign: None };
        for (key, bytes) in blocks {
            let block = BlockRef { key, bytes };
            match usize::try_from(key.bucket).ok().filter(|bucket| *bucket < BUCKETS) {
                Some(ALL) if key.section == SUMMARY && index.summary.is_none() => index.summary = Some(block),
                Some(bucket) if key.section < SUMMARY => index.buckets[bucket].push(block),
                _ => index.foreign = Some(key),
            }
        }
        index.buckets.iter_mut().for_each(|blocks| blocks.sort_unstable_by_key(|block| order(&block.key)));
        index
    }

    pub fn add(&mut self, block: BlockRef) {
        let blocks = &mut self.buckets[block.key.bucket as usize];
        let at = blocks.partition_point(|other| order(&other.key) <= order(&block.key));
        blocks.insert(at, block);
    }

    /// The blocks of a bucket, oldest group first.
    pub fn bucket(&self, bucket: usize) -> &[BlockRef] {
        &self.buckets[bucket]
    }

    /// True if a bucket has blocks of rows.
    pub fn has_rows(&self, bucket: usize) -> bool {
        self.buckets[bucket].iter().any(|block| block.key.section == ROWS)
    }

    /// Removes and returns all blocks of a bucket.
    pub fn take(&mut self, bucket: usize) -> Vec<BlockRef> {
        std::mem::take(&mut self.buckets[bucket])
    }

    /// Removes and returns the newest groups of a bucket that are of one tier, if they are enough to be merged, and the
    /// tier they make.
    pub fn take_due(&mut self, bucket: usize) -> Option<(u16, Vec<BlockRef>)> {
        let blocks = &mut self.buckets[bucket];
        let (tier, from) = due(blocks, |key| (key.epoch, key.writer))?;
        Some((tier, blocks.split_off(from)))
    }

    /// The highest tier of a bucket, 1 at least: that of blocks in the place of all of them.
    pub fn highest_tier(&self, bucket: usize) -> u16 {
        self.buckets[bucket].iter().map(|block| tier(&block.key)).max().unwrap_or(1).max(1)
    }

    /// All blocks.
    pub fn blocks(&self) -> impl Iterator<Item = &BlockRef> {
        self.buckets.iter().flatten().chain(&self.summary)
    }
}

fn order(key: &BlockKey) -> (u64, u16, u8, u16) {
    (key.epoch.0, key.writer, key.section, key.sequence)
}
