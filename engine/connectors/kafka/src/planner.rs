//! The planning side: which partitions there are, how far they reach, where to begin, and whether anything is gone.

mod history;
mod listing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use connector::log::{Available, Backlog, LogPosition};
use connector::{DataLoss, Message, SourceError};
use epoch::offsets::{OffsetRange, Offsets};
use epoch::{DataGap, PerSplit, Split};
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::context::{Consumer, Context};
use super::error::{says_unknown, unavailable};
use super::options::{Role, client_config, refused};
use super::probe::end_before;
use super::topic_identity::PartitionIdentity;
use super::topics::TopicSelection;
use crate::settings::{KafkaSettings, OnDataLoss, StartingOffsets};
use history::{History, Reported, Standing, doubts, history, reported};
use listing::Listing;

/// How long the first contact with the broker may take.
const FIRST_CONTACT: Duration = Duration::from_secs(10);
/// How long one question to the broker may take before it is asked again.
const ONE_TRY: Duration = Duration::from_secs(2);
/// How often an absent broker is warned about.
const WARN_EVERY: Duration = Duration::from_secs(5);
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// Time between two questions about what is hard to believe.
const DOUBT_PAUSE: Duration = Duration::from_millis(200);
/// How long a topic may be missing at first contact: a broker that has just started does not know its topics yet.
const MISSING_AFTER: Duration = Duration::from_secs(2);

/// Metadata side of a source. Owned by the planning thread, a plain one: its client must not be dropped on an async runtime.
pub struct KafkaPlanner {
    source: String,
    settings: KafkaSettings,
    group: String,
    wanted: TopicSelection,
    consumer: Consumer,
    stop: Arc<AtomicBool>,
    listing: Option<Listing>,
    gone: BTreeSet<Split>,
    /// Where the records end that were written up to a position: asked once for each position and leader.
    probed: BTreeMap<(Split, i64), Probed>,
    /// Partitions of which it was said that what an earlier run stopped for is there.
    found_again: BTreeSet<Split>,
}

