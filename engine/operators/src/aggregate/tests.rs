//! Aggregates against plain maps over random rows, splits and lanes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod emitted;
mod engine;
mod random;
mod rare;
