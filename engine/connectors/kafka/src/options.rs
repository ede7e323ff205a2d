//! Client settings: what the engine must decide, what it prefers, and what the job file says.

use connector::SourceError;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use crate::settings::KafkaSettings;

/// Settings that the engine's promise hangs on, with the key of the job file to use instead.
const RESERVED: [(&str, &str); 8] = [
    ("bootstrap.servers", "use `brokers`"),
    ("metadata.broker.list", "use `brokers`"),
    ("auto.offset.reset", "use `starting_offsets` and `on_data_loss`"),
    ("enable.auto.commit", "the engine keeps its own offsets"),
    ("auto.commit.enable", "the engine keeps its own offsets"),
    ("enable.auto.offset.store", "the engine keeps its own offsets"),
    ("enable.partition.eof", "the engine needs it to know where a range ends"),
    ("log.queue", "the engine reads the client's log itself"),
];

/// The largest answer of a broker, and what a batch compressed with zstd may come to: librdkafka gives one up that is more before it
/// takes the memory. Its own default, written out because memory hangs on it; the job file may say otherwise.
const RECEIVE_BYTES_MAX: usize = 100_000_000;

/// The setting that [`RECEIVE_BYTES_MAX`] is for.
pub(crate) const RECEIVE_BYTES: &str = "receive.message.max.bytes";

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Metadata and offsets only.
    Planner,
    /// Reading.
    Lane {
        /// Number of the lane.
        number: usize,
        /// Bytes of prefetched records that each of its partitions may hold.
        partition_bytes: usize,
    },
}

/// The settings of a client. The job file's own come last and win, but for the reserved ones.
///
/// # Errors
/// A reserved or unknown setting, or a value that librdkafka refuses; the value itself is never part of the text.
pub(crate) fn client_config(
    source: &str,
    settings: &KafkaSettings,
    group: &str,
    role: Role,
) -> Result<ClientConfig, SourceError> {
    refuse_reserved(source, settings)?;
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("group.id", group)
        .set("client.id", client_id(source, role))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("allow.auto.create.topics", "false")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("topic.metadata.refresh.interval.ms", "30000")
        .set_log_level(RDKafkaLogLevel::Info);
    if let Role::Lane { partition_bytes, .. } = role {
        prefer_for_reading(&mut config, partition_bytes);
    }
    for (key, value) in &settings.options {
        config.set(key, value);
    }
    match config.create_native_config() {
        Ok(_) => Ok(config),
        Err(error) => Err(refused(source, error)),
    }
}

/// Small waits, so that the end of a range is known within milliseconds, and bounded queues.
///
/// librdkafka counts the bytes of values only; a queued record costs some 300 bytes more in bookkeeping, hence the half
/// and the limit on the number. One answer may come on top of a queue just below its limit, and is several times larger
/// once it is decompressed, hence the small fetches.
///
/// A fetch is bounded as it is compressed, and the broker gives a whole batch however large it is; librdkafka decompresses all of an
/// answer at once. So a lane holds its buffer and, once more, a sixteenth of it times what compression has saved: twice the buffer
/// where records shrink to a sixteenth, sixty times where they shrink to a thousandth. What one batch comes to is bounded for zstd
/// ([`RECEIVE_BYTES_MAX`]), by the broker's `message.max.bytes` times that factor for the other codecs. Nothing here can know the
/// factor before the memory is taken.
fn prefer_for_reading(config: &mut ClientConfig, partition_bytes: usize) {
    let queue_kib = (partition_bytes / 2 / 1024).clamp(64, 1 << 20);
    let queue_records = (partition_bytes / 400).clamp(1_000, 1_000_000);
    let fetch_bytes = (partition_bytes / 16).clamp(64 << 10, 1 << 20);
    config
        .set("fetch.wait.max.ms", "10")
        .set("fetch.min.bytes", "1")
        .set("fetch.queue.backoff.ms", "2")
        .set("fetch.error.backoff.ms", "20")
        .set("queued.min.messages", queue_records.to_string())
        .set("queued.max.messages.kbytes", queue_kib.to_string())
        .set("fetch.message.max.bytes", fetch_bytes.to_string())
        .set("fetch.max.bytes", (16 << 20).to_string())
        .set(RECEIVE_BYTES, RECEIVE_BYTES_MAX.to_string())
        .set("check.crcs", "true");
}

fn client_id(source: &str, role: Role) -> String {
    match role {
        Role::Planner => format!("engine-{source}-planner"),
        Role::Lane { number, .. } => format!("engine-{source}-lane-{number}"),
    }
}

fn refuse_reserved(source: &str, settings: &KafkaSettings) -> Result<(), SourceError> {
    for (key, instead) in RESERVED {
        if settings.options.contains_key(key) {
            return Err(SourceError::Settings {
                source: source.to_string(),
                what: format!("`{key}` cannot be set in [source.{source}.kafka]").into(),
                remedy: format!("remove it: {instead}"),
            });
        }
    }
    Ok(())
}

/// librdkafka's own text repeats the value, which may be a password; only the key is passed on.
pub(crate) fn refused(source: &str, error: KafkaError) -> SourceError {
    let (what, remedy) = match error {
        KafkaError::ClientConfig(result, _, key, _) if format!("{result:?}").contains("UNKNOWN") => (
            format!("`{key}` in [source.{source}.kafka] is not a setting of librdkafka"),
            "correct its name; all settings are listed in librdkafka's CONFIGURATION.md".to_string(),
        ),
        KafkaError::ClientConfig(_, _, key, _) => (
            format!("librdkafka does not accept the value of `{key}` in [source.{source}.kafka]"),
            "correct the value; librdkafka's CONFIGURATION.md lists what each setting takes".to_string(),
        ),
        KafkaError::ClientCreation(text) => (
            format!("the Kafka client could not be made: {text}"),
            format!("correct the settings in [source.{source}.kafka]"),
        ),
        other => (other.to_string(), format!("correct the settings in [source.{source}.kafka]")),
    };
    SourceError::Settings { source: source.to_string(), what: what.into(), remedy }
}

#[cfg(test)]
mod tests;
