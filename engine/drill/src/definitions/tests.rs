//! The definition in a job file, beside those that commits were made by.
#![allow(clippy::unwrap_used, reason = "tests")]

use epoch::{CommitId, Definition};

use super::*;

fn newest(tables: &[(&str, &str, u64, Before)]) -> Commit {
    let mut commit = Commit::bare(CommitId::new(EpochId(9), 1));
    for (table, fingerprint, since, before) in tables {
        let definition = Definition { fingerprint: (*fingerprint).to_owned(), since: EpochId(*since), before: *before };
        commit.definitions.insert((*table).to_owned(), definition);
    }
    commit
}

fn job(tables: &[(&str, &str)]) -> BTreeMap<String, String> {
    tables.iter().map(|(table, fingerprint)| ((*table).to_owned(), (*fingerprint).to_owned())).collect()
}

#[test]
fn a_definition_that_is_in_force_says_since_when() {
    let commit = newest(&[("gold.t", "1", 4, Before::Another), ("gold.u", "2", 0, Before::Nothing)]);
    let of = |table: &str| InForce::of(table, Some(&commit), &job(&[("gold.t", "1"), ("gold.u", "2")])).unwrap();
    assert_eq!(of("gold.t").changed_in(), Some(EpochId(4)));
    assert_eq!(of("gold.u"), InForce { since: Some(EpochId(0)), before: Before::Nothing });
    assert_eq!(of("gold.u").changed_in(), None);
}

#[test]
fn a_job_file_that_was_changed_since_and_a_table_that_is_new_in_it_say_what_to_do() {
    let commit = newest(&[("gold.t", "1", 4, Before::Another)]);
    let of = |table: &str| InForce::of(table, Some(&commit), &job(&[("gold.t", "3"), ("gold.u", "2")])).unwrap_err();
    assert!(of("gold.t").contains("is not the one that made epochs 4 to 9; run the job"), "{}", of("gold.t"));
    assert!(of("gold.u").contains("new in the job file, and no epoch up to 9 was made with it"), "{}", of("gold.u"));
}

#[test]
fn without_a_note_nothing_is_known() {
    let unknown = InForce { since: None, before: Before::Unknown };
    let job = job(&[("gold.t", "1")]);
    assert_eq!(InForce::of("gold.t", None, &job), Ok(unknown));
    assert_eq!(InForce::of("gold.t", Some(&newest(&[])), &job), Ok(unknown), "an engine of before");
    assert_eq!(unknown.changed_in(), None);
    let since = newest(&[("gold.t", "1", 4, Before::Unknown)]);
    assert_eq!(InForce::of("gold.t", Some(&since), &job).unwrap().changed_in(), None);
}
