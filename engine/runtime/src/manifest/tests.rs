//! A changed query is not taken for the one whose state is stored.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{FORMAT, Manifest};

fn manifest(parts: &[(&str, &[&str])]) -> Manifest {
    let text = |parts: &[&str]| parts.iter().map(ToString::to_string).collect::<Vec<_>>();
    Manifest {
        format: FORMAT,
        operators: parts.iter().map(|(name, parts)| (name.to_string(), text(parts))).collect(),
        meanings: parts.iter().map(|(name, _)| (name.to_string(), Vec::new())).collect(),
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

/// Engines before this one kept all rows of outer, semi and anti joins in update mode: their state has no time by which a row is evicted.
#[test]
fn state_of_an_engine_that_kept_all_rows_of_a_join_is_refused_and_named_as_such() {
    let of_join = |more: &[&'static str]| {
        let parts: Vec<&str> =
            ["input 0 key k Utf8"].iter().chain(more).chain(&["plan Left join on a.k = b.k"]).copied().collect();
        manifest(&[("gold.a/recompute", &parts), ("gold.a", &["bucket (k, t)"])])
    };
    let now = ["input 0 column t + 10 minutes Timestamp", "input 0 goes by column 2"];
    let text = refusal(&of_join(&[]), &of_join(&now));
    assert!(text.contains("gold.a/recompute: the query has input 0 goes by column 2"), "{text}");
    assert!(text.contains("an older engine kept all rows of such a query in update mode"), "{text}");
    assert!(text.contains("give the changed table another name"), "{text}");
    let rows = |bucket: &'static str| manifest(&[("gold.a/rows", &["column k Utf8", bucket])]);
    let text = refusal(&rows("bucket (k, t)"), &rows("bucket 600000000 µs of t"));
    assert!(text.contains("an older engine kept all rows"), "{text}");
    let text = refusal(&of_join(&now), &of_join(&[]));
    assert!(!text.contains("older engine"), "{text}");
}

/// A manifest of an engine that did not know what state means beyond its columns: the same job goes on, and a changed one from then on
/// does not.
#[test]
fn what_state_means_is_compared_once_a_checkpoint_says_it() {
    let stored = br#"{"format":2,"operators":{"gold.a":["key window"]},"tables":{"gold.a":["gold.a"]}}"#;
    let stored = Manifest::decode(stored, "cp").unwrap();
    let meaning = |size: &str| {
        let mut now = manifest(&[("gold.a", &["key window"])]);
        now.meanings.insert("gold.a".to_string(), vec![format!("tumbling_window(t, size {size})")]);
        now
    };
    meaning("10 minutes").check(&stored, "cp").unwrap();
    let stored = meaning("10 minutes");
    let text = refusal(&stored, &meaning("5 minutes"));
    assert!(text.contains("gold.a: the state has tumbling_window(t, size 10 minutes), the query has not"), "{text}");
    assert!(text.contains("gold.a: the query has tumbling_window(t, size 5 minutes)"), "{text}");
    meaning("10 minutes").check(&Manifest::decode(&stored.encode().unwrap(), "cp").unwrap(), "cp").unwrap();
}
