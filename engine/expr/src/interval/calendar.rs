//! Spark's calendar intervals, of months, days and microseconds, as texts.

use arrow::datatypes::IntervalMonthDayNano;

use super::fraction_us;

/// `1 years 2 months 25 days 5 hours 6 minutes 7.8 seconds`.
pub fn calendar_text(value: IntervalMonthDayNano) -> String {
    let us = value.nanoseconds / 1000;
    let mut parts: Vec<String> = [
        (i64::from(value.months / 12), "years"),
        (i64::from(value.months % 12), "months"),
        (i64::from(value.days), "days"),
        (us / 3_600_000_000, "hours"),
        (us / 60_000_000 % 60, "minutes"),
    ]
    .into_iter()
    .filter(|(count, _)| *count != 0)
    .map(|(count, unit)| format!("{count} {unit}"))
    .collect();
    let seconds = us % 60_000_000;
    if seconds != 0 || parts.is_empty() {
        let sign = if seconds < 0 { "-" } else { "" };
        let (whole, fraction) = ((seconds / 1_000_000).abs(), (seconds % 1_000_000).abs());
        let fraction = format!(".{fraction:06}");
        parts.push(format!("{sign}{whole}{} seconds", fraction.trim_end_matches('0').trim_end_matches('.')));
    }
    parts.join(" ")
}

/// An interval in words, with days apart from what is shorter.
///
/// # Errors
/// If it is none, in words.
pub fn parse_calendar(text: &str) -> Result<IntervalMonthDayNano, String> {
    let none = || format!("`{text}` is not an interval");
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let words = if words.first() == Some(&"interval") { &words[1..] } else { &words[..] };
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return Err(none());
    }
    let (mut months, mut days, mut us) = (0_i64, 0_i64, 0_i64);
    for pair in words.chunks_exact(2) {
        let unit = pair[1].strip_suffix('s').unwrap_or(pair[1]);
        let (total, length) = match unit {
            "year" => (&mut months, 12),
            "month" => (&mut months, 1),
            "week" => (&mut days, 7),
            "day" => (&mut days, 1),
            "hour" => (&mut us, 3_600_000_000),
            "minute" => (&mut us, 60_000_000),
            "second" => (&mut us, 1_000_000),
            "millisecond" => (&mut us, 1_000),
            "microsecond" => (&mut us, 1),
            _ => return Err(none()),
        };
        let (number, fraction) = match pair[0].split_once('.') {
            Some((whole, fraction)) if unit == "second" => {
                (whole, fraction_us(fraction, whole.starts_with('-')).ok_or_else(none)?)
            }
            _ => (pair[0], 0),
        };
        let number: i64 = if ["", "-", "+"].contains(&number) && pair[0] != number {
            0
        } else {
            number.parse().map_err(|_| none())?
        };
        let more = number.checked_mul(length).and_then(|more| more.checked_add(fraction));
        *total = more.and_then(|more| total.checked_add(more)).ok_or_else(none)?;
    }
    let (months, days) = (i32::try_from(months).map_err(|_| none())?, i32::try_from(days).map_err(|_| none())?);
    Ok(IntervalMonthDayNano { months, days, nanoseconds: us.checked_mul(1000).ok_or_else(none)? })
}
