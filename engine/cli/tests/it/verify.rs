//! `engine verify` on tables of every shape, with late rows, bad records and duplicates; and on a job that says otherwise.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Broker, Said, engine, run};

const HEAD: &str = r#"[job]
name = "shop"
checkpoint = "c"
warehouse = "w"
trigger = "asap"

[source.events]
connector = "kafka"
brokers = "ADDRESS"
topic = "shop"
starting_offsets = "earliest"
max_offsets_per_trigger = 2000
watermark = { column = "event_time", delay = "2 minutes" }
[source.events.schema]
event_id = "string"
event_type = "string"
user_id = "string"
event_time = { type = "timestamp", field = "timestamp" }
total_amount = "double"

[static.types]
path = "types.csv"
"#;

/// Tables with what is found of them.
const TABLES: &[(&str, &str, &str, &str)] = &[
    ("bronze.raw", "append", "SELECT *, _partition, _offset FROM events", "not compared"),
    (
        "silver.buys",
        "append",
        "SELECT event_id, user_id AS buyer, event_time, total_amount FROM events WHERE event_type = 'purchase'",
        "equal",
    ),
    (
        "silver.typed",
        "append",
        "SELECT event_id, t.label FROM bronze.raw b LEFT JOIN types t ON b.event_type = t.event_type",
        "equal",
    ),
    (
        "gold.per_minute",
        "append",
        "SELECT window.start AS s, event_type, count(*) AS n, sum(total_amount) AS t FROM events GROUP BY window(event_time, '1 minute'), event_type",
        "equal",
    ),
    (
        "gold.sliding",
        "update",
        "SELECT window, count(*) AS n, avg(total_amount) AS t FROM silver.buys GROUP BY window(event_time, '10 minutes', '4 minutes', '1 minute')",
        "equal",
    ),
    (
        "gold.types",
        "complete",
        "SELECT event_type, count(DISTINCT user_id) AS n FROM events GROUP BY event_type ORDER BY n",
        "equal",
    ),
    (
        "gold.users",
        "update",
        "SELECT user_id, count(*) AS n, collect_list(event_type) AS t FROM events GROUP BY user_id",
        "equal",
    ),
    ("gold.instants", "append", "SELECT event_time, count(*) AS n FROM bronze.raw GROUP BY event_time", "equal"),
    (
        "gold.hours",
        "append",
        "SELECT window.start AS s, count(*) AS g, sum(n) AS n FROM gold.per_minute GROUP BY window(s, '10 minutes')",
        "equal",
    ),
    (
        "gold.sessions",
        "append",
        "SELECT session_window AS w, count(*) AS n FROM events WHERE user_id < 'user_0009' GROUP BY user_id, session_window(event_time, '1 second')",
        "equal",
    ),
    ("gold.once", "append", "SELECT DISTINCT event_type, event_time FROM events", "not compared"),
    (
        "gold.starts",
        "append",
        "SELECT window.start AS s, first(event_type) AS f FROM events GROUP BY window(event_time, '1 minute')",
        "not compared",
    ),
    ("gold.seen", "append", "SELECT event_id, current_timestamp() AS seen FROM events", "not compared"),
];

fn job(address: &str, tables: &[(&str, &str, &str, &str)]) -> String {
    let tables = tables
        .iter()
        .map(|(name, mode, sql, _)| format!("\n[table.{name}]\nmode = \"{mode}\"\nsql = \"\"\"{sql}\"\"\"\n"));
    std::iter::once(HEAD.replace("ADDRESS", address)).chain(tables).collect()
}

fn at(folder: &Path, arguments: &[&str]) -> Said {
    run(engine(arguments).current_dir(folder))
}

/// What was said of a table.
fn said_of<'a>(text: &'a str, table: &str) -> &'a str {
    let line = text.lines().find(|line| line.contains(&format!(" {table}: ")));
    line.unwrap_or_else(|| panic!("{table} is not in\n{text}"))
}

fn filled(folder: &Path, broker: &Broker, more: &[&str]) {
    fs::write(folder.join("types.csv"), "event_type,label\npurchase,buy\nsearch,look\n").unwrap();
    let arguments =
        "generate ecommerce --topic shop --total 20000 --events-per-second 7 --start 2026-01-01T00:00:00Z --brokers";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.push(&broker.address);
    arguments.extend(more);
    at(folder, &arguments).succeeded();
}

