//! The table of keys, the parser and the documentation say the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::parse;

use super::*;

const SMALL: &str = include_str!("../tests/whole/small.toml");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/job-file.md");

fn prefix(part: Part) -> Option<&'static str> {
    Some(match part {
        Part::File => "",
        Part::Job => "job.",
        Part::Source => "source.events.",
        Part::Watermark => "source.events.watermark.",
        Part::Column => "source.events.schema.at.",
        Part::Static => "static.products.",
        Part::StaticOptions => "static.products.options.",
        Part::Table => "table.bronze.all.",
        Part::Deduplicate => "table.bronze.all.deduplicate.",
        Part::Test | Part::TestStep | Part::TestState => return None,
    })
}

/// The small job with its one column written as a section, and a static table.
fn text() -> String {
    let text = SMALL.replace("at = \"timestamp\"", "at = { type = \"timestamp\" }");
    format!("{text}deduplicate = {{}}\n[static.products]\npath = \"products.csv\"\noptions = {{}}\n")
}

/// The job of the document with a static table, and with a test that has one line more.
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

/// The job in the document.
fn hello() -> String {
    document().split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
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
    for key in all() {
        let problems = with(key, "[[1]]").unwrap_err();
        let title = format!("`{}` has the wrong type", key.name);
        assert!(problems.iter().any(|problem| problem.title == title), "{} is not read: {problems}", key.name);
    }
}

#[test]
fn every_example_is_right() {
    for key in all().filter(|key| !key.example.starts_with('[') && prefix(key.part).is_some()) {
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
fn every_example_of_a_test_is_right() {
    for key in all().filter(|key| prefix(key.part).is_none()) {
        let job = with_line(key.part, key.example).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(job.tests.len(), 1, "{}", key.example);
        assert_eq!(job.tests[0].steps.len(), 1, "{}", key.example);
    }
}

#[test]
fn the_test_in_the_document_is_right() {
    let document = document();
    let test = document.split("```toml\n").find(|block| block.starts_with("[[test]]\nname")).unwrap();
    let text = format!("{}\n{}", hello(), test.split("```").next().unwrap());
    let job = parse("job-file.md", &text, &[], &|_| None).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(job.tests[0].steps.len(), 2);
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
    for key in all() {
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
            if key.name == "ordered" {
                with.tests[0].steps[0].empty_epoch = true;
            }
            assert_eq!(with, without_places(without), "{} = {value}", key.name);
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
