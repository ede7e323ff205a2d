//! A difference names what is missing and what is too much, and stays silent when nothing is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use serde_json::{Value, json};

use super::super::cell::{Cell, Rows};
use super::{TestRow, of};

fn found(rows: &[(&str, i64)]) -> Rows {
    let row = |(name, n): &(&str, i64)| vec![Cell::Text((*name).to_string()), Cell::Whole(*n), Cell::Null];
    Rows { columns: ["name", "n", "other"].map(str::to_string).into(), rows: rows.iter().map(row).collect() }
}

fn named(rows: &[Value]) -> Vec<TestRow> {
    rows.iter().map(|row| TestRow::Named(row.as_object().unwrap().clone())).collect()
}

#[test]
fn equal_rows_have_no_difference() {
    let rows = found(&[("ann", 1), ("bob", 2), ("ann", 1)]);
    let expected =
        named(&[json!({"n": 2, "name": "bob"}), json!({"n": 1, "name": "ann"}), json!({"n": 1, "name": "ann"})]);
    assert_eq!(of("t", &expected, &rows, false), Vec::<String>::new());
    // Only what is named is looked at; but what some rows name and others do not must be NULL there.
    assert!(of("t", &named(&[json!({"n": 1}), json!({"n": 1}), json!({"n": 2})]), &rows, false).is_empty());
    assert!(
        of("t", &named(&[json!({"n": 1}), json!({"n": 1, "other": null}), json!({"n": 2})]), &rows, false).is_empty()
    );
    assert!(!of("t", &named(&[json!({"n": 1}), json!({"name": "ann"}), json!({"n": 2})]), &rows, false).is_empty());
    let listed = |name: &str, n: i64| TestRow::Listed(vec![json!(name), json!(n), Value::Null]);
    assert!(of("t", &[listed("bob", 2), listed("ann", 1), listed("ann", 1)], &rows, false).is_empty());
    assert!(of("t", &[], &found(&[]), false).is_empty());
    // Rows of which nothing is said count.
    assert!(of("t", &named(&[json!({}), json!({}), json!({})]), &rows, false).is_empty());
    assert!(!of("t", &named(&[json!({}), json!({})]), &rows, false).is_empty());
}

#[test]
fn rows_that_differ_stand_side_by_side() {
    let rows = found(&[("ann", 3), ("bob", 2), ("dan", 1)]);
    let expected =
        named(&[json!({"name": "bob", "n": 2}), json!({"name": "ann", "n": 1}), json!({"name": "cid", "n": 9})]);
    assert_eq!(
        of("gold.t", &expected, &rows, false),
        [
            "gold.t: 2 missing (-), 2 not expected (+), 1 as expected",
            "     name  n",
            "  -  ann   1",
            "  +  ann   3",
            "  -  cid   9",
            "  +  dan   1",
        ]
    );
}

#[test]
fn each_row_has_one_partner() {
    let rows = found(&[("ann", 1)]);
    let lines = of("t", &named(&[json!({"n": 1}), json!({"n": 1})]), &rows, false);
    assert_eq!(lines[0], "t: 1 missing (-), 0 not expected (+), 1 as expected");
}

#[test]
fn order_counts_only_where_it_is_asked_for() {
    let rows = found(&[("ann", 1), ("bob", 2)]);
    let expected = named(&[json!({"n": 2}), json!({"n": 1})]);
    assert!(of("t", &expected, &rows, false).is_empty());
    assert!(of("t", &expected, &rows, true)[0].contains("order"));
    assert!(of("t", &named(&[json!({"n": 1}), json!({"n": 2})]), &rows, true).is_empty());
}

#[test]
fn a_column_that_is_not_there_is_named() {
    let rows = found(&[]);
    assert!(
        of("t", &named(&[json!({"m": 1})]), &rows, false)[0]
            .contains("it has no column m; its columns are name, n, other")
    );
    assert!(of("t", &[TestRow::Listed(vec![json!(1)])], &rows, false)[0].contains("1 values"));
}

#[test]
fn many_and_long_values_are_cut() {
    let long = "x".repeat(500);
    let rows = found(&vec![(long.as_str(), 1); 100]);
    let lines = of("t", &[], &rows, false);
    assert!(lines.len() < 50 && lines.iter().all(|line| line.chars().count() < 90), "{lines:#?}");
    assert!(lines.last().unwrap().contains("60 more"));
}
