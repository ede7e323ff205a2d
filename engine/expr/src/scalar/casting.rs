//! Spark's casts over columns: what a value is in another type, or NULL if there is no such value.

pub mod decimals;
pub mod wholes;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, ListArray, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::error::Result;

use self::decimals::{decimals_of_doubles, decimals_of_texts, doubles_of_decimals, micros_of_decimals};
use self::wholes::wholes_of_texts;
use super::instant_text::parse_local;
use super::read::{Kind, is_text, parse_double, parse_flag, read_as};
use super::text::to_text;
use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::types::{instant, local_time};

/// The values of a column in another type; NULL is what has no value there.
///
/// # Errors
/// If Arrow has no such cast.
pub fn read(values: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    let from = values.data_type();
    Ok(match (from, target) {
        (from, to) if is_text(from) => return of_texts(values, to),
        (_, to) if is_text(to) => Arc::new(to_text(values)?),
        (DataType::List(_), DataType::List(field)) if is_text(field.data_type()) => {
            let list = values.as_list::<i32>();
            let texts: ArrayRef = Arc::new(to_text(list.values())?);
            Arc::new(ListArray::try_new(Arc::clone(field), list.offsets().clone(), texts, list.nulls().cloned())?)
        }
        (DataType::Decimal128(..), DataType::Float64) => Arc::new(doubles_of_decimals(values)),
        (DataType::Decimal128(..), DataType::Timestamp(..)) => micros_of_decimals(values),
        (DataType::Decimal128(..), DataType::Boolean) => {
            let flags = values.as_primitive::<Decimal128Type>().iter();
            Arc::new(flags.map(|value| value.map(|value| value != 0)).collect::<BooleanArray>())
        }
        (DataType::Boolean, DataType::Decimal128(..)) => arrow(&arrow(values, &DataType::Int8)?, target)?,
        (from, DataType::Decimal128(precision, scale)) if from.is_floating() => {
            decimals_of_doubles(values, *precision, *scale)?
        }
        (from, DataType::Timestamp(TimeUnit::Microsecond, _)) if from != &DataType::Boolean => {
            arrow(&read_as(values, Kind::Instant)?, target)?
        }
        (DataType::Timestamp(..), DataType::Date32) => read_as(values, Kind::Day)?,
        (DataType::Timestamp(..), DataType::Float64) => read_as(values, Kind::Double)?,
        (DataType::Timestamp(..), to) if to.is_floating() => arrow(&read_as(values, Kind::Double)?, to)?,
        (DataType::Timestamp(..), DataType::Decimal128(..)) => {
            let us = arrow(&read_as(values, Kind::Instant)?, &instant())?;
            let us = us.as_primitive::<TimestampMicrosecondType>().iter().map(|us| us.map(i128::from));
            let exact: arrow::array::Decimal128Array = us.collect();
            arrow(&(Arc::new(exact.with_precision_and_scale(38, 6)?) as ArrayRef), target)?
        }
        (DataType::Timestamp(..), to) if to.is_integer() => arrow(&read_as(values, Kind::Whole)?, to)?,
        (from, to) if from.is_floating() && to.is_integer() => truncated(values, to)?,
        _ => arrow(values, target)?,
    })
}

/// True unless Spark has no cast between these types in ANSI mode. Of types that are not its own nothing is said.
pub fn is_castable(from: &DataType, to: &DataType) -> bool {
    let is_number = |kind: &DataType| kind.is_numeric();
    let is_time = |kind: &DataType| matches!(kind, DataType::Timestamp(..));
    match (from, to) {
        (DataType::Null, _) => true,
        (_, to) if is_text(to) => true,
        (from, to) if *to == local_time() && is_number(from) => false,
        (from, to) if *from == local_time() && is_number(to) => false,
        (DataType::Date32, to) => {
            !(is_number(to) || matches!(to, DataType::Boolean | DataType::Binary) || to.is_nested())
        }
        (DataType::Boolean, to) => {
            !(matches!(to, DataType::Date32 | DataType::Binary) || is_time(to) || to.is_nested())
        }
        (from, to) if is_number(from) => !(matches!(to, DataType::Date32 | DataType::Binary) || to.is_nested()),
        (from, to) if is_time(from) => !(matches!(to, DataType::Boolean | DataType::Binary) || to.is_nested()),
        (DataType::Binary, to) => to == &DataType::Binary,
        (from, to) if is_text(from) => !to.is_nested(),
        (DataType::List(from), DataType::List(to)) => is_castable(from.data_type(), to.data_type()),
        (DataType::List(_), to) => {
            !(is_number(to) || is_time(to) || matches!(to, DataType::Boolean | DataType::Date32 | DataType::Binary))
        }
        _ => true,
    }
}

