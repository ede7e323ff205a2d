//! The type TIME, and texts of it.

use arrow::array::{Array, ArrayRef, AsArray, Time64NanosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Time64NanosecondType, TimeUnit};
use datafusion::error::Result;

use super::instant_text::take_number;

/// Nanoseconds of a microsecond.
pub const MICRO: i64 = 1_000;
/// Nanoseconds of a second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds of a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Nanoseconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;

/// The type of a time of day.
pub fn clock() -> DataType {
    DataType::Time64(TimeUnit::Nanosecond)
}

/// A column as times of day; a NULL of no type is one.
///
/// # Errors
/// If it holds none.
pub fn clocks(values: &ArrayRef) -> Result<Time64NanosecondArray> {
    if values.data_type() == &DataType::Null {
        return Ok(Time64NanosecondArray::new_null(values.len()));
    }
    Ok(cast(values, &clock())?.as_primitive::<Time64NanosecondType>().clone())
}

/// The time that a text says: `12:34`, `1:2:3.5`, `T12:34:56`, `12:34:56 PM`.
pub fn parse_clock(text: &str) -> Option<i64> {
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    let half = ["AM", "PM"].into_iter().find(|half| upper.ends_with(half));
    let text = half.map_or(text, |half| text[..text.len() - half.len()].trim_end());
    let text = text.strip_prefix(['T', 't']).unwrap_or(text);
    let (hour, rest) = take_number(text, 1, 2)?;
    let (minute, rest) = take_number(rest.strip_prefix(':')?, 1, 2)?;
    let (second, nanos) = match rest.strip_prefix(':') {
        None if rest.is_empty() => (0, 0),
        None => return None,
        Some(rest) => {
            let (second, rest) = take_number(rest, 1, 2)?;
            (second, nanos_of(rest)?)
        }
    };
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("AM") => hour % 12,
        Some(_) => hour % 12 + 12,
    };
    made(i64::from(hour), i64::from(minute), i64::from(second), nanos)
}

/// The nanoseconds of a fraction with its point; nothing is none of them.
fn nanos_of(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.strip_prefix('.')?;
    let is_right = (1..=9).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_right { format!("{digits:0<9}").parse().ok() } else { None }
}

/// A time of day of its parts; none beyond the day.
pub fn made(hour: i64, minute: i64, second: i64, nanos: i64) -> Option<i64> {
    let fits = (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second)
        && (0..SECOND).contains(&nanos);
    fits.then(|| hour * HOUR + minute * MINUTE + second * SECOND + nanos)
}

#[cfg(test)]
mod tests;
