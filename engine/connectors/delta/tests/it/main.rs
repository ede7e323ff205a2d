//! The warehouse from outside: what every reader sees after every fault.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod ahead;
mod chain;
mod cleaned;
mod conditions;
mod definition;
mod every_fault;
mod filters;
mod fixture;
mod laws;
mod others;
mod pointers;
mod provider;
mod publishing;
mod reading;
mod rewritten;
mod s3;
mod speed;
mod staging;