/// Arrow's cast, where it is Spark's: what does not fit is NULL.
fn arrow(values: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(values, target, &CastOptions { safe: true, ..CastOptions::default() })?)
}

fn of_texts(values: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    let texts = to_text(values)?;
    let all = texts.iter();
    Ok(match target {
        to if is_text(to) => arrow(values, to)?,
        to if to.is_integer() => arrow(&(Arc::new(wholes_of_texts(&texts)) as ArrayRef), to)?,
        DataType::Float64 => Arc::new(all.map(|text| text.and_then(parse_double)).collect::<Float64Array>()),
        DataType::Float32 => Arc::new(all.map(|text| text.and_then(parse_float)).collect::<Float32Array>()),
        DataType::Decimal128(precision, scale) => decimals_of_texts(&texts, *precision, *scale)?,
        DataType::Boolean => Arc::new(all.map(|text| text.and_then(parse_flag)).collect::<BooleanArray>()),
        DataType::Date32 => read_as(values, Kind::Day)?,
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => read_as(values, Kind::Instant)?,
        to if *to == local_time() => {
            // A zone in a text says nothing about a time on the clock.
            Arc::new(all.map(|text| text.and_then(parse_local)).collect::<TimestampMicrosecondArray>())
        }
        to => arrow(&(Arc::new(texts) as ArrayRef), to)?,
    })
}

/// A float as Spark reads it: the nearest float to the text, not to the nearest double.
fn parse_float(text: &str) -> Option<f32> {
    let near = parse_double(text)?;
    let digits = text.trim().trim_end_matches(['d', 'D', 'f', 'F']);
    Some(digits.parse().unwrap_or(near as f32))
}

/// Doubles cut off towards zero; those beyond the type are NULL, and so are NaN.
fn truncated(values: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    match values.data_type() {
        DataType::Float64 => {
            let whole: Float64Array = values.as_primitive::<Float64Type>().unary(f64::trunc);
            arrow(&(Arc::new(whole) as ArrayRef), target)
        }
        DataType::Float32 => {
            let whole: Float32Array = values.as_primitive::<Float32Type>().unary(f32::trunc);
            arrow(&(Arc::new(whole) as ArrayRef), target)
        }
        _ => arrow(values, target),
    }
}

/// True if a row's value has been lost in a cast that must not lose one. Of a double that is no number a decimal is NULL in Spark, too.
pub fn is_lost(values: &ArrayRef, read: &ArrayRef, row: usize) -> bool {
    let is_no_number = || match values.data_type() {
        DataType::Float64 => !values.as_primitive::<Float64Type>().value(row).is_finite(),
        DataType::Float32 => !values.as_primitive::<Float32Type>().value(row).is_finite(),
        _ => false,
    };
    let is_decimal = matches!(read.data_type(), DataType::Decimal128(..));
    values.is_valid(row) && read.is_null(row) && !(is_decimal && is_no_number())
}

/// What is wrong with a value that has no place in a type.
pub fn fault_of(values: &ArrayRef, row: usize, target: &DataType) -> RowFault {
    let text = to_text(&values.slice(row, 1)).map_or_else(|_| "…".to_string(), |text| text.value(0).to_string());
    let condition = match (values.data_type(), target) {
        (from, DataType::Decimal128(..)) if from.is_numeric() => "NUMERIC_VALUE_OUT_OF_RANGE",
        (from, _) if from.is_numeric() => "CAST_OVERFLOW",
        _ => "CAST_INVALID_INPUT",
    };
    RowFault {
        condition,
        message: format!(
            "'{text}' cannot be cast to {}; TRY_CAST gives NULL instead",
            type_name(target).to_uppercase()
        ),
    }
}

#[cfg(test)]
mod tests;
