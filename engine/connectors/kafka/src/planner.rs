//! The planning side: which partitions there are, how far they reach, where to begin, and whether anything is gone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use connector::log::{Available, Backlog};
use connector::{DataLoss, SourceError};
use epoch::offsets::{OffsetRange, Offsets};
use epoch::{DataGap, PerSplit, Split};
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::context::{Consumer, Context};
use super::error::{says_unknown, unavailable};
use super::options::{Role, client_config, refused};
use super::topics::{TopicListing, TopicSelection};
use crate::settings::{KafkaSettings, OnDataLoss, StartingOffsets};

/// How long the first contact with the broker may take.
const FIRST_CONTACT: Duration = Duration::from_secs(10);
/// How long one question to the broker may take before it is asked again.
const ONE_TRY: Duration = Duration::from_secs(2);
/// Age at which the list of partitions and their first offsets are asked for again.
const METADATA_AGE: Duration = Duration::from_secs(1);
/// How often an absent broker is warned about.
const WARN_EVERY: Duration = Duration::from_secs(5);
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// End offsets that went back are asked for this often before they are believed (KAFKA-7703: a new leader may lag for a moment).
const BACKWARD_TRIES: u32 = 3;

/// Metadata side of a source. Owned by the planning thread, a plain one: its client must not be dropped on an async runtime.
pub struct KafkaPlanner {
    source: String,
    settings: KafkaSettings,
    wanted: TopicSelection,
    consumer: Consumer,
    stop: Arc<AtomicBool>,
    listing: Option<Listing>,
    gone: BTreeSet<Split>,
}

/// Answers of the broker that are not asked for every time.
struct Listing {
    asked: Instant,
    lows: Offsets,
    highs: Offsets,
}

impl Listing {
    fn went_back(&self, before: &Listing) -> bool {
        before.highs.iter().any(|(at, high)| self.highs.get(&at).is_some_and(|now| now < high))
    }
}

impl KafkaPlanner {
    /// Makes the client; the broker is first asked by [`KafkaPlanner::available`].
    ///
    /// # Errors
    /// Settings that librdkafka does not know or accept.
    pub fn open(source: &str, settings: &KafkaSettings, group: &str) -> Result<Self, SourceError> {
        let config = client_config(source, settings, group, Role::Planner)?;
        let consumer = config.create_with_context(Context::new(source)).map_err(|error| refused(source, error))?;
        Ok(KafkaPlanner {
            source: source.to_string(),
            settings: settings.clone(),
            wanted: TopicSelection::new(source, &settings.topics)?,
            consumer,
            stop: Arc::default(),
            listing: None,
            gone: BTreeSet::new(),
        })
    }

    /// Once the flag is set, waiting for an absent broker ends with [`SourceError::Stopped`].
    pub fn stop_on(&mut self, stop: Arc<AtomicBool>) {
        self.stop = stop;
    }

    /// All partitions of the source's topics now, and how far each reaches.
    ///
    /// End offsets are asked for on every call; the list of partitions (new topics of a pattern, new partitions) and
    /// the first offsets at most once a second. A broker that was there before and is away is waited for.
    ///
    /// # Errors
    /// No answer to the first question within ten seconds, a named topic that does not exist, missing rights, or stopped.
    pub fn available(&mut self) -> Result<PerSplit<Available>, SourceError> {
        self.serve_events(Duration::ZERO);
        let before = self.listing.take();
        let mut tries = 0;
        let now = loop {
            let now = self.patiently(before.is_none(), |planner| planner.ask(before.as_ref()))?;
            let went_back = before.as_ref().is_some_and(|before| now.went_back(before));
            if !went_back || tries == BACKWARD_TRIES {
                break now;
            }
            tries += 1;
            self.serve_events(PAUSE);
        };
        let reach = |(at, low): (Split, &i64)| {
            let high = *now.highs.get(&at)?;
            Some((at, Available { low: (*low).min(high), high }))
        };
        let available = now.lows.iter().filter_map(reach).collect();
        self.listing = Some(now);
        Ok(available)
    }

