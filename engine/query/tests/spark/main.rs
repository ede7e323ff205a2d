//! Expressions against Spark: what Spark 4.3 gave for each is recorded here, the engine answers them as `engine sql` does, and every
//! difference stands in a ledger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod asking;
mod canonical;
mod comparison;
mod ledger;
mod outcome;
mod recorded;
mod report;

use std::collections::BTreeSet;
use std::path::PathBuf;

use comparison::compare;
use ledger::Ledger;
use recorded::Recorded;

/// The recorded answers, and the ledger below them.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/spark")
}

#[test]
fn every_recorded_expression_is_sparks_or_a_listed_difference() {
    let recorded = recorded::all(&folder());
    let ledger = Ledger::read(&folder().join("differences"));
    let results = compare(recorded, &ledger);
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("spark-differences.tsv");
    report::write_all(&file, &results);
    report::summary(&file, &results);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        ledger.rewrite(&results);
        return;
    }
    let problems = ledger.problems(&results);
    let shown: Vec<&str> = problems.iter().take(40).map(String::as_str).collect();
    assert!(
        problems.is_empty(),
        "{} of the expressions are not what the ledger says:\n{}\nwhat each side gives: {}\nif the change is right: UPDATE_EXPECTED=1",
        problems.len(),
        shown.join("\n"),
        file.display()
    );
}

#[test]
fn every_function_of_the_documents_is_compared() {
    let documents = std::fs::read_to_string(folder().join("../../../../docs/sql.md")).unwrap();
    let (_, rest) = documents.split_once("<!-- functions -->").expect("docs/sql.md lists the functions");
    let (listed, _) = rest.split_once("<!-- end of functions -->").expect("the list ends");
    let called: BTreeSet<String> = recorded::all(&folder()).iter().flat_map(Recorded::words).collect();
    // What else stands in quotes there is no name of a function.
    let is_name = |name: &&str| {
        name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
    };
    let names = listed.split('`').skip(1).step_by(2).filter(is_name);
    let missing: Vec<&str> = names.filter(|name| !called.contains(*name)).collect();
    assert!(
        missing.is_empty(),
        "no recorded expression has {missing:?}: scripts/spark_expressions asks Spark for more"
    );
}
