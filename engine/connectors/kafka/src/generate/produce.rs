//! Sends events to a topic and makes sure that every one of them arrived.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use super::ecommerce::{EventKind, EventWriter, Mix};

/// How long a broker may take to answer for the first time.
const FIRST_CONTACT: Duration = Duration::from_secs(10);
/// How long the last events may take to arrive.
const LAST_ARRIVAL: Duration = Duration::from_secs(120);
/// Events between two looks at reports, clock and stop flag.
const STRIDE: u64 = 512;

/// How records are compressed on their way and in the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codec {
    /// As they are.
    None,
    /// gzip
    Gzip,
    /// Snappy
    Snappy,
    /// LZ4
    Lz4,
    /// Zstandard, level 1: smallest, and fast enough.
    #[default]
    Zstd,
}

/// What is sent where, and how fast.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `host:port`, comma-separated.
    pub brokers: String,
    /// Topic; made if it does not exist.
    pub topic: String,
    /// Partitions of the topic if it is made.
    pub partitions: i32,
    /// Compression.
    pub codec: Codec,
    /// Events per second; `None`: as fast as possible.
    pub rate: Option<f64>,
    /// Events to send; `None`: until stopped.
    pub total: Option<u64>,
    /// The events.
    pub mix: Mix,
    /// Passed to librdkafka as they are.
    pub options: BTreeMap<String, String>,
}

/// What was sent. Every record counted here has arrived.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Records in all.
    pub sent: u64,
    /// Of these, events 10 to 20 minutes behind.
    pub late: u64,
    /// Of these, records that must be rejected.
    pub malformed: u64,
    /// Of these, repetitions of an event before.
    pub duplicates: u64,
    /// Bytes of all values.
    pub bytes: u64,
    /// Event time of the first and the last record, microseconds since 1970 UTC.
    pub event_time_us: Option<(i64, i64)>,
    /// Time it took.
    pub elapsed: Duration,
}

/// Why events were not sent. The text names the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GenerateError {
    /// No broker answers.
    Unavailable {
        /// Brokers asked.
        brokers: String,
        /// What came back.
        what: String,
    },
    /// A setting that librdkafka or the broker refuses.
    Settings(String),
    /// Records did not arrive.
    NotDelivered {
        /// Topic.
        topic: String,
        /// Records that failed or were never confirmed.
        records: u64,
        /// The first reason given.
        what: String,
    },
}

impl std::fmt::Display for GenerateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GenerateError::Unavailable { brokers, what } => write!(
                f,
                "no answer from Kafka at {brokers}: {what}\n  start the broker (`engine broker` or `scripts/services start kafka`), or give its address with --brokers"
            ),
            GenerateError::Settings(what) => f.write_str(what),
            GenerateError::NotDelivered { topic, records, what } => {
                write!(
                    f,
                    "{records} events did not arrive in topic {topic}: {what}\n  look at the broker's log, and send again to a new topic: what is in this one is incomplete"
                )
            }
        }
    }
}

impl std::error::Error for GenerateError {}

/// Sends the events. `progress` is called now and then with the number sent so far; `stop` ends it early and in order.
///
/// # Errors
/// No broker, refused settings, or records that did not arrive.
pub fn run(settings: &Settings, stop: &AtomicBool, progress: &mut dyn FnMut(u64)) -> Result<Summary, GenerateError> {
    let begun = Instant::now();
    let config = client_config(settings);
    let producer: BaseProducer<Reports> = config.create_with_context(Reports::default()).map_err(refused)?;
    make_topic(settings, &config, &producer)?;
    let mut summary = send_all(settings, &producer, stop, progress)?;
    let flushed = producer.flush(LAST_ARRIVAL);
    let reports = producer.context();
    let arrived = reports.arrived.load(Ordering::Relaxed);
    if arrived != summary.sent {
        let what = reports.first_failure().or_else(|| flushed.err().map(|error| error.to_string()));
        return Err(GenerateError::NotDelivered {
            topic: settings.topic.clone(),
            records: summary.sent - arrived,
            what: what.unwrap_or_else(|| "no report came".to_string()),
        });
    }
    progress(summary.sent);
    summary.elapsed = begun.elapsed();
    Ok(summary)
}

fn send_all(
    settings: &Settings,
    producer: &BaseProducer<Reports>,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary, GenerateError> {
    let writer = EventWriter::new(settings.mix);
    let begun = Instant::now();
    let mut reported = begun;
    let mut summary = Summary::default();
    let (mut value, mut key) = (Vec::with_capacity(1024), Vec::with_capacity(16));
    let total = settings.total.unwrap_or(u64::MAX);
    while summary.sent < total && !stop.load(Ordering::Relaxed) {
        let n = summary.sent;
        let due = settings.rate.map_or(u64::MAX, |rate| (begun.elapsed().as_secs_f64() * rate) as u64);
        let until = total.min(due).min(n + STRIDE);
        for n in n..until {
            let kind = writer.write(n, &mut value, &mut key);
            send(producer, &settings.topic, &value, &key)?;
            summary.count(kind, value.len());
        }
        producer.poll(if until > n { Duration::ZERO } else { Duration::from_millis(1) });
        if reported.elapsed() >= Duration::from_millis(200) {
            reported = Instant::now();
            progress(summary.sent);
        }
        if let Some(what) = producer.context().first_failure() {
            return Err(GenerateError::NotDelivered { topic: settings.topic.clone(), records: 1, what });
        }
    }
    summary.event_time_us =
        summary.sent.checked_sub(1).map(|last| (writer.event_time_us(0), writer.event_time_us(last)));
    Ok(summary)
}

/// Hands one record to the client; while its queue is full, lets it work.
fn send(producer: &BaseProducer<Reports>, topic: &str, value: &[u8], key: &[u8]) -> Result<(), GenerateError> {
    let mut record = BaseRecord::to(topic).payload(value).key(key);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                producer.poll(Duration::from_millis(5));
            }
            Err((error, _)) => {
                return Err(GenerateError::NotDelivered {
                    topic: topic.to_string(),
                    records: 1,
                    what: error.to_string(),
                });
            }
        }
    }
}

