//! A changed query is told apart from the one whose state is stored.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{FORMAT, Manifest};

fn manifest(parts: &[(&str, &[&str])]) -> Manifest {
    let text = |parts: &[&str]| parts.iter().map(ToString::to_string).collect::<Vec<_>>();
    Manifest {
        format: FORMAT,
        operators: parts.iter().map(|(name, parts)| (name.to_string(), text(parts))).collect(),
        stores: parts.iter().map(|(name, _)| (name.to_string(), vec![format!("{name}/rows")])).collect(),
        tables: parts.iter().map(|(name, _)| (name.to_string(), [name.to_string()].into())).collect(),
    }
}

fn refusal(stored: &Manifest, now: &Manifest) -> String {
    let stored = Manifest::decode(&stored.encode().unwrap(), "cp").unwrap();
    now.check(&stored, "cp").unwrap_err().to_string()
}

#[test]
fn a_changed_window_is_named_from_both_sides() {
    let text =
        refusal(&manifest(&[("gold.a", &["window 10", "key k"])]), &manifest(&[("gold.a", &["window 5", "key k"])]));
    assert!(text.contains("gold.a: the state has window 10"), "{text}");
    assert!(text.contains("gold.a: the query has window 5"), "{text}");
}

#[test]
fn swapped_keys_are_refused_although_the_parts_are_the_same() {
    let text = refusal(&manifest(&[("gold.a", &["key a", "key b"])]), &manifest(&[("gold.a", &["key b", "key a"])]));
    assert!(text.contains("order of keys"), "{text}");
}

#[test]
fn tables_may_come_and_go_and_what_they_kept_goes_with_them() {
    let (before, now) = (manifest(&[("gold.a", &["key a"])]), manifest(&[("gold.b", &["key b"])]));
    now.check(&before, "cp").unwrap();
    assert_eq!(now.gone(&before), [("gold.a".to_string(), vec!["gold.a/rows".to_string()])]);
    assert_eq!(now.new_tables(&before), ["gold.b"]);
}

#[test]
fn a_table_that_keeps_more_or_less_than_before_is_refused() {
    let (some, mut none) = (manifest(&[("gold.a", &["key a"])]), manifest(&[]));
    none.tables.insert("gold.a".to_string(), Default::default());
    assert!(refusal(&none, &some).contains("gold.a: the query keeps something (gold.a)"));
    assert!(refusal(&some, &none).contains("gold.a: the state has something (gold.a)"));
}

#[test]
fn a_manifest_of_format_1_is_read_and_a_newer_one_refused() {
    let stored = br#"{"format":1,"operators":{"gold.a":["key a"]}}"#;
    let stored = Manifest::decode(stored, "cp").unwrap();
    assert_eq!(manifest(&[]).gone(&stored), [("gold.a".to_string(), vec!["gold.a".to_string()])]);
    assert_eq!(manifest(&[("gold.b", &[])]).new_tables(&stored), Vec::<String>::new());
    let newer = Manifest::decode(br#"{"format":99,"operators":{}}"#, "cp").unwrap_err().to_string();
    assert!(newer.contains("newer engine"), "{newer}");
}
