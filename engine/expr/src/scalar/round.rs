//! Rounding as Spark does it: by the decimal digits that a double is written with, half up or half to even.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::error::Result;

use super::read::{Kind, read_as, to_double};
use super::simple::Simple;

/// Which way a half goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Away from zero.
    Up,
    /// To the even digit.
    Even,
}

/// `round` and `bround`.
pub fn functions() -> Vec<Simple> {
    let rounding =
        |name, body| Simple { name, aliases: &[], count: (1, 2), kinds: &[Kind::Any, Kind::Whole], gives, body };
    vec![rounding("round", |args| round(args, Half::Up)), rounding("bround", |args| round(args, Half::Even))]
}

fn gives(types: &[DataType]) -> Result<DataType> {
    Ok(match &types[0] {
        kind if kind.is_integer() => kind.clone(),
        // The digits of a decimal's result depend on the second argument's value, which the type cannot know.
        DataType::Decimal128(precision, scale) => DataType::Decimal128(*precision, *scale),
        DataType::Float32 => DataType::Float32,
        _ => DataType::Float64,
    })
}

fn round(args: &[ArrayRef], half: Half) -> Result<ArrayRef> {
    let digits = match args.get(1) {
        Some(digits) => digits.as_primitive::<Int64Type>().clone(),
        None => Int64Array::from(vec![0; args[0].len()]),
    };
    let digits = |row: usize| digits.is_valid(row).then(|| digits.value(row).clamp(-400, 400) as i32);
    match args[0].data_type() {
        kind if kind.is_integer() => {
            let whole = read_as(&args[0], Kind::Whole)?;
            let whole = whole.as_primitive::<Int64Type>();
            let rounded = whole
                .iter()
                .enumerate()
                .map(|(row, value)| i64::try_from(at_scale(i128::from(value?), -digits(row)?, half)).ok());
            Ok(cast(&(Arc::new(rounded.collect::<Int64Array>()) as ArrayRef), kind)?)
        }
        DataType::Decimal128(precision, scale) => {
            let values = args[0].as_primitive::<Decimal128Type>();
            let rounded: arrow::array::Decimal128Array = values
                .iter()
                .enumerate()
                .map(|(row, value)| Some(at_scale(value?, i32::from(*scale) - digits(row)?, half)))
                .collect();
            Ok(Arc::new(rounded.with_precision_and_scale(*precision, *scale)?))
        }
        kind => {
            let values = to_double(&args[0])?;
            let rounded: Float64Array =
                values.iter().enumerate().map(|(row, value)| Some(round_double(value?, digits(row)?, half))).collect();
            if kind == &DataType::Float32 { Ok(cast(&rounded, &DataType::Float32)?) } else { Ok(Arc::new(rounded)) }
        }
    }
}

/// `value` with its last `places` digits made zero.
fn at_scale(value: i128, places: i32, half: Half) -> i128 {
    if places <= 0 {
        return value;
    }
    let Some(unit) = 10_i128.checked_pow(places as u32) else { return 0 };
    let (quotient, rest) = (value / unit, (value % unit).abs());
    let is_up = match (rest * 2).cmp(&unit) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => half == Half::Up || quotient % 2 != 0,
        std::cmp::Ordering::Less => false,
    };
    (quotient + if is_up { value.signum() } else { 0 }) * unit
}

fn round_double(value: f64, digits: i32, half: Half) -> f64 {
    rounded_text(value, digits, half).and_then(|text| text.parse().ok()).unwrap_or(value)
}

/// The digits of a double rounded to so many after the point (before it, if negative); none if it is not finite.
pub fn rounded_text(value: f64, digits: i32, half: Half) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let all: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    // `all` is d.ddd × 10^exponent; those up to `kept` stay.
    let kept = exponent + 1 + digits;
    let mut number: Vec<u8> = all.iter().copied().take(kept.max(0) as usize).collect();
    let is_up = kept >= 0 && is_rounded_up(&all, kept as usize, half);
    number.resize(kept.max(0) as usize, 0);
    if is_up {
        let carried = number.iter().rposition(|digit| *digit < 9);
        match carried {
            Some(at) => {
                number[at] += 1;
                number[at + 1..].iter_mut().for_each(|digit| *digit = 0);
            }
            None => {
                number.iter_mut().for_each(|digit| *digit = 0);
                number.insert(0, 1);
            }
        }
    }
    let sign = if value < 0.0 && number.iter().any(|digit| *digit > 0) { "-" } else { "" };
    let number: String = number.iter().map(|digit| char::from(b'0' + digit)).collect();
    if digits <= 0 {
        let number = if number.is_empty() { "0".to_string() } else { number };
        let zeros = if number == "0" { 0 } else { digits.unsigned_abs() as usize };
        return Some(format!("{sign}{number}{}", "0".repeat(zeros)));
    }
    let width = digits as usize + 1;
    let padded = format!("{number:0>width$}");
    let (whole, fraction) = padded.split_at(padded.len() - digits as usize);
    Some(format!("{sign}{whole}.{fraction}"))
}

fn is_rounded_up(all: &[u8], kept: usize, half: Half) -> bool {
    let Some(next) = all.get(kept) else { return false };
    let is_half = *next == 5 && all[kept + 1..].iter().all(|digit| *digit == 0);
    match (half, is_half) {
        (Half::Even, true) => kept > 0 && !all[kept - 1].is_multiple_of(2),
        _ => *next >= 5,
    }
}

/// A column of doubles, each changed; used by functions that give null for what they are not defined for.
pub fn doubles(args: &[ArrayRef], change: impl Fn(f64) -> Option<f64>) -> ArrayRef {
    Arc::new(
        args[0].as_primitive::<Float64Type>().iter().map(|value| value.and_then(&change)).collect::<Float64Array>(),
    )
}
