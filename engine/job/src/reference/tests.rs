//! The table of keys and the parser say the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::connector::ConnectorKeys;
use crate::tests::parse;
use crate::tests::stand_in::StandIn;

use super::*;

const SMALL: &str = include_str!("../tests/whole/small.toml");

fn prefix(part: Part) -> Option<String> {
    let prefix = match part {
        Part::File => "",
        Part::Job => "job.",
        Part::Source => "source.events.",
        Part::Connector(section) => return Some(format!("source.events.{section}.")),
        Part::Watermark => "source.events.watermark.",
        Part::Column => "source.events.schema.at.",
        Part::Function => "function.net.",
        Part::Static => "static.products.",
        Part::StaticOptions => "static.products.options.",
        Part::Table => "table.bronze.all.",
        Part::Deduplicate => "table.bronze.all.deduplicate.",
        Part::Test | Part::TestStep | Part::TestState => return None,
    };
    Some(prefix.to_owned())
}

/// All keys, those of the stand-in too.
fn all_keys() -> impl Iterator<Item = &'static Key> {
    all().chain(StandIn.keys())
}

/// The small job with its one column written as a section, and a static table.
fn text() -> String {
    let text = SMALL.replace("at = \"timestamp\"", "at = { type = \"timestamp\" }");
    let function = "[function.net]\narguments = { price = \"int\" }\nexpression = \"price\"\n";
    format!("{text}deduplicate = {{}}\n{function}[static.products]\npath = \"products.csv\"\noptions = {{}}\n")
}

/// The job with a static table, and with a test that has one line more.
fn with_line(part: Part, line: &str) -> Result<crate::Job, crate::Problems> {
    let name = if line.starts_with("name") { "" } else { "name = \"t\"\n" };
    let tail = match part {
        Part::Test if line.starts_with("step") => format!("{name}{line}"),
        Part::Test if line.starts_with('[') => format!("{name}{line}"),
        Part::Test => format!("{name}{line}\n[[test.step]]\nempty_epoch = true"),
        Part::TestState => format!("{name}[[test.step]]\nexpect_state.\"gold.event_counts\" = {{ {line} }}"),
        _ if line.starts_with("ordered") => format!("{name}[[test.step]]\n{line}\nexpect.gold.event_counts = []"),
        _ if line.starts_with("empty_epoch") => format!("{name}[[test.step]]\n{line}"),
        _ => format!("{name}[[test.step]]\nempty_epoch = true\n{line}"),
    };
    parse("job.toml", &format!("{}\n[static.products]\npath = \"p\"\n[[test]]\n{tail}\n", hello()), &[], &|_| None)
}

/// A job whose test has columns to look at.
fn hello() -> String {
    let columns = "event_type = \"string\"\nuser_id = \"string\"\nat = \"timestamp\"";
    SMALL.replace("at = \"timestamp\"", columns).replace("bronze.all", "gold.event_counts")
}

/// A job with one key laid over it.
fn with(key: &Key, value: &str) -> Result<crate::Job, crate::Problems> {
    match prefix(key.part) {
        Some(prefix) => parse("job.toml", &text(), &[(format!("{prefix}{}", key.name), value.to_owned())], &|_| None),
        None => with_line(key.part, &format!("{} = {value}", key.name)),
    }
}

#[test]
fn every_documented_key_is_read() {
    for key in all_keys() {
        let problems = with(key, "[[1]]").unwrap_err();
        let title = format!("`{}` has the wrong type", key.name);
        assert!(problems.iter().any(|problem| problem.title == title), "{} is not read: {problems}", key.name);
    }
}

#[test]
fn every_example_is_right() {
    for key in all_keys().filter(|key| !key.example.starts_with('[') && prefix(key.part).is_some()) {
        let (name, value) = key.example.split_once(" = ").unwrap();
        assert_eq!(name, key.name);
        // These do not go with the small job: its topic is named already, its column has another name.
        // A column that is computed has no type.
        let is_computed = name == "expression" && key.part == Part::Column;
        let beside = is_computed || matches!(name, "topics" | "topic_pattern" | "column" | "watermark");
        if !beside {
            with(key, value).unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
}

#[test]
fn every_example_of_a_test_is_right() {
    for key in all_keys().filter(|key| prefix(key.part).is_none()) {
        let job = with_line(key.part, key.example).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(job.tests.len(), 1, "{}", key.example);
        assert_eq!(job.tests[0].steps.len(), 1, "{}", key.example);
    }
}

/// Where something lies is no part of what it says.
fn without_places(mut job: crate::Job) -> crate::Job {
    for test in &mut job.tests {
        test.place = 0..0;
        test.steps.iter_mut().for_each(|step| step.place = 0..0);
    }
    job
}

#[test]
fn defaults_are_right() {
    for key in all_keys() {
        if let Without::Default(value) = key.without {
            let without = match prefix(key.part) {
                Some(_) => parse("job.toml", &text(), &[], &|_| None).unwrap(),
                None if key.name == "ordered" => with_line(key.part, "expect.gold.event_counts = []").unwrap(),
                None => with_line(key.part, "").unwrap(),
            };
            let mut with = without_places(with(key, value).unwrap());
            if key.name == "empty_epoch" {
                with.tests[0].steps[0].empty_epoch = true;
            }
            // That the file says it matters only to a checkpoint of before.
            if key.name == "ansi" {
                with.types_are_given = false;
            }
            if key.name == "ordered" {
                with.tests[0].steps[0].empty_epoch = true;
            }
            assert_eq!(with, without_places(without), "{} = {value}", key.name);
        }
    }
}
