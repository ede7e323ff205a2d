//! Job files with Kafka in them: the good ones, and the broken ones with what the user reads (`tests/broken/*.toml` beside
//! `*.txt`; `UPDATE_EXPECTED=1` rewrites the latter: read the difference before it is committed).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use job::reference::{Key, Without};
use job::{Connectors, Job};
use proptest::prelude::*;

use crate::settings::{StartingOffsets, Topics};

use super::*;

const KAFKA: Connectors<'static> = Connectors::new(&[&KafkaConnector]);
const BROKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/keys/tests/broken");
/// The parser's own tests read these with a connector that stands in for this one.
const BROKEN_WITHOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../job/src/tests/broken");
const SMALL: &str = include_str!("tests/whole/small.toml");
const LARGE: &str = include_str!("tests/whole/large.toml");
const ECOMMERCE: &str = include_str!("../../../../../jobs/ecommerce.toml");
const SECRET: &str = "ftp-hidden-value";

/// The variables of the tests. No problem may ever show `SECRET`.
fn variable(name: &str) -> Option<String> {
    match name {
        "SECRET" | "SECRET_SCHEME" => Some(SECRET.to_owned()),
        "EMPTY" => Some(String::new()),
        "HOST" => Some("kafka".to_owned()),
        _ => None,
    }
}

fn parse(name: &str, text: &str, overrides: &[(&str, &str)]) -> Result<Job, Problems> {
    let overrides: Vec<_> = overrides.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    job::parse(name, text, &overrides, &variable, KAFKA)
}

fn good(text: &str, overrides: &[(&str, &str)]) -> Job {
    parse("job.toml", text, overrides).unwrap_or_else(|problems| panic!("{problems}"))
}

fn settings<'a>(job: &'a Job, source: &str) -> &'a KafkaSettings {
    KafkaSettings::of(&job.sources[source]).unwrap()
}

fn broken_files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// Compares the answers with those that are expected; what differs.
fn differences(files: &[PathBuf], rewrite: bool) -> String {
    let mut differences = String::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let problems = parse(name, &fs::read_to_string(path).unwrap(), &[]).err();
        let answer = problems.unwrap_or_else(|| panic!("no problem in {name}")).render(false);
        assert!(!answer.contains(SECRET) && !answer.contains("hunter2"), "{answer}");
        let expected_path = path.with_extension("txt");
        if rewrite {
            fs::write(&expected_path, &answer).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if answer != expected {
            differences.push_str(&format!("== {}\n-- expected\n{expected}\n-- answered\n{answer}\n", path.display()));
        }
    }
    differences
}

