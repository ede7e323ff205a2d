//! Session aggregates against Spark's vectors and against plain models over random rows, lanes and epochs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod harness;
mod intervals;
mod keys;
mod random;
mod replay;
mod spark;