#[test]
fn tables_of_every_shape_equal_their_batch_answer_and_one_that_does_not_is_shown() {
    let broker = Broker::start(&["shop"]);
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), &broker, &["--late", "0.02", "--malformed", "0.005", "--duplicates", "0.01"]);
    let text = job(&broker.address, TABLES);
    fs::write(folder.path().join("job.toml"), &text).unwrap();
    let error = at(folder.path(), &["verify", "job.toml"]).failed_with(2);
    assert!(error.contains("there is no warehouse folder w"), "{error}");
    at(folder.path(), &["submit", "job.toml", "--available-now"]).succeeded();
    let said = at(folder.path(), &["verify", "job.toml"]).succeeded();
    for (table, _, _, expected) in TABLES {
        assert!(said_of(&said, table).starts_with(expected), "{table} should be {expected}:\n{said}");
    }
    for (table, part) in [
        ("bronze.raw", "keeps the records of events"),
        ("gold.once", "rows came too late"),
        ("gold.starts", "first_value(…) depends on the order"),
        ("gold.seen", "asks what time it is"),
    ] {
        assert!(said_of(&said, table).contains(part), "{said}");
    }
    assert!(said.contains("rows are not final yet in the batch") && said.contains("9 equal, 0 different"), "{said}");
    // All of them are counted, and so are the rows that could not be decoded.
    assert!(said.contains("counted against the commits, 14 tables: 14 right, 0 wrong, 0 not counted\n"), "{said}");
    assert!(said_of(&said, "rejected.events").starts_with("counted       rejected.events: "), "{said}");
    assert_eq!(
        said.matches("\n    counted: ").count(),
        4,
        "those that are not compared say how many rows they hold: {said}"
    );

    // Another query over the same tables: what the one of before has made is no answer of it.
    let other = text.replace(
        "count(*) AS n, sum(total_amount)",
        "count(*) + CAST(event_type = 'search' AS INT) AS n, sum(total_amount)",
    );
    fs::write(folder.path().join("job.toml"), other).unwrap();
    let said = at(folder.path(), &["verify", "job.toml"]).succeeded();
    let minutes = said_of(&said, "gold.per_minute");
    let reason = "its definition in the job file is not the one that made epochs 0 to ";
    assert!(minutes.starts_with("not compared") && minutes.contains(reason), "{said}");
    assert!(said.contains("8 equal, 0 different, 5 not compared"), "{said}");

    // What the static table held is no longer known.
    fs::write(folder.path().join("types.csv"), "event_type,label\npurchase,bought\n").unwrap();
    fs::write(folder.path().join("job.toml"), &text).unwrap();
    let said = at(folder.path(), &["verify", "job.toml"]).succeeded();
    assert!(said_of(&said, "silver.typed").contains("the static table types has changed"), "{said}");

    // A row that another program changed: as many rows, and not the same.
    python(ONE_MORE, &folder.path().join("w/gold/types"));
    let output = at(folder.path(), &["verify", "job.toml"]);
    assert_eq!(output.code, Some(1), "{output:#?}");
    assert!(said_of(&output.out, "gold.types").starts_with("different"), "{output:#?}");
    assert!(
        output.out.contains("    batch: event_type=search, n=")
            && output.out.contains("    table: event_type=search, n="),
        "{output:#?}"
    );
    assert!(output.out.contains("7 equal, 1 different, 5 not compared"), "{output:#?}");
    assert!(output.out.contains("14 tables: 14 right, 0 wrong, 0 not counted"), "{output:#?}");
    assert_eq!(broker.stop(), Some(0));
}

