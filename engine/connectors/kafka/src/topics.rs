//! Which topics a source reads, and which partitions they have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use regex::Regex;

use super::context::Consumer;
use crate::settings::Topics;
use connector::{Message, SourceError};

use super::error::says_unknown;

/// The topics named in the job file, or the pattern that chooses them.
pub(crate) enum TopicSelection {
    Named(Vec<String>),
    Matching(Regex),
}

/// What the broker said about the topics.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct TopicListing {
    /// Partitions of each topic that exists.
    pub(crate) partitions: BTreeMap<String, BTreeSet<i32>>,
    /// Named topics that do not exist.
    pub(crate) missing: Vec<String>,
    /// The broker that answered.
    pub(crate) answered_by: Option<i32>,
}

impl TopicSelection {
    pub(crate) fn new(source: &str, topics: &Topics) -> Result<TopicSelection, SourceError> {
        match topics {
            Topics::Named(names) => Ok(TopicSelection::Named(names.clone())),
            // The whole name must match, as in Spark's `subscribePattern`.
            Topics::Pattern(pattern) => match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(pattern) => Ok(TopicSelection::Matching(pattern)),
                Err(error) => Err(SourceError::Settings {
                    source: source.to_string(),
                    what: Message::caused_by(format!("`topic_pattern` is not a regular expression: {error}"), &error),
                    remedy: format!("correct `topic_pattern` in [source.{source}], for example \"events-.*\""),
                }),
            },
        }
    }

    /// Asks the broker, at most for `timeout` for each topic.
    pub(crate) fn find(&self, consumer: &Consumer, timeout: Duration) -> Result<TopicListing, KafkaError> {
        let mut found = TopicListing::default();
        match self {
            TopicSelection::Named(names) => {
                for name in names {
                    found.take_in(consumer, Some(name), timeout, |_| true)?;
                }
            }
            TopicSelection::Matching(pattern) => {
                // Names that begin with two underscores are Kafka's own.
                found.take_in(consumer, None, timeout, |name| !name.starts_with("__") && pattern.is_match(name))?;
            }
        }
        Ok(found)
    }

    /// The topics, if they are named.
    pub(crate) fn names(&self) -> Option<&[String]> {
        match self {
            TopicSelection::Named(names) => Some(names),
            TopicSelection::Matching(_) => None,
        }
    }

    /// The setting, for texts.
    pub(crate) fn describe(&self) -> String {
        match self {
            TopicSelection::Named(names) => names.join(", "),
            TopicSelection::Matching(pattern) => format!("matching {pattern}"),
        }
    }
}

impl TopicListing {
    fn take_in(
        &mut self,
        consumer: &Consumer,
        topic: Option<&str>,
        timeout: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), KafkaError> {
        let metadata = consumer.fetch_metadata(topic, timeout)?;
        self.answered_by = Some(metadata.orig_broker_id());
        for topic in metadata.topics().iter().filter(|topic| wanted(topic.name())) {
            match topic.error().map(RDKafkaErrorCode::from) {
                None => {
                    let partitions = topic.partitions().iter().map(|partition| partition.id()).collect();
                    self.partitions.insert(topic.name().to_string(), partitions);
                }
                Some(code) if says_unknown(code) => self.missing.push(topic.name().to_string()),
                // Being made or moving: the next question will have an answer.
                Some(code) => return Err(KafkaError::MetadataFetch(code)),
            }
        }
        Ok(())
    }
}
