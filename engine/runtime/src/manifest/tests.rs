//! A changed query is told apart from the one whose state is stored.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{FORMAT, Manifest};

fn manifest(parts: &[(&str, &[&str])]) -> Manifest {
    let operators =
        parts.iter().map(|(name, parts)| (name.to_string(), parts.iter().map(ToString::to_string).collect())).collect();
    Manifest { format: FORMAT, operators }
}

#[test]
fn a_changed_window_is_named_from_both_sides() {
    let stored = manifest(&[("gold.a", &["window 10", "key k"])]).encode().unwrap();
    let text = manifest(&[("gold.a", &["window 5", "key k"])]).check(Some(&stored), "cp").unwrap_err().to_string();
    assert!(text.contains("gold.a: the state has window 10"), "{text}");
    assert!(text.contains("gold.a: the query has window 5"), "{text}");
}

#[test]
fn swapped_keys_are_refused_although_the_parts_are_the_same() {
    let stored = manifest(&[("gold.a", &["key a", "key b"])]).encode().unwrap();
    let text = manifest(&[("gold.a", &["key b", "key a"])]).check(Some(&stored), "cp").unwrap_err().to_string();
    assert!(text.contains("order of keys"), "{text}");
}

#[test]
fn tables_may_come_and_go() {
    let stored = manifest(&[("gold.a", &["key a"])]).encode().unwrap();
    assert!(manifest(&[("gold.b", &["key b"])]).check(Some(&stored), "cp").is_ok());
    assert!(manifest(&[("gold.a", &["key a"])]).check(None, "cp").is_ok());
}