    /// Where a new job begins.
    ///
    /// # Errors
    /// Offsets that leave out a partition or name one that does not exist; or the broker does not answer.
    pub fn starting(&mut self, available: &PerSplit<Available>) -> Result<Offsets, SourceError> {
        match self.settings.starting_offsets.clone() {
            StartingOffsets::Earliest => Ok(available.iter().map(|(at, reach)| (at, reach.low)).collect()),
            StartingOffsets::Latest => Ok(available.iter().map(|(at, reach)| (at, reach.high)).collect()),
            StartingOffsets::Offsets(named) => self.named_offsets(&PerSplit(named), available),
            StartingOffsets::TimestampMs(timestamp_ms) => self.offsets_at(timestamp_ms, available),
        }
    }

    /// What there is to read from `position` on; partitions that it does not name begin at their first offset.
    ///
    /// # Errors
    /// [`SourceError::DataLoss`] if records between the position and the end are gone and the job must stop then.
    pub fn backlog(
        &mut self,
        position: Option<&Offsets>,
        available: &PerSplit<Available>,
    ) -> Result<Backlog, SourceError> {
        let mut backlog = Backlog::default();
        for (at, reach) in available.iter() {
            let from = position.and_then(|position| position.get(&at)).copied();
            let range = match from {
                None => OffsetRange { from: reach.low, until: reach.high },
                Some(from) if (reach.low..=reach.high).contains(&from) => OffsetRange { from, until: reach.high },
                Some(from) => {
                    let gap = gap_at(&at, from, *reach);
                    self.accept(&gap)?;
                    backlog.gaps.push(gap);
                    OffsetRange { from: reach.low, until: reach.high }
                }
            };
            self.gone.remove(&at);
            backlog.latest.insert(at.clone(), reach.high);
            backlog.ranges.insert(at, range);
        }
        for (at, from) in position.into_iter().flat_map(PerSplit::iter) {
            if available.get(&at).is_none() {
                self.keep_gone(at, *from, &mut backlog)?;
            }
        }
        Ok(backlog)
    }

    /// Commits offsets to the consumer group, so that lag tools see them. Best effort: nobody waits, no failure matters.
    pub fn commit_group(&self, offsets: &Offsets) {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (at, offset) in offsets.iter() {
            if let Err(error) = list.add_partition_offset(&at.stream, at.partition, Offset::Offset(*offset)) {
                tracing::debug!(source = self.source, %at, %error, "offset not committed to the group");
            }
        }
        if list.count() > 0
            && let Err(error) = self.consumer.commit(&list, CommitMode::Async)
        {
            tracing::debug!(source = self.source, %error, "offsets not committed to the group");
        }
    }

    /// A partition that is no longer there keeps its place with an empty range, and is reported once.
    fn keep_gone(&mut self, at: Split, from: i64, backlog: &mut Backlog) -> Result<(), SourceError> {
        let gap = DataGap {
            stream: at.stream.clone(),
            partition: at.partition,
            from: from.into(),
            until: from.into(),
            reason: "the partition is gone: its topic was deleted, or no longer belongs to the source".to_string(),
        };
        if !self.gone.contains(&at) {
            self.accept(&gap)?;
            self.gone.insert(at.clone());
            backlog.gaps.push(gap);
        }
        backlog.latest.insert(at.clone(), from);
        backlog.ranges.insert(at, OffsetRange { from, until: from });
        Ok(())
    }

    /// Goes on without lost records if the job file says so.
    fn accept(&self, gap: &DataGap) -> Result<(), SourceError> {
        match self.settings.on_data_loss {
            OnDataLoss::Continue => {
                tracing::warn!(
                    source = self.source,
                    topic = gap.stream,
                    partition = gap.partition,
                    from = %gap.from,
                    until = %gap.until,
                    reason = gap.reason,
                    "data was lost; going on, as on_data_loss says"
                );
                Ok(())
            }
            OnDataLoss::Stop => Err(SourceError::DataLoss(Box::new(DataLoss {
                source: self.source.clone(),
                stream: gap.stream.clone(),
                partition: gap.partition,
                from: gap.from.clone(),
                until: gap.until.clone(),
                reason: gap.reason.clone(),
            }))),
        }
    }

