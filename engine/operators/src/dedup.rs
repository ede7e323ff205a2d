//! Deduplication: the first row of each key passes; the others do not, for as long as the key is remembered.

mod operator;
mod spec;

pub use operator::Dedup;
pub use spec::{DedupSpec, Expiry};

#[cfg(test)]
mod tests;