/// What another program does that takes a number for wrong.
const ONE_MORE: &str = "import sys, deltalake
deltalake.DeltaTable(sys.argv[1]).update(predicate=\"event_type = 'search'\", updates={'n': 'n + 1'})";

/// Shapes of which a batch says nothing if rows come too late.
const JOINS: &[(&str, &str, &str, &str)] = &[
    ("bronze.raw", "append", "SELECT * FROM events", "not compared"),
    (
        "gold.pairs",
        "append",
        "SELECT a.event_id AS one, b.event_id AS other, a.event_time FROM bronze.raw a JOIN bronze.raw b ON a.user_id = b.user_id
         AND b.event_time BETWEEN a.event_time AND a.event_time + INTERVAL 1 MINUTE WHERE a.event_id <> b.event_id",
        "equal",
    ),
    (
        "gold.bought",
        "append",
        "SELECT a.event_id, a.event_time, b.event_id AS bought FROM bronze.raw a LEFT JOIN bronze.raw b ON a.user_id = b.user_id
         AND b.event_type = 'purchase' AND b.event_time BETWEEN a.event_time AND a.event_time + INTERVAL 2 MINUTES",
        "equal",
    ),
    ("gold.once", "append", "SELECT DISTINCT event_type, event_time FROM events", "equal"),
    (
        "gold.best",
        "update",
        "SELECT user_id, event_id, total_amount FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY total_amount DESC, event_id) AS place
         FROM bronze.raw WHERE total_amount IS NOT NULL) WHERE place <= 2",
        "equal",
    ),
    ("gold.both", "append", "SELECT event_id FROM events WHERE event_type = 'search' UNION ALL SELECT event_id FROM events", "equal"),
];

#[test]
fn joins_and_the_like_equal_their_batch_answer_as_long_as_nothing_comes_too_late() {
    let broker = Broker::start(&["shop"]);
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), &broker, &[]);
    let text = job(&broker.address, JOINS).replace("delay = \"2 minutes\"", "delay = \"20 minutes\"");
    fs::write(folder.path().join("job.toml"), text).unwrap();
    at(folder.path(), &["submit", "job.toml", "--available-now"]).succeeded();
    let said = at(folder.path(), &["verify", "job.toml"]).succeeded();
    for (table, _, _, expected) in JOINS {
        assert!(said_of(&said, table).starts_with(expected), "{table} should be {expected}:\n{said}");
    }
    assert_eq!(broker.stop(), Some(0));
}

