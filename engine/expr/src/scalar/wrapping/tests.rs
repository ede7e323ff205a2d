//! Casts that lose digits, with the answers of Spark 4.3 without ANSI.
#![allow(clippy::unwrap_used, reason = "tests")]

use arrow::array::{Decimal128Array, Float64Array};
use arrow::datatypes::Field;
use datafusion::config::ConfigOptions;

use super::*;

fn of(values: ArrayRef, to: DataType) -> Vec<Option<i64>> {
    let function = WrappingCast { to: to.clone(), signature: Signature::any(1, Volatility::Immutable) };
    let arguments = ScalarFunctionArgs {
        number_rows: values.len(),
        arg_fields: vec![Arc::new(Field::new("x", values.data_type().clone(), true))],
        args: vec![ColumnarValue::Array(values)],
        return_field: Arc::new(Field::new("y", to, true)),
        config_options: Arc::new(ConfigOptions::default()),
    };
    let cast_to_long = |values: ArrayRef| cast(&values, &DataType::Int64).unwrap().as_primitive::<Int64Type>().clone();
    cast_to_long(function.invoke_with_args(arguments).unwrap().to_array(1).unwrap()).iter().collect()
}

#[test]
fn whole_numbers_keep_their_low_bits() {
    let values = || Arc::new(Int64Array::from(vec![Some(300), Some(-129), None])) as ArrayRef;
    assert_eq!(of(values(), DataType::Int8), [Some(44), Some(127), None]);
}

#[test]
fn doubles_become_the_nearest_int_first() {
    let values = || Arc::new(Float64Array::from(vec![1e10, f64::NAN, -1.9, 300.7])) as ArrayRef;
    assert_eq!(of(values(), DataType::Int32), [Some(2_147_483_647), Some(0), Some(-1), Some(300)]);
    assert_eq!(of(values(), DataType::Int8), [Some(-1), Some(0), Some(-1), Some(44)]);
}

#[test]
fn decimals_lose_what_stands_behind_the_point() {
    let values = Decimal128Array::from(vec![1299, -1299]).with_precision_and_scale(10, 1).unwrap();
    assert_eq!(of(Arc::new(values), DataType::Int8), [Some(-127), Some(127)]);
}
