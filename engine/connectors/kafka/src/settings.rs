//! What the job file says of a source that is read from Kafka.

use std::collections::BTreeMap;
use std::fmt;

use job::problem::is_secret;
use job::{ConnectorSettings, Source};

/// What the job file says of a source that is one Kafka topic, or several.
#[derive(Clone, PartialEq)]
pub struct KafkaSettings {
    /// `host:port`, comma-separated.
    pub brokers: String,
    /// Which topics.
    pub topics: Topics,
    /// Where a new job begins.
    pub starting_offsets: StartingOffsets,
    /// Where reading ends, by topic and partition, exclusive (-1: at what is there when the job starts). Partitions that
    /// are not named are not read. `None`: reading does not end.
    pub ending_offsets: Option<BTreeMap<String, BTreeMap<i32, i64>>>,
    /// What happens when records are gone before they were read.
    pub on_data_loss: OnDataLoss,
    /// Passed to librdkafka as they are.
    pub options: BTreeMap<String, String>,
}

/// Leaves out the values of options that hold secrets.
impl fmt::Debug for KafkaSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): (&String, &String)| {
            (name.clone(), if is_secret(name) { "…".to_owned() } else { value.clone() })
        };
        formatter
            .debug_struct("KafkaSettings")
            .field("brokers", &self.brokers)
            .field("topics", &self.topics)
            .field("starting_offsets", &self.starting_offsets)
            .field("ending_offsets", &self.ending_offsets)
            .field("on_data_loss", &self.on_data_loss)
            .field("options", &self.options.iter().map(shown).collect::<BTreeMap<_, _>>())
            .finish()
    }
}

impl KafkaSettings {
    /// The settings of a source; `None` if another connector reads it.
    pub fn of(source: &Source) -> Option<&KafkaSettings> {
        source.settings.downcast()
    }
}

impl ConnectorSettings for KafkaSettings {
    fn is_bounded(&self) -> bool {
        self.ending_offsets.is_some()
    }

    fn stream(&self) -> Option<&str> {
        match &self.topics {
            Topics::Named(names) => names.first().map(String::as_str),
            Topics::Pattern(_) => None,
        }
    }

    fn equals(&self, other: &dyn ConnectorSettings) -> bool {
        other.downcast() == Some(self)
    }
}

/// Which topics a source reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topics {
    /// These.
    Named(Vec<String>),
    /// All whose name matches this regular expression; new ones are found while running.
    Pattern(String),
}

/// Where a new job begins. A job that has a checkpoint goes on from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartingOffsets {
    /// At the oldest record.
    Earliest,
    /// After the newest record.
    Latest,
    /// At these offsets, by topic and partition (-2 earliest, -1 latest, as in Spark). Every partition must be named.
    /// With one topic the file may leave the topic out; the parser fills it in.
    Offsets(BTreeMap<String, BTreeMap<i32, i64>>),
    /// At the first record with this timestamp or a later one, milliseconds since 1970 UTC.
    TimestampMs(i64),
}

/// What happens when records are gone before they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDataLoss {
    /// The job stops and names topic, partition, from and to.
    Stop,
    /// The job goes on at the first record still there and records the gap.
    Continue,
}