#[test]
fn every_broken_file_is_answered_as_expected() {
    let files = broken_files(BROKEN);
    assert!(files.len() >= 9, "only {} broken files", files.len());
    let differences = differences(&files, std::env::var_os("UPDATE_EXPECTED").is_some());
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn the_broken_files_of_the_parser_are_answered_the_same_with_kafka_itself() {
    let files = broken_files(BROKEN_WITHOUT);
    assert!(files.len() >= 20, "only {} broken files", files.len());
    let differences = differences(&files, false);
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn each_problem_says_what_to_do() {
    for path in broken_files(BROKEN) {
        let problems = parse("job.toml", &fs::read_to_string(&path).unwrap(), &[]).unwrap_err();
        for problem in problems.iter() {
            assert!(!problem.help.is_empty(), "no help in {problem:?}");
            assert!(!problem.label.is_empty(), "no label in {problem:?}");
        }
    }
}

#[test]
fn the_smallest_job_takes_the_defaults() {
    let job = good(SMALL, &[]);
    let expected = KafkaSettings {
        brokers: "localhost:9092".to_owned(),
        topics: Topics::Named(vec!["t".to_owned()]),
        starting_offsets: StartingOffsets::Latest,
        ending_offsets: None,
        on_data_loss: OnDataLoss::Stop,
        options: BTreeMap::new(),
    };
    assert_eq!(settings(&job, "events"), &expected);
    assert_eq!(job.sources["events"].records_per_epoch_max, Some(500_000), "a first run over a topic of any size ends");
}

#[test]
fn every_key_arrives() {
    let job = good(LARGE, &[]);
    let orders = settings(&job, "orders");
    assert_eq!(orders.brokers, "kafka:9092,[::1]:9093");
    assert_eq!(orders.topics, Topics::Named(vec!["a.b".to_owned(), "timestamp".to_owned()]));
    let offsets = BTreeMap::from([
        ("a.b".to_owned(), BTreeMap::from([(0, 23), (1, -2)])),
        ("timestamp".to_owned(), BTreeMap::from([(0, -1)])),
    ]);
    assert_eq!(orders.starting_offsets, StartingOffsets::Offsets(offsets));
    assert_eq!((job.sources["orders"].records_per_epoch_max, orders.on_data_loss), (Some(1000), OnDataLoss::Continue));
    let options: Vec<(&str, &str)> = orders.options.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let expected = [
        ("fetch.wait.max.ms", "50"),
        ("group.id", "mine"),
        ("sasl.password", SECRET),
        ("security.protocol", "SASL_SSL"),
        ("socket.keepalive.enable", "true"),
    ];
    assert_eq!(options, expected);
    assert!(!format!("{job:?}").contains(SECRET), "secrets are not printed");
    let raw = settings(&job, "raw");
    assert_eq!(raw.starting_offsets, StartingOffsets::TimestampMs(1_767_225_600_000));
    assert_eq!(raw.topics, Topics::Pattern("^raw-.*$".to_owned()));
}

#[test]
fn reading_may_end() {
    let some = ("source.orders.ending_offsets", r#"{ "a.b" = { "0" = 40, "1" = -1 } }"#);
    let job = good(LARGE, &[some]);
    let ends = BTreeMap::from([("a.b".to_owned(), BTreeMap::from([(0, 40), (1, -1)]))]);
    assert_eq!(settings(&job, "orders").ending_offsets, Some(ends));
    let raw_ends = settings(&job, "raw").ending_offsets.clone();
    assert_eq!((raw_ends, job.ends()), (None, false), "the other source does not end");
    assert!(good(LARGE, &[some, ("source.raw.ending_offsets", r#"{ raw-1 = {"0" = 7} }"#)]).ends());
}

#[test]
fn overrides_lie_over_the_file() {
    let job = good(
        LARGE,
        &[
            ("source.orders.starting_offsets", "earliest"),
            ("source.orders.kafka.\"security.protocol\"", "PLAINTEXT"),
            ("source.orders.kafka.fetch.wait.max.ms", "70"),
            ("source.orders.kafka.client.id", "me"),
            ("source.raw.brokers", "${HOST}:1"),
        ],
    );
    let orders = settings(&job, "orders");
    assert_eq!(orders.starting_offsets, StartingOffsets::Earliest);
    assert_eq!(orders.options["security.protocol"], "PLAINTEXT");
    assert_eq!(orders.options["fetch.wait.max.ms"], "70");
    assert_eq!(orders.options["client.id"], "me");
    assert_eq!(settings(&job, "raw").brokers, "kafka:1");
}

#[test]
fn problems_of_overrides_name_the_override() {
    let overrides = [
        ("job.trigger", "5 secods"),
        ("source.evnts.topic", "x"),
        ("job.nmae", "x"),
        ("table.gold.counts.mode", "update"),
        ("job.name.first", "x"),
        ("", "x"),
        ("source.events.kafka.\"sasl.password\"", "hunter2"),
        ("source.events.brokers", "${NOT_THERE}"),
    ];
    let shown = parse("job.toml", SMALL, &overrides).unwrap_err().render(false);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(shown, include_str!("tests/whole/overrides.txt"));
}

#[test]
fn settings_that_differ_are_not_equal() {
    assert_eq!(good(LARGE, &[]), good(LARGE, &[]));
    for (key, value) in [("brokers", "a:1"), ("on_data_loss", "stop"), ("kafka.client.id", "me")] {
        assert_ne!(good(LARGE, &[]), good(LARGE, &[(&format!("source.orders.{key}"), value)]), "{key}");
    }
}

/// The small job with one key of its source laid over it.
fn with(key: &Key, value: &str) -> Result<Job, Problems> {
    parse("job.toml", SMALL, &[(&format!("source.events.{}", key.name), value)])
}

#[test]
fn every_documented_key_is_read() {
    for key in KafkaConnector.keys() {
        let problems = with(key, "[[1]]").unwrap_err();
        let title = format!("`{}` has the wrong type", key.name);
        assert!(problems.iter().any(|problem| problem.title == title), "{} is not read: {problems}", key.name);
    }
}

#[test]
fn every_example_is_accepted() {
    for key in KafkaConnector.keys().iter().filter(|key| !key.example.starts_with('[')) {
        let (name, value) = key.example.split_once(" = ").unwrap();
        assert_eq!(name, key.name);
        // The topic of the small job is named already.
        if !matches!(name, "topics" | "topic_pattern") {
            with(key, value).unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
}

#[test]
fn defaults_are_what_holds_without_a_key() {
    for key in KafkaConnector.keys() {
        if let Without::Default(value) = key.without {
            assert_eq!(with(key, value).unwrap(), good(SMALL, &[]), "{} = {value}", key.name);
        }
    }
}

#[test]
fn a_topic_that_a_variable_is_part_of_is_not_shown() {
    let text = LARGE.replace("\"a.b\", \"timestamp\"", "\"${SECRET}\", \"timestamp\"");
    let shown = parse("job.toml", &text, &[]).unwrap_err().render(false);
    assert!(shown.contains("does not read the topic `a.b`") && shown.contains("it reads timestamp"), "{shown}");
    assert!(!shown.contains(SECRET), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Parsing ends, without a panic, whatever stands in the section of a source.
    #[test]
    fn a_good_file_with_faults(
        faults in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, prop::sample::select(FAULTS)), 1..6)
    ) {
        for file in [LARGE, ECOMMERCE] {
            let mut text = file.to_owned();
            for (at, gone, fault) in &faults {
                let start = text.floor_char_boundary(at.index(text.len() + 1));
                let end = text.floor_char_boundary((start + gone).min(text.len())).max(start);
                text.replace_range(start..end, fault);
            }
            if let Err(problems) = parse("job.toml", &text, &[]) {
                let shown = problems.render(false);
                prop_assert!(shown.contains("problem") && !shown.contains(SECRET), "{shown}");
            }
        }
    }
}

const FAULTS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "=",
    ".",
    ",",
    ":",
    "\n",
    "${",
    "${SECRET}",
    "-",
    "99999999999999999999",
    "é",
    "\u{0}",
    "🦀",
    "2026-01-01",
    "true",
    "_",
    "kafka.",
    "= 1e400\n",
    "[source.orders.kafka]\n",
    "topic_pattern = \"(\"\n",
];
