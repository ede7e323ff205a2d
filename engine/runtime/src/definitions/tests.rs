//! What changes the definition of a table, and what does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use plan::plan_job;

use super::*;
use crate::schemas::source_schemas;

const JOB: &str = r#"
[job]
name = "shop"
checkpoint = "c"
warehouse = "w"

[source.events]
connector = "kafka"
brokers = "localhost:9092"
topic = "events"
watermark = { column = "at", delay = "1 minute" }
schema = { id = "string", amount = "int", at = "timestamp" }

[table.bronze.all]
sql = "SELECT * FROM events"

[table.gold.t]
late = "table"
sql = """
SELECT window.start AS begun, sum(amount) AS total -- of a minute
FROM events WHERE id <> 'a -- nothing'
GROUP BY window(at, '1 minute')"""

[table.gold.u]
sql = "SELECT total FROM gold.t"
"#;

fn of(text: &str) -> BTreeMap<String, String> {
    let job = job::parse("shop.toml", text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]));
    let job = job.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let graph = plan_job(&job, &source_schemas(&job), &connector::Capabilities::FILES).unwrap();
    fingerprints(&job, &graph)
}

/// The tables whose definition is another once some text of the job is.
fn changed_by(from: &str, to: &str) -> Vec<String> {
    assert!(JOB.contains(from), "{from}");
    let (before, after) = (of(JOB), of(&JOB.replace(from, to)));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    before.into_iter().filter(|(table, fingerprint)| after[table] != *fingerprint).map(|(table, _)| table).collect()
}

#[test]
fn every_table_has_a_definition_those_of_late_and_rejected_rows_too() {
    let all = of(JOB);
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(names, ["bronze.all", "gold.t", "gold.t__late", "gold.u", "rejected.events"]);
    let mut different: Vec<&String> = all.values().collect();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 5, "{all:?}");
}

#[test]
fn layout_and_the_place_of_records_do_not_count() {
    for (from, to) in [
        (" -- of a minute", ""),
        ("SELECT window.start", "SELECT /* the -- first */\n   window.start"),
        ("FROM events WHERE", "FROM events\n\tWHERE"),
        ("topic = \"events\"", "topic = \"others\"\nmax_offsets_per_trigger = 5"),
        ("delay = \"1 minute\"", "delay = \"2 minutes\""),
        ("checkpoint = \"c\"", "checkpoint = \"d\"\ntrigger = \"1s\""),
    ] {
        assert_eq!(changed_by(from, to), [""; 0], "{from} to {to}");
    }
}

#[test]
fn what_decides_the_rows_counts_for_the_tables_that_it_makes() {
    for (from, to, expected) in [
        ("sum(amount)", "max(amount)", &["gold.t", "gold.t__late"][..]),
        ("-- nothing'", "--  nothing'", &["gold.t", "gold.t__late"][..]),
        ("SELECT total FROM gold.t", "SELECT total + 0 AS total FROM gold.t", &["gold.u"][..]),
        ("amount = \"int\"", "amount = \"bigint\"", &["bronze.all", "gold.t", "gold.t__late", "rejected.events"][..]),
        // Only who takes all columns, or this one, gets anything of it.
        ("at = \"timestamp\" }", "at = \"timestamp\", more = \"int\" }", &["bronze.all", "rejected.events"][..]),
    ] {
        assert_eq!(changed_by(from, to), expected, "{from} to {to}");
    }
}

#[test]
fn the_fingerprint_of_a_definition_never_changes() {
    assert_eq!(without_layout("  SELECT  a,\n b FROM t -- x"), "SELECT a, b FROM t");
    assert_eq!(without_layout("SELECT 'a  -- b\\'  c' AS `x  y`/**/, 1"), "SELECT 'a  -- b\\'  c' AS `x  y` , 1");
    assert_eq!(without_layout("a - b / c"), "a - b / c");
    // Checkpoints hold them: another way to make them would say of every table that it was changed.
    assert_eq!(of(JOB)["gold.u"], "4afbb6cd9b8ce650");
}
