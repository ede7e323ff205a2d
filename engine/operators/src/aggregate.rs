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
pub use lane::AggregateLane;
pub use operator::Aggregate;
pub(crate) use shard::{key_hashes, normalized};
pub use spec::{AggregateCall, AggregateSpec, GroupColumn, instant, window_type};
pub(crate) use spec::{accumulator, window_fields};
pub use stateful::AggregateOperator;

#[cfg(test)]
mod tests;
