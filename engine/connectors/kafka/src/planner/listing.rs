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
use crate::topic_identity::{PartitionIdentity, leader_epochs, topic_ids};
use crate::topics::TopicListing;

/// Age at which the list of partitions, their topics' ids and their first offsets are asked for again.
const METADATA_AGE: Duration = Duration::from_secs(1);

/// What the broker said.
pub(super) struct Listing {
    /// When partitions, ids and first offsets were asked for.
    asked: Instant,
    lows: Offsets,
    topic_ids: BTreeMap<String, String>,
    /// Every partition as it stands.
    pub(super) standings: PerSplit<Standing>,
}

impl Listing {
    fn new(
        (asked, lows, topic_ids): (Instant, Offsets, BTreeMap<String, String>),
        (highs, leader_epochs): (&Offsets, &PerSplit<i32>),
    ) -> Listing {
        let standing = |(at, low): (Split, &i64)| {
            let high = *highs.get(&at)?;
            let identity = PartitionIdentity {
                topic_id: topic_ids.get(&at.stream).cloned(),
                leader_epoch: leader_epochs.get(&at).copied(),
            };
            let reach = Available { low: (*low).min(high), high };
            Some((at, Standing { reach, identity, cut_to: None }))
        };
        let standings = lows.iter().filter_map(standing).collect();
        Listing { asked, lows, topic_ids, standings }
    }

    /// An answer about one partition, for tests; an empty id is none.
    #[cfg(test)]
    pub(super) fn said(at: &Split, reach: Available, topic_id: &str, leader_epoch: i32) -> Listing {
        let lows: Offsets = [(at.clone(), reach.low)].into_iter().collect();
        let highs: Offsets = [(at.clone(), reach.high)].into_iter().collect();
        let epochs = [(at.clone(), leader_epoch)].into_iter().collect();
        let ids = [(at.stream.clone(), topic_id.to_owned())].into_iter().filter(|(_, id)| !id.is_empty()).collect();
        Listing::new((Instant::now(), lows, ids), (&highs, &epochs))
    }

    /// Where each partition ended.
    pub(super) fn ends(&self) -> Offsets {
        self.standings.iter().map(|(at, standing)| (at, standing.reach.high)).collect()
    }
}

impl KafkaPlanner {
    /// Asks the broker for what is not known, or too old. `position`: where the job stands, which knows its topics.
    pub(super) fn ask(&self, listing: Option<&Listing>, position: Option<&LogPosition>) -> Result<Listing, Failure> {
        if let Some(listing) = listing.filter(|listing| listing.asked.elapsed() < METADATA_AGE) {
            match self.list_offsets(listing.lows.iter().map(|(at, _)| at), Offset::End) {
                Ok((highs, epochs)) => {
                    let known = (listing.asked, listing.lows.clone(), listing.topic_ids.clone());
                    return Ok(Listing::new(known, (&highs, &epochs)));
                }
                // A topic was deleted: the list of partitions must be asked for again.
                Err(error) if error.rdkafka_error_code().is_some_and(says_unknown) => {}
                Err(error) => return Err(Failure::Kafka(error)),
            }
        }
        let found = self.wanted.find(&self.consumer, ONE_TRY).map_err(Failure::Kafka)?;
        if let Some(error) = self.nothing_found(&found, position) {
            return Err(Failure::Missing(error));
        }
        let partitions = || {
            let topics = found.partitions.iter();
            topics.flat_map(|(topic, partitions)| {
                partitions.iter().map(|partition| Split::new(topic.clone(), *partition))
            })
        };
        // The ids first: offsets of a topic that is made anew in between are asked for once more, and so is the id.
        let names = found.partitions.keys().map(String::as_str);
        let topic_ids = topic_ids(&self.consumer, names, found.answered_by, ONE_TRY).map_err(Failure::Kafka)?;
        let (lows, _) = self.list_offsets(partitions(), Offset::Beginning).map_err(Failure::Kafka)?;
        let (highs, epochs) = self.list_offsets(partitions(), Offset::End).map_err(Failure::Kafka)?;
        Ok(Listing::new((Instant::now(), lows, topic_ids), (&highs, &epochs)))
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
            what,
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
