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
        Limits { move_entries: 65_536, dead_entries: 1_024 }
    }
}
