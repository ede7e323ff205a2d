//! Memory as a connector: topics, static tables and tables that live in the process, for tests by the thousand.
//!
//! Clones of a place are the same place, and it outlives the job that uses it, so a job can end and begin again.

mod catalog;
mod rows;
mod sink;
mod source;
mod statics;
mod topic;

pub use sink::MemorySink;
pub use source::{MemoryConnector, MemorySource};
pub use statics::{MemoryStatic, MemoryStatics};
pub use topic::{MemoryRecord, MemoryTopic};
