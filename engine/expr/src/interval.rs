//! Lengths of time: of Arrow's intervals, and of words such as `1 hour 30 minutes`.

mod calendar;
pub mod fields;

pub use calendar::{calendar_text, parse_calendar};

use arrow::datatypes::{IntervalDayTime, IntervalMonthDayNano};
use chrono::{DateTime, Months};
use datafusion::scalar::ScalarValue;

/// Why an interval in months has no length.
pub fn months() -> String {
    "Intervals greater than a month is not supported: months and years differ in length".to_string()
}

/// Microseconds of days and milliseconds.
pub fn day_time_us(value: IntervalDayTime) -> i64 {
    (i64::from(value.days) * 86_400_000 + i64::from(value.milliseconds)) * 1000
}

/// Microseconds of months, days and nanoseconds, if there are no months: they differ in length.
pub fn month_day_nano_us(value: IntervalMonthDayNano) -> Option<i64> {
    (value.months == 0).then(|| i64::from(value.days) * 86_400_000_000 + value.nanoseconds / 1000)
}

/// Microseconds of a constant interval, if it has a length.
pub fn constant_us(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::IntervalDayTime(Some(value)) => Some(day_time_us(*value)),
        ScalarValue::IntervalMonthDayNano(Some(value)) => month_day_nano_us(*value),
        ScalarValue::DurationMicrosecond(us) => *us,
        _ => None,
    }
}

/// A length of time on the calendar: months differ in length, the rest does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Months, which are added first.
    pub months: i64,
    /// Days, hours and all that is shorter, microseconds.
    pub us: i64,
}

impl Span {
    /// The instant that lies so long after another, both in microseconds. The day stays, or is the last of its month; none beyond the
    /// end of time.
    pub fn after(self, time_us: i64) -> Option<i64> {
        if self.months == 0 {
            return time_us.checked_add(self.us);
        }
        let (time, count) =
            (DateTime::from_timestamp_micros(time_us)?, u32::try_from(self.months.unsigned_abs()).ok()?);
        let time = match self.months < 0 {
            true => time.checked_sub_months(Months::new(count)),
            false => time.checked_add_months(Months::new(count)),
        };
        time?.timestamp_micros().checked_add(self.us)
    }

    /// True if what lies so long after an instant is later, whatever the instant.
    pub fn is_positive(self) -> bool {
        const SHORTEST_MONTH_US: i64 = 28 * 86_400_000_000;
        self.months.saturating_mul(SHORTEST_MONTH_US).saturating_add(self.us) > 0
    }

    /// A constant interval, if a value is one.
    pub fn of_constant(value: &ScalarValue) -> Option<Span> {
        match value {
            ScalarValue::IntervalDayTime(Some(value)) => Some(Span { months: 0, us: day_time_us(*value) }),
            ScalarValue::IntervalYearMonth(Some(months)) => Some(Span { months: i64::from(*months), us: 0 }),
            ScalarValue::IntervalMonthDayNano(Some(value)) => Some(Span::of_month_day_nano(*value)),
            ScalarValue::DurationMicrosecond(Some(us)) => Some(Span { months: 0, us: *us }),
            _ => None,
        }
    }

    /// The length of Arrow's interval.
    pub fn of_month_day_nano(value: IntervalMonthDayNano) -> Span {
        let us = (i64::from(value.days) * 86_400_000_000).saturating_add(value.nanoseconds / 1000);
        Span { months: i64::from(value.months), us }
    }
}

/// An interval in words, such as `1 month 10 days` (with or without a leading `interval`).
///
/// # Errors
/// If it is none, in words.
pub fn parse_span(text: &str) -> Result<Span, String> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower.strip_prefix("interval").unwrap_or(&lower).split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return Err(format!("`{text}` is not an interval"));
    }
    let mut span = Span::default();
    for pair in words.chunks_exact(2) {
        let unit = pair[1].trim_end_matches('s');
        let (unit_months, unit_us) = match unit {
            "microsecond" => (0, 1),
            "millisecond" => (0, 1_000),
            "second" => (0, 1_000_000),
            "minute" => (0, 60_000_000),
            "hour" => (0, 3_600_000_000),
            "day" => (0, 86_400_000_000),
            "week" => (0, 7 * 86_400_000_000),
            "month" => (1, 0),
            "year" => (12, 0),
            other => return Err(format!("`{other}` is not a unit of time")),
        };
        // Only seconds may have a fraction.
        let (number, fraction_us) = match pair[0].split_once('.') {
            Some((whole, fraction)) if unit == "second" => (whole, fraction_us(fraction, whole.starts_with('-'))),
            _ => (pair[0], Some(0)),
        };
        let whole = if ["", "-", "+"].contains(&number) && pair[0] != number { Some(0) } else { number.parse().ok() };
        let (Some(number), Some(fraction_us)) = (whole, fraction_us) else {
            return Err(format!("`{}` is not a whole number", pair[0]));
        };
        let added = |sum: i64, unit: i64, more: i64| -> Option<i64> {
            let number: i64 = number;
            sum.checked_add(number.checked_mul(unit)?)?.checked_add(more)
        };
        let (months, us) = (added(span.months, unit_months, 0), added(span.us, unit_us, fraction_us));
        let (Some(months), Some(us)) = (months, us) else { return Err(format!("`{text}` is too long")) };
        span = Span { months, us };
    }
    Ok(span)
}

/// The digits behind the point of a number of seconds, in microseconds.
fn fraction_us(digits: &str, is_negative: bool) -> Option<i64> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let us: i64 = format!("{digits:0<6}")[..6].parse().ok()?;
    Some(if is_negative { -us } else { us })
}

/// Microseconds of an interval in words that has one length, such as `1 hour 30 minutes`.
///
/// # Errors
/// If it is none, in words.
pub fn parse_interval(text: &str) -> Result<i64, String> {
    match parse_span(text)? {
        Span { months: 0, us } => Ok(us),
        _ => Err(months()),
    }
}

#[cfg(test)]
mod tests;
