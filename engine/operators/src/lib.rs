//! The parts of a query that run: stateless pipelines, time windows and aggregates with state.

pub mod aggregate;
mod block;
mod block_changes;
mod block_source;
mod block_tiers;
mod budget;
mod by_hash;
mod change;
mod condition;
pub mod dedup;
mod emission;
mod epoch_time;
mod error;
mod first_emission;
pub mod join;
pub mod keyed;
pub mod lookup;
pub mod materialize;
mod metrics;
mod multiset;
pub mod operator;
mod pairs;
pub mod pipeline;
pub mod recompute;
pub mod session;
mod sized_batch;
pub mod slot;
pub mod state_rows;
pub mod store;
mod stored;

pub use emission::Emission;
pub use error::OperatorError;
pub use pipeline::{Pipeline, PipelineOutput};
pub use slot::SlotExec;
