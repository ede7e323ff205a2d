//! Planning: what runs, what is refused, and with which words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod aggregates;
mod batch;
mod bounds;
mod csv;
mod docs;
pub(crate) mod engine;
mod forms;
mod functions;
mod inputs;
mod lambdas;
mod refusals;
mod rewriting;
mod schemas;
mod standing;
