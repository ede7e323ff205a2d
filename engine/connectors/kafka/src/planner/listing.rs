//! What the broker is asked about topics and partitions, and its answers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use connector::SourceError;
use connector::log::{Available, LogPosition};
use epoch::offsets::Offsets;
use epoch::{PerSplit, Split};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::history::Standing;
use super::{Failure, KafkaPlanner, ONE_TRY};
use crate::error::says_unknown;
use crate::topic_identity::{Described, PartitionIdentity, describe_topics, leader_epochs};
use crate::topics::TopicListing;

/// Age at which the list of partitions, their topics' ids and their first offsets are asked for again.
const METADATA_AGE: Duration = Duration::from_secs(1);

/// What is asked for once in a while.
#[derive(Clone)]
struct Topics {
    /// When partitions, ids and first offsets were asked for.
    asked: Instant,
    lows: Offsets,
    ids: BTreeMap<String, String>,
    /// The broker that named them.
    answered_by: Option<i32>,
}

/// What the broker said.
pub(super) struct Listing {
    topics: Topics,
    /// Every partition as it stands.
    pub(super) standings: PerSplit<Standing>,
}

impl Listing {
    fn new(topics: Topics, (highs, leader_epochs): (&Offsets, &PerSplit<i32>)) -> Listing {
        let standing = |(at, low): (Split, &i64)| {
            let high = *highs.get(&at)?;
            let identity = PartitionIdentity {
                topic_id: topics.ids.get(&at.stream).cloned(),
                leader_epoch: leader_epochs.get(&at).copied(),
            };
            let reach = Available { low: (*low).min(high), high };
            Some((at, Standing { reach, identity, cut_to: None }))
        };
        let standings = topics.lows.iter().filter_map(standing).collect();
        Listing { topics, standings }
    }

    /// An answer about one partition, for tests; an empty id is none.
    #[cfg(test)]
    pub(super) fn said(at: &Split, reach: Available, topic_id: &str, leader_epoch: i32) -> Listing {
        let lows: Offsets = [(at.clone(), reach.low)].into_iter().collect();
        let highs: Offsets = [(at.clone(), reach.high)].into_iter().collect();
        let epochs = [(at.clone(), leader_epoch)].into_iter().collect();
        let ids = [(at.stream.clone(), topic_id.to_owned())].into_iter().filter(|(_, id)| !id.is_empty()).collect();
        Listing::new(Topics { asked: Instant::now(), lows, ids, answered_by: None }, (&highs, &epochs))
    }

    /// Where each partition ended.
    pub(super) fn ends(&self) -> Offsets {
        self.standings.iter().map(|(at, standing)| (at, standing.reach.high)).collect()
    }
}

impl KafkaPlanner {
    /// Asks the broker for what is not known, or too old. `position`: where the job stands, which knows its topics.
    pub(super) fn ask(&self, listing: Option<&Listing>, position: Option<&LogPosition>) -> Result<Listing, Failure> {
        let known = listing.map(|listing| &listing.topics);
        if let Some(topics) = known.filter(|topics| topics.asked.elapsed() < METADATA_AGE) {
            match self.list_offsets(topics.lows.iter().map(|(at, _)| at), Offset::End) {
                Ok((highs, epochs)) => return Ok(Listing::new(topics.clone(), (&highs, &epochs))),
                // A topic was deleted: the list of partitions must be asked for again.
                Err(error) if error.rdkafka_error_code().is_some_and(says_unknown) => {}
                Err(error) => return Err(Failure::Kafka(error)),
            }
        }
        if let Some((found, ids)) = known.and_then(|topics| self.described(topics))
            && let Ok(listing) = self.reach(&found, ids)
        {
            return Ok(listing);
        }
        // The question that also tells the client anew who leads the partitions.
        let (found, ids) = self.found(position)?;
        self.reach(&found, ids).map_err(Failure::Kafka)
    }

    /// How far the partitions reach. The ids were asked for before: offsets of a topic that is made anew in between are asked for once
    /// more, and so is the id.
    fn reach(&self, found: &TopicListing, ids: BTreeMap<String, String>) -> Result<Listing, KafkaError> {
        let partitions = || {
            let topics = found.partitions.iter();
            topics.flat_map(|(topic, partitions)| {
                partitions.iter().map(|partition| Split::new(topic.clone(), *partition))
            })
        };
        // Two questions that say nothing of each other: an epoch waits for one of them.
        let (lows, highs) = std::thread::scope(|scope| {
            let lows = scope.spawn(|| self.list_offsets(partitions(), Offset::Beginning));
            let highs = self.list_offsets(partitions(), Offset::End);
            (lows.join(), highs)
        });
        let (lows, _) = lows.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let (highs, epochs) = highs?;
        let topics = Topics { asked: Instant::now(), lows, ids, answered_by: found.answered_by };
        Ok(Listing::new(topics, (&highs, &epochs)))
    }