impl Summary {
    fn count(&mut self, kind: EventKind, bytes: usize) {
        self.sent += 1;
        self.bytes += bytes as u64;
        match kind {
            EventKind::Good => {}
            EventKind::Late => self.late += 1,
            EventKind::Malformed => self.malformed += 1,
            EventKind::DuplicateOf(_) => self.duplicates += 1,
        }
    }
}

fn client_config(settings: &Settings) -> ClientConfig {
    let codec = match settings.codec {
        Codec::None => "none",
        Codec::Gzip => "gzip",
        Codec::Snappy => "snappy",
        Codec::Lz4 => "lz4",
        Codec::Zstd => "zstd",
    };
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", "engine-generate")
        // Each event arrives once and in order, whatever the connection does.
        .set("enable.idempotence", "true")
        .set("compression.type", codec)
        .set("compression.level", if settings.codec == Codec::Zstd { "1" } else { "-1" })
        // Large batches when fast; small waits when slow.
        .set("linger.ms", if settings.rate.is_some() { "5" } else { "50" })
        .set("batch.size", "1000000")
        .set("batch.num.messages", "100000")
        .set("queue.buffering.max.messages", "400000")
        .set("queue.buffering.max.kbytes", "262144")
        .set("message.timeout.ms", "60000")
        .set_log_level(RDKafkaLogLevel::Error);
    for (key, value) in &settings.options {
        config.set(key, value);
    }
    config
}

fn refused(error: KafkaError) -> GenerateError {
    // librdkafka's own text repeats the value, which may be a password.
    GenerateError::Settings(match error {
        KafkaError::ClientConfig(_, _, key, _) => {
            format!("librdkafka does not know or accept `{key}`\n  correct the setting")
        }
        other => format!("the Kafka client could not be made: {other}"),
    })
}

/// Makes the topic if it does not exist. `engine broker` cannot be asked to, and makes it with 4 partitions when first written to.
fn make_topic(
    settings: &Settings,
    config: &ClientConfig,
    producer: &BaseProducer<Reports>,
) -> Result<(), GenerateError> {
    // All topics are listed, because asking for one by its name may make it, with the broker's own number of partitions.
    let metadata = producer.client().fetch_metadata(None, FIRST_CONTACT);
    if let Err(error) = &metadata {
        // The reason waits behind other events.
        for _ in 0..20 {
            producer.poll(Duration::from_millis(10));
        }
        let what = producer.context().last_error().unwrap_or_else(|| error.to_string());
        return Err(GenerateError::Unavailable { brokers: settings.brokers.clone(), what });
    }
    let exists = metadata.is_ok_and(|metadata| metadata.topics().iter().any(|topic| topic.name() == settings.topic));
    // The mock cluster would leave the question unanswered until it times out.
    let is_mock = producer.client().fetch_cluster_id(FIRST_CONTACT).is_some_and(|id| id.starts_with("mockCluster"));
    if exists || is_mock {
        return Ok(());
    }
    create_topic(settings, config)
}

fn create_topic(settings: &Settings, config: &ClientConfig) -> Result<(), GenerateError> {
    let mut admin_config = config.clone();
    admin_config.set("client.id", "engine-generate-admin");
    let admin: AdminClient<DefaultClientContext> = admin_config.create().map_err(refused)?;
    let topic = NewTopic::new(&settings.topic, settings.partitions, TopicReplication::Fixed(-1));
    let options = AdminOptions::new().request_timeout(Some(FIRST_CONTACT)).operation_timeout(Some(FIRST_CONTACT));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| GenerateError::Settings(format!("no thread to ask the broker from: {error}")))?;
    let made = runtime.block_on(admin.create_topics([&topic], &options));
    let refused = |what: String| {
        GenerateError::Settings(format!(
            "topic {} cannot be made: {what}\n  make it yourself, or give --topic the name of one that exists",
            settings.topic
        ))
    };
    match made.as_deref() {
        Ok([Err((_, code))]) if *code != RDKafkaErrorCode::TopicAlreadyExists => Err(refused(code.to_string())),
        Ok(_) => Ok(()),
        Err(error) => Err(refused(error.to_string())),
    }
}

/// Counts delivery reports and keeps the first failure.
#[derive(Default)]
struct Reports {
    arrived: AtomicU64,
    failed: AtomicBool,
    failure: Mutex<Option<String>>,
    error: Mutex<Option<String>>,
}

impl Reports {
    fn first_failure(&self) -> Option<String> {
        if !self.failed.load(Ordering::Relaxed) {
            return None;
        }
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn last_error(&self) -> Option<String> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Reports {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "{reason}");
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_string());
        }
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, report: &DeliveryResult<'_>, (): ()) {
        match report {
            Ok(_) => {
                self.arrived.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, _)) => {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert_with(|| error.to_string());
                self.failed.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
