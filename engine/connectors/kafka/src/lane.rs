//! A lane: one consumer on one plain thread, which reads exactly the ranges it is asked for, partition by partition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use connector::log::{LogProgress, LogReader};
use connector::{DataLoss, Message, Record, SourceError};
use epoch::offsets::Offsets;
use epoch::{DataGap, Split};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::batch::{BATCH_MAX, Batch, Kind, PartitionQueue};
use super::context::{Consumer, Context};
use super::error::{batch_refused, is_of_the_batch, needs_settings, says_unknown};
use super::options::{RECEIVE_BYTES, Role, client_config, refused};
use crate::settings::{KafkaSettings, OnDataLoss};

/// Bytes of prefetched records that a lane may hold, unless the job file says otherwise.
const BUFFER_BYTES: usize = 32 << 20;
/// How long a wait for one record lasts before the stop flag is looked at.
const WAIT: Duration = Duration::from_millis(100);
/// Events of the client served at once.
const EVENTS_MAX: usize = 100;
/// How long nothing may come before the broker is asked whether the records are still there.
const SUSPECT_AFTER: Duration = Duration::from_secs(1);
/// How often it is asked, and warned about, after that.
const SUSPECT_EVERY: Duration = Duration::from_secs(3);
/// Two answers in a row must say that records are gone: one alone may come from a broker that is still starting.
const ANSWERS_NEEDED: u32 = 2;
/// How long the broker must say that a log is too short: a leader just elected may lag until its followers have answered.
const SHORT_AFTER: Duration = Duration::from_secs(3);
/// How long the broker must say that there is no such topic: one that starts learns of its topics within seconds.
const GONE_AFTER: Duration = Duration::from_secs(10);

/// Reads planned ranges. Owned by one fetch thread, a plain one: its client must not be dropped on an async runtime.
pub struct KafkaLane {
    source: String,
    settings: KafkaSettings,
    group: String,
    number: usize,
    buffer_bytes: usize,
    stop: Arc<AtomicBool>,
    // Queues and taken records go before the client they belong to.
    partitions: BTreeMap<Split, Partition>,
    client: Option<Client>,
}

/// The client, and how many partitions its queues were measured for.
struct Client {
    consumer: Arc<Consumer>,
    partitions_max: usize,
}

struct Partition {
    queue: PartitionQueue,
    /// Offset of the next record to hand over.
    position: i64,
    /// Records taken but not yet handed over.
    ahead: Batch,
    /// The broker said that nothing was written at or behind this offset: there is no record left before it that is not in `ahead`.
    end_seen: i64,
}

/// How far handing over came.
enum Progress {
    /// The range is exhausted.
    Complete,
    /// Enough for once: the bytes are reached.
    Enough,
    /// More must come from the broker.
    More,
    /// The next offset is not there.
    OutOfRange,
    /// The partition cannot be fetched now.
    Failed(RDKafkaErrorCode, String),
}

impl KafkaLane {
    /// Checks the settings; the client is made by the first [`KafkaLane::assign`], which knows how many partitions share its memory.
    ///
    /// # Errors
    /// Settings that librdkafka does not know or accept.
    pub fn open(source: &str, settings: &KafkaSettings, group: &str, lane_number: usize) -> Result<Self, SourceError> {
        client_config(source, settings, group, Role::Lane { number: lane_number, partition_bytes: BUFFER_BYTES })?;
        Ok(KafkaLane {
            source: source.to_string(),
            settings: settings.clone(),
            group: group.to_string(),
            number: lane_number,
            buffer_bytes: BUFFER_BYTES,
            stop: Arc::default(),
            partitions: BTreeMap::new(),
            client: None,
        })
    }

    /// Once the flag is set, waiting for records ends with [`SourceError::Stopped`].
    pub fn stop_on(&mut self, stop: Arc<AtomicBool>) {
        self.stop = stop;
    }

    /// Bytes of prefetched records that the lane may hold (32 MiB unless set). Takes effect when the client is made.
    pub fn set_buffer_bytes(&mut self, bytes: usize) {
        self.buffer_bytes = bytes;
    }