fn python(script: &str, path: &Path) {
    let python = std::env::var("ENGINE_TEST_PYTHON").expect("ENGINE_TEST_PYTHON is not set: run scripts/test");
    let output = Command::new(python).args(["-c", script, path.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What another program does to keep a table in shape.
const OPTIMIZE_AND_VACUUM: &str = "import sys, deltalake
table = deltalake.DeltaTable(sys.argv[1])
assert table.optimize.compact()['numFilesRemoved'] > 1
assert len(table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)) > 1";

/// What another program does that was not asked to.
const DELETE_ONE: &str = "import sys, deltalake
table = deltalake.DeltaTable(sys.argv[1])
first = min(row['event_id'] for row in table.to_pyarrow_table(columns=['event_id']).to_pylist())
table.delete(f\"event_id = '{first}'\")";

#[test]
fn what_cannot_be_told_after_another_programs_optimize_and_vacuum_is_said() {
    let broker = Broker::start(&["shop"]);
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), &broker, &["--late", "0.02"]);
    let names = ["bronze.raw", "silver.buys", "gold.per_minute", "gold.users"];
    let tables: Vec<_> = TABLES.iter().copied().filter(|(name, ..)| names.contains(name)).collect();
    fs::write(folder.path().join("job.toml"), job(&broker.address, &tables)).unwrap();
    at(folder.path(), &["submit", "job.toml", "--available-now"]).succeeded();
    let count = ["sql", "--job", "job.toml", "--format", "csv", "SELECT count(*) AS n FROM bronze.raw"];
    assert_eq!(at(folder.path(), &count).succeeded(), "n\n20000\n");
    python(OPTIMIZE_AND_VACUUM, &folder.path().join("w/bronze/raw"));
    assert_eq!(at(folder.path(), &count).succeeded(), "n\n20000\n", "the version that the job pointed at is gone");
    let said = at(folder.path(), &["verify", "job.toml"]).succeeded();
    let minutes = said_of(&said, "gold.per_minute");
    assert!(minutes.starts_with("not compared") && minutes.contains("rows came too late for it"), "{said}");
    assert!(minutes.contains("rewrote data files of bronze.raw"), "{said}");
    // No row is too late for these.
    for table in ["silver.buys", "gold.users"] {
        assert!(said_of(&said, table).starts_with("equal"), "{said}");
    }
    // The rows are counted, whatever files they are in now.
    let counted = "    counted: 20,000 rows in 1 file, as its commits say\n    another program wrote 1 of its files";
    assert!(said.contains(counted), "{said}");
    assert!(said.contains("counted against the commits, 4 tables: 4 right, 0 wrong, 0 not counted\n"), "{said}");
    python(DELETE_ONE, &folder.path().join("w/bronze/raw"));
    let output = at(folder.path(), &["verify", "job.toml"]);
    assert_eq!(output.code, Some(1), "{output:#?}");
    let miscounted = output.out.lines().find(|line| line.starts_with("miscounted    bronze.raw: ")).unwrap();
    assert!(miscounted.contains("it holds 19999 rows, its commits up to epoch "), "{output:#?}");
    assert!(miscounted.ends_with(" say 20000: 1 missing"), "{output:#?}");
    assert!(output.out.contains("4 tables: 3 right, 1 wrong, 0 not counted"), "{output:#?}");
    assert_eq!(broker.stop(), Some(0));
}

#[test]
fn an_epoch_that_is_not_published_everywhere_is_named_with_the_tables_that_lack_it() {
    let broker = Broker::start(&["shop"]);
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), &broker, &[]);
    let tables: Vec<_> =
        TABLES.iter().copied().filter(|(name, ..)| ["bronze.raw", "silver.buys"].contains(name)).collect();
    fs::write(folder.path().join("job.toml"), job(&broker.address, &tables)).unwrap();
    at(folder.path(), &["submit", "job.toml", "--available-now"]).succeeded();
    at(folder.path(), &["verify", "job.toml"]).succeeded();
    // As the process would leave it that ended while it published its last epoch: in one table, and not in the other.
    let pointer = folder.path().join("w/_engine/shop.json");
    let whole = fs::read_to_string(&pointer).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let epoch = value["epoch"].as_u64().unwrap();
    value["epoch"] = (epoch - 1).into();
    for version in value["versions"].as_object_mut().unwrap().values_mut() {
        *version = (version.as_i64().unwrap() - 1).max(0).into();
    }
    fs::write(&pointer, value.to_string()).unwrap();
    let error = at(folder.path(), &["verify", "job.toml"]).failed_with(1);
    assert!(error.contains(&format!("epoch {epoch} of the job shop is in all tables")), "{error}");
    let log = folder.path().join("w/silver/buys/_delta_log");
    let mut entries: Vec<_> = fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.retain(|entry| entry.extension().is_some_and(|extension| extension == "json"));
    entries.sort();
    let entry = fs::read(entries.last().unwrap()).unwrap();
    fs::remove_file(entries.last().unwrap()).unwrap();
    let error = at(folder.path(), &["verify", "job.toml"]).failed_with(1);
    let committed =
        format!("epoch {epoch} of the job shop is committed, but not published in silver.buys; run the job");
    assert!(error.contains(&committed) && !error.contains("faster"), "{error}");
    // Another job of the warehouse is further on: that is no matter of this one.
    fs::write(&pointer, &whole).unwrap();
    fs::write(entries.last().unwrap(), entry).unwrap();
    at(folder.path(), &["verify", "job.toml"]).succeeded();
    let other = job(&broker.address, &[("bronze.other", "append", "SELECT event_id FROM events", "")]);
    let other =
        other.replace("\"shop\"\ncheckpoint = \"c\"", "\"other\"\ncheckpoint = \"d\"").replace("= 2000", "= 500");
    fs::write(folder.path().join("other.toml"), other).unwrap();
    at(folder.path(), &["submit", "other.toml", "--available-now"]).succeeded();
    at(folder.path(), &["verify", "job.toml"]).succeeded();
    assert_eq!(broker.stop(), Some(0));
}

/// The entries of a table's log, in order.
fn log_entries(table: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(table.join("_delta_log")).unwrap().map(|entry| entry.unwrap().path());
    let mut entries: Vec<_> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
    entries.sort();
    entries
}

/// The data files that an entry adds, with their rows.
fn added_by(entry: &Path) -> Vec<(String, u64)> {
    let actions = fs::read_to_string(entry).unwrap();
    let actions = actions.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let added = actions.filter_map(|action| action.get("add").cloned()).map(|add| {
        let stats: serde_json::Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
        (add["path"].as_str().unwrap().to_owned(), stats["numRecords"].as_u64().unwrap())
    });
    added.collect()
}

