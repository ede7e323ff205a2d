//! Whole job files: the good ones, and the broken ones with what the user reads (`tests/broken/*.toml` beside
//! `*.txt`; `UPDATE_EXPECTED=1` rewrites the latter: read the difference before it is committed).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use crate::*;

mod connectors;
mod mangled;
pub(crate) mod stand_in;
mod tested;
mod whole;

const BROKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/broken");
pub(crate) const SECRET: &str = "ftp-hidden-value";

/// The variables of the tests. No problem may ever show `SECRET`.
pub(crate) fn variable(name: &str) -> Option<String> {
    match name {
        "SECRET" | "SECRET_SCHEME" => Some(SECRET.to_owned()),
        "EMPTY" => Some(String::new()),
        "HOST" => Some("kafka".to_owned()),
        _ => None,
    }
}

/// The parser, with the connector that stands in for Kafka.
pub(crate) fn parse(
    name: &str,
    text: &str,
    overrides: &[(String, String)],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Job, Problems> {
    crate::parse(name, text, overrides, variable, stand_in::ONE)
}

/// What the stand-in has read of a source.
fn settings<'a>(job: &'a Job, source: &str) -> &'a stand_in::Settings {
    job.sources[source].settings.downcast().unwrap()
}

fn broken_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(BROKEN).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

fn report(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    match parse(name, &text, &[], &variable) {
        Ok(_) => panic!("no problem in {name}"),
        Err(problems) => problems.render(false),
    }
}

#[test]
fn every_broken_file_is_answered_as_expected() {
    let files = broken_files();
    assert!(files.len() >= 20, "only {} broken files", files.len());
    let mut differences = String::new();
    for path in files {
        let report = report(&path);
        let expected_path = path.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected_path, &report).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if report != expected {
            differences.push_str(&format!("== {}\n-- expected\n{expected}\n-- answered\n{report}\n", path.display()));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn no_answer_shows_a_secret_and_each_says_what_to_do() {
    for path in broken_files() {
        let text = fs::read_to_string(&path).unwrap();
        let problems = parse("job.toml", &text, &[], &variable).unwrap_err();
        let shown = problems.render(false);
        assert!(!shown.contains(SECRET) && !shown.contains("hunter2"), "{shown}");
        for problem in problems.iter() {
            assert!(!problem.help.is_empty(), "no help in {problem:?}");
            assert!(!problem.label.is_empty(), "no label in {problem:?}");
        }
    }
}
