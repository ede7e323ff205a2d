//! The current rows of a table that changes: takes rows that are added and retracted, emits every bucket that an epoch touched, whole.
//!
//! A bucket is one file of the table, so it is written whole whenever a row of it changes; its rows are filed under it, in the
//! order in which they came, and found by their content within it.

mod lane;
mod operator;
mod operator_spec;
mod spec;

pub use spec::{Bucket, MaterializeSpec};

#[cfg(test)]
mod tests;