    fn named_offsets(&self, named: &Offsets, available: &PerSplit<Available>) -> Result<Offsets, SourceError> {
        let missing: Vec<_> =
            available.iter().filter(|(at, _)| named.get(at).is_none()).map(|(at, _)| at.to_string()).collect();
        if !missing.is_empty() {
            return Err(self.starting_error(
                format!("`starting_offsets` leaves out {}", missing.join(", ")),
                "name every partition: an offset, -2 for its first record or -1 for its end",
            ));
        }
        let unknown: Vec<_> =
            named.iter().filter(|(at, _)| available.get(at).is_none()).map(|(at, _)| at.to_string()).collect();
        if !unknown.is_empty() {
            return Err(self.starting_error(
                format!("`starting_offsets` names {}, which the topics do not have", unknown.join(", ")),
                "remove them, or correct the topic",
            ));
        }
        let resolve = |at: Split, offset: i64| {
            let reach = available.get(&at)?;
            Some((
                at,
                match offset {
                    -2 => reach.low,
                    -1 => reach.high,
                    offset => offset,
                },
            ))
        };
        Ok(named.iter().filter_map(|(at, offset)| resolve(at, *offset)).collect())
    }

    fn starting_error(&self, what: String, remedy: &str) -> SourceError {
        SourceError::Settings {
            source: self.source.clone(),
            what,
            remedy: format!("{remedy} ([source.{}])", self.source),
        }
    }

    /// The first record at or after a time; the end, where there is none.
    fn offsets_at(&mut self, timestamp_ms: i64, available: &PerSplit<Available>) -> Result<Offsets, SourceError> {
        let found = self.patiently(false, |planner| {
            planner
                .list_offsets(available.iter().map(|(at, _)| at), Offset::Offset(timestamp_ms))
                .map_err(Failure::Kafka)
        })?;
        Ok(available
            .iter()
            .map(|(at, reach)| {
                let offset = found.get(&at).copied().filter(|offset| *offset >= 0).unwrap_or(reach.high);
                (at, offset)
            })
            .collect())
    }

    /// Asks the broker for what is not known, or too old.
    fn ask(&self, listing: Option<&Listing>) -> Result<Listing, Failure> {
        if let Some(listing) = listing.filter(|listing| listing.asked.elapsed() < METADATA_AGE) {
            match self.list_offsets(listing.lows.iter().map(|(at, _)| at), Offset::End) {
                Ok(highs) => return Ok(Listing { asked: listing.asked, lows: listing.lows.clone(), highs }),
                // A topic was deleted: the list of partitions must be asked for again.
                Err(error) if error.rdkafka_error_code().is_some_and(says_unknown) => {}
                Err(error) => return Err(Failure::Kafka(error)),
            }
        }
        let found = self.wanted.find(&self.consumer, ONE_TRY).map_err(Failure::Kafka)?;
        if listing.is_none()
            && let Some(error) = self.nothing_found(&found)
        {
            return Err(Failure::Final(error));
        }
        let partitions = || {
            let topics = found.partitions.iter();
            topics.flat_map(|(topic, partitions)| {
                partitions.iter().map(|partition| Split::new(topic.clone(), *partition))
            })
        };
        let lows = self.list_offsets(partitions(), Offset::Beginning).map_err(Failure::Kafka)?;
        let highs = self.list_offsets(partitions(), Offset::End).map_err(Failure::Kafka)?;
        Ok(Listing { asked: Instant::now(), lows, highs })
    }

