//! The table of keys itself.

use super::key::Key;
use super::key::Part::{self, Column, Deduplicate, File, Function, Job, Source, Table, Watermark};
use super::key::Without::{Default, Means, Required};

/// The keys of the file, the job, its sources and its tables.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        File,
        "job",
        "section",
        Required,
        "The job itself: its name, when it runs, where it keeps things.",
        "[job]",
    ),
    Key::new(
        File,
        "source",
        "sections",
        Required,
        "Where records come from. `[source.events]` makes `events` a name that SQL can read.",
        "[source.events]",
    ),
    Key::new(
        File,
        "static",
        "sections",
        Means("no rows beside the streams"),
        "Rows that streams are joined with: a file, a folder or a Delta table. `[static.products]` makes `products` a name \
         that SQL can read.",
        "[static.products]",
    ),
    Key::new(
        File,
        "function",
        "sections",
        Means("only the built-in functions"),
        "Functions of the job, for the SQL of its tables, of its computed columns and of each other. `[function.net]` makes `net(…)` \
         a function like those that are built in.",
        "[function.net]",
    ),
    Key::new(
        File,
        "table",
        "sections",
        Required,
        "What is made of the records. `[table.gold.event_counts]` is the table `event_counts` of the schema `gold`, in \
         SQL and as a folder of the warehouse. A table may read sources and other tables.",
        "[table.gold.event_counts]",
    ),
    Key::new(
        File,
        "test",
        "list of sections",
        Means("nothing is tested"),
        "Tests of the job: records in, rows out. `engine test JOB` runs them in memory; running the job ignores them.",
        "[[test]]",
    ),
    Key::new(
        Job,
        "name",
        "string",
        Required,
        "Name of the job: in its log, in its Kafka group and in the commits of its tables. Letters, digits, `_`, `-`.",
        "name = \"ecommerce\"",
    ),
    Key::new(
        Job,
        "trigger",
        "duration or word",
        Default("\"asap\""),
        "When epochs start. A duration: at its multiples on the clock. `asap`: whenever there is something to read. \
         `available-now`: what is there at the start, in as many epochs as the limits ask for, then the job ends. \
         `once`: the same in one epoch, unless more than 500000 records of a source wait.",
        "trigger = \"5s\"",
    ),
    Key::new(
        Job,
        "checkpoint",
        "string",
        Required,
        "Local folder of the job's progress and state. One job, one checkpoint.",
        "checkpoint = \"checkpoints/ecommerce\"",
    ),
    Key::new(
        Job,
        "warehouse",
        "string",
        Required,
        "Where the tables lie: a local folder, or `s3://bucket/prefix`. Keys for S3 come from the environment \
         (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL`, …), or from the role of the container or \
         the machine, never from this file.",
        "warehouse = \"${WAREHOUSE:-warehouse}\"",
    ),
    Key::new(
        Job,
        "state_memory",
        "size",
        Default("\"256 MiB\""),
        "Memory that the state of windows and the like may take. What does not fit lives on disk only.",
        "state_memory = \"1 GiB\"",
    ),
    Key::new(
        Job,
        "retain_epochs",
        "whole number, 1 or more",
        Default("100"),
        "How many of the newest epochs stay on record in the checkpoint.",
        "retain_epochs = 1000",
    ),
    Key::new(
        Job,
        "watermark_policy",
        "\"min\" or \"max\"",
        Default("\"min\""),
        "How the watermarks of several sources become the one that a table over them works with. `min`: the slowest source \
         decides. `max`: the fastest decides; rows of slower ones may then be late. Spark's `multipleWatermarkPolicy`.",
        "watermark_policy = \"max\"",
    ),
    Key::new(
        Job,
        "no_data_epochs",
        "true or false",
        Default("true"),
        "`true`: a watermark that moved makes an epoch even when there is nothing to read, so that what is final appears at \
         once. `false`: it appears with the next records. Spark's `noDataMicroBatches`.",
        "no_data_epochs = false",
    ),
    Key::new(
        Job,
        "ansi",
        "true or false",
        Default("true"),
        "What has no value (overflow, division by zero, a text that is no number) is an error with `true`: the row goes to \
         `TABLE__rejected`. With `false` it is NULL, and whole numbers wrap around. Spark's `spark.sql.ansi.enabled`. Constants, \
         arithmetic and sums have Spark's types with both. A checkpoint that an engine wrote before it had them keeps the types \
         of then (`1` is BIGINT, `0.5` DOUBLE) until this key stands in the job file: docs/changing-a-job.md.",
        "ansi = false",
    ),
    Key::new(
        Source,
        "connector",
        "name of a connector",
        Required,
        "What kind of source it is.",
        "connector = \"kafka\"",
    ),
    Key::new(
        Source,
        "format",
        "\"json\" or \"raw\"",
        Default("\"json\""),
        "How a record's value is read. `json`: one JSON object. `raw`: as it is, in the column `value`.",
        "format = \"json\"",
    ),
    Key::new(
        Source,
        "on_error",
        "\"dead_letter\", \"drop\" or \"fail\"",
        Default("\"dead_letter\""),
        "What happens to a record that cannot be read. `dead_letter`: it goes to the table `rejected.NAME` with the \
         reason. `drop`: it is counted and left out. `fail`: the job stops and names it.",
        "on_error = \"dead_letter\"",
    ),
    Key::new(
        Source,
        "was",
        "string",
        Means("it was never called otherwise"),
        "The name that the source had before, if it was renamed: it goes on from the offsets of that one. May stay for ever. `none`: it is another source, though it reads a topic that a source \
         which is no longer in the job has read.",
        "was = \"clicks\"",
    ),
    Key::new(
        Source,
        "watermark",
        "section",
        Means("the source has no event time: no windows over it"),
        "Which column is the event time, and how long to wait for late rows.",
        "watermark = { column = \"event_time\", delay = \"5 minutes\" }",
    ),
    Key::new(
        Source,
        "schema",
        "section",
        Means("with `format = \"raw\"`: `value = \"binary\"`; else it must be there"),
        "The columns: `name = \"type\"`, or `name = { type = …, field = …, required = … }`; columns that are computed: \
         `name = { expression = \"…\" }`.",
        "[source.events.schema]\nevent_id = \"string\"",
    ),
    Key::new(
        Watermark,
        "column",
        "string",
        Required,
        "The column with the event time: one of the schema of type `timestamp`, also a computed one, or `_timestamp`, the record's \
         own.",
        "column = \"event_time\"",
    ),
    Key::new(
        Watermark,
        "delay",
        "duration",
        Required,
        "How far the watermark stays behind the newest event time: how late a row may be and still count.",
        "delay = \"5 minutes\"",
    ),
    Key::new(
        Watermark,
        "idle_timeout",
        "duration or \"none\"",
        Default("\"1 minute\""),
        "A partition that is read to its end and gets nothing for this long no longer holds the watermark. Time counts only while \
         the source answers: an outage is nobody's idleness. `none`: it holds it for ever.",
        "idle_timeout = \"1 minute\"",
    ),
    Key::new(
        Watermark,
        "scope",
        "\"partition\" or \"source\"",
        Default("\"partition\""),
        "Whose newest event time counts. `partition`: each partition has its own, and the slowest active one decides, so \
         that catching up loses no rows. `source`: the newest of all partitions decides, as in Spark.",
        "scope = \"source\"",
    ),
    Key::new(
        Watermark,
        "future_limit",
        "duration or \"none\"",
        Default("\"none\""),
        "Records dated further than this after the time of the epoch are rejected, so that one wrong clock cannot close \
         every window.",
        "future_limit = \"1 day\"",
    ),
    Key::new(
        Column,
        "type",
        "type",
        Required,
        "The column's type. (One that is computed has the type that its expression gives.)",
        "type = \"timestamp\"",
    ),
    Key::new(
        Column,
        "field",
        "string",
        Means("the same as the column's name"),
        "Name of the field in the record.",
        "field = \"timestamp\"",
    ),
    Key::new(
        Column,
        "required",
        "true or false",
        Default("false"),
        "`true`: a record without this field, or with null in it, is rejected; so is one for which a computed column is NULL.",
        "required = true",
    ),
    Key::new(
        Column,
        "unit",
        "\"s\", \"ms\", \"us\" or \"ns\"",
        Means("seconds; with `format` a number is read by its digits, as a text is"),
        "What a whole number in a `timestamp` column counts since 1970: seconds, milliseconds, microseconds or nanoseconds (cut to the \
         microsecond). Years 1 to 9999.",
        "unit = \"ms\"",
    ),
    Key::new(
        Column,
        "format",
        "string",
        Means("ISO-8601, see [Times](#times)"),
        "How the texts of a `timestamp` column are written, in Spark's datetime patterns, as `to_timestamp` takes them. What does not fit \
         rejects the record.",
        "format = \"dd/MM/yyyy HH:mm\"",
    ),
    Key::new(
        Column,
        "time_zone",
        "string",
        Default("\"UTC\""),
        "The zone of those texts of a `timestamp` column that name none: `Europe/Berlin`, `+02:00`. A time that a clock skipped is moved \
         on by what it skipped, of one that it showed twice the first is meant, as in Spark.",
        "time_zone = \"Europe/Berlin\"",
    ),
    Key::new(
        Column,
        "expression",
        "string",
        Means("the column is a field of the record"),
        "An SQL expression over the other columns of the schema and the metadata columns (`_key`, `_topic`, `_partition`, `_offset`, `_timestamp`) \
         that the column is computed by, once for each record; with `format = \"raw\"` over `value`. The column can carry the watermark. A \
         record for which the expression has no value (a cast fails, a number is too large) is rejected with the reason.",
        "expression = \"timestamp_millis(at_ms)\"",
    ),
    Key::new(
        Function,
        "arguments",
        "section",
        Means("it has none"),
        "Names and types of its arguments, in the order of a call: `name = \"type\"`. A value of a call that has another type is converted as \
         Spark stores it (`int` in `double`, not a text in a number), or the call is refused. Calls may name them: `net(rate => 0.2, price => p)`.",
        "arguments = { price = \"decimal(10,2)\", rate = \"double\" }",
    ),
    Key::new(
        Function,
        "expression",
        "string",
        Required,
        "What it gives: an SQL expression over its arguments and nothing else. It may call functions of the job, but not itself.",
        "expression = \"price * (1 - rate)\"",
    ),
    Key::new(
        Function,
        "returns",
        "type",
        Means("the type that its expression gives"),
        "The type of what it gives: the expression is cast to it.",
        "returns = \"double\"",
    ),
    Key::new(Function, "language", "\"sql\"", Default("\"sql\""), "What its body is written in.", "language = \"sql\""),
    Key::new(
        Table,
        "sql",
        "string",
        Required,
        "The query, in Spark's SQL. Long ones between three quotes.",
        "sql = \"SELECT * FROM events\"",
    ),
    Key::new(
        Table,
        "mode",
        "\"append\", \"update\" or \"complete\"",
        Default("\"append\""),
        "What readers see when. `append`: a row once it is final. `update`: every row as it stands after each epoch, one \
         per key. `complete`: the whole result after each epoch; nothing is ever forgotten.",
        "mode = \"update\"",
    ),
    Key::new(
        Table,
        "late",
        "\"drop\" or \"table\"",
        Default("\"drop\""),
        "What happens to rows that come after their window was closed. They are counted either way. `table`: they are \
         kept in the table `NAME__late`; those of joins of streams cannot be.",
        "late = \"table\"",
    ),
    Key::new(
        Table,
        "on_error",
        "\"dead_letter\", \"drop\" or \"fail\"",
        Default("\"dead_letter\""),
        "What happens to a row that the query has no value for: it divides by zero, overflows, casts a \
         text that is no number. \
         `dead_letter`: it goes to the table `NAME__rejected`, as JSON, with the reason. `drop`: it is counted and left out. \
         `fail`: the job stops and names the error. Inside an aggregate or a join the job stops in any case.",
        "on_error = \"fail\"",
    ),
    Key::new(
        Table,
        "deduplicate",
        "section",
        Means("every row of the query counts"),
        "Of rows that have the same keys, the first is kept. What must be remembered for that is bounded by `within`, by an \
         event time among the keys, or by `state_ttl`.",
        "deduplicate = { keys = [\"event_id\"], within = \"10 minutes\" }",
    ),
    Key::new(
        Table,
        "state_ttl",
        "duration or \"unbounded\"",
        Means("a watermark must bound the state, where the query needs one that could grow without end"),
        "How long is remembered what no watermark bounds: rows of joins and keys of duplicates, after they came; in update mode \
         the groups of GROUP BY, the partitions of OVER, and the keys of an outer, semi or anti join with all rows of both sides, \
         after the last of their rows came. What was emitted for them stands, and is kept so that files can be rewritten. A group \
         that comes back begins anew, and takes the place of its row. What counts is the time that passed by the machine's \
         uptime clock, also while the job was down; only after a start of the machine, or on another one, the wall clock \
         counts, and then for half of this at most. Where it cannot bound the state (complete mode, a result over all rows), or \
         has nothing to do, it is refused. `unbounded`: for ever; the state may grow without end.",
        "state_ttl = \"7 days\"",
    ),
    Key::new(
        Deduplicate,
        "keys",
        "list of strings",
        Means("all columns of the query"),
        "The columns of the query in which duplicates are the same.",
        "keys = [\"event_id\"]",
    ),
    Key::new(
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
    (Function, "file", "functions in other languages are not built yet: write `expression` in SQL"),
    (Table, "sink", "take the section away: the table is in the warehouse, where other tools can read it"),
    (Table, "kind", "take it away: write dimensions and facts as plain tables"),
    (Table, "scd", "take it away: write dimensions and facts as plain tables"),
    (Table, "format", "take it away: tables are Delta Lake (Parquet files with a log)"),
    (Table, "partition_by", "take it away: files are laid out by epoch"),
];

/// Connectors that are known but not built yet, with what is said about them.
pub(crate) const PLANNED_CONNECTORS: &[(&str, &str)] = &[("files", "file sources are planned")];

/// What Spark and others call a key.
pub(crate) const FOREIGN_NAMES: &[(&str, &str)] = &[
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
    ("spark.sql.ansi.enabled", "ansi"),
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
    ("functions", "function"),
    ("parameters", "arguments"),
    ("args", "arguments"),
    ("return", "returns"),
    ("body", "expression"),
    ("expr", "expression"),
    ("timestampFormat", "format"),
    ("tests", "test"),
    ("steps", "step"),
    ("dropped", "late"),
    ("total", "rows"),
];
