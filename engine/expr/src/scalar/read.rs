//! Reading a column as another type, tolerantly: what cannot be read is null.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::error::Result;

use super::casting::decimals::micros_of_decimals;
use super::casting::wholes::{parse_whole, trimmed};
pub use super::civil::DAY_US;
use super::instant_text::{parse_day, parse_instant};
use super::text::to_text;
use crate::types::instant;

/// How an argument is read. What cannot be read is null, as in Spark with `try_` casts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Any,
    /// Text, as `CAST(x AS STRING)` writes it.
    Text,
    /// A 64-bit whole number.
    Whole,
    /// A double.
    Double,
    /// An instant: microseconds, UTC.
    Instant,
    /// An instant, or a time of day as one of the first day.
    Clock,
    /// A day.
    Day,
    /// A boolean.
    Flag,
}

/// Reads a column as a kind of argument.
///
/// # Errors
/// If the type has no such reading at all.
pub fn read_as(values: &ArrayRef, kind: Kind) -> Result<ArrayRef> {
    Ok(match kind {
        Kind::Any => plain(values)?,
        Kind::Text => Arc::new(to_text(values)?),
        Kind::Whole => Arc::new(to_whole(values)?),
        Kind::Double => Arc::new(to_double(values)?),
        Kind::Instant => to_instants(values)?,
        Kind::Clock => match values.data_type() {
            DataType::Time64(_) => {
                cast(&cast(&cast(values, &DataType::Time64(TimeUnit::Microsecond))?, &DataType::Int64)?, &instant())?
            }
            _ => to_instants(values)?,
        },
        Kind::Day => Arc::new(to_days(values)?),
        Kind::Flag => Arc::new(to_flags(values)?),
    })
}

/// Texts and bytes in the one form that all functions here take.
fn plain(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 => cast(values, &DataType::Utf8)?,
        DataType::BinaryView | DataType::LargeBinary => cast(values, &DataType::Binary)?,
        DataType::Dictionary(_, inner) => cast(values, inner)?,
        _ => Arc::clone(values),
    })
}

/// True for every type of text.
pub fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn to_whole(values: &ArrayRef) -> Result<Int64Array> {
    Ok(match values.data_type() {
        kind if is_text(kind) => to_text(values)?.iter().map(|text| text.and_then(parse_whole)).collect(),
        DataType::Timestamp(..) => {
            let us = to_instants(values)?;
            us.as_primitive::<TimestampMicrosecondType>().unary(|us| us.div_euclid(1_000_000))
        }
        _ => cast(values, &DataType::Int64)?.as_primitive().clone(),
    })
}

/// Doubles of any column; texts that are no number are null.
pub fn to_double(values: &ArrayRef) -> Result<Float64Array> {
    Ok(match values.data_type() {
        kind if is_text(kind) => to_text(values)?.iter().map(|text| text.and_then(parse_double)).collect(),
        DataType::Timestamp(..) => {
            let us = to_instants(values)?;
            us.as_primitive::<TimestampMicrosecondType>().unary(|us| us as f64 / 1e6)
        }
        _ => cast(values, &DataType::Float64)?.as_primitive().clone(),
    })
}

/// A double as Spark reads it: also `Infinity`, `-inf` and `NaN` in any case.
pub fn parse_double(text: &str) -> Option<f64> {
    let text = trimmed(text);
    if let Some(value) = parse_hexadecimal(text) {
        return Some(value);
    }
    let text = text
        .strip_suffix(['d', 'D', 'f', 'F'])
        .filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(text);
    text.parse().ok()
}

/// Java's hexadecimal doubles: `0x1.8p3` is 12.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let rest = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"))?;
    let (digits, exponent) = rest.trim_end_matches(['d', 'D', 'f', 'F']).split_once(['p', 'P'])?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = [whole, fraction].concat();
    // Digits that a double holds exactly; more are never written.
    if all.is_empty() || all.len() > 13 {
        return None;
    }
    let value = u64::from_str_radix(&all, 16).ok()? as f64;
    let exponent: i32 = exponent.parse().ok()?;
    Some(sign * value * 2_f64.powi(exponent.checked_sub(4 * fraction.len() as i32)?))
}

/// Instants of texts, dates, numbers (seconds) and timestamps of any unit.
pub fn to_instants(values: &ArrayRef) -> Result<ArrayRef> {
    let instants: arrow::array::TimestampMicrosecondArray = match values.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => values.as_primitive::<TimestampMicrosecondType>().clone(),
        kind if is_text(kind) => to_text(values)?.iter().map(|text| text.and_then(parse_instant)).collect(),
        DataType::Boolean => return Ok(arrow::array::new_null_array(&instant(), values.len())),
        DataType::Decimal128(..) => return Ok(micros_of_decimals(values)),
        kind if kind.is_integer() => to_whole(values)?.unary(|seconds| seconds.saturating_mul(1_000_000)),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let seconds = cast(values, &DataType::Float64)?;
            let fits = |us: &f64| us.abs() < i64::MAX as f64;
            let finite = |s: f64| Some(s * 1e6).filter(fits).map(|us| us as i64);
            seconds.as_primitive::<Float64Type>().iter().map(|s| s.and_then(finite)).collect()
        }
        _ => return Ok(cast(values, &instant())?),
    };
    Ok(Arc::new(instants.with_timezone("UTC")))
}

/// Days of texts, dates and timestamps (the day in UTC).
pub fn to_days(values: &ArrayRef) -> Result<Date32Array> {
    Ok(match values.data_type() {
        DataType::Date32 => values.as_primitive().clone(),
        kind if is_text(kind) => to_text(values)?.iter().map(|text| text.and_then(parse_day)).collect(),
        DataType::Timestamp(..) => {
            let us = to_instants(values)?;
            us.as_primitive::<TimestampMicrosecondType>()
                .iter()
                .map(|us| us.and_then(|us| i32::try_from(us.div_euclid(DAY_US)).ok()))
                .collect()
        }
        _ => cast(values, &DataType::Date32)?.as_primitive().clone(),
    })
}

fn to_flags(values: &ArrayRef) -> Result<BooleanArray> {
    Ok(match values.data_type() {
        kind if is_text(kind) => to_text(values)?.iter().map(|text| text.and_then(parse_flag)).collect(),
        _ => cast(values, &DataType::Boolean)?.as_boolean().clone(),
    })
}

/// A boolean as Spark reads it.
pub fn parse_flag(text: &str) -> Option<bool> {
    match trimmed(text).to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Texts of a column that was read as [`Kind::Text`].
pub fn texts(values: &ArrayRef) -> &StringArray {
    values.as_string::<i32>()
}
