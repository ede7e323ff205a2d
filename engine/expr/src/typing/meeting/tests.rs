//! Types that meet, with the answers of Spark 4.3's `typeof(coalesce(a, b))`.

use arrow::datatypes::DataType;

use super::{common_type, common_type_of};
use crate::types::instant;

#[test]
fn numbers_meet_in_the_type_that_holds_both() {
    let decimal = DataType::Decimal128;
    let cases = [
        (DataType::Int32, DataType::Int64, Some(DataType::Int64)),
        (DataType::Int8, DataType::Int16, Some(DataType::Int16)),
        (DataType::Int32, DataType::Float32, Some(DataType::Float64)),
        (DataType::Float32, DataType::Float32, Some(DataType::Float32)),
        (decimal(10, 2), DataType::Int32, Some(decimal(12, 2))),
        (decimal(10, 2), DataType::Int64, Some(decimal(22, 2))),
        (decimal(10, 2), DataType::Float64, Some(DataType::Float64)),
        (DataType::Boolean, DataType::Int32, None),
    ];
    for (left, right, wanted) in cases {
        assert_eq!(common_type(&left, &right), wanted, "{left} and {right}");
        assert_eq!(common_type(&right, &left), wanted, "{right} and {left}");
    }
}

#[test]
fn a_text_is_read_as_what_it_meets() {
    assert_eq!(common_type(&DataType::Utf8, &DataType::Int32), Some(DataType::Int64));
    assert_eq!(common_type(&DataType::Decimal128(10, 2), &DataType::Utf8), Some(DataType::Float64));
    assert_eq!(common_type(&DataType::Utf8, &DataType::Date32), Some(DataType::Date32));
    assert_eq!(common_type(&instant(), &DataType::Date32), Some(instant()));
}

#[test]
fn nothing_meets_in_no_type_and_null_in_any() {
    assert_eq!(common_type_of([]), Some(DataType::Null));
    assert_eq!(common_type_of([&DataType::Null, &DataType::Int8]), Some(DataType::Int8));
}
