//! Rows that a query has no value for, as they are kept.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use epoch::EpochId;

use super::{faulty_rows, rejected_rows_schema};

#[test]
fn a_row_without_a_value_is_kept_with_all_its_columns_and_the_reason() {
    let rows = RecordBatch::try_from_iter([
        ("id", Arc::new(Int32Array::from(vec![1, 2, 3])) as _),
        ("name", Arc::new(StringArray::from(vec![Some("ann"), Some("b \"ob\""), None])) as _),
        ("amount", Arc::new(Float64Array::from(vec![0.5, f64::NAN, 2.0])) as _),
    ])
    .unwrap();
    let faulty = [(1, "division by zero".to_string()), (2, "too large".to_string())];
    let kept = faulty_rows(&rows, &faulty, EpochId(7)).unwrap();
    assert_eq!(kept.schema(), rejected_rows_schema());
    let texts: Vec<&str> = kept.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(texts, [r#"{"id":2,"name":"b \"ob\"","amount":"NaN"}"#, r#"{"id":3,"amount":2.0}"#]);
    let reasons: Vec<&str> = kept.column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!(reasons, ["division by zero", "too large"]);
    assert_eq!(kept.column(2).as_primitive::<Int64Type>().values(), &[7, 7]);
}
