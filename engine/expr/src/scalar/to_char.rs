//! `to_char(x, format)`, also called `to_varchar`: numbers, times and bytes as texts.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::number_format::Format;
use super::read::{Kind, is_text, read_as, texts};
use super::shaped::{Asked, Shaped};
use super::text::to_text;
use super::{base64, time};
use crate::display::type_name;
use crate::row_fault::RowFault;

/// Under both names.
pub fn functions() -> Vec<Shaped> {
    let named = |name| Shaped {
        name,
        count: (2, 2),
        kinds: &[Kind::Any, Kind::Text],
        gives: |asked| check(asked).map(|()| DataType::Utf8),
        body: |args, _| match args[0].data_type() {
            DataType::Date32 | DataType::Timestamp(..) => {
                time::format_instants(read_as(&args[0], Kind::Instant)?.as_primitive(), &args[1])
            }
            DataType::Binary => bytes(&args[0], texts(&args[1])),
            _ => numbers(&args[0], texts(&args[1])),
        },
    };
    vec![named("to_char"), named("to_varchar")]
}

fn check(asked: &Asked<'_>) -> Result<()> {
    match &asked.kinds[0] {
        DataType::Date32 | DataType::Timestamp(..) | DataType::Binary => Ok(()),
        kind if kind.is_numeric() || is_text(kind) || kind == &DataType::Null => match asked.text(1) {
            Some(format) if Format::parse(format).is_none() => plan_err!("{}", wrong_format(format)),
            _ => Ok(()),
        },
        kind => plan_err!("to_char takes a number, a date, a time or bytes, not {}", type_name(kind)),
    }
}

fn wrong_format(text: &str) -> String {
    format!(
        "'{text}' is no format of numbers: it has 0 or 9 for digits, ',' or G, '.' or D, and '$', S, MI or PR at an end"
    )
}

fn numbers(values: &ArrayRef, formats: &StringArray) -> Result<ArrayRef> {
    let values = match values.data_type() {
        // Doubles as decimals, so that a text has no exponent.
        DataType::Float32 | DataType::Float64 => {
            let plain = to_text(values)?;
            plain.iter().map(|text| text.map(plain_digits)).collect()
        }
        _ => to_text(values)?,
    };
    let mut known: Option<(&str, Format)> = None;
    let mut all = Vec::with_capacity(values.len());
    for (value, format) in values.iter().zip(formats) {
        let (Some(value), Some(text)) = (value, format) else {
            all.push(None);
            continue;
        };
        if known.as_ref().is_none_or(|(other, _)| *other != text) {
            let fault = || RowFault { condition: "INVALID_FORMAT", message: wrong_format(text) };
            known = Some((text, Format::parse(text).ok_or_else(fault)?));
        }
        all.push(known.as_ref().map(|(_, format)| written(value.trim(), format)).transpose()?);
    }
    Ok(Arc::new(StringArray::from(all)))
}

fn written(value: &str, format: &Format) -> Result<String> {
    let (is_negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit()) {
        let message = format!("to_char takes a number, and '{value}' is none");
        return Err(RowFault { condition: "CAST_INVALID_INPUT", message }.into());
    }
    let is_zero = whole.bytes().chain(fraction.bytes()).all(|digit| digit == b'0');
    Ok(format.write(is_negative && !is_zero, whole, fraction))
}

/// `1.5E-7` as `0.00000015`.
fn plain_digits(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('E') else { return text.to_string() };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Ok(exponent) = exponent.parse::<i32>() else { return text.to_string() };
    let point = whole.len() as i32 + exponent;
    let digits = format!("{whole}{fraction}");
    if point <= 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
    }
    let point = point as usize;
    match point >= digits.len() {
        true => format!("{sign}{digits}{}", "0".repeat(point - digits.len())),
        false => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
    }
}

fn bytes(values: &ArrayRef, formats: &StringArray) -> Result<ArrayRef> {
    let values = cast(values, &DataType::Binary)?;
    let one = |(bytes, format): (Option<&[u8]>, Option<&str>)| {
        let (Some(bytes), Some(format)) = (bytes, format) else { return Ok(None) };
        Ok(Some(match format.to_lowercase().as_str() {
            "hex" => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
            "base64" => base64::encode(bytes),
            "utf-8" => String::from_utf8_lossy(bytes).into_owned(),
            _ => {
                let message = format!("to_char writes bytes as 'hex', 'base64' or 'utf-8', not '{format}'");
                return Err(RowFault { condition: "INVALID_PARAMETER_VALUE.BINARY_FORMAT", message }.into());
            }
        }))
    };
    Ok(Arc::new(values.as_binary::<i32>().iter().zip(formats).map(one).collect::<Result<StringArray>>()?))
}
