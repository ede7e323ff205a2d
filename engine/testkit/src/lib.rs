//! Jobs in memory, driven step by step, and trials of what a job file says of itself: for `engine test` and tests by the thousand.

pub mod memory;
pub mod trial;

pub use self::memory::{MemoryOptions, MemoryRun};
pub use ::memory::{MemoryRecord, MemoryTopic};
