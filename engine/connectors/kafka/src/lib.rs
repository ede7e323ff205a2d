//! Kafka: the source, an embedded broker to try things out, and a generator of events. Knows no rows, no SQL, no tables.

pub mod broker;
pub mod generate;

mod batch;
mod context;
mod error;
mod keys;
mod lane;
mod options;
mod planner;
mod settings;
mod topics;

pub use error::{DataLoss, SourceError};
pub use keys::KafkaConnector;
pub use lane::KafkaLane;
pub use planner::{Available, Backlog, KafkaPlanner};
pub use settings::{KafkaSettings, OnDataLoss, StartingOffsets, Topics};

/// One record as the broker holds it, borrowed from the client's own buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Key, if the record has one.
    pub key: Option<&'a [u8]>,
    /// Value; `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Topic it was read from.
    pub topic: &'a str,
    /// Partition it was read from.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// When it was made or appended (the topic's setting), milliseconds since 1970 UTC.
    pub timestamp_ms: Option<i64>,
}
