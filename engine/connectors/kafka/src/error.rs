//! Kafka's errors by what the operator must do about them.

use connector::{Message, SourceError};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::options::RECEIVE_BYTES;

/// No broker answers. `words` are the best that the client found to say, `error` is what it answered with.
pub(crate) fn unavailable(source: &str, brokers: &str, words: &str, error: &KafkaError) -> SourceError {
    SourceError::Unavailable {
        source: source.to_string(),
        what: Message::caused_by(format!("no answer from Kafka at {brokers}: {words}"), error),
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

/// True for errors that the same batch of records will give again and again: it cannot be decompressed, or not within the limit.
pub(crate) fn is_of_the_batch(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::BadCompression | RDKafkaErrorCode::MessageSizeTooLarge)
}

/// A batch of records that cannot be taken in. `words` are the client's, `limit` is what [`RECEIVE_BYTES`] is now.
pub(crate) fn batch_refused(source: &str, place: &str, words: &str, limit: &str) -> SourceError {
    SourceError::Settings {
        source: source.to_string(),
        what: format!(
            "{place} cannot be read: {words}; a batch of records is damaged, or it comes to more than {RECEIVE_BYTES} ({limit}) allows once it \
             is decompressed"
        )
        .into(),
        remedy: format!(
            "set \"{RECEIVE_BYTES}\" in [source.{source}.kafka] above what the batch comes to, if there is memory for that; let producers \
             write smaller batches (batch.size)"
        ),
    }
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