    /// Takes what is there without waiting; if there is nothing, waits a little for the first. True if something came.
    fn fetch(&mut self, at: &Split, until: i64) -> Result<bool, SourceError> {
        let Some(partition) = self.partitions.get_mut(at) else { return Ok(false) };
        let span = usize::try_from(until - partition.position).unwrap_or(BATCH_MAX);
        let mut taken = partition.queue.take(&mut partition.ahead, span, Duration::ZERO);
        if taken == Ok(0) {
            taken = partition.queue.take(&mut partition.ahead, 1, WAIT);
        }
        taken.map(|taken| taken > 0).map_err(|code| SourceError::Internal {
            source: self.source.clone(),
            what: Message::caused_by(format!("the queue of {at} cannot be read: {code}"), &code),
        })
    }

    /// Nothing came for a while: serves the client's events, looks at the stop flag, and asks whether the range is still there.
    fn wait(&mut self, at: &Split, until: i64, quiet: &mut Quiet) -> Result<Option<DataGap>, SourceError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(SourceError::Stopped);
        }
        let Some(consumer) = self.client.as_ref().map(|client| Arc::clone(&client.consumer)) else { return Ok(None) };
        serve_events(&consumer);
        if !quiet.ask_now() {
            return Ok(None);
        }
        let position = self.partitions.get(at).map_or(0, |partition| partition.position);
        match self.look(at, &consumer) {
            Ok(reach) => match quiet.is_believed(reach, position, until) {
                Some(true) => return self.lost(at, until, reach).map(Some),
                Some(false) => {}
                // The offset is there after all: a leader was not ready.
                None if quiet.is_out_of_range => {
                    quiet.is_out_of_range = false;
                    self.move_to(at, position)?;
                }
                None => {}
            },
            Err(error) => {
                quiet.doubted = None;
                quiet.reason = Some(consumer.context().last_error().unwrap_or(error));
            }
        }
        let why = quiet.reason.as_deref().unwrap_or("no records come");
        tracing::warn!(
            source = self.source,
            brokers = self.settings.brokers,
            topic = at.stream,
            partition = at.partition,
            position,
            until,
            waited_s = quiet.since.elapsed().as_secs(),
            "waiting for Kafka: {why}"
        );
        Ok(None)
    }

    /// The broker refused an offset: if it holds it after all (a leader that was not ready), asks again; if retention removed it, goes
    /// on behind the gap; anything else is waited for and must stand for some seconds.
    fn out_of_range(
        &mut self,
        at: &Split,
        until: i64,
        consumer: &Consumer,
        quiet: &mut Quiet,
    ) -> Result<Option<DataGap>, SourceError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(SourceError::Stopped);
        }
        let position = self.partitions.get(at).map_or(0, |partition| partition.position);
        match self.look(at, consumer) {
            Ok(Reach::From(low, high)) if low <= position && until <= high => self.move_to(at, position).map(|()| None),
            Ok(reach @ Reach::From(low, high)) if position < low && until <= high => {
                self.lost(at, until, reach).map(Some)
            }
            Ok(_) | Err(_) => {
                quiet.is_out_of_range = true;
                Ok(None)
            }
        }
    }

    /// What the broker holds of a partition now.
    fn look(&self, at: &Split, consumer: &Consumer) -> Result<Reach, String> {
        match consumer.fetch_watermarks(&at.stream, at.partition, SUSPECT_AFTER) {
            Ok((low, high)) => Ok(Reach::From(low, high)),
            Err(error) if error.rdkafka_error_code().is_some_and(says_unknown) => Ok(Reach::Gone),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Records of the range are gone: stops, or goes on behind the gap as the job file says.
    fn lost(&mut self, at: &Split, until: i64, reach: Reach) -> Result<DataGap, SourceError> {
        let from = self.partitions.get(at).map_or(0, |partition| partition.position);
        let (next, reason) = match reach {
            Reach::From(low, high) if from < low => (
                low.min(until),
                format!("the broker now begins at {low} and ends at {high}: retention removed the records"),
            ),
            Reach::From(low, high) => {
                (until, format!("the broker holds {low} to {high}: the log was cut back or the topic was made anew"))
            }
            Reach::Gone => (until, "the topic or partition was deleted".to_string()),
        };
        if self.settings.on_data_loss == OnDataLoss::Stop {
            return Err(SourceError::DataLoss(Box::new(DataLoss {
                source: self.source.clone(),
                stream: at.stream.clone(),
                partition: at.partition,
                from: from.into(),
                until: next.into(),
                reason,
                others: Vec::new(),
            })));
        }
        tracing::warn!(
            source = self.source,
            topic = at.stream,
            partition = at.partition,
            from,
            until = next,
            reason,
            "data was lost; going on, as on_data_loss says"
        );
        self.move_to(at, next)?;
        Ok(DataGap {
            stream: at.stream.clone(),
            partition: at.partition,
            from: from.into(),
            until: next.into(),
            reason,
        })
    }

    /// Puts one partition to another offset.
    fn move_to(&mut self, at: &Split, offset: i64) -> Result<(), SourceError> {
        let Some(consumer) = self.client.as_ref().map(|client| Arc::clone(&client.consumer)) else { return Ok(()) };
        self.unassign(&consumer, std::slice::from_ref(at))?;
        self.assign_new(&consumer, &[(at.clone(), offset)].into_iter().collect())
    }

    fn unassign(&mut self, consumer: &Consumer, leaving: &[Split]) -> Result<(), SourceError> {
        if leaving.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(leaving.len());
        for at in leaving {
            self.partitions.remove(at);
            list.add_partition(&at.stream, at.partition);
        }
        consumer.incremental_unassign(&list).map_err(|error| self.fault("release partitions", &error))
    }

    /// Assigns the partitions that the lane does not have yet.
    fn assign_new(&mut self, consumer: &Arc<Consumer>, positions: &Offsets) -> Result<(), SourceError> {
        let mut list = TopicPartitionList::new();
        for (at, position) in positions.iter() {
            if self.partitions.contains_key(&at) {
                continue;
            }
            let queue =
                PartitionQueue::open(consumer, &at.stream, at.partition).ok_or_else(|| SourceError::Internal {
                    source: self.source.clone(),
                    what: format!("librdkafka has no queue for {at}").into(),
                })?;
            list.add_partition_offset(&at.stream, at.partition, Offset::Offset(*position))
                .map_err(|error| self.fault("name a partition", &error))?;
            self.partitions
                .insert(at, Partition { queue, position: *position, ahead: Batch::default(), end_seen: i64::MIN });
        }
        if list.count() == 0 {
            return Ok(());
        }
        self.refresh_metadata(consumer, &list);
        consumer.incremental_assign(&list).map_err(|error| self.fault("take partitions", &error))
    }

    /// A partition that was made after the client last asked would wait for the next refresh; asking costs a millisecond.
    fn refresh_metadata(&self, consumer: &Consumer, list: &TopicPartitionList) {
        let topics: std::collections::BTreeSet<_> =
            list.elements().iter().map(|element| element.topic().to_string()).collect();
        for topic in topics {
            if let Err(error) = consumer.fetch_metadata(Some(&topic), SUSPECT_AFTER) {
                tracing::debug!(source = self.source, topic, %error, "metadata not refreshed");
            }
        }
    }

    fn consumer(&mut self, partitions: usize) -> Result<Arc<Consumer>, SourceError> {
        if let Some(client) = &self.client {
            return Ok(Arc::clone(&client.consumer));
        }
        let partitions = partitions.max(1);
        let role = Role::Lane { number: self.number, partition_bytes: self.buffer_bytes / partitions };
        let config = client_config(&self.source, &self.settings, &self.group, role)?;
        let consumer: Consumer =
            config.create_with_context(Context::new(&self.source)).map_err(|error| refused(&self.source, error))?;
        let consumer = Arc::new(consumer);
        // New partitions may double the memory before the client is made anew with smaller queues.
        self.client = Some(Client { consumer: Arc::clone(&consumer), partitions_max: partitions * 2 });
        Ok(consumer)
    }

    fn close(&mut self) {
        self.partitions.clear();
        self.client = None;
    }

    fn refuse_hopeless(&self, at: &Split, code: RDKafkaErrorCode, words: &str) -> Result<(), SourceError> {
        if is_of_the_batch(code) {
            let role = Role::Lane { number: self.number, partition_bytes: self.buffer_bytes };
            let config = client_config(&self.source, &self.settings, &self.group, role)?;
            let limit = config.get(RECEIVE_BYTES).unwrap_or_default();
            return Err(batch_refused(&self.source, &at.to_string(), words, limit));
        }
        if !needs_settings(code) {
            return Ok(());
        }
        Err(SourceError::Settings {
            source: self.source.clone(),
            what: Message::caused_by(format!("{at} cannot be read: {code}"), &code),
            remedy: format!("give the user of [source.{}.kafka] the right to read the topic", self.source),
        })
    }

    fn fault(&self, what: &str, error: &KafkaError) -> SourceError {
        let what = Message::caused_by(format!("librdkafka did not {what}: {error}"), error);
        SourceError::Internal { source: self.source.clone(), what }
    }
}

impl LogReader for KafkaLane {
    /// Makes the lane ready to read these partitions from these offsets, and no others.
    ///
    /// A partition that already stands at its offset keeps what was prefetched. Name partitions with nothing to read
    /// in this epoch too, or their prefetched records are thrown away.
    ///
    /// # Errors
    /// The client cannot be made, or refuses the partitions.
    fn assign(&mut self, positions: &Offsets) -> Result<(), SourceError> {
        if self.client.as_ref().is_some_and(|client| positions.len() > client.partitions_max) {
            self.close();
        }
        let consumer = self.consumer(positions.len())?;
        serve_events(&consumer);
        let stays = |at: &Split, partition: &Partition| positions.get(at) == Some(&partition.position);
        let leaving: Vec<_> =
            self.partitions.iter().filter(|(at, partition)| !stays(at, partition)).map(|(at, _)| at.clone()).collect();
        self.unassign(&consumer, &leaving)?;
        self.assign_new(&consumer, positions)
    }

    /// Hands over the records of one partition, in offset order, from its position up to `until` (exclusive), or until the bytes are
    /// reached.
    ///
    /// Ends when the range is exhausted by position: transaction markers, aborted and compacted records leave gaps, so
    /// a record at or behind `until` proves it (it is kept for the next call), and so does the end of the partition. A
    /// broker that is away is waited for. If records are gone and `on_data_loss` is `continue`, the lane goes on where
    /// there are records again and returns the gaps.
    ///
    /// # Errors
    /// [`SourceError::DataLoss`], missing rights, or [`SourceError::Stopped`].
    fn read(
        &mut self,
        at: &Split,
        until: i64,
        bytes_max: u64,
        handle: &mut dyn FnMut(Record<'_>),
    ) -> Result<LogProgress, SourceError> {
        let mut quiet = Quiet::new();
        let mut gaps = Vec::new();
        let mut bytes_left = bytes_max;
        loop {
            let source = &self.source;
            let (Some(partition), Some(client)) = (self.partitions.get_mut(at), &self.client) else {
                return Err(SourceError::Internal {
                    source: source.clone(),
                    what: format!("{at} is read by lane {} but was not assigned to it", self.number).into(),
                });
            };
            let position = partition.position;
            match partition.hand_over(until, &mut bytes_left, handle) {
                Progress::Complete | Progress::Enough => return Ok(LogProgress { next: partition.position, gaps }),
                Progress::More => {}
                Progress::OutOfRange => {
                    let consumer = Arc::clone(&client.consumer);
                    gaps.extend(self.out_of_range(at, until, &consumer, &mut quiet)?);
                    if !quiet.is_out_of_range {
                        continue;
                    }
                }
                Progress::Failed(code, text) => {
                    self.refuse_hopeless(at, code, &text)?;
                    quiet.reason = Some(text);
                    // Errors may come faster than the wait for a record ends.
                    gaps.extend(self.wait(at, until, &mut quiet)?);
                }
            }
            if partition_moved(&self.partitions, at, position) {
                quiet = Quiet::new();
            }
            if self.fetch(at, until)? {
                continue;
            }
            gaps.extend(self.wait(at, until, &mut quiet)?);
        }
    }
}

impl Drop for KafkaLane {
    fn drop(&mut self) {
        self.close();
    }
}

/// Lets the client report what happened; a bounded number of times, because an absent broker makes it report without end.
fn serve_events(consumer: &Consumer) {
    for _ in 0..EVENTS_MAX {
        if consumer.poll(Duration::ZERO).is_none() {
            return;
        }
    }
}

fn partition_moved(partitions: &BTreeMap<Split, Partition>, at: &Split, position: i64) -> bool {
    partitions.get(at).is_some_and(|partition| partition.position > position)
}

impl Partition {
    fn hand_over(&mut self, until: i64, bytes_left: &mut u64, handle: &mut dyn FnMut(Record<'_>)) -> Progress {
        while self.position < until {
            let Some(message) = self.ahead.front() else {
                if self.end_seen < until {
                    return Progress::More;
                }
                self.position = until;
                break;
            };
            match message.kind() {
                Kind::Record => {
                    let offset = message.offset();
                    if offset >= until {
                        self.position = until;
                        break;
                    }
                    if offset >= self.position {
                        let record = message.record();
                        *bytes_left = bytes_left.saturating_sub(record.bytes());
                        handle(record);
                        self.position = offset + 1;
                        if *bytes_left == 0 {
                            self.ahead.drop_front();
                            return if self.position < until { Progress::Enough } else { Progress::Complete };
                        }
                    }
                }
                Kind::End(offset) => self.end_seen = self.end_seen.max(offset),
                Kind::OutOfRange => {
                    self.ahead.drop_front();
                    return Progress::OutOfRange;
                }
                Kind::Failed(code) => {
                    let text = message.error_text();
                    self.ahead.drop_front();
                    return Progress::Failed(code, text);
                }
            }
            self.ahead.drop_front();
        }
        Progress::Complete
    }
}

/// What the broker holds of a partition.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// First offset, and first offset not yet written.
    From(i64, i64),
    /// Topic or partition does not exist.
    Gone,
}

/// A time in which no record came.
struct Quiet {
    since: Instant,
    asked: Option<Instant>,
    /// What the broker has said of the range that records are missing in it: since when, and how often in a row.
    doubted: Option<(Missing, Instant, u32)>,
    /// The client was refused the offset and waits to be put somewhere.
    is_out_of_range: bool,
    reason: Option<String>,
}

/// How records of a range are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// Retention removed them.
    Trimmed,
    /// The log ends before them.
    Short,
    /// The topic or partition is not there.
    Gone,
}

impl Quiet {
    fn new() -> Quiet {
        Quiet { since: Instant::now(), asked: None, doubted: None, is_out_of_range: false, reason: None }
    }

    /// Takes an answer of the broker in: `None` if all of the range is there, else whether what is missing has been missing for long
    /// enough.
    fn is_believed(&mut self, reach: Reach, position: i64, until: i64) -> Option<bool> {
        let (missing, enough) = match reach {
            Reach::Gone => (Missing::Gone, GONE_AFTER),
            Reach::From(low, _) if position < low => (Missing::Trimmed, Duration::ZERO),
            Reach::From(_, high) if high < until => (Missing::Short, SHORT_AFTER),
            Reach::From(..) => {
                self.doubted = None;
                return None;
            }
        };
        let (since, answers) = match self.doubted {
            Some((before, since, answers)) if before == missing => (since, answers + 1),
            _ => (Instant::now(), 1),
        };
        self.doubted = Some((missing, since, answers));
        Some(answers >= ANSWERS_NEEDED && since.elapsed() >= enough)
    }

    /// True if it is time to ask the broker; the second answer about lost records is not waited for long.
    fn ask_now(&mut self) -> bool {
        let due = match self.asked {
            None => self.since.elapsed() >= SUSPECT_AFTER,
            Some(asked) if self.doubted.is_some() => asked.elapsed() >= SUSPECT_AFTER,
            Some(asked) => asked.elapsed() >= SUSPECT_EVERY,
        };
        if due {
            self.asked = Some(Instant::now());
        }
        due
    }
}
