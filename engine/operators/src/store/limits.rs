//! When a store merges blocks.

/// When blocks are merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Rows and ids in blocks of all shards above which they move to the shards' own.
    pub move_entries: u64,
    /// Dead rows and ids that a bucket may hold however few live.
    pub dead_entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        // 65,536 rows: a shard that is read decodes all blocks of all shards, so these must stay few; each shard gets a thousand of
        // them, which is worth a block. 1,024 dead ones: merging fewer costs more than reading past them.
        Limits { move_entries: 65_536, dead_entries: 1_024 }
    }
}
