//! Types of operations on numbers, and what has no result, with the answers of Spark 4.3.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int8Array, Int32Array, Int64Array};
use arrow::datatypes::DataType;

use super::{Arithmetic, Typed, typed, whole};
use crate::typing::decimals::Operation;
use crate::typing::missing::Missing;

#[test]
fn whole_numbers_divide_to_doubles_and_otherwise_stay_as_wide_as_the_wider() {
    let result = |operation, left, right| typed(operation, &left, &right).map(|Typed { result, .. }| result);
    assert_eq!(result(Operation::Divide, DataType::Int32, DataType::Int64), Some(DataType::Float64));
    assert_eq!(result(Operation::Add, DataType::Int8, DataType::Int16), Some(DataType::Int16));
    assert_eq!(result(Operation::Multiply, DataType::Float32, DataType::Float32), Some(DataType::Float32));
    assert_eq!(result(Operation::Divide, DataType::Float32, DataType::Float32), Some(DataType::Float64));
    assert_eq!(result(Operation::Add, DataType::Utf8, DataType::Int32), Some(DataType::Int64));
    assert_eq!(result(Operation::Add, DataType::Decimal128(10, 2), DataType::Int32), Some(DataType::Decimal128(13, 2)));
    assert_eq!(result(Operation::Add, DataType::Decimal128(10, 2), DataType::Float64), Some(DataType::Float64));
    assert_eq!(result(Operation::Add, DataType::Boolean, DataType::Int32), None);
}

#[test]
fn what_is_too_large_is_an_error_by_ansi_and_wraps_around_without() {
    let (left, right): (ArrayRef, ArrayRef) =
        (Arc::new(Int8Array::from(vec![Some(127), None])), Arc::new(Int8Array::from(vec![Some(1), Some(1)])));
    let error = whole::compute(Operation::Add, Missing::Error, &left, &right).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("ARITHMETIC_OVERFLOW") && error.contains("tinyint"), "{error}");
    let wrapped = whole::compute(Operation::Add, Missing::Wraps, &left, &right).unwrap();
    assert_eq!(wrapped.as_ref(), &Int8Array::from(vec![Some(-128), None]) as &dyn arrow::array::Array);
}

#[test]
fn a_remainder_by_zero_is_an_error_by_ansi_and_null_without() {
    let (left, right): (ArrayRef, ArrayRef) = (
        Arc::new(Int64Array::from(vec![7, i64::MIN, 1])),
        Arc::new(Int64Array::from(vec![Some(-4), Some(-1), Some(0)])),
    );
    let error =
        whole::compute(Operation::Remainder, Missing::Error, &left, &right).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("REMAINDER_BY_ZERO"), "{error}");
    let rest = whole::compute(Operation::Remainder, Missing::Wraps, &left, &right).unwrap();
    assert_eq!(rest.as_ref(), &Int64Array::from(vec![Some(3), Some(0), None]) as &dyn arrow::array::Array);
}

#[test]
fn a_row_that_is_null_is_not_computed() {
    let (left, right): (ArrayRef, ArrayRef) =
        (Arc::new(Int32Array::from(vec![None, Some(4)])), Arc::new(Int32Array::from(vec![0, 2])));
    assert!(whole::compute(Operation::Remainder, Missing::Error, &left, &right).is_ok());
}

#[test]
fn two_operations_are_equal_if_they_do_the_same() {
    assert_eq!(Arithmetic::new(Operation::Add, true), Arithmetic::new(Operation::Add, true));
    assert_ne!(Arithmetic::new(Operation::Add, true), Arithmetic::new(Operation::Add, false));
}
