//! Lookups against nested loops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, binary};
use proptest::prelude::*;

use super::{Lookup, LookupKind, LookupSpec};

/// Two key columns and a value.
type Row = (Option<i64>, Option<String>, i64);

fn schema(prefix: &str) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(format!("{prefix}_number"), DataType::Int64, true),
        Field::new(format!("{prefix}_text"), DataType::Utf8, true),
        Field::new(format!("{prefix}_value"), DataType::Int64, false),
    ]))
}

fn batch(prefix: &str, rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.1.clone()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.2)).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema(prefix), columns).unwrap()
}

fn rows(batch: &RecordBatch) -> Vec<(Option<Row>, Option<Row>)> {
    let side = |first: usize, row: usize| -> Option<Row> {
        let number = |column: usize| {
            let column = batch.column(first + column).as_primitive::<Int64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        let text = batch.column(first + 1).as_string::<i32>();
        number(2).map(|value| (number(0), text.is_valid(row).then(|| text.value(row).to_string()), value))
    };
    let other = |row: usize| match batch.num_columns() {
        6 => side(3, row),
        4 => batch.column(3).as_boolean().value(row).then_some(MARKED),
        _ => None,
    };
    (0..batch.num_rows()).map(|row| (side(0, row), other(row))).collect()
}

/// `stream_value <= table_value`
fn residual() -> Arc<dyn PhysicalExpr> {
    let fields: Vec<_> = ["s", "t"].iter().flat_map(|prefix| schema(prefix).fields().to_vec()).collect();
    let both = Schema::new(fields);
    let column = |index: usize| -> Arc<dyn PhysicalExpr> { Arc::new(Column::new(both.field(index).name(), index)) };
    binary(column(2), Operator::LtEq, column(5), &both).unwrap()
}

fn spec(kind: LookupKind, keys: &[usize], with_residual: bool) -> LookupSpec {
    let spec = LookupSpec::new(kind, (schema("s"), keys.to_vec()), (schema("t"), keys.to_vec())).unwrap();
    if with_residual { spec.with_residual(residual()).unwrap() } else { spec }
}

fn nested_loops(
    kind: LookupKind,
    keys: &[usize],
    with_residual: bool,
    stream: &[Row],
    table: &[Row],
) -> Vec<(Option<Row>, Option<Row>)> {
    let equal = |one: &Row, other: &Row, key: usize| match key {
        0 => one.0.is_some() && one.0 == other.0,
        _ => one.1.is_some() && one.1 == other.1,
    };
    let matches =
        |one: &Row, other: &Row| keys.iter().all(|key| equal(one, other, *key)) && (!with_residual || one.2 <= other.2);
    let mut all = Vec::new();
    for one in stream {
        let found: Vec<&Row> = table.iter().filter(|other| matches(one, other)).collect();
        let whole = Some(one.clone());
        match kind {
            LookupKind::Left if found.is_empty() => all.push((whole, None)),
            LookupKind::Inner | LookupKind::Left => {
                all.extend(found.into_iter().map(|other| (whole.clone(), Some(other.clone()))));
            }
            LookupKind::LeftSemi => all.extend((!found.is_empty()).then_some((whole, None))),
            LookupKind::LeftAnti => all.extend(found.is_empty().then_some((whole, None))),
            // A row that is marked stands in the place of what it matches.
            LookupKind::LeftMark => all.push((whole, (!found.is_empty()).then_some(MARKED))),
        }
    }
    all
}

const MARKED: Row = (None, None, 1);

const KINDS: [LookupKind; 5] =
    [LookupKind::Inner, LookupKind::Left, LookupKind::LeftSemi, LookupKind::LeftAnti, LookupKind::LeftMark];

fn some_rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    let number = prop_oneof![6 => (0..4_i64).prop_map(Some), 1 => Just(None)];
    let text = prop_oneof![6 => "[ab]{0,1}".prop_map(Some), 1 => Just(None)];
    prop::collection::vec((number, text, 0..5_i64), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_kind_gives_the_rows_of_nested_loops_in_their_order(
        kind in prop::sample::select(KINDS.to_vec()),
        keys in prop::sample::select(vec![vec![], vec![0], vec![1], vec![0, 1], vec![1, 0]]),
        with_residual: bool,
        stream in some_rows(12),
        table in prop::collection::vec(some_rows(6), 0..3),
    ) {
        let batches: Vec<RecordBatch> = table.iter().map(|rows| batch("t", rows)).collect();
        let lookup = Lookup::new(Arc::new(spec(kind, &keys, with_residual)), &batches).unwrap();
        let emitted = lookup.run(&batch("s", &stream)).unwrap();
        prop_assert_eq!(emitted.schema_ref(), lookup.spec().output());
        prop_assert_eq!(rows(&emitted), nested_loops(kind, &keys, with_residual, &stream, &table.concat()));
    }
}

#[test]
fn not_in_knows_nulls() {
    let lookup = |table: &[Row]| {
        let spec = spec(LookupKind::LeftAnti, &[0], false).with_null_aware().unwrap();
        let lookup = Lookup::new(Arc::new(spec), &[batch("t", table)]).unwrap();
        let stream = [(Some(1), None, 10), (Some(2), None, 20), (None, None, 30)];
        let emitted = rows(&lookup.run(&batch("s", &stream)).unwrap());
        emitted.into_iter().map(|row| row.0.unwrap().2).collect::<Vec<i64>>()
    };
    // x NOT IN (), x NOT IN (1), x NOT IN (1, NULL)
    assert_eq!(lookup(&[]), [10, 20, 30]);
    assert_eq!(lookup(&[(Some(1), None, 0)]), [20]);
    assert_eq!(lookup(&[(Some(1), None, 0), (None, None, 0)]), Vec::<i64>::new());
    assert!(spec(LookupKind::LeftAnti, &[0, 1], false).with_null_aware().is_err());
    assert!(spec(LookupKind::LeftAnti, &[0], true).with_null_aware().is_err());
    assert!(spec(LookupKind::LeftSemi, &[0], false).with_null_aware().is_err());
}

#[test]
fn a_frequent_key_is_looked_up_in_chunks() {
    let row = |value: i64| (Some(1), Some("a".to_string()), value);
    let (stream, table): (Vec<Row>, Vec<Row>) = ((0..300).map(row).collect(), (0..300).rev().map(row).collect());
    for kind in KINDS {
        for with_residual in [false, true] {
            let lookup = Lookup::new(Arc::new(spec(kind, &[0], with_residual)), &[batch("t", &table)]).unwrap();
            let emitted = rows(&lookup.run(&batch("s", &stream)).unwrap());
            assert!(emitted == nested_loops(kind, &[0], with_residual, &stream, &table), "{kind:?} {with_residual}");
        }
    }
}

#[test]
fn a_scalar_joins_every_row() {
    // What the planner makes of a scalar subquery: a table of one row, without keys; columns nobody reads are not kept.
    let spec = spec(LookupKind::Inner, &[], false).with_projection(&[5, 0]).unwrap();
    let scalar = batch("t", &[(None, None, 42)]);
    let lookup = Lookup::new(Arc::new(spec), &[scalar]).unwrap();
    let stream = [(Some(7), None, 1), (None, None, 2)];
    let emitted = lookup.run(&batch("s", &stream)).unwrap();
    let columns: Vec<&Int64Array> = emitted.columns().iter().map(|column| column.as_primitive::<Int64Type>()).collect();
    assert_eq!(columns[0].values().to_vec(), [42, 42]);
    assert_eq!((columns[1].value(0), columns[1].is_null(1)), (7, true));
}

#[test]
fn a_refreshed_table_is_another_lookup() {
    let shared = Arc::new(spec(LookupKind::Left, &[0], false));
    let stream = batch("s", &[(Some(1), None, 0)]);
    let before = Lookup::new(Arc::clone(&shared), &[]).unwrap();
    let after = Lookup::new(shared, &[batch("t", &[(Some(1), None, 5), (None, None, 6)])]).unwrap();
    assert_eq!((before.rows(), after.rows()), (0, 1));
    assert_eq!(rows(&before.run(&stream).unwrap())[0].1, None);
    assert_eq!(rows(&after.run(&stream).unwrap())[0].1, Some((Some(1), None, 5)));
}

#[test]
fn only_the_number_of_rows() {
    let spec = spec(LookupKind::Inner, &[0], false).with_projection(&[]).unwrap();
    let table = batch("t", &[(Some(1), None, 5), (Some(1), None, 6)]);
    let lookup = Lookup::new(Arc::new(spec), &[table]).unwrap();
    assert_eq!(lookup.run(&batch("s", &[(Some(1), None, 0)])).unwrap().num_rows(), 2);
    let empty =
        RecordBatch::try_new_with_options(schema("s"), batch("s", &[]).columns().to_vec(), &RecordBatchOptions::new());
    assert_eq!(lookup.run(&empty.unwrap()).unwrap().num_rows(), 0);
}

#[test]
fn it_says_what_it_does_and_refuses_what_it_cannot() {
    let left = spec(LookupKind::Left, &[0, 1], true);
    assert_eq!(
        left.describe(),
        "left outer lookup on s_number = t_number and s_text = t_text and s_value@2 <= t_value@5"
    );
    assert!(left.output().field(5).is_nullable() && !left.output().field(2).is_nullable());
    let new = |keys: [usize; 2]| {
        LookupSpec::new(LookupKind::Inner, (schema("s"), vec![keys[0]]), (schema("t"), vec![keys[1]]))
    };
    assert!(new([0, 1]).unwrap_err().to_string().contains("two types"));
    assert!(new([0, 9]).unwrap_err().to_string().contains("not there"));
}
