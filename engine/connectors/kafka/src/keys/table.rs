//! The keys that Kafka adds to a source of the job file.

use job::reference::Key;
use job::reference::Part::Source;
use job::reference::Without::{Default, Means, Required};

/// All of them, in the order of the documentation.
pub(super) const KEYS: &[Key] = &[
    Key::new(
        Source,
        "brokers",
        "string",
        Required,
        "Kafka servers to begin with: `host:port`, several with commas between them.",
        "brokers = \"${KAFKA_BROKERS:-127.0.0.1:9092}\"",
    ),
    Key::new(
        Source,
        "topic",
        "string",
        Means("`topics` or `topic_pattern` must be there"),
        "The topic to read.",
        "topic = \"streaming-events\"",
    ),
    Key::new(
        Source,
        "topics",
        "list of strings",
        Means("`topic` or `topic_pattern` must be there"),
        "Several topics to read.",
        "topics = [\"orders\", \"payments\"]",
    ),
    Key::new(
        Source,
        "topic_pattern",
        "string",
        Means("`topic` or `topics` must be there"),
        "A regular expression that the whole name must match: all such topics are read, new ones too once they appear.",
        "topic_pattern = \"orders-.*\"",
    ),
    Key::new(
        Source,
        "starting_offsets",
        "word or section",
        Default("\"latest\""),
        "Where a new job begins; a job with a checkpoint goes on from there. `\"earliest\"`, `\"latest\"`, an offset \
         for each partition (`{\"0\" = 23, \"1\" = -2}`: -2 is earliest, -1 is latest; with several topics \
         `{ orders = {\"0\" = 23} }`), or a time: `{ timestamp = \"2026-01-01T00:00:00Z\" }`. As in Spark, `latest` is \
         what holds if nothing is said, and partitions found later are read from their beginning.",
        "starting_offsets = \"earliest\"",
    ),
    Key::new(
        Source,
        "ending_offsets",
        "section",
        Means("reading does not end"),
        "Where reading ends: the first offset that is no longer read, for each partition (`{\"0\" = 2300, \"1\" = -1}`: -1 is \
         what is there when the job starts; with several topics `{ orders = {\"0\" = 2300} }`). Partitions that are not \
         named are not read. A job all of whose sources end so ends as with `trigger = \"available-now\"`: once it has read what \
         is there up to these offsets.",
        "ending_offsets = {\"0\" = 2300}",
    ),
    Key::new(
        Source,
        "max_offsets_per_trigger",
        "whole number, 1 or more",
        Default("500000"),
        "Records an epoch takes at most, spread over the partitions in proportion to what waits in them. What an epoch reads \
         goes through an operator with state in memory, so this bounds the memory of a first run over a topic of any size, also with \
         `trigger = \"available-now\"`. Write less for large records, more only if epochs of half a million are too short. With \
         `trigger = \"once\"` a limit of less than 500000 does not count, as in Spark.",
        "max_offsets_per_trigger = 100000",
    ),
    Key::new(
        Source,
        "on_data_loss",
        "\"stop\" or \"continue\"",
        Default("\"stop\""),
        "What happens when records are gone before they were read. `stop`: the job stops and names topic, partition, \
         from and to. `continue`: it goes on and records the gap: behind what retention removed; at the new end of a log \
         that was cut back (an unclean election of a leader), so that no record is read twice; at the beginning of a topic that was \
         made anew. A topic is taken for deleted once the broker has said so for ten seconds. What a job stopped for is kept in its \
         checkpoint: it is told again when it is started again, also if the log has grown past it meanwhile.",
        "on_data_loss = \"continue\"",
    ),
    Key::new(
        Source,
        "kafka",
        "section",
        Means("librdkafka's defaults"),
        "Passed to librdkafka as it is: any of its settings, its name in quotes. Records that shrink a thousandfold when compressed \
         take memory accordingly: a fetch is bounded as it is compressed. What one batch compressed with zstd comes to is bounded by \
         `receive.message.max.bytes` (100 MB); a job over a larger one stops and says so.",
        "[source.events.kafka]\n\"security.protocol\" = \"SASL_SSL\"",
    ),
];

/// What Spark and others call them.
pub(super) const FOREIGN_NAMES: &[(&str, &str)] = &[
    ("subscribe", "topic"),
    ("subscribePattern", "topic_pattern"),
    ("failOnDataLoss", "on_data_loss"),
    ("kafka.bootstrap.servers", "brokers"),
    ("bootstrap.servers", "brokers"),
    ("bootstrap_servers", "brokers"),
    ("bootstrap", "brokers"),
];
