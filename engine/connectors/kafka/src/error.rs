//! What can go wrong with a source, by what the operator must do about it.

use std::fmt;

use rdkafka::types::RDKafkaErrorCode;

/// Why a source cannot go on. Its text names the source, the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceError {
    /// No broker answers: start it, or wait for it.
    Unavailable {
        /// Source in the job file.
        source: String,
        /// Brokers that were asked.
        brokers: String,
        /// What was tried and what came back.
        what: String,
    },
    /// Records that were planned or acknowledged are gone: decide whether the job may go on without them.
    DataLoss(Box<DataLoss>),
    /// The job file, the topic or the rights are not as they must be: change them.
    Settings {
        /// Source in the job file.
        source: String,
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The stop flag was set while the source waited.
    Stopped,
    /// The client library did something it must not do: a fault of the engine.
    Internal {
        /// Source in the job file.
        source: String,
        /// What happened.
        what: String,
    },
}

/// Records that are no longer where the job must read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataLoss {
    /// Source in the job file.
    pub source: String,
    /// Topic of the lost records.
    pub topic: String,
    /// Partition of the lost records.
    pub partition: i32,
    /// First offset that is lost.
    pub from: i64,
    /// First offset that is there again; equal to `from` or before it if the partition is gone or began anew.
    pub until: i64,
    /// What the broker holds instead.
    pub reason: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceError::Unavailable { source, brokers, what } => write!(
                f,
                "source {source}: no answer from Kafka at {brokers}: {what}\n  start the broker (`scripts/services start kafka` or `engine broker`), or correct `brokers` in [source.{source}]"
            ),
            SourceError::DataLoss(loss) => loss.fmt(f),
            SourceError::Settings { source, what, remedy } => write!(f, "source {source}: {what}\n  {remedy}"),
            SourceError::Stopped => f.write_str("stopped while waiting for Kafka"),
            SourceError::Internal { source, what } => {
                write!(
                    f,
                    "source {source}: {what}\n  this is a fault of the engine; run the job again and report it with this text"
                )
            }
        }
    }
}

impl fmt::Display for DataLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DataLoss { source, topic, partition, from, until, reason } = self;
        write!(
            f,
            "source {source}: data was lost in {topic} [{partition}]: from offset {from} to {until}: {reason}\n  \
             to go on without these records set `on_data_loss = \"continue\"` in [source.{source}] (the gap is recorded); \
             to read the topic from its start again use a new checkpoint"
        )
    }
}

impl std::error::Error for SourceError {}

/// True for errors that only a change of settings, rights or certificates can end.
pub(crate) fn needs_settings(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::UnsupportedSASLMechanism
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::SSL
    )
}

/// True for errors that say the topic or the partition is not there.
pub(crate) fn says_unknown(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownTopicId
    )
}

#[cfg(test)]
mod tests;
