//! Bytes in: the Kafka source, an embedded broker to try things out, and a generator of events. Knows no rows, no SQL, no tables.

pub mod broker;
pub mod generate;
pub mod kafka;

pub use kafka::{Available, Backlog, KafkaLane, KafkaPlanner, Record, SourceError};
