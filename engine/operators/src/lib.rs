//! The parts of a query that run: stateless pipelines, lookups in static tables, and operators that keep state.
//!
//! [`operator`] is the one interface through which the runtime drives what keeps state. State has two shapes: rows by key
//! ([`store`]), and columnar partial results by window (`aggregate`). Each operator's folder has the same files: `spec` says what it
//! computes, `lane` sees rows, `operator` keeps state, and `operator_spec` makes both of a spec.

pub mod aggregate;
mod block;
mod block_changes;
mod block_source;
mod block_tiers;
mod budget;
mod by_hash;
mod change;
mod condition;
mod cut;
pub mod dedup;
mod emission;
mod epoch_time;
mod error;
mod first_emission;
pub mod join;
pub mod keyed;
pub mod lookup;
pub mod materialize;
#[cfg(test)]
mod memory_blocks;
mod metrics;
mod multiset;
pub mod newest;
mod one_store;
pub mod operator;
mod pairs;
pub mod pipeline;
pub mod plain_rows;
pub mod recompute;
pub mod rehearsal;
pub mod session;
mod sift;
mod sized_batch;
pub mod slot;
pub mod state_rows;
pub mod store;
mod stored;
pub mod timed;

pub use cut::in_halves;
pub use emission::Emission;
pub use error::OperatorError;
pub use pipeline::{Pipeline, PipelineOutput};
pub use sift::{Sifted, sift};
pub use slot::SlotExec;
