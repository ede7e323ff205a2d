//! Joins against Spark's cases, and against nested loops over random rows, splits, lanes and restarts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod changes;
mod golden;
mod large;
mod machine;
mod random;
mod rows;
mod spark;
