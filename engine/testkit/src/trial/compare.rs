//! Whether a value of a table is the one that a test expects. What a type has no notation for in TOML is written as text.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value;

use super::cell::Cell;

/// Largest difference between doubles that are the same to 15 digits, as a share of the larger one.
const DOUBLE_SHARE: f64 = 5e-16;

/// The same for singles, to 6 digits.
const SINGLE_SHARE: f32 = 5e-7;

/// True if the value found is the one expected.
pub fn agrees(expected: &Value, found: &Cell) -> bool {
    match found {
        Cell::Null => expected.is_null(),
        _ if expected.is_null() => false,
        Cell::Boolean(found) => expected.as_bool() == Some(*found),
        Cell::Whole(found) => whole(expected, *found),
        Cell::Double(found) => number(expected).is_some_and(|expected| near(expected, *found)),
        // The shortest text of a single is not that of the double next to it.
        Cell::Single(found) => number(expected).is_some_and(|expected| near_single(expected as f32, *found)),
        Cell::Decimal(digits, scale) => decimal(expected, *digits, *scale),
        Cell::Text(found) => expected.as_str() == Some(found),
        Cell::Binary(found) => expected.as_str().is_some_and(|expected| expected.as_bytes() == found),
        Cell::Date(found) => day(expected) == Some(i64::from(*found)),
        Cell::Instant(found) => instant_us(expected) == Some(*found),
        Cell::List(found) => expected.as_array().is_some_and(|expected| all_agree(expected, found.iter())),
        Cell::Struct(found) => agrees_with_struct(expected, found),
        Cell::Map(found) => agrees_with_map(expected, found),
    }
}

fn all_agree<'a>(expected: &[Value], found: impl ExactSizeIterator<Item = &'a Cell>) -> bool {
    expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| agrees(expected, found))
}

/// A struct is written with names, where what is left out is NULL, or as a list of all fields.
fn agrees_with_struct(expected: &Value, found: &[(String, Cell)]) -> bool {
    match expected {
        Value::Array(expected) => all_agree(expected, found.iter().map(|(_, value)| value)),
        Value::Object(expected) => {
            let known = expected.keys().all(|name| found.iter().any(|(field, _)| field == name));
            known && found.iter().all(|(name, value)| agrees(expected.get(name).unwrap_or(&Value::Null), value))
        }
        _ => false,
    }
}

/// A map is written with its keys as names, or as a list of pairs; its order does not count.
fn agrees_with_map(expected: &Value, found: &[(Cell, Cell)]) -> bool {
    let pairs: Vec<(Value, &Value)> = match expected {
        Value::Object(entries) => entries.iter().map(|(key, value)| (Value::from(key.as_str()), value)).collect(),
        Value::Array(pairs) => pairs.iter().filter_map(|pair| Some((pair.get(0)?.clone(), pair.get(1)?))).collect(),
        _ => return false,
    };
    let same = |(key, value): &(Value, &Value)| {
        found.iter().any(|(name, cell)| (agrees(key, name) || *key == name.to_string()) && agrees(value, cell))
    };
    pairs.len() == found.len() && pairs.iter().all(same)
}

fn whole(expected: &Value, found: i64) -> bool {
    match expected.as_i64() {
        Some(expected) => expected == found,
        // 3.0 is 3.
        None => expected.as_f64().is_some_and(|expected| expected == found as f64),
    }
}

fn number(expected: &Value) -> Option<f64> {
    match expected {
        Value::Number(number) => number.as_f64(),
        Value::String(name) => match name.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn near(expected: f64, found: f64) -> bool {
    let share = expected.abs().max(found.abs()) * DOUBLE_SHARE;
    expected == found
        || (expected.is_nan() && found.is_nan())
        || (share.is_finite() && (expected - found).abs() <= share)
}

fn near_single(expected: f32, found: f32) -> bool {
    let share = expected.abs().max(found.abs()) * SINGLE_SHARE;
    expected == found
        || (expected.is_nan() && found.is_nan())
        || (share.is_finite() && (expected - found).abs() <= share)
}

/// Decimals are compared by their digits: 1.50 is 1.5.
fn decimal(expected: &Value, digits: i128, scale: i8) -> bool {
    let text = match expected {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return false,
    };
    let (text, is_negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text.as_str(), false),
    };
    let (before, behind) = text.split_once('.').unwrap_or((text, ""));
    let behind = behind.trim_end_matches('0');
    let places = usize::try_from(scale).unwrap_or(0);
    if behind.len() > places || before.is_empty() {
        return false;
    }
    let expected: Option<i128> = format!("{before}{behind:0<places$}").parse().ok();
    expected.is_some_and(|expected| if is_negative { -expected == digits } else { expected == digits })
}

/// Days since 1970: a date as text, or their number.
fn day(expected: &Value) -> Option<i64> {
    match expected {
        Value::String(text) => {
            let date: NaiveDate = text.parse().ok()?;
            Some(date.signed_duration_since(NaiveDate::default()).num_days())
        }
        _ => expected.as_i64(),
    }
}

/// Microseconds since 1970 UTC: a time as text, in UTC unless it says otherwise, or the number of seconds.
fn instant_us(expected: &Value) -> Option<i64> {
    match expected {
        Value::String(text) => {
            if let Ok(time) = DateTime::parse_from_rfc3339(text) {
                return Some(time.timestamp_micros());
            }
            let text = text.replace('T', " ");
            let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f");
            let time = time.or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M"));
            let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0);
            Some(time.ok().or_else(day)?.and_utc().timestamp_micros())
        }
        Value::Number(seconds) => match seconds.as_i64() {
            Some(seconds) => seconds.checked_mul(1_000_000),
            None => Some((seconds.as_f64()? * 1e6).round() as i64),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
