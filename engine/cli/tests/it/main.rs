//! The binary as a user meets it: arguments in, text and exit code out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod check;
#[path = "../../src/connectors.rs"]
#[expect(dead_code, reason = "the registry is used here, the keys of the job file are not")]
mod connectors;
mod help;
mod hostile;
mod interrupted;
mod pipelines;
mod sql;
mod state;
mod statics;
mod stream;
mod support;
mod tested;
mod verify;
