//! Writes `docs/job-file.md`.

use std::fmt::Write;

use crate::connector::{ConnectorKeys, Connectors};
use crate::reference::{Key, Part, Without, keys};
use crate::types::PLAIN;

/// The documentation of the job file with the keys of these connectors, in Markdown.
pub fn document(connectors: Connectors<'_>) -> String {
    let mut out = String::from(INTRODUCTION);
    let parts = [
        (Part::File, "The file", ""),
        (Part::Job, "`[job]`", ""),
        (Part::Source, "`[source.NAME]`", "NAME is what SQL calls the source: letters, digits and `_`.\n\n"),
        (Part::Watermark, "`watermark = { … }` of a source", ""),
        (Part::Column, "A column of `[source.NAME.schema]` or `[static.NAME.schema]`", COLUMN),
        (Part::Function, "`[function.NAME]`", FUNCTION),
        (Part::Static, "`[static.NAME]`", STATIC),
        (Part::StaticOptions, "`[static.NAME.options]`", ""),
        (Part::Table, "`[table.SCHEMA.NAME]`", TABLE),
        (Part::Deduplicate, "`deduplicate = { … }` of a table", ""),
        (Part::Test, "`[[test]]`", TEST),
        (Part::TestStep, "`[[test.step]]`", STEP),
        (Part::TestState, "`expect_state.\"SCHEMA.NAME\" = { … }` of a step", ""),
    ];
    for (part, title, text) in parts {
        let _ = write!(out, "## {title}\n\n{text}");
        keys(part).for_each(|key| write_key(&mut out, key, connectors));
        if part == Part::Source {
            connectors.iter().for_each(|connector| write_connector(&mut out, connector, connectors));
        }
    }
    write_types(&mut out);
    out.push_str(TIMES);
    out.push_str(VALUES);
    connectors.iter().for_each(|connector| out.push_str(&connector.appendix()));
    out
}

/// The keys that a connector adds, each section of its own under a heading of its own.
fn write_connector(out: &mut String, connector: &dyn ConnectorKeys, connectors: Connectors<'_>) {
    let mut part = None;
    for key in connector.keys() {
        if part != Some(key.part) {
            let section = match key.part {
                Part::Connector(section) => format!("[source.NAME.{section}]"),
                _ => "[source.NAME]".to_owned(),
            };
            let _ = write!(out, "## `{section}` with `connector = \"{}\"`\n\n", connector.name());
            part = Some(key.part);
        }
        write_key(out, key, connectors);
    }
}

fn write_key(out: &mut String, key: &Key, connectors: Connectors<'_>) {
    // Which connectors there are, no table of keys knows.
    let takes =
        if key.part == Part::Source && key.name == "connector" { connectors.quoted() } else { key.takes.to_owned() };
    let without = match key.without {
        Without::Required => "required".to_owned(),
        Without::Default(value) => format!("default `{value}`"),
        Without::Means(meaning) => format!("without it: {meaning}"),
    };
    let _ = write!(out, "### `{}`\n\n{takes} · {without}\n\n{}\n\n", key.name, key.meaning);
    let _ = write!(out, "```toml\n{}\n```\n\n", key.example);
}

fn write_types(out: &mut String) {
    out.push_str("## Types\n\n| type | also written |\n|---|---|\n");
    for (_, names) in PLAIN {
        if let Some((name, others)) = names.split_first() {
            let others: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
            let _ = writeln!(out, "| `{name}` | {} |", others.join(", "));
        }
    }
    out.push_str(NESTED);
}

const INTRODUCTION: &str = r#"# The job file

<!-- Written by `UPDATE_DOCS=1 cargo test -p cli` from engine/job/src/reference and the keys of engine/connectors: change it there. -->

A job is one TOML file: where records come from, and which tables are made of them. `engine check JOB` shows every
problem of a file at once; `engine submit JOB` runs it. The smallest whole job:

```toml
[job]
name = "hello"
trigger = "5s"
checkpoint = "checkpoints/hello"
warehouse = "warehouse"

[source.events]
connector = "kafka"
brokers = "127.0.0.1:9092"
topic = "streaming-events"
starting_offsets = "earliest"
format = "json"
watermark = { column = "event_time", delay = "5 minutes" }

[source.events.schema]
user_id = "string"
event_type = "string"
event_time = { type = "timestamp", field = "timestamp" }

[table.gold.event_counts]
sql = """
SELECT window.start AS window_start, window.end AS window_end, event_type, count(*) AS event_count
FROM events
GROUP BY window(event_time, '1 minute'), event_type
"""
```

"#;

const COLUMN: &str = "A column is `name = \"type\"` or, with more to say, `name = { type = …, field = …, required = … }`; one that \
is computed is `name = { expression = \"…\" }`. (Static tables have no computed columns, and neither `unit`, `format` nor `time_zone`.) \
Names are letters, digits and `_`, and do not begin with `_`: such names are kept for what the engine adds to every \
record: `_key`, `_topic`, `_partition`, `_offset`, `_timestamp`, `_headers`.\n\n";

const FUNCTION: &str = r#"NAME is what SQL calls the function: letters, digits and `_`, whatever their case; not the name of a function that is built in.

```toml
[function.net]
arguments = { price = "decimal(10,2)", rate = "double" }
expression = "price * (1 - rate)"
```

