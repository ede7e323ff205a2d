//! Decimals from and to texts and doubles, by their decimal digits.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type};
use datafusion::error::Result;

use super::wholes::trimmed;

/// Decimals of texts, rounded half up to the scale; NULL for what is no number or has too many digits.
pub fn decimals_of_texts(texts: &StringArray, precision: u8, scale: i8) -> Result<ArrayRef> {
    let values = texts.iter().map(|text| parse_decimal(trimmed(text?), precision, scale));
    Ok(Arc::new(values.collect::<Decimal128Array>().with_precision_and_scale(precision, scale)?))
}

/// Decimals of the shortest texts of floats and doubles, which is what Java makes of them.
pub fn decimals_of_doubles(values: &ArrayRef, precision: u8, scale: i8) -> Result<ArrayRef> {
    let read = |value: f64| parse_decimal(&format!("{value:e}"), precision, scale);
    let values: Decimal128Array = match values.data_type() {
        DataType::Float32 => values.as_primitive::<Float32Type>().iter().map(|value| read(f64::from(value?))).collect(),
        _ => values.as_primitive::<Float64Type>().iter().map(|value| read(value?)).collect(),
    };
    Ok(Arc::new(values.with_precision_and_scale(precision, scale)?))
}

/// The nearest doubles of decimals: a quotient of two numbers that are doubles themselves is rounded once.
pub fn doubles_of_decimals(values: &ArrayRef) -> Float64Array {
    const EXACT: i128 = 1 << 53;
    let DataType::Decimal128(_, scale) = *values.data_type() else { return Float64Array::new_null(values.len()) };
    let near = |value: i128| match u32::try_from(scale) {
        Ok(scale) if scale <= 22 && (-EXACT..=EXACT).contains(&value) => value as f64 / 10_f64.powi(scale as i32),
        _ => format!("{value}e{}", -i32::from(scale)).parse().unwrap_or(f64::NAN),
    };
    values.as_primitive::<Decimal128Type>().unary(near)
}

/// Instants of seconds since 1970; what is smaller than a microsecond is cut off.
pub fn micros_of_decimals(values: &ArrayRef) -> ArrayRef {
    let scale = match values.data_type() {
        DataType::Decimal128(_, scale) => i32::from(*scale),
        _ => 0,
    };
    let us = |value: i128| {
        let moved = 6 - scale;
        let unit = 10_i128.checked_pow(moved.unsigned_abs())?;
        let us = if moved >= 0 { value.checked_mul(unit)? } else { value / unit };
        i64::try_from(us).ok()
    };
    let us: TimestampMicrosecondArray =
        values.as_primitive::<Decimal128Type>().iter().map(|value| us(value?)).collect();
    Arc::new(us.with_timezone("UTC"))
}

/// A number such as `-12.5e3` at a scale, rounded half up.
pub fn parse_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // The value is 0.DIGITS × 10^point, and `kept` of the digits stand before the end of the scale.
    let point = whole.len() as i64 + exponent;
    let kept = point + i64::from(scale);
    let leading = digits.iter().take_while(|digit| **digit == b'0').count();
    if leading == digits.len() {
        return Some(0);
    }
    if kept - leading as i64 > i64::from(precision) {
        return None;
    }
    let digit = |at: i64| usize::try_from(at).ok().and_then(|at| digits.get(at)).map_or(0, |digit| digit - b'0');
    let taken = (leading as i64..kept)
        .try_fold(0_i128, |value, at| value.checked_mul(10)?.checked_add(i128::from(digit(at))))?;
    let rounded = if kept >= 0 && digit(kept) >= 5 { taken + 1 } else { taken };
    (rounded < 10_i128.pow(u32::from(precision))).then_some(sign * rounded)
}

fn parse_exponent(text: &str) -> Option<i64> {
    let exponent: i64 = text.parse().ok()?;
    (-100_000_000..=100_000_000).contains(&exponent).then_some(exponent)
}
