//! The real binary on real Kafka and MinIO, driven by job files as a user writes them. Oracles: DuckDB and plain Python.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod accepted;
mod anew;
mod away;
mod disk;
mod faults;
mod formats;
mod growth;
mod kafka;
mod late;
mod loss;
mod minio;
mod modes;
mod oracle;
mod outage;
mod ownership;
mod reading;
mod rejects;
mod replay;
mod run;
mod scratch;
mod shop;
mod statics;
mod transactions;
mod verify;
mod windows;
