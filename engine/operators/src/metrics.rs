//! How large an operator's state is, for progress.

/// An operator's state in numbers, for progress (Spark's `stateOperators`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateMetrics {
    /// Rows kept (Spark `numRowsTotal`).
    pub rows: u64,
    /// True if `rows` is exact; false if the state would have to be read for it.
    pub rows_are_known: bool,
    /// Rows added or changed in the last epoch that are still kept at its end (Spark `numRowsUpdated`).
    pub updated: u64,
    /// Rows evicted or removed in the last epoch (Spark `numRowsRemoved`).
    pub removed: u64,
    /// Blocks in the checkpoint.
    pub blocks: u64,
    /// Bytes of the blocks.
    pub bytes: u64,
    /// Bytes in memory.
    pub memory_bytes: u64,
}

impl StateMetrics {
    /// Those of two states together.
    #[must_use]
    pub fn and(self, other: StateMetrics) -> StateMetrics {
        StateMetrics {
            rows: self.rows + other.rows,
            rows_are_known: self.rows_are_known && other.rows_are_known,
            updated: self.updated + other.updated,
            removed: self.removed + other.removed,
            blocks: self.blocks + other.blocks,
            bytes: self.bytes + other.bytes,
            memory_bytes: self.memory_bytes + other.memory_bytes,
        }
    }
}
