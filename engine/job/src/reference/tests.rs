//! The table of keys, the parser and the documentation say the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::parse;

use super::*;

const SMALL: &str = include_str!("../tests/whole/small.toml");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/job-file.md");

fn prefix(part: Part) -> &'static str {
    match part {
        Part::File => "",
        Part::Job => "job.",
        Part::Source => "source.events.",
        Part::Watermark => "source.events.watermark.",
        Part::Column => "source.events.schema.at.",
        Part::Table => "table.bronze.all.",
    }
}

/// The small job with its one column written as a section.
fn text() -> String {
    SMALL.replace("at = \"timestamp\"", "at = { type = \"timestamp\" }")
}

/// That job with one key laid over it.
fn with(key: &Key, value: &str) -> Result<crate::Job, crate::Problems> {
    parse("job.toml", &text(), &[(format!("{}{}", prefix(key.part), key.name), value.to_owned())], &|_| None)
}

#[test]
fn every_documented_key_is_read() {
    for key in KEYS {
        let problems = with(key, "[[1]]").unwrap_err();
        let title = format!("`{}` has the wrong type", key.name);
        assert!(problems.iter().any(|problem| problem.title == title), "{} is not read: {problems}", key.name);
    }
}

#[test]
fn every_example_is_right() {
    for key in KEYS.iter().filter(|key| !key.example.starts_with('[')) {
        let (name, value) = key.example.split_once(" = ").unwrap();
        assert_eq!(name, key.name);
        // These do not go with the small job: its topic is named already, its column has another name.
        let beside = matches!(name, "topics" | "topic_pattern" | "column" | "watermark");
        if !beside {
            with(key, value).unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
}

#[test]
fn defaults_are_right() {
    for key in KEYS {
        if let Without::Default(value) = key.without {
            let small = parse("job.toml", &text(), &[], &|_| None).unwrap();
            assert_eq!(with(key, value).unwrap(), small, "{} = {value}", key.name);
        }
    }
}

#[test]
fn the_job_in_the_document_is_right() {
    let document = document();
    let job = document.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    parse("job-file.md", job, &[], &|_| None).unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn the_document_is_current() {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(DOCUMENT, document()).unwrap();
    }
    let current = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(current == document(), "docs/job-file.md is old: UPDATE_DOCS=1 cargo test -p job, then commit it");
}
