//! Grouped aggregation with one state row per group: session windows, and keys one of which is itself an event time.
//!
//! A lane hands over its rows by shard ([`crate::keyed`]). A task takes the rows of its shards with the live sessions of
//! their keys ([`gather`]), finds which of them merge ([`intervals`]), computes the merged sessions ([`fold`]) and puts them in
//! the place of the old ones ([`operator`]). A session that no row touched is not looked at again until it is due.

mod fold;
mod gather;
mod intervals;
mod lane;
mod operator;
mod operator_spec;
mod spec;

pub use operator::Session;
pub use spec::{GroupTime, SessionSpec};

#[cfg(test)]
mod tests;
