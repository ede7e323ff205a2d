//! Lengths of time: of Arrow's intervals, and of words such as `1 hour 30 minutes`.

use arrow::datatypes::{IntervalDayTime, IntervalMonthDayNano};
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
        _ => None,
    }
}

/// Microseconds of an interval in words, such as `1 hour 30 minutes` (with or without a leading `interval`).
///
/// # Errors
/// If it is none, in words.
pub fn parse_interval(text: &str) -> Result<i64, String> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower.strip_prefix("interval").unwrap_or(&lower).split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return Err(format!("`{text}` is not an interval"));
    }
    let mut total_us: i64 = 0;
    for pair in words.chunks_exact(2) {
        let number: i64 = pair[0].parse().map_err(|_| format!("`{}` is not a whole number", pair[0]))?;
        let unit_us = match pair[1].trim_end_matches('s') {
            "microsecond" => 1,
            "millisecond" => 1_000,
            "second" => 1_000_000,
            "minute" => 60_000_000,
            "hour" => 3_600_000_000,
            "day" => 86_400_000_000,
            "week" => 7 * 86_400_000_000,
            "month" | "year" => return Err(months()),
            other => return Err(format!("`{other}` is not a unit of time")),
        };
        total_us = number
            .checked_mul(unit_us)
            .and_then(|us| total_us.checked_add(us))
            .ok_or_else(|| format!("`{text}` is too long"))?;
    }
    Ok(total_us)
}