#[test]
fn a_file_that_is_lost_or_taken_out_is_named_with_its_epoch_whatever_is_not_compared() {
    let broker = Broker::start(&["shop"]);
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), &broker, &[]);
    let names = ["bronze.raw", "gold.once"];
    let tables: Vec<_> = TABLES.iter().copied().filter(|(name, ..)| names.contains(name)).collect();
    fs::write(folder.path().join("job.toml"), job(&broker.address, &tables)).unwrap();
    at(folder.path(), &["submit", "job.toml", "--available-now"]).succeeded();
    at(folder.path(), &["verify", "job.toml"]).succeeded();
    let raw = folder.path().join("w/bronze/raw");
    let entries = log_entries(&raw);
    let mut files = entries.iter().flat_map(|entry| added_by(entry));
    let (lost, rows) = files.find(|(file, _)| file.contains("-0000000002-")).unwrap();

    // Deleted where it lies: the log still says that all is well.
    let bytes = fs::read(raw.join(&lost)).unwrap();
    fs::remove_file(raw.join(&lost)).unwrap();
    let output = at(folder.path(), &["verify", "job.toml"]);
    assert_eq!(output.code, Some(1), "{output:#?}");
    assert!(output.out.contains("miscounted    bronze.raw: its rows cannot be read: "), "{output:#?}");
    assert!(output.out.contains(&format!("    epoch 2: {lost} with {rows} rows\n")), "{output:#?}");
    fs::write(raw.join(&lost), bytes).unwrap();
    at(folder.path(), &["verify", "job.toml"]).succeeded();

    // Taken out of the log, as a program does that deletes rows.
    let next = raw.join(format!("_delta_log/{:020}.json", entries.len()));
    let removed = serde_json::json!({ "remove": { "path": lost, "dataChange": true, "deletionTimestamp": 1 } });
    fs::write(&next, format!("{removed}\n")).unwrap();
    let output = at(folder.path(), &["verify", "job.toml"]);
    assert_eq!(output.code, Some(1), "{output:#?}");
    let wrong = format!("miscounted    bronze.raw: it holds {} rows, its commits up to epoch ", 20_000 - rows);
    assert!(
        output.out.contains(&wrong) && output.out.contains(&format!(" say 20000: {rows} missing\n")),
        "{output:#?}"
    );
    assert!(
        output.out.contains(&format!("    epoch 2: {lost} with {rows} rows is not among its files\n")),
        "{output:#?}"
    );
    assert!(said_of(&output.out, "bronze.raw").starts_with("not compared"), "{output:#?}");
    fs::remove_file(&next).unwrap();

    // Deleted as a whole.
    fs::rename(&raw, folder.path().join("away")).unwrap();
    let output = at(folder.path(), &["verify", "job.toml"]);
    assert_eq!(output.code, Some(1), "{output:#?}");
    let wrong = "miscounted    bronze.raw: it is not in the warehouse, and its commits up to epoch ";
    assert!(output.out.contains(wrong) && output.out.contains(" say that it holds 20000 rows\n"), "{output:#?}");
    assert_eq!(broker.stop(), Some(0));
}

#[test]
fn a_table_that_was_there_before_and_a_checkpoint_that_is_gone_are_said() {
    let broker = Broker::start(&["shop"]);
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), &broker, &[]);
    let tables: Vec<_> = TABLES.iter().copied().filter(|(name, ..)| *name == "bronze.raw").collect();
    fs::write(folder.path().join("job.toml"), job(&broker.address, &tables)).unwrap();
    let raw = folder.path().join("w/bronze/raw");
    fs::create_dir_all(raw.parent().unwrap()).unwrap();
    python(
        "import sys, deltalake, pyarrow
deltalake.write_deltalake(sys.argv[1], pyarrow.table({'event_id': ['before'] * 7}))",
        &raw,
    );
    at(folder.path(), &["submit", "job.toml", "--available-now"]).succeeded();
    let said = at(folder.path(), &["verify", "job.toml"]).succeeded();
    let before =
        "    the rows that it held before epoch 0 are taken as they were\n    another program wrote 1 of its files";
    assert!(said.contains("    counted: 20,007 rows in ") && said.contains(before), "{said}");
    fs::rename(folder.path().join("c"), folder.path().join("elsewhere")).unwrap();
    // Without it nothing can be held against the tables, and that is no success.
    let said = at(folder.path(), &["verify", "job.toml"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(
        said.err.contains("c is not a checkpoint") && said.err.contains("bring the job's checkpoint back"),
        "{said:#?}"
    );
    assert_eq!(broker.stop(), Some(0));
}
