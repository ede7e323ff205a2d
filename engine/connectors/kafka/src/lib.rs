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
mod probe;
mod settings;
mod source;
mod topic_identity;
mod topics;

pub use keys::KafkaConnector;
pub use lane::KafkaLane;
pub use planner::KafkaPlanner;
pub use settings::{KafkaSettings, OnDataLoss, StartingOffsets, Topics};
pub use source::KafkaSource;
