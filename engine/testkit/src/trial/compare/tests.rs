//! What a job file writes means the value in the table, and no other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use serde_json::{Value, json};

use super::super::cell::Cell;
use super::agrees;

/// Each value agrees with its cell, and with no other cell of the list.
fn only_partners(pairs: &[(Value, Cell)]) {
    for (at, (expected, _)) in pairs.iter().enumerate() {
        for (other, (_, cell)) in pairs.iter().enumerate() {
            assert_eq!(agrees(expected, cell), at == other, "{expected} and {cell:?}");
        }
    }
}

#[test]
fn each_value_agrees_with_its_own_cell_only() {
    let text = |text: &str| Cell::Text(text.to_string());
    only_partners(&[
        (Value::Null, Cell::Null),
        (json!(true), Cell::Boolean(true)),
        (json!(false), Cell::Boolean(false)),
        (json!(0), Cell::Whole(0)),
        (json!(3.5), Cell::Double(3.5)),
        (json!("NaN"), Cell::Double(f64::NAN)),
        (json!("Infinity"), Cell::Double(f64::INFINITY)),
        (json!("-Infinity"), Cell::Double(f64::NEG_INFINITY)),
        (json!("x"), text("x")),
        (json!("1.25"), Cell::Decimal(125, 2)),
        (json!("-1.25"), Cell::Decimal(-125, 2)),
        (json!("2026-01-01T00:00:00Z"), Cell::Instant(1_767_225_600_000_000)),
        (json!("1969-12-31"), Cell::Date(-1)),
        (json!([1, null, 2]), Cell::List(vec![Cell::Whole(1), Cell::Null, Cell::Whole(2)])),
        (json!([]), Cell::List(vec![])),
        (
            json!({"start": 1, "end": null}),
            Cell::Struct(vec![("start".into(), Cell::Whole(1)), ("end".into(), Cell::Null)]),
        ),
        (json!({"k": "v"}), Cell::Map(vec![(text("k"), text("v"))])),
    ]);
}

#[test]
fn doubles_agree_to_fifteen_digits() {
    let sum = Cell::Double(0.1 + 0.2);
    assert!(agrees(&json!(0.3), &sum));
    assert!(agrees(&json!(0.30000000000000004), &sum));
    assert!(!agrees(&json!(0.300000000000001), &sum));
    assert!(agrees(&json!(3), &Cell::Double(3.0)));
    assert!(agrees(&json!(3.0), &Cell::Whole(3)));
    assert!(!agrees(&json!(3.1), &Cell::Whole(3)));
    assert!(agrees(&json!(0.1), &Cell::Single(0.1)));
    assert!(!agrees(&json!(0.10001), &Cell::Single(0.1)));
    assert!(!agrees(&json!(1e-300), &Cell::Double(0.0)));
    assert!(!agrees(&json!(9_007_199_254_740_993_i64), &Cell::Whole(9_007_199_254_740_992)));
}

#[test]
fn times_can_be_written_in_several_ways() {
    let time = Cell::Instant(1_767_225_661_500_000);
    for text in
        ["2026-01-01T00:01:01.5Z", "2026-01-01 00:01:01.5", "2026-01-01T00:01:01.500", "2026-01-01T01:01:01.5+01:00"]
    {
        assert!(agrees(&json!(text), &time), "{text}");
    }
    assert!(agrees(&json!(1_767_225_661.5), &time));
    assert!(agrees(&json!(-1), &Cell::Instant(-1_000_000)));
    assert!(agrees(&json!("2026-01-01"), &Cell::Instant(1_767_225_600_000_000)));
    assert!(!agrees(&json!("2026-01-01T00:01:01Z"), &time));
    assert!(!agrees(&json!("soon"), &time));
    assert!(agrees(&json!(20_454), &Cell::Date(20_454)));
}

#[test]
fn decimals_agree_whatever_zeros_are_written() {
    let price = Cell::Decimal(150, 2);
    for expected in [json!("1.50"), json!("1.5"), json!("1.500"), json!(1.5)] {
        assert!(agrees(&expected, &price), "{expected}");
    }
    assert!(!agrees(&json!("1.501"), &price));
    assert!(!agrees(&json!("1.49"), &price));
    assert!(!agrees(&json!(""), &price));
    assert!(agrees(&json!(-7), &Cell::Decimal(-7, 0)));
    assert_eq!(Cell::Decimal(-5, 2).to_string(), "-0.05");
}

#[test]
fn structs_and_maps_by_name() {
    let window = Cell::Struct(vec![("start".into(), Cell::Instant(0)), ("end".into(), Cell::Instant(60_000_000))]);
    assert!(agrees(&json!({"end": 60, "start": 0}), &window));
    assert!(agrees(&json!(["1970-01-01T00:00:00Z", 60]), &window));
    assert!(!agrees(&json!({"start": 0}), &window), "end is not NULL");
    assert!(!agrees(&json!({"start": 0, "end": 60, "middle": null}), &window));
    let map = Cell::Map(vec![(Cell::Whole(1), Cell::Text("a".into())), (Cell::Whole(2), Cell::Null)]);
    assert!(agrees(&json!({"2": null, "1": "a"}), &map));
    assert!(agrees(&json!([[1, "a"], [2, null]]), &map));
    assert!(!agrees(&json!({"1": "a"}), &map));
}