    /// Topics that are named and were there, with ids: one question has both their partitions and their ids. `None` if it has not the
    /// whole answer: then they are looked for as at first, whatever has become of them or of the broker that was asked.
    fn described(&self, known: &Topics) -> Option<(TopicListing, BTreeMap<String, String>)> {
        let names = self.wanted.names().filter(|names| names.iter().all(|name| known.ids.contains_key(name)))?;
        let broker = known.answered_by?;
        let described =
            describe_topics(&self.consumer, names.iter().map(String::as_str), Some(broker), ONE_TRY).ok()?;
        let is_whole = names.iter().all(|name| described.get(name).is_some_and(|topic| !topic.partitions.is_empty()));
        let mut found = TopicListing { answered_by: Some(broker), ..TopicListing::default() };
        let mut ids = BTreeMap::new();
        for (name, Described { id, partitions }) in is_whole.then_some(described)? {
            found.partitions.insert(name.clone(), partitions);
            ids.insert(name, id);
        }
        Some((found, ids))
    }

    /// Topics that are named, or match the pattern, and their ids.
    fn found(&self, position: Option<&LogPosition>) -> Result<(TopicListing, BTreeMap<String, String>), Failure> {
        let found = self.wanted.find(&self.consumer, ONE_TRY).map_err(Failure::Kafka)?;
        if let Some(error) = self.nothing_found(&found, position) {
            return Err(Failure::Missing(error));
        }
        let names = found.partitions.keys().map(String::as_str);
        let described = describe_topics(&self.consumer, names, found.answered_by, ONE_TRY).map_err(Failure::Kafka)?;
        let ids = described.into_iter().map(|(name, topic)| (name, topic.id)).collect();
        Ok((found, ids))
    }

    /// Topics that the job file names and that are not there, unless the job has read them: then they were there.
    fn nothing_found(&self, found: &TopicListing, position: Option<&LogPosition>) -> Option<SourceError> {
        let brokers = &self.settings.brokers;
        let was_read = |topic: &String| position.is_some_and(|position| position.offsets.0.contains_key(topic));
        let missing: Vec<&str> = found.missing.iter().filter(|topic| !was_read(topic)).map(String::as_str).collect();
        let what = match missing.as_slice() {
            [] => return None,
            [topic] => format!("topic {topic} does not exist on the brokers {brokers}"),
            topics => format!("topics {} do not exist on the brokers {brokers}", topics.join(", ")),
        };
        let topic = missing[0];
        Some(SourceError::Settings {
            source: self.source.clone(),
            what: what.into(),
            remedy: format!(
                "correct `topic` in [source.{}], or make it: `engine generate ecommerce --topic {topic}` fills it with events, \
                 `kafka-topics.sh --create --topic {topic} --partitions 12 --bootstrap-server {brokers}` makes it empty",
                self.source
            ),
        })
    }

    /// One offset of every partition and the epoch of its leader, in one request per broker. librdkafka's question by time also takes the two
    /// logical offsets, and it passes the isolation level on: the end is the last stable offset where that is asked for.
    pub(super) fn list_offsets(
        &self,
        partitions: impl Iterator<Item = Split>,
        which: Offset,
    ) -> Result<(Offsets, PerSplit<i32>), KafkaError> {
        let mut list = TopicPartitionList::new();
        for at in partitions {
            list.add_partition_offset(&at.stream, at.partition, which)?;
        }
        if list.count() == 0 {
            return Ok(Default::default());
        }
        let answer = self.consumer.offsets_for_times(list, ONE_TRY)?;
        let mut offsets = Offsets::default();
        for element in answer.elements() {
            element.error()?;
            let offset = element.offset().to_raw().unwrap_or(-1);
            offsets.insert(Split::new(element.topic(), element.partition()), offset);
        }
        Ok((offsets, leader_epochs(&answer)))
    }
}

#[cfg(test)]
mod tests;
