//! The only crate that knows the whole flow: plans epochs, runs them step by step, recovers after a crash.
//!
//! Read [`run`] first: one epoch, top to bottom.

mod backends;
mod batch_builder;
mod clock;
mod compute;
mod definitions;
mod error;
mod event_times;
mod files;
mod follower;
mod job_run;
mod lanes;
mod manifest;
mod operate;
mod place_fault;
mod planner;
mod progress;
mod reader;
mod rebuild;
mod recover;
mod rejected;
mod replay;
mod report;
mod run;
mod schemas;
mod sources;
mod stage;
mod start;
mod state_rows;
mod statics;
mod step;
mod stop;
mod submit;
mod tables;
mod topology;
mod trigger;
mod waiting;

pub use backends::{Backends, CheckpointFolders, Checkpoints};
pub use clock::{Clock, SetClock, now_us};
pub use definitions::fingerprints;
pub use error::RunError;
pub use event_times::EventTimes;
pub use job_run::{JobRun, RunOptions, Summary, TableStateMetrics};
pub use place_fault::{ArmedFault, Fault, PlaceFailure, PlaceFault};
pub use planner::Next;
pub use progress::{EpochProgress, ProgressListener, SourceProgress, StateProgress, TableProgress, WaitProgress};
pub use rebuild::{Rebuilt, rebuild};
pub use schemas::{problems, schemas, source_schemas};
pub use state_rows::{state_rows, states};
pub use statics::{COPY_BYTES_MAX, StaticSchemas, static_schemas};
pub use step::{FAIL_POINT_VARIABLE, FailPoint, StepSide, Steps};
pub use stop::Abort;
pub use submit::{SubmitOptions, submit};
pub use tables::table_problems;
pub use topology::table_time;
