//! The checkpoint: plans, commits and the operators' state blocks in one store, owned by one engine at a time.
//!
//! ```text
//! <folder>/OWNER   locked by the engine that runs the job; "host pid started-at-in-ms job"
//! <folder>/db      RocksDB
//!    records       identity, manifest, plan and commit and published versions of each epoch
//!    blocks        state, as opaque blocks of bytes made by the operators
//!    index         the same keys with the blocks' lengths, so that a start needs to read no block
//! ```
//! The store is RocksDB or, for tests of jobs, memory; what the two promise is the trait in `store`.
//! This crate knows bytes, not rows. [`Checkpoint::commit`] is the one commit point of the protocol.
//! Read [`checkpoint`] first.

mod blocks;
mod changes;
pub mod checkpoint;
mod checksum;
pub mod error;
#[cfg(test)]
mod fixture;
mod folder;
mod identity;
pub mod key;
pub mod key_groups;
mod lock;
mod memory;
mod random;
pub mod reader;
mod record;
mod rocksdb;
mod store;
pub mod verify;

pub use changes::StateChanges;
pub use checkpoint::{Checkpoint, CheckpointSettings};
pub use error::StateError;
pub use key::{BlockKey, BucketRange, OperatorId};
pub use key_groups::KeyPartitioning;
pub use lock::FolderLock;
pub use memory::MemoryStore;
pub use reader::{Attempt, CheckpointReader, Losses, Published};
pub use verify::Verification;
