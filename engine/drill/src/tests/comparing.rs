//! Comparing two warehouses that were written by hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use crate::difference::between;
use crate::rows::Tables;

type Line = (&'static str, Option<i64>, f64);

/// A table of these rows, as a run would have left it.
fn tables(name: &str, lines: &[Line]) -> Tables {
    let schema = Schema::new(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("epoch", DataType::Int64, true),
        Field::new("amount", DataType::Float64, true),
    ]);
    let keys: StringArray = lines.iter().map(|line| Some(line.0)).collect();
    let epochs: Int64Array = lines.iter().map(|line| line.1).collect();
    let amounts: Float64Array = lines.iter().map(|line| Some(line.2)).collect();
    let batch =
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(keys), Arc::new(epochs), Arc::new(amounts)]).unwrap();
    Tables::of(name, vec![batch], &BTreeSet::new())
}

const LINES: &[Line] = &[("a", Some(1), 0.5), ("b", Some(1), 2.0), ("b", Some(1), 2.0), ("c", None, 3.0)];

fn compared(lines: &[Line]) -> Option<String> {
    between(&tables("gold.t", LINES), &tables("gold.t", lines))
}

#[test]
fn order_and_the_grouping_of_sums_are_no_difference() {
    assert_eq!(compared(LINES), None);
    assert_eq!(
        compared(&[("c", None, 3.0), ("b", Some(1), 2.0 + 1e-12), ("a", Some(1), 0.5), ("b", Some(1), 2.0)]),
        None
    );
}

#[test]
fn every_kind_of_difference_is_seen_and_shown() {
    let lost = compared(&LINES[..3]).unwrap();
    assert!(
        lost.contains("3 rows, 4 undisturbed; 1 missing, 0") && lost.contains("missing: key=c, epoch=NULL, amount=3"),
        "{lost}"
    );
    let doubled = compared(&[LINES, &LINES[..1]].concat()).unwrap();
    assert!(
        doubled.contains("0 missing, 1 that") && doubled.contains("extra:   key=a, epoch=1, amount=0.5"),
        "{doubled}"
    );
    let once = compared(&[LINES[0], LINES[1], LINES[3]]).unwrap();
    assert!(once.contains("1 missing, 0"), "equal rows are counted: {once}");
    let changed = compared(&[LINES[0], LINES[1], ("b", Some(1), 2.0001), LINES[3]]).unwrap();
    assert!(changed.contains("1 missing, 1 that"), "{changed}");
    let null = compared(&[LINES[0], LINES[1], LINES[2], ("c", Some(0), 3.0)]).unwrap();
    assert!(null.contains("1 missing, 1 that"), "{null}");
    let elsewhere = between(&tables("gold.t", LINES), &tables("gold.u", LINES)).unwrap();
    assert!(elsewhere.contains("gold.t is missing") && elsewhere.contains("gold.u is there"), "{elsewhere}");
}

#[test]
fn the_epoch_of_a_reject_is_the_runs_own() {
    let later: Vec<Line> = LINES.iter().map(|(key, _, amount)| (*key, Some(9), *amount)).collect();
    assert_eq!(between(&tables("rejected.events", LINES), &tables("rejected.events", &later)), None);
    assert!(between(&tables("gold.events", LINES), &tables("gold.events", &later)).is_some());
}
