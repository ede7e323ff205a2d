//! Deduplication: the first row of each key passes; the others do not, for as long as the key is remembered.

mod lane;
mod operator;
mod operator_spec;
mod spec;

pub use operator::Dedup;
pub use spec::{DedupSpec, Expiry};

#[cfg(test)]
mod tests;