`net(total, 0.19)` may stand wherever a function that is built in may: in the SQL of tables, in computed columns, in other functions, and
in `engine sql --job`. A call stands for the expression with the values of its arguments, each converted to its type: it has the same types,
and a CASE in it guards as one in the query does. Aggregates, OVER and subqueries cannot be in it. `engine explain` shows what each gives.

"#;

const STATIC: &str = "NAME is what SQL calls the static table; no source has the same. The version that an epoch saw is \
recorded with it, so that a replay of the epoch gives the same rows: a Delta table keeps its versions; of other \
files, and of all with `refresh = \"never\"`, the rows are kept in the checkpoint, at most 64 MiB (larger ones with `never` must stay as they are). Files whose name begins with `_` or `.` are not read. Put new \
files in place whole, by renaming them.

In SQL a static table may stand where a table stands, as long as the stream's rows are the ones that are kept: an inner \
join, a left join of the stream with it, LEFT SEMI and LEFT ANTI, `IN`, `NOT IN`, `EXISTS` (the first and the last under OR too), or one value such as \
`price > (SELECT avg(price) FROM products)`. A query over static tables alone may be anything: filters, aggregates, joins \
of two, ORDER BY with LIMIT. Rows that were emitted are not changed by a refresh. Rows that an update table retracts \
must find what they found before, so a table that reads one needs `refresh = \"never\"`.

If the columns at `path` change, the job stops and says which; started again it takes them as they are. With a schema only \
the columns in it count. `engine explain` shows each static table with its refresh, `engine checkpoint show` the versions of \
the last epoch.\n\n";

const TEST: &str = r#"A test begins with an empty warehouse and an empty checkpoint, and goes through its steps in order. `engine test JOB`
runs all of them in memory: no Kafka, no files.

```toml
[[test]]
name = "a late click is left out"

[[test.step]]
input.events = [
    { event_type = "click", timestamp = "2026-01-01T00:00:10Z" },
    { event_type = "click", timestamp = "2026-01-01T00:10:00Z" },
]
expect."gold.event_counts" = [{ window_start = "2026-01-01T00:00:00Z", event_type = "click", event_count = 1 }]

[[test.step]]
input.events = [{ event_type = "click", timestamp = "2026-01-01T00:00:20Z" }]
expect_new."gold.event_counts" = []
expect_late."gold.event_counts" = 1
```

"#;

const STEP: &str = r#"What a step does comes first, in this order: `restart`, `time`, `static`, then `input` as one epoch that reads the records
of all sources, then epochs without records for as long as a watermark that moved has rows to emit. What it expects is looked at
after that.

"#;

const TABLE: &str = "A table's name has two parts, schema and name, each of letters, digits and `_`. The schema \
`rejected` (records that could not be read) and names that end in `__late` (rows that came too late) or `__rejected` (rows that a query has no value for) belong to the \
engine.\n\n";

const NESTED: &str = r#"| `decimal(digits,behind_the_point)` | `dec`; plain `decimal` is `decimal(10,0)` |
| `array<string>` | |
| `map<string,double>` | |
| `struct<id:int,name:string>` | `struct<id int, name string>` |

Types can be nested, as in `array<struct<id:int,tags:array<string>>>`. Spaces and capital letters make no difference.

"#;

const TIMES: &str = r#"## Times

What a `timestamp` column of a source takes:

| in the record | is |
|---|---|
| `"2026-01-31T10:20:30.123456+02:00"` | ISO-8601: date, `T` or a blank, hours and minutes, then seconds and up to nine digits behind a point if they are there (cut to the microsecond), then `Z`, `+02`, `+0200` or `+02:00`; without a zone it is UTC, or that of `time_zone` |
| `"2026-01-31"` | midnight, in the same zone |
| any text, with `format` | what Spark's `to_timestamp` makes of it with that pattern, in its own zone, in that of `time_zone`, or in UTC |
| `1769854830` | seconds since 1970, or what `unit` says; `1769854830.0` and `1.76985483e9` are whole numbers too. With `format` and without `unit` its digits are read as a text |

Years are 1 to 9999. Anything else rejects the record, with the field and the value in the reason. Other texts and numbers become times in a computed
column: `event_time = { expression = "coalesce(timestamp_seconds(sent), to_timestamp(local_time, 'd.M.yyyy H:mm'))" }`.

A watermark stands on such a column, on a computed one of type TIMESTAMP, or on `_timestamp`, the time that the source itself gives each record (Kafka: of
its producer, or of the broker, as the topic's `message.timestamp.type` says).

"#;

const VALUES: &str = r#"## Durations and sizes

A duration is a number with a unit, or several of them: `"500ms"`, `"5s"`, `"5 minutes"`, `"1 hour 30 minutes"`,
`"2 days"`. A size is a number with a unit: `"256 MiB"`, `"1 GiB"`, `"500 MB"`.

## Variables

Any string may hold `${NAME}` or `${NAME:-default}`, taken from the environment. A variable that is not set and has no
default is a problem; one that is empty takes its default. For a plain `${` write `$${`. Passwords are given so and
only so, and what a variable holds is never shown.

## From the command line

`--set key=value` puts a value over that of the file: `--set job.trigger=asap`,
`--set source.events.starting_offsets='{"0" = 23}'`, `--set table.gold.event_counts.mode=update`,
`--set source.events.kafka."security.protocol"=SSL`. What is not TOML is taken as a string.

"#;
