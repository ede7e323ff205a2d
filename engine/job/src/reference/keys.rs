//! The table of keys itself.

use super::Part::{self, Column, Deduplicate, File, Job, Source, Table, Watermark};
use super::Without::{Default, Means, Required};
use super::{Key, key};

/// The keys of the file, the job, its sources and its tables.
pub(crate) const KEYS: &[Key] = &[
    key(File, "job", "section", Required, "The job itself: its name, when it runs, where it keeps things.", "[job]"),
    key(
        File,
        "source",
        "sections",
        Required,
        "Where records come from. `[source.events]` makes `events` a name that SQL can read.",
        "[source.events]",
    ),
    key(
        File,
        "static",
        "sections",
        Means("no rows beside the streams"),
        "Rows that streams are joined with: a file, a folder or a Delta table. `[static.products]` makes `products` a name \
         that SQL can read.",
        "[static.products]",
    ),
    key(
        File,
        "table",
        "sections",
        Required,
        "What is made of the records. `[table.gold.event_counts]` is the table `event_counts` of the schema `gold`, in \
         SQL and as a folder of the warehouse. A table may read sources and other tables.",
        "[table.gold.event_counts]",
    ),
    key(
        File,
        "test",
        "list of sections",
        Means("nothing is tested"),
        "Tests of the job: records in, rows out. `engine test JOB` runs them in memory; running the job ignores them.",
        "[[test]]",
    ),
    key(
        Job,
        "name",
        "string",
        Required,
        "Name of the job: in its log, in its Kafka group and in the commits of its tables. Letters, digits, `_`, `-`.",
        "name = \"ecommerce\"",
    ),
    key(
        Job,
        "trigger",
        "duration or word",
        Default("\"asap\""),
        "When epochs start. A duration: at its multiples on the clock. `asap`: whenever there is something to read. \
         `available-now`: what is there at the start, in as many epochs as the limits ask for, then the job ends. \
         `once`: the same in one epoch.",
        "trigger = \"5s\"",
    ),
    key(
        Job,
        "checkpoint",
        "string",
        Required,
        "Local folder of the job's progress and state. One job, one checkpoint.",
        "checkpoint = \"checkpoints/ecommerce\"",
    ),
    key(
        Job,
        "warehouse",
        "string",
        Required,
        "Where the tables lie: a local folder, or `s3://bucket/prefix`. Keys for S3 come from the environment \
         (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT_URL`, …), never from this file.",
        "warehouse = \"${WAREHOUSE:-warehouse}\"",
    ),
    key(
        Job,
        "state_memory",
        "size",
        Default("\"256 MiB\""),
        "Memory that the state of windows and the like may take. What does not fit lives on disk only.",
        "state_memory = \"1 GiB\"",
    ),
    key(
        Job,
        "retain_epochs",
        "whole number, 1 or more",
        Default("100"),
        "How many of the newest epochs stay on record in the checkpoint.",
        "retain_epochs = 1000",
    ),
    key(
        Job,
        "watermark_policy",
        "\"min\" or \"max\"",
        Default("\"min\""),
        "How the watermarks of several sources become the one that a table over them works with. `min`: the slowest source \
         decides. `max`: the fastest decides; rows of slower ones may then be late. Spark's `multipleWatermarkPolicy`.",
        "watermark_policy = \"max\"",
    ),
    key(
        Job,
        "no_data_epochs",
        "true or false",
        Default("true"),
        "`true`: a watermark that moved makes an epoch even when there is nothing to read, so that what is final appears at \
         once. `false`: it appears with the next records. Spark's `noDataMicroBatches`.",
        "no_data_epochs = false",
    ),
    key(Source, "connector", "\"kafka\"", Required, "What kind of source it is.", "connector = \"kafka\""),
    key(
        Source,
        "brokers",
        "string",
        Required,
        "Kafka servers to begin with: `host:port`, several with commas between them.",
        "brokers = \"${KAFKA_BROKERS:-127.0.0.1:9092}\"",
    ),
    key(
        Source,
        "topic",
        "string",
        Means("`topics` or `topic_pattern` must be there"),
        "The topic to read.",
        "topic = \"streaming-events\"",
    ),
    key(
        Source,
        "topics",
        "list of strings",
        Means("`topic` or `topic_pattern` must be there"),
        "Several topics to read.",
        "topics = [\"orders\", \"payments\"]",
    ),
    key(
        Source,
        "topic_pattern",
        "string",
        Means("`topic` or `topics` must be there"),
        "A regular expression that the whole name must match: all such topics are read, new ones too once they appear.",
        "topic_pattern = \"orders-.*\"",
    ),
    key(
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
    key(
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
    key(
        Source,
        "max_offsets_per_trigger",
        "whole number, 1 or more",
        Means("an epoch takes all there is"),
        "Records an epoch takes at most, spread over the partitions in proportion to what waits in them.",
        "max_offsets_per_trigger = 500000",
    ),
    key(
        Source,
        "on_data_loss",
        "\"stop\" or \"continue\"",
        Default("\"stop\""),
        "What happens when records are gone before they were read. `stop`: the job stops and names topic, partition, \
         from and to. `continue`: it goes on at the first record still there and records the gap.",
        "on_data_loss = \"continue\"",
    ),
    key(
        Source,
        "format",
        "\"json\" or \"raw\"",
        Default("\"json\""),
        "How a record's value is read. `json`: one JSON object. `raw`: as it is, in the column `value`.",
        "format = \"json\"",
    ),
    key(
        Source,
        "on_error",
        "\"dead_letter\", \"drop\" or \"fail\"",
        Default("\"dead_letter\""),
        "What happens to a record that cannot be read. `dead_letter`: it goes to the table `rejected.NAME` with the \
         reason. `drop`: it is counted and left out. `fail`: the job stops and names it.",
        "on_error = \"dead_letter\"",
    ),
    key(
        Source,
        "watermark",
        "section",
        Means("the source has no event time: no windows over it"),
        "Which column is the event time, and how long to wait for late rows.",
        "watermark = { column = \"event_time\", delay = \"5 minutes\" }",
    ),
    key(
        Source,
        "kafka",
        "section",
        Means("librdkafka's defaults"),
        "Passed to librdkafka as it is: any of its settings, its name in quotes.",
        "[source.events.kafka]\n\"security.protocol\" = \"SASL_SSL\"",
    ),
    key(
        Source,
        "schema",
        "section",
        Means("with `format = \"raw\"`: `value = \"binary\"`; else it must be there"),
        "The columns: `name = \"type\"`, or `name = { type = …, field = …, required = … }`.",
        "[source.events.schema]\nevent_id = \"string\"",
    ),
    key(
        Watermark,
        "column",
        "string",
        Required,
        "The column with the event time. Its type must be `timestamp`.",
        "column = \"event_time\"",
    ),
    key(
        Watermark,
        "delay",
        "duration",
        Required,
        "How far the watermark stays behind the newest event time: how late a row may be and still count.",
        "delay = \"5 minutes\"",
    ),
    key(
        Watermark,
        "idle_timeout",
        "duration or \"none\"",
        Default("\"1 minute\""),
        "A partition that is read to its end and gets nothing for this long no longer holds the watermark. `none`: it \
         holds it for ever.",
        "idle_timeout = \"1 minute\"",
    ),
    key(
        Watermark,
        "scope",
        "\"partition\" or \"source\"",
        Default("\"partition\""),
        "Whose newest event time counts. `partition`: each partition has its own, and the slowest active one decides, so \
         that catching up loses no rows. `source`: the newest of all partitions decides, as in Spark.",
        "scope = \"source\"",
    ),
    key(
        Watermark,
        "future_limit",
        "duration or \"none\"",
        Default("\"none\""),
        "Records dated further than this after the time of the epoch are rejected, so that one wrong clock cannot close \
         every window.",
        "future_limit = \"1 day\"",
    ),
    key(Column, "type", "type", Required, "The column's type.", "type = \"timestamp\""),
    key(
        Column,
        "field",
        "string",
        Means("the same as the column's name"),
        "Name of the field in the record.",
        "field = \"timestamp\"",
    ),
    key(
        Column,
        "required",
        "true or false",
        Default("false"),
        "`true`: a record without this field, or with null in it, is rejected.",
        "required = true",
    ),
    key(
        Table,
        "sql",
        "string",
        Required,
        "The query, in Spark's SQL. Long ones between three quotes.",
        "sql = \"SELECT * FROM events\"",
    ),
    key(
        Table,
        "mode",
        "\"append\", \"update\" or \"complete\"",
        Default("\"append\""),
        "What readers see when. `append`: a row once it is final. `update`: every row as it stands after each epoch, one \
         per key. `complete`: the whole result after each epoch; nothing is ever forgotten.",
        "mode = \"update\"",
    ),
    key(
        Table,
        "late",
        "\"drop\" or \"table\"",
        Default("\"drop\""),
        "What happens to rows that come after their window was closed. They are counted either way. `table`: they are \
         kept in the table `NAME__late`; those of joins of streams cannot be.",
        "late = \"table\"",
    ),
    key(
        Table,
        "deduplicate",
        "section",
        Means("every row of the query counts"),
        "Of rows that have the same keys, the first is kept. What must be remembered for that is bounded by `within`, by an \
         event time among the keys, or by `state_ttl`.",
        "deduplicate = { keys = [\"event_id\"], within = \"10 minutes\" }",
    ),
    key(
        Table,
        "state_ttl",
        "duration or \"unbounded\"",
        Means("a watermark must bound the state, where the query needs one that could grow without end"),
        "How long joins, duplicates and keys are remembered that no watermark bounds, after they were last written, by the \
         time of the epochs. In update mode an outer, semi or anti join forgets a key with all rows of both sides, that long after \
         the last of them came. `unbounded`: for ever; the state may grow without end.",
        "state_ttl = \"7 days\"",
    ),
    key(
        Deduplicate,
        "keys",
        "list of strings",
        Means("all columns of the query"),
        "The columns of the query in which duplicates are the same.",
        "keys = [\"event_id\"]",
    ),
    key(
        Deduplicate,
        "within",
        "duration or \"ever\"",
        Means("bounded by an event time among the keys, or by `state_ttl`"),
        "How far apart in event time duplicates can be, as Spark's `dropDuplicatesWithinWatermark`; a source must have a \
         watermark. `ever`: however far; what is remembered may grow without end.",
        "within = \"10 minutes\"",
    ),
];

/// Keys that are known but not built yet, with what to do until then.
pub(crate) const PLANNED: &[(Part, &str, &str)] = &[
    (Source, "max_files_per_trigger", "file sources are not built yet: read from Kafka"),
    (Source, "path", "file sources are not built yet: read from Kafka"),
    (Table, "sink", "take the section away: the table is in the warehouse, where other tools can read it"),
    (Table, "kind", "take it away: write dimensions and facts as plain tables"),
    (Table, "scd", "take it away: write dimensions and facts as plain tables"),
    (Table, "format", "take it away: tables are Delta Lake (Parquet files with a log)"),
    (Table, "partition_by", "take it away: files are laid out by epoch"),
];

/// What Spark and others call a key.
pub(crate) const SPARK_NAMES: &[(&str, &str)] = &[
    ("subscribe", "topic"),
    ("subscribePattern", "topic_pattern"),
    ("failOnDataLoss", "on_data_loss"),
    ("kafka.bootstrap.servers", "brokers"),
    ("bootstrap.servers", "brokers"),
    ("bootstrap_servers", "brokers"),
    ("bootstrap", "brokers"),
    ("checkpointLocation", "checkpoint"),
    ("outputMode", "mode"),
    ("output_mode", "mode"),
    ("query", "sql"),
    ("select", "sql"),
    ("interval", "trigger"),
    ("processingTime", "trigger"),
    ("columns", "schema"),
    ("sources", "source"),
    ("tables", "table"),
    ("threshold", "delay"),
    ("path", "field"),
    ("nullable", "required"),
    ("multipleWatermarkPolicy", "watermark_policy"),
    ("noDataMicroBatches", "no_data_epochs"),
    ("dropDuplicates", "deduplicate"),
    ("dropDuplicatesWithinWatermark", "deduplicate"),
    ("distinct", "deduplicate"),
    ("columns", "keys"),
    ("subset", "keys"),
    ("ttl", "state_ttl"),
    ("sep", "delimiter"),
    ("separator", "delimiter"),
    ("location", "path"),
    ("statics", "static"),
    ("tests", "test"),
    ("steps", "step"),
    ("dropped", "late"),
    ("total", "rows"),
];
