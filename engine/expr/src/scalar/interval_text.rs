//! The numbers that intervals are kept as, and their texts.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, DurationMicrosecondType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
};
use datafusion::error::Result;

use crate::interval::calendar_text;
use crate::interval::fields::IntervalType;

/// Months or microseconds of intervals.
pub fn raw(values: &ArrayRef) -> Result<Int64Array> {
    Ok(match values.data_type() {
        DataType::Interval(IntervalUnit::YearMonth) => values.as_primitive::<IntervalYearMonthType>().unary(i64::from),
        DataType::Null => Int64Array::new_null(values.len()),
        _ => values.as_primitive::<DurationMicrosecondType>().unary(|us| us),
    })
}

/// Texts of intervals with all fields of their kind.
pub fn interval_texts(values: &ArrayRef) -> Result<StringArray> {
    if let DataType::Interval(IntervalUnit::MonthDayNano) = values.data_type() {
        let values = values.as_primitive::<IntervalMonthDayNanoType>().iter();
        return Ok(values.map(|value| value.map(calendar_text)).collect());
    }
    let kind = IntervalType::of_data_type(values.data_type());
    let Some(kind) = kind else { return Ok(cast(values, &DataType::Utf8)?.as_string::<i32>().clone()) };
    Ok(raw(values)?.iter().map(|value| value.map(|value| kind.text(value))).collect())
}
