//! A definition is in force from the epoch on that first had it.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn job(tables: &[(&str, &str)]) -> BTreeMap<String, String> {
    tables.iter().map(|(table, fingerprint)| ((*table).to_string(), (*fingerprint).to_string())).collect()
}

/// The definitions of one job after the other, an epoch each, from epoch 0 on. Table `a` has got rows.
fn after(jobs: &[&[(&str, &str)]]) -> BTreeMap<String, Definition> {
    let mut definitions = BTreeMap::new();
    for (epoch, tables) in jobs.iter().enumerate() {
        let earlier = Earlier { definitions: &definitions, got_rows: &|table| table == "a" };
        definitions = in_force(&job(tables), (epoch > 0).then_some(earlier), EpochId(epoch as u64));
    }
    definitions
}

fn definition(fingerprint: &str, since: u64, before: Before) -> Definition {
    Definition { fingerprint: fingerprint.to_string(), since: EpochId(since), before }
}

#[test]
fn what_never_changed_was_there_from_the_first_epoch_on() {
    let all = after(&[&[("a", "1"), ("b", "2")][..]; 4]);
    assert_eq!(all["a"], definition("1", 0, Before::Nothing));
    assert_eq!(all["b"], definition("2", 0, Before::Nothing));
}

#[test]
fn a_change_a_new_table_and_one_that_came_back_are_told_apart() {
    let all = after(&[&[("a", "1")], &[("a", "1"), ("b", "5")], &[("a", "2"), ("b", "5")], &[("a", "2"), ("b", "5")]]);
    assert_eq!(all["a"], definition("2", 2, Before::Another));
    assert_eq!(all["b"], definition("5", 1, Before::Nothing));
    let back = after(&[&[("a", "1"), ("b", "5")], &[("b", "5")], &[("a", "1"), ("b", "5")]]);
    assert_eq!(back["a"], definition("1", 2, Before::Another), "its rows of before stand");
    let never = after(&[&[("a", "1"), ("b", "5")], &[("a", "1")], &[("a", "1"), ("b", "5")]]);
    assert_eq!(never["b"], definition("5", 2, Before::Nothing), "it never had any");
    let changed_back = after(&[&[("a", "1")], &[("a", "2")], &[("a", "1")]]);
    assert_eq!(changed_back["a"], definition("1", 2, Before::Another));
}

#[test]
fn nobody_knows_what_made_the_rows_of_an_engine_that_did_not_note_it() {
    let none = BTreeMap::new();
    let earlier = Earlier { definitions: &none, got_rows: &|_| false };
    let all = in_force(&job(&[("a", "1")]), Some(earlier), EpochId(7));
    assert_eq!(all["a"], definition("1", 7, Before::Unknown));
    let later = Earlier { definitions: &all, got_rows: &|_| true };
    assert_eq!(in_force(&job(&[("a", "1")]), Some(later), EpochId(8)), all);
}

#[test]
fn the_text_of_a_definition_never_changes() {
    let text = r#"{"fingerprint":"00c0ffee","since":3,"before":"another"}"#;
    assert_eq!(serde_json::to_string(&definition("00c0ffee", 3, Before::Another)).unwrap(), text);
    assert_eq!(serde_json::from_str::<Definition>(text).unwrap(), definition("00c0ffee", 3, Before::Another));
    assert_eq!(serde_json::to_string(&Before::Nothing).unwrap(), r#""nothing""#);
    assert_eq!(serde_json::to_string(&Before::Unknown).unwrap(), r#""unknown""#);
}
