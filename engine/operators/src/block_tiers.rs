//! Blocks are merged in tiers, as in a log-structured merge tree: sixteen groups of one tier become one group of the next.

use state::BlockKey;

/// Groups of one tier that a bucket may collect before they are merged into one of the next. A row is written once a tier, so
/// after n epochs it has been written log16 n times, and a bucket has at most 15 groups of each tier to be read.
pub(crate) const COMPACT_GROUPS: usize = 16;

/// Writer number of merged blocks: this plus their tier, which begins at 1. Lanes that read are numbered below it.
pub(crate) const COMPACTED_WRITER: u16 = 0x8000;

/// A block that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockRef {
    pub key: BlockKey,
    pub bytes: u64,
}

/// How often the rows of a block were merged; 0 for a block that a lane wrote.
pub(crate) fn tier(key: &BlockKey) -> u16 {
    key.writer.saturating_sub(COMPACTED_WRITER)
}

/// Where the newest blocks of a bucket begin that are of one tier, and the tier they make, if their groups are enough to be merged.
/// `blocks` are the bucket's, oldest first; those for which `group` is the same were written together.
///
/// Only the newest run is looked at: merged blocks take the place of the youngest of their rows, and so blocks stay in the order of time.
pub(crate) fn due<G: PartialEq>(blocks: &[BlockRef], group: impl Fn(&BlockKey) -> G) -> Option<(u16, usize)> {
    debug_assert!(blocks.is_sorted_by_key(|block| block.key.epoch), "blocks stand in the order of time");
    let newest = tier(&blocks.last()?.key);
    let from = blocks.iter().rposition(|block| tier(&block.key) != newest).map_or(0, |at| at + 1);
    let groups = 1 + blocks[from..].windows(2).filter(|pair| group(&pair[0].key) != group(&pair[1].key)).count();
    (groups >= COMPACT_GROUPS).then_some((newest + 1, from))
}
