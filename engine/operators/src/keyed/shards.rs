//! How many shards the state of keyed operators has, and which task does which.

/// Shards of a keyed operator's state. A row's shard is part of where its state lies on disk: never change it.
pub const SHARDS: u8 = 64;

/// An epoch with fewer input rows than this is done in one task, and its state is written to blocks of all shards together: 64 tasks
/// and 64 blocks of a few rows each would cost more than the rows. Part of how state is written: an epoch that is run again by
/// another build must write the same.
pub const SMALL_EPOCH_ROWS: usize = 16_384;

/// An epoch whose input rows take less than this, bytes, and are fewer than [`SMALL_EPOCH_ROWS`]. Part of how state is written as those.
pub const SMALL_EPOCH_BYTES: usize = 64 << 20;

/// The task that does all shards at once.
pub const ALL_SHARDS: i64 = SHARDS as i64;
