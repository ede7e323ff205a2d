//! Grouped aggregation with state: a partial result per epoch and lane, kept as columnar blocks, merged when it is needed.
//!
//! A lane folds its rows into one group per pane and key ([`AggregateLane`]). What it has at the end of an epoch, the
//! *delta*, becomes columnar blocks of keys and intermediate state, filed under the pane's *bucket* ([`block`]). Merging
//! blocks is all that emission, compaction and recovery do ([`merge`]), so an append-mode window never looks a key up.

pub mod block;
mod index;
mod lane;
mod merge;
mod operator;
pub(crate) mod shard;
mod spec;
mod stateful;

pub use block::Delta;
pub(crate) use expr::group_key::normalized;
pub(crate) use expr::types::window_fields;
pub use expr::types::{instant, window_type};
pub use lane::{AggregateLane, LateRows};
pub use operator::{Aggregate, BlockChanges, BlockSource};
pub(crate) use spec::accumulator;
pub use spec::{AggregateCall, AggregateSpec, GroupColumn};
pub use stateful::{AggregateOperator, Emission};

#[cfg(test)]
mod tests;
