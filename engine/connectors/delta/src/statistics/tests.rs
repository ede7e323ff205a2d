//! Statistics: true bounds, in Delta's spelling.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;

use super::*;

fn stats_of(columns: Vec<(&str, ArrayRef)>, flush_between: bool) -> Value {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .unwrap();
    let mut writer =
        ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), crate::parquet_file::options(batch.schema_ref()))
            .unwrap();
    if flush_between {
        let half = batch.num_rows() / 2;
        writer.write(&batch.slice(0, half)).unwrap();
        writer.flush().unwrap();
        writer.write(&batch.slice(half, batch.num_rows() - half)).unwrap();
    } else {
        writer.write(&batch).unwrap();
    }
    let file = writer.finish().unwrap();
    let bounded = crate::bounded::columns_of(batch.schema_ref());
    serde_json::from_str(&delta_stats(batch.schema_ref(), &bounded, &file)).unwrap()
}

#[test]
fn bounds_and_nulls_over_all_row_groups() {
    let times = TimestampMicrosecondArray::from(vec![Some(1_700_000_000_123_456), None, Some(-1), Some(0)])
        .with_timezone("UTC");
    let stats = stats_of(
        vec![
            ("n", Arc::new(Int64Array::from(vec![Some(5), Some(-3), None, Some(9)]))),
            ("s", Arc::new(StringArray::from(vec!["b", "a", "zz", "é"]))),
            ("t", Arc::new(times)),
            ("d", Arc::new(Date32Array::from(vec![0, -1, 19_000, 1]))),
            ("f", Arc::new(Float64Array::from(vec![1.0, f64::NAN, 2.0, 0.5]))),
        ],
        true,
    );
    assert_eq!(stats["numRecords"], 4);
    assert_eq!(stats["nullCount"], json!({"n": 1, "s": 0, "t": 1, "d": 0}));
    assert_eq!(stats["minValues"], json!({"n": -3, "s": "a", "t": "1969-12-31T23:59:59.999999Z", "d": "1969-12-31"}));
    assert_eq!(stats["maxValues"], json!({"n": 9, "s": "é", "t": "2023-11-14T22:13:20.123456Z", "d": "2022-01-08"}));
}

#[test]
fn long_text_is_cut_to_bounds_that_still_hold() {
    let text = format!("{}~", "ü".repeat(40));
    let stats = stats_of(vec![("s", Arc::new(StringArray::from(vec![text.as_str()])))], false);
    let (low, high) = (stats["minValues"]["s"].as_str().unwrap(), stats["maxValues"]["s"].as_str().unwrap());
    assert!(low.len() <= 32 && high.len() <= 33, "{low} {high}");
    assert!(low <= text.as_str() && text.as_str() <= high, "{low} {high}");
}

#[test]
fn a_column_of_nulls_has_no_bounds() {
    let stats = stats_of(vec![("n", Arc::new(Int64Array::from(vec![None, None])))], false);
    assert_eq!(stats["nullCount"]["n"], 2);
    assert_eq!(stats["minValues"], json!({}));
}

#[test]
fn a_row_group_of_nulls_does_not_take_away_the_bounds_of_the_others() {
    let stats = stats_of(vec![("n", Arc::new(Int64Array::from(vec![None, None, Some(3), Some(4)])))], true);
    assert_eq!(
        (&stats["minValues"]["n"], &stats["maxValues"]["n"], &stats["nullCount"]["n"]),
        (&json!(3), &json!(4), &json!(2))
    );
}

#[test]
fn where_one_column_cannot_be_bounded_none_is() {
    let far = TimestampMicrosecondArray::from(vec![0, 253_402_300_800_000_000]).with_timezone("UTC");
    let stats = stats_of(vec![("n", Arc::new(Int64Array::from(vec![1, 2]))), ("t", Arc::new(far))], false);
    assert_eq!(stats, json!({"numRecords": 2}), "the year 10000 has no spelling that every reader knows");
    let schema = Schema::new(vec![arrow::datatypes::Field::new("f", DataType::Float64, true)]);
    let batch =
        RecordBatch::try_from_iter_with_nullable([("f", Arc::new(Float64Array::from(vec![1.0])) as ArrayRef, true)])
            .unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let listed_by_another_program = delta_stats(&schema, &["f".to_string()], &writer.finish().unwrap());
    assert_eq!(listed_by_another_program, "{\"numRecords\":1}");
}
