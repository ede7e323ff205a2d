//! docs/job-file.md says what the parser and the connectors read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use job::{Job, document};

use super::*;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/job-file.md");

fn read(text: &str) -> Job {
    job::parse("job-file.md", text, &[], &|_| None, CONNECTORS).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The first block of TOML in the document that begins so.
fn block(beginning: &str) -> String {
    let document = document(CONNECTORS);
    let block = document.split("```toml\n").skip(1).find(|block| block.starts_with(beginning)).unwrap();
    block.split("```").next().unwrap().to_owned()
}

#[test]
fn the_job_in_the_document_has_no_problem() {
    read(&block("[job]\nname"));
}

#[test]
fn the_test_in_the_document_has_no_problem() {
    let job = read(&format!("{}\n{}", block("[job]\nname"), block("[[test]]\nname")));
    assert_eq!(job.tests[0].steps.len(), 2);
}

#[test]
fn the_document_is_current() {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(DOCUMENT, document(CONNECTORS)).unwrap();
    }
    let current = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    let is_current = current == document(CONNECTORS);
    assert!(is_current, "docs/job-file.md is old: UPDATE_DOCS=1 cargo test -p cli, then commit it");
}
