//! The only crate that knows the whole flow: plans epochs, runs them step by step, recovers after a crash.
//!
//! Read [`run`] first: one epoch, top to bottom.

mod backends;
mod clock;
mod compute;
mod error;
mod feed;
mod files;
mod manifest;
pub mod memory;
mod operate;
mod planner;
mod progress;
mod publisher;
mod reader;
mod recover;
mod run;
mod start;
mod state_rows;
mod statics;
mod step;
mod stop;
mod submit;
mod tables;
mod topology;
pub mod trial;
mod trigger;

pub use clock::now_us;
pub use error::RunError;
pub use progress::{EpochProgress, EventTimes, ProgressListener, SourceProgress, StateProgress, TableProgress};
pub use state_rows::{state_rows, states};
pub use statics::{COPY_BYTES_MAX, StaticError, StaticLoader, StaticRows, static_schemas};
pub use step::{FAIL_POINT_VARIABLE, FailPoint, StepSide};
pub use submit::{SubmitOptions, Summary, source_schemas, submit};
pub use tables::table_problems;
pub use topology::table_time;