/// An answer about the records up to a position, under a leader then and a leader now.
struct Probed {
    question: (i64, i32, i32),
    cut_to: Option<i64>,
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
            group: group.to_string(),
            wanted: TopicSelection::new(source, &settings.topics)?,
            consumer,
            stop: Arc::default(),
            listing: None,
            gone: BTreeSet::new(),
            probed: BTreeMap::new(),
            found_again: BTreeSet::new(),
        })
    }

    /// Once the flag is set, waiting for an absent broker ends with [`SourceError::Stopped`].
    pub fn stop_on(&mut self, stop: Arc<AtomicBool>) {
        self.stop = stop;
    }

    /// As [`KafkaPlanner::available_from`], for a job that stands nowhere yet.
    ///
    /// # Errors
    /// As there.
    pub fn available(&mut self) -> Result<PerSplit<Available>, SourceError> {
        self.available_from(None)
    }

    /// All partitions of the source's topics now, and how far each reaches.
    ///
    /// End offsets are asked for on every call; the list of partitions (new topics of a pattern, new partitions), the topics' ids and
    /// the first offsets at most once a second. A broker that was there before and is away is waited for. What contradicts where the
    /// job stands is asked for again for some seconds before it is believed: a broker that is starting, or a leader that was just
    /// elected, may know less than it will in a moment.
    ///
    /// # Errors
    /// No answer to the first question within ten seconds, a named topic that does not exist, missing rights, or stopped.
    pub fn available_from(&mut self, position: Option<&LogPosition>) -> Result<PerSplit<Available>, SourceError> {
        self.serve_events(Duration::ZERO);
        let before = self.listing.take();
        let now = self.patiently(before.is_none(), |planner| planner.ask(before.as_ref(), position))?;
        let nowhere = LogPosition::default();
        let position = position.unwrap_or(&nowhere);
        let ends = before.map(|before| before.ends()).unwrap_or_default();
        let mut now = self.confirmed(now, position, &ends)?;
        self.find_cuts(&mut now, position)?;
        let available = now.standings.iter().map(|(at, standing)| (at, standing.reach)).collect();
        self.listing = Some(now);
        Ok(available)
    }

    /// Asks again until an answer has stood long enough.
    fn confirmed(&self, mut now: Listing, position: &LogPosition, ends: &Offsets) -> Result<Listing, SourceError> {
        let doubts_about = |answer: &Listing| doubts(&answer.standings, position, ends, |at| self.gone.contains(at));
        let mut doubted = doubts_about(&now);
        let (mut since, mut warned) = (Instant::now(), None::<Instant>);
        while let Some(enough) = doubted.values().map(|doubt| doubt.stands_after()).max() {
            if since.elapsed() >= enough {
                break;
            }
            if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
                warned = Some(Instant::now());
                let partitions: Vec<String> = doubted.keys().map(Split::to_string).collect();
                tracing::warn!(
                    source = self.source,
                    partitions = partitions.join(", "),
                    "the broker's answer contradicts what was read: asking again before it is believed"
                );
            }
            self.serve_events(DOUBT_PAUSE);
            if self.stop.load(Ordering::Relaxed) {
                return Err(SourceError::Stopped);
            }
            let asked = Instant::now();
            now = self.patiently(false, |planner| planner.ask(None, Some(position)))?;
            let again = doubts_about(&now);
            // Another answer, or one that had to be waited for, says nothing about how long this one stands.
            if again != doubted || asked.elapsed() >= ONE_TRY {
                since = Instant::now();
            }
            doubted = again;
        }
        Ok(now)
    }

    /// Partitions with a new leader: the new one's log may have been cut back before it grew past where the job stands.
    fn find_cuts(&mut self, now: &mut Listing, position: &LogPosition) -> Result<(), SourceError> {
        for (at, from) in position.offsets.iter() {
            let Some(standing) = now.standings.get(&at) else { continue };
            let known = PartitionIdentity::of(position.identity.get(&at));
            let Some((then, leader)) = known.leader_epoch.zip(standing.identity.leader_epoch) else { continue };
            let ids = known.topic_id.as_ref().zip(standing.identity.topic_id.as_ref());
            let is_other = ids.is_some_and(|(known, now)| known != now);
            if leader <= then || is_other || *from <= standing.reach.low {
                continue;
            }
            let cut_to = self.cut_to(&at, (*from, then, leader))?;
            let found = Standing { cut_to, ..standing.clone() };
            now.standings.insert(at, found);
        }
        Ok(())
    }

    /// Asks for as long as it takes: the plan keeps the new leader's epoch, so nobody would ask again.
    fn cut_to(&mut self, at: &Split, question: (i64, i32, i32)) -> Result<Option<i64>, SourceError> {
        let (position, leader_epoch, leader) = question;
        let place = (at.clone(), position);
        if let Some(probed) = self.probed.get(&place).filter(|probed| probed.question == question) {
            return Ok(probed.cut_to);
        }
        let config = client_config(&self.source, &self.settings, &self.group, Role::Planner)?;
        let cut_to = self.patiently(false, |planner| {
            end_before(config.clone(), &planner.source, at, position, leader_epoch).map_err(Failure::Kafka)
        })?;
        self.probed.retain(|(split, _), probed| split != at || probed.question.2 == leader);
        self.probed.insert(place, Probed { question, cut_to });
        Ok(cut_to)
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
    /// [`SourceError::DataLoss`] with all partitions in which records between the position and the end are gone, or were found to be by
    /// the run before, if the job must stop then.
    pub fn backlog(&mut self, position: &LogPosition, available: &PerSplit<Available>) -> Result<Backlog, SourceError> {
        let mut backlog = Backlog::default();
        for (at, reach) in available.iter() {
            let now = self.standing(&at, *reach);
            let mut identity = now.identity.clone();
            let from = match position.offsets.get(&at) {
                None => reach.low,
                Some(from) => {
                    let known = PartitionIdentity::of(position.identity.get(&at));
                    let history = history(*from, &known, &now);
                    // An answer that leaves the id out does not make it unknown.
                    if history != History::MadeAnew {
                        identity.topic_id = identity.topic_id.or_else(|| known.topic_id.clone());
                    }
                    let reported = position.reported_of(&at).filter(|_| history == History::Continued);
                    let again = reported.map(|gap| self.told_again(&at, gap, (*from, &known, &now))).transpose()?;
                    match again.flatten() {
                        Some((next, gap)) => {
                            backlog.gaps.push(gap);
                            next
                        }
                        None => {
                            backlog.gaps.extend(history.gap(&at, *from, *reach));
                            history.next(*from, *reach)
                        }
                    }
                }
            };
            self.gone.remove(&at);
            if let Some(identity) = identity.to_identity() {
                backlog.identity.insert(at.clone(), identity);
            }
            backlog.latest.insert(at.clone(), reach.high);
            backlog.ranges.insert(at, OffsetRange { from, until: reach.high });
        }
        let gone: Vec<_> = position.offsets.iter().filter(|(at, _)| available.get(at).is_none()).collect();
        for (at, from) in &gone {
            if let Some(identity) = position.identity.get(at) {
                backlog.identity.insert(at.clone(), identity.clone());
            }
            self.keep_gone(at, **from, &mut backlog);
        }
        self.accept(&backlog.gaps)?;
        self.gone.extend(gone.into_iter().map(|(at, _)| at));
        Ok(backlog)
    }

    /// What the run before stopped for, where the partition shows nothing of it now: where the job goes on, and what is told again.
    fn told_again(
        &mut self,
        at: &Split,
        gap: &DataGap,
        (from, known, now): (i64, &PartitionIdentity, &Standing),
    ) -> Result<Option<(i64, DataGap)>, SourceError> {
        let told = match reported(gap, from, known, now) {
            Reported::Over => None,
            // What the plan skips, or goes back over, is what the gap says.
            Reported::Again { next } if next != from => Some((next, DataGap { until: next.into(), ..gap.clone() })),
            Reported::Again { next } => Some((next, gap.clone())),
            Reported::Ask { until, question } => {
                let cut_to = self.cut_to(at, question)?;
                cut_to.map(|end| (from, DataGap { from: end.max(from).into(), until: until.into(), ..gap.clone() }))
            }
        };
        if told.is_none() && self.found_again.insert(at.clone()) {
            tracing::warn!(
                source = self.source,
                topic = at.stream,
                partition = at.partition,
                from = %gap.from,
                until = %gap.until,
                "records that the job stopped for as lost are there: it goes on"
            );
        }
        Ok(told)
    }

    /// What the broker said of a partition, as far as the run reads it.
    fn standing(&self, at: &Split, reach: Available) -> Standing {
        let said = self.listing.as_ref().and_then(|listing| listing.standings.get(at));
        match said {
            Some(said) => Standing { reach, ..said.clone() },
            None => Standing { reach, identity: PartitionIdentity::default(), cut_to: None },
        }
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
    fn keep_gone(&self, at: &Split, from: i64, backlog: &mut Backlog) {
        if !self.gone.contains(at) {
            backlog.gaps.push(DataGap {
                stream: at.stream.clone(),
                partition: at.partition,
                from: from.into(),
                until: from.into(),
                reason: format!(
                    "the partition is gone: its topic was deleted, or no longer belongs to the source; what it held from {from} on is lost"
                ),
            });
        }
        backlog.latest.insert(at.clone(), from);
        backlog.ranges.insert(at.clone(), OffsetRange { from, until: from });
    }

    /// Goes on without lost records if the job file says so. Else all of them are named at once: whoever goes on without some knows of
    /// the others.
    fn accept(&self, gaps: &[DataGap]) -> Result<(), SourceError> {
        if self.settings.on_data_loss == OnDataLoss::Stop {
            let loss = DataLoss::of(&self.source, gaps);
            return loss.map_or(Ok(()), |loss| Err(SourceError::DataLoss(Box::new(loss))));
        }
        for gap in gaps {
            tracing::warn!(
                source = self.source,
                topic = gap.stream,
                partition = gap.partition,
                from = %gap.from,
                until = %gap.until,
                reason = gap.reason,
                "data was lost; going on, as on_data_loss says"
            );
        }
        Ok(())
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
            what: what.into(),
            remedy: format!("{remedy} ([source.{}])", self.source),
        }
    }

    /// The first record at or after a time; the end, where there is none.
    fn offsets_at(&mut self, timestamp_ms: i64, available: &PerSplit<Available>) -> Result<Offsets, SourceError> {
        let found = self.patiently(false, |planner| {
            planner
                .list_offsets(available.iter().map(|(at, _)| at), Offset::Offset(timestamp_ms))
                .map(|(offsets, _)| offsets)
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
                Err(Failure::Missing(error)) if begun.elapsed() >= MISSING_AFTER => return Err(error),
                Err(Failure::Missing(_)) => KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition),
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
                return Err(unavailable(&self.source, &self.settings.brokers, &what, &error));
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
            what: Message::caused_by(format!("{} refused: {error}", self.wanted.describe()), error),
            remedy: format!("give the user of [source.{}.kafka] the right to describe and read the topic", self.source),
        })
    }
}

/// Why a question has no answer.
enum Failure {
    Kafka(KafkaError),
    /// A topic that the job file names is not there.
    Missing(SourceError),
}

#[cfg(test)]
mod tests;
