//! How numbers, sizes, times and tables are written for people.

use chrono::{DateTime, SecondsFormat, Utc};
use query::text_table::text_table;

pub use query::text_table::Side;

/// A number with commas: `300,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun: `1 table`, `2 tables`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A rate or another quantity that has no use for its fraction.
pub fn whole(number: f64) -> String {
    // A negative number or one that is none becomes 0.
    count(number.round() as u64)
}

/// A size in binary units: `1.5 MiB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = size as f64;
    let mut shown = None;
    for unit in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        shown = Some(unit);
    }
    shown.map_or_else(|| format!("{size} B"), |unit| format!("{value:.1} {unit}"))
}

/// An instant, microseconds since 1970 UTC: `2026-11-21 09:06:35.123`; the fraction only where there is one.
pub fn instant(us: i64) -> String {
    match DateTime::<Utc>::from_timestamp_micros(us) {
        Some(time) => time.format("%Y-%m-%d %H:%M:%S%.f").to_string(),
        None => format!("{us} µs since 1970"),
    }
}

/// An instant that may not be there.
pub fn instant_or_dash(us: Option<i64>) -> String {
    us.map_or_else(|| "-".to_owned(), instant)
}

/// Reads an instant as RFC 3339 or as `instant` writes it. Microseconds since 1970 UTC.
pub fn read_instant(text: &str) -> Result<i64, String> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_micros());
    zoned
        .or_else(|_| {
            chrono::NaiveDateTime::parse_from_str(&text.replace('T', " "), "%Y-%m-%d %H:%M:%S%.f")
                .map(|time| time.and_utc().timestamp_micros())
        })
        .map_err(|_| {
            let example = DateTime::<Utc>::UNIX_EPOCH.to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("this is not a time; write it as {example}")
        })
}

/// Rows under their headings, in columns, each line indented by two.
pub fn table(columns: &[(&str, Side)], rows: &[Vec<String>]) -> Vec<String> {
    text_table(columns, rows).iter().map(|line| format!("  {line}")).collect()
}

#[cfg(test)]
mod tests;
