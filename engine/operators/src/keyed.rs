//! What operators that look rows up by key have in common: hashing keys, and lanes that sort rows by shard.

pub mod hash;
mod input;
mod lane;

pub use input::{KeyedInput, PieceRows};
pub use lane::{EventTime, KeyedLane, KeyedPort, ShardedRows};

/// Shards of a keyed operator's state. A row's shard is part of where its state lies on disk: never change it.
pub const SHARDS: u8 = 64;

/// An epoch with fewer input rows than this is done in one task, and its state goes into blocks of all shards together.
pub const SMALL_EPOCH_ROWS: usize = 16_384;

/// The task that does all shards at once.
pub const ALL_SHARDS: i64 = SHARDS as i64;
