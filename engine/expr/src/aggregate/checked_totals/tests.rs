//! Totals, with the answers of Spark 4.3.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::{Checked, Total, Totals, kept_type};
use crate::aggregate::aggregate_def::AggregateDef;

fn totals(total: Total, ansi: bool, kind: &DataType) -> Totals {
    let function = Checked { total, ansi };
    Totals::new(function, function.return_type(std::slice::from_ref(kind)).unwrap(), kept_type(kind))
}

fn decimals(values: &[i128], kind: &DataType) -> ArrayRef {
    Arc::new(Decimal128Array::from(values.to_vec()).with_data_type(kind.clone()))
}

/// One group's result, by way of a state between two halves.
fn result(total: Total, ansi: bool, values: &[i128], kind: &DataType) -> Result<Option<i128>> {
    let (first, second) = values.split_at(values.len() / 2);
    let mut all = totals(total, ansi, kind);
    for half in [first, second] {
        let mut part = totals(total, ansi, kind);
        part.update_batch(&[decimals(half, kind)], &vec![0; half.len()], None, 1)?;
        all.merge_batch(&part.state(EmitTo::All)?, &[0], 1)?;
    }
    Ok(all.evaluate(EmitTo::All)?.as_primitive::<Decimal128Type>().iter().next().flatten())
}

#[test]
fn averages_of_money_are_rounded_half_up() {
    // 0.01, 0.00, 0.01: Spark says 0.006667.
    assert_eq!(result(Total::Average, true, &[1, 0, 1], &DataType::Decimal128(10, 2)).unwrap(), Some(6667));
    assert_eq!(result(Total::Average, true, &[-1, 0, -1], &DataType::Decimal128(10, 2)).unwrap(), Some(-6667));
    assert_eq!(result(Total::Average, true, &[], &DataType::Decimal128(10, 2)).unwrap(), None);
}

#[test]
fn a_sum_that_is_too_large_is_an_error_or_null_and_never_another_number() {
    let kind = DataType::Decimal128(38, 2);
    let nines = 10_i128.pow(38) - 1;
    assert_eq!(result(Total::Sum, false, &[nines, nines], &kind).unwrap(), None);
    let error = result(Total::Sum, true, &[nines, nines], &kind).unwrap_err().to_string();
    assert!(error.contains("NUMERIC_VALUE_OUT_OF_RANGE") && error.contains("decimal"), "{error}");
}

#[test]
fn whole_numbers_that_overflow_wrap_around_only_without_ansi() {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1]));
    let mut wrapping = totals(Total::Sum, false, &DataType::Int64);
    wrapping.update_batch(&[Arc::clone(&values)], &[0, 0], None, 1).unwrap();
    assert_eq!(wrapping.evaluate(EmitTo::All).unwrap().as_primitive::<Int64Type>().value(0), i64::MIN);
    let mut checked = totals(Total::Sum, true, &DataType::Int64);
    checked.update_batch(&[values], &[0, 0], None, 1).unwrap();
    assert!(checked.evaluate(EmitTo::All).is_err());
}
