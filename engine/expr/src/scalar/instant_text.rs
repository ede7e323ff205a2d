//! Texts to instants and days as Spark's `CAST` reads them: `2024`, `2024-1-5`, `2024-01-05 12:00:00.123+02:00`, …

use std::str::FromStr;

use arrow::array::timezone::Tz;
use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike};

use super::casting::wholes::trimmed;
use super::civil::{DAY_US, days_of_civil};

/// Names of the zone without an offset.
const UTC: &[&str] = &["Z", "UTC", "GMT", "UT"];

/// Microseconds since 1970 UTC of a text; texts without a zone are UTC.
pub fn parse_instant(text: &str) -> Option<i64> {
    let (day, time, zone) = parts(text)?;
    if is_utc(zone) {
        return at_day(day, micros_of(time));
    }
    let local = NaiveDate::default().checked_add_signed(chrono::Duration::try_days(day)?)?.and_time(time);
    at_zone(local, &parse_zone(zone)?)
}

/// Microseconds since 1970 on the clock of a text, whatever its zone.
pub fn parse_local(text: &str) -> Option<i64> {
    let (day, time, zone) = parts(text)?;
    if is_utc(zone) || parse_zone(zone).is_some() { at_day(day, micros_of(time)) } else { None }
}

/// Microseconds since 1970 on the clock of a text that names no zone.
pub fn parse_without_zone(text: &str) -> Option<i64> {
    let (day, time, zone) = parts(text)?;
    if zone.is_empty() { at_day(day, micros_of(time)) } else { None }
}

/// The days since 1970, the time of day and the zone of a text; a day alone is its first moment, in no zone.
fn parts(text: &str) -> Option<(i64, NaiveTime, &str)> {
    let text = trimmed(text);
    if text.eq_ignore_ascii_case("epoch") {
        return Some((0, NaiveTime::MIN, ""));
    }
    let (day, rest) = take_day(text, 6)?;
    if rest.is_empty() {
        return Some((day, NaiveTime::MIN, ""));
    }
    let (time, zone) = take_time(rest.strip_prefix([' ', 'T'])?)?;
    Some((day, time, zone.trim()))
}

fn is_utc(zone: &str) -> bool {
    zone.is_empty() || UTC.contains(&zone)
}

/// Days since 1970 of a text; what follows a `T` or a blank after the day is not looked at.
pub fn parse_day(text: &str) -> Option<i32> {
    let text = trimmed(text);
    if text.eq_ignore_ascii_case("epoch") {
        return Some(0);
    }
    let (day, rest) = take_day(text, 7)?;
    i32::try_from(day).ok().filter(|_| rest.is_empty() || rest.starts_with([' ', 'T']))
}

/// The time of day of a text that has no day: `12:34:56.5`.
pub fn parse_time_of_day(text: &str) -> Option<i64> {
    let text = trimmed(text);
    let (time, rest) = take_time(text.strip_prefix('T').unwrap_or(text))?;
    (rest.is_empty() && text.contains(':')).then(|| micros_of(time))
}

fn micros_of(time: NaiveTime) -> i64 {
    i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1_000)
}

fn at_day(day: i64, micros: i64) -> Option<i64> {
    i64::try_from(i128::from(day) * i128::from(DAY_US) + i128::from(micros)).ok()
}

/// Days since 1970.
pub fn days_of(day: NaiveDate) -> i32 {
    (day - NaiveDate::default()).num_days() as i32
}

/// A zone's name or offset: `UTC`, `Z`, `+02:00`, `-8`, `GMT+1`, `Europe/Paris`.
pub fn parse_zone(text: &str) -> Option<Tz> {
    let text = text.trim();
    if UTC.contains(&text) {
        return Tz::from_str("+00:00").ok();
    }
    let offset = ["UTC", "GMT", "UT"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    if let Some(digits) = offset.strip_prefix(['+', '-']) {
        let sign = &offset[..1];
        let parts: Vec<&str> = digits.split(':').collect();
        let (hours, minutes) = match parts.as_slice() {
            [hours] if hours.len() <= 2 => (*hours, "0"),
            [both] if both.len() == 4 && both.is_ascii() => both.split_at(2),
            [hours, minutes] | [hours, minutes, _] => (*hours, *minutes),
            _ => return None,
        };
        let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
        if hours > 18 || minutes > 59 {
            return None;
        }
        return Tz::from_str(&format!("{sign}{hours:02}:{minutes:02}")).ok();
    }
    Tz::from_str(text).ok()
}

/// The instant of a local time; in a gap the time is moved forward, of a time that comes twice it is the earlier one (as in Java).
pub fn at_zone(local: NaiveDateTime, zone: &Tz) -> Option<i64> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.timestamp_micros()),
        LocalResult::None => {
            // A gap is an hour nearly everywhere; the offset before it is the one that Java uses.
            let before = local.checked_sub_signed(chrono::Duration::hours(3))?;
            let offset_us =
                before.and_utc().timestamp_micros() - zone.from_local_datetime(&before).earliest()?.timestamp_micros();
            Some(local.and_utc().timestamp_micros() - offset_us)
        }
    }
}

/// A day as days since 1970, of a year of four to so many digits, and what follows.
fn take_day(text: &str, longest_year: usize) -> Option<(i64, &str)> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (year, rest) = take_number(rest, 4, longest_year)?;
    let (month, rest) = match rest.strip_prefix('-') {
        Some(rest) => take_number(rest, 1, 2)?,
        None => (1, rest),
    };
    let (day, rest) = match rest.strip_prefix('-') {
        Some(rest) => take_number(rest, 1, 2)?,
        None => (1, rest),
    };
    Some((days_of_civil(i64::from(year) * sign, month, day)?, rest))
}

fn take_time(text: &str) -> Option<(NaiveTime, &str)> {
    let (hour, rest) = take_number(text, 1, 2)?;
    let Some(rest) = rest.strip_prefix(':') else { return Some((NaiveTime::from_hms_opt(hour, 0, 0)?, rest)) };
    let (minute, rest) = take_number(rest, 1, 2)?;
    let Some(rest) = rest.strip_prefix(':') else { return Some((NaiveTime::from_hms_opt(hour, minute, 0)?, rest)) };
    let (second, rest) = take_number(rest, 1, 2)?;
    let (micro, rest) = match rest.strip_prefix('.') {
        Some(rest) => take_fraction(rest),
        None => (0, rest),
    };
    Some((NaiveTime::from_hms_micro_opt(hour, minute, second, micro)?, rest))
}

/// Digits after the point as microseconds; digits after the sixth are cut off.
pub fn take_fraction(text: &str) -> (u32, &str) {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let micro = text.bytes().take(length).chain(std::iter::repeat(b'0')).take(6);
    (micro.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')), &text[length..])
}

/// A number of at least and at most so many digits, and what follows.
pub fn take_number(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if length < least {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}
