//! Grouped aggregation with state: a partial result per epoch and lane, kept as columnar blocks, merged when it is needed.
//!
//! A lane folds its rows into one group per pane and key (`lane`). What it has at the end of an epoch, the *delta*, becomes
//! columnar blocks of keys and intermediate state, filed under the pane's *bucket* (`delta`, `state`). Merging blocks is all
//! that emission, compaction and recovery do (`merge`), so an append-mode window never looks a key up.

mod call;
mod delta;
mod emitted;
mod group;
mod index;
mod lane;
mod merge;
mod operator;
mod operator_spec;
mod panes;
pub(crate) mod shard;
mod spec;
mod state;

pub use call::AggregateCall;
pub(crate) use call::{accumulators, fingerprints, state_fields, state_widths};
pub use delta::Delta;
pub use group::GroupColumn;
pub(crate) use group::{key_fields, key_fingerprints, result_names};
pub use operator_spec::AggregateOperator;
pub use spec::AggregateSpec;

#[cfg(test)]
mod tests;
