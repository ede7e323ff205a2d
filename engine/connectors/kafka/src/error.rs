//! Kafka's errors by what the operator must do about them.

use connector::SourceError;
use rdkafka::types::RDKafkaErrorCode;

/// No broker answers.
pub(crate) fn unavailable(source: &str, brokers: &str, what: &str) -> SourceError {
    SourceError::Unavailable {
        source: source.to_string(),
        what: format!("no answer from Kafka at {brokers}: {what}"),
        remedy: format!(
            "start the broker (`scripts/services start kafka` or `engine broker`), or correct `brokers` in [source.{source}]"
        ),
    }
}

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