    fn nothing_found(&self, found: &TopicListing) -> Option<SourceError> {
        let brokers = &self.settings.brokers;
        let what = if found.missing.is_empty() {
            return None;
        } else if found.missing.len() == 1 {
            format!("topic {} does not exist on the brokers {brokers}", found.missing[0])
        } else {
            format!("topics {} do not exist on the brokers {brokers}", found.missing.join(", "))
        };
        let topic = &found.missing[0];
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

    /// One offset of every partition, in one request per broker. librdkafka's question by time also takes the two
    /// logical offsets, and it passes the isolation level on: the end is the last stable offset where that is asked for.
    fn list_offsets(&self, partitions: impl Iterator<Item = Split>, which: Offset) -> Result<Offsets, KafkaError> {
        let mut list = TopicPartitionList::new();
        for at in partitions {
            list.add_partition_offset(&at.stream, at.partition, which)?;
        }
        if list.count() == 0 {
            return Ok(Offsets::default());
        }
        let answer = self.consumer.offsets_for_times(list, ONE_TRY)?;
        let mut offsets = Offsets::default();
        for element in answer.elements() {
            element.error()?;
            let offset = element.offset().to_raw().unwrap_or(-1);
            offsets.insert(Split::new(element.topic(), element.partition()), offset);
        }
        Ok(offsets)
    }

    /// Asks until there is an answer: ten seconds at first contact, later for as long as it takes.
    fn patiently<T>(&self, first: bool, ask: impl Fn(&Self) -> Result<T, Failure>) -> Result<T, SourceError> {
        let begun = Instant::now();
        let mut warned = begun;
        loop {
            let error = match ask(self) {
                Ok(answer) => {
                    self.consumer.context().answered();
                    return Ok(answer);
                }
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Kafka(error)) => error,
            };
            self.serve_events(PAUSE);
            // Later the same errors may come from a broker that is just starting, and pass.
            if first && let Some(error) = self.consumer.context().settings_error() {
                return Err(error);
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(SourceError::Stopped);
            }
            let what = self.consumer.context().last_error().unwrap_or_else(|| error.to_string());
            if let Some(error) = self.hopeless(&error) {
                return Err(error);
            }
            if first && begun.elapsed() >= FIRST_CONTACT {
                return Err(unavailable(&self.source, &self.settings.brokers, &what));
            }
            if warned.elapsed() >= WARN_EVERY {
                warned = Instant::now();
                tracing::warn!(
                    source = self.source,
                    brokers = self.settings.brokers,
                    topics = self.wanted.describe(),
                    waited_s = begun.elapsed().as_secs(),
                    "waiting for Kafka: {what}"
                );
            }
        }
    }

    /// Lets the client report what happened, for this long; an absent broker makes it report without end.
    fn serve_events(&self, time: Duration) {
        let begun = Instant::now();
        while self.consumer.poll(time.saturating_sub(begun.elapsed())).is_some() || begun.elapsed() < time {
            if begun.elapsed() >= time.max(PAUSE) {
                return;
            }
        }
    }

    /// Errors of a question that asking again will not change.
    fn hopeless(&self, error: &KafkaError) -> Option<SourceError> {
        let code = error.rdkafka_error_code()?;
        if !super::error::needs_settings(code) || says_unknown(code) {
            return None;
        }
        Some(SourceError::Settings {
            source: self.source.clone(),
            what: format!("{} refused: {error}", self.wanted.describe()),
            remedy: format!("give the user of [source.{}.kafka] the right to describe and read the topic", self.source),
        })
    }
}

/// Why a question has no answer.
enum Failure {
    Kafka(KafkaError),
    Final(SourceError),
}

/// What is missing between a position and what the broker holds.
fn gap_at(at: &Split, from: i64, reach: Available) -> DataGap {
    let Available { low, high } = reach;
    let reason = if from < low {
        format!("the broker now begins at {low}: retention removed the records")
    } else {
        format!("the broker ends at {high}: the topic was made anew or cut back")
    };
    DataGap { stream: at.stream.clone(), partition: at.partition, from: from.into(), until: low.into(), reason }
}

#[cfg(test)]
mod tests;
