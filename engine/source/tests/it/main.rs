//! The source against real Kafka (KAFKA_BROKERS must name one) and against the embedded broker where faults are made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod faults;
mod loss;
mod planning;
mod ranges;
mod sending;
mod support;
