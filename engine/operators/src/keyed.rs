//! What operators that look rows up by key have in common: hashing keys, and lanes that sort rows by shard.

mod counting_sort;
pub mod hash;
mod input;
mod lane;
mod shards;

pub(crate) use counting_sort::counting_sort;
pub use input::{KeyedInput, ShardInput};
pub use lane::{EventTime, KeyedLane, KeyedPort, ShardedRows};
pub use shards::{ALL_SHARDS, SHARDS, SMALL_EPOCH_ROWS, shard_of, shard_of_key};
