//! The epoch protocol: what is written, in which order, and what a restart may conclude. No I/O, no clock, no async.
//!
//! Read [`protocol`] first.

pub mod accounting;
pub mod clocks;
pub mod definition;
pub mod follow;
pub mod identity;
pub mod message;
pub mod offsets;
pub mod paths;
pub mod protocol;
pub mod record;
pub mod splits;
pub mod watermark;

pub use accounting::{CountedRows, RowCounts};
pub use clocks::{Clocks, Uptime};
pub use definition::Definition;
pub use follow::{Contradiction, SinkLink, Touch};
pub use identity::{ArtifactId, CommitId, EpochId, Owner};
pub use message::Message;
pub use protocol::{Permit, Step};
pub use record::{ArtifactEffect, Commit, DataGap, Plan, SourcePlan, SourceTime, StagedFile, TableCommit};
pub use splits::{PerSplit, Position, Positions, Ranges, Split, SplitIdentities, SplitIdentity, SplitRange};
pub use watermark::{WatermarkPolicy, WatermarkScope, WatermarkState};
