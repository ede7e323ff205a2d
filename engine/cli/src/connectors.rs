//! The connectors that this binary has. A new one is named here, and nowhere else.

use job::Connectors;
use kafka::KafkaConnector;

/// All of them, in the order of docs/job-file.md.
pub const CONNECTORS: Connectors<'static> = Connectors::new(&[&KafkaConnector]);

#[cfg(test)]
mod tests;
