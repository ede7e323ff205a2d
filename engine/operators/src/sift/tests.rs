//! Rows at fault, among others.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;

use super::sift;
use crate::error::OperatorError;

fn rows(values: &[i64]) -> RecordBatch {
    RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from(values.to_vec())) as _)]).unwrap()
}

/// Odd numbers are at fault.
fn halves(rows: &RecordBatch) -> Result<Vec<i64>, OperatorError> {
    let values = rows.column(0).as_primitive::<Int64Type>().values();
    match values.iter().find(|value| *value % 2 != 0) {
        Some(odd) => Err(OperatorError::Row(format!("{odd} is odd"))),
        None => Ok(values.iter().map(|value| value / 2).collect()),
    }
}

#[test]
fn the_rows_at_fault_are_named_and_the_others_stay_in_order() {
    let sifted = sift(&rows(&[2, 4, 5, 6, 8, 9, 10]), &halves).unwrap();
    assert_eq!(sifted.made.concat(), [1, 2, 3, 4, 5]);
    let wanted = [(2, "5 is odd".to_string()), (5, "9 is odd".to_string())];
    assert_eq!(sifted.faulty, wanted);
}

#[test]
fn what_is_not_about_a_row_ends_it() {
    let broken = |_: &RecordBatch| -> Result<(), OperatorError> { Err(OperatorError::Damaged("x".to_string())) };
    assert!(matches!(sift(&rows(&[1, 2]), &broken), Err(OperatorError::Damaged(_))));
}
