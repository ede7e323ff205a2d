//! Dates and instants against chrono.

#![allow(clippy::unwrap_used, reason = "tests")]

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use proptest::prelude::*;

use super::*;

fn us(text: &str) -> Option<i64> {
    timestamp_us(text.as_bytes())
}

fn utc(text: &str) -> i64 {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap().and_utc().timestamp_micros()
}

#[test]
fn every_way_to_write_an_instant_is_read() {
    for (text, expected) in [
        ("2026-01-31T10:20:30.123456Z", "2026-01-31 10:20:30.123456"),
        ("2026-01-31 10:20:30.123456Z", "2026-01-31 10:20:30.123456"),
        ("2026-01-31T10:20:30.123456789Z", "2026-01-31 10:20:30.123456"),
        ("2026-01-31T10:20:30.1", "2026-01-31 10:20:30.1"),
        ("2026-01-31T10:20:30", "2026-01-31 10:20:30"),
        ("2026-01-31T10:20", "2026-01-31 10:20:00"),
        ("2026-01-31T10:20Z", "2026-01-31 10:20:00"),
        ("2026-01-31", "2026-01-31 00:00:00"),
        ("2026-01-31T10:20:30+00:00", "2026-01-31 10:20:30"),
        ("2026-01-31T10:20:30+0530", "2026-01-31 04:50:30"),
        ("2026-01-31T20:20:30-08:00", "2026-02-01 04:20:30"),
        ("2026-01-31T10:20:30.5-08", "2026-01-31 18:20:30.5"),
        ("2024-02-29T23:59:59Z", "2024-02-29 23:59:59"),
        ("2000-02-29", "2000-02-29 00:00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999"),
    ] {
        assert_eq!(us(text), Some(utc(expected)), "{text}");
    }
}

#[test]
fn what_is_no_instant_is_refused() {
    for text in [
        "",
        "2026",
        "2026-01",
        "2026-1-1",
        "2026-00-01",
        "2026-13-01",
        "2026-01-00",
        "2026-01-32",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "0000-01-01",
        "-001-01-01",
        "10000-01-01",
        "2026/01/01",
        "20260101",
        "2026-01-01T",
        "2026-01-01Z",
        "2026-01-01T1:00:00",
        "2026-01-01T24:00:00",
        "2026-01-01T10:60:00",
        "2026-01-01T10:00:60",
        "2026-06-30T23:59:60Z",
        "2026-01-01T10:00:00.",
        "2026-01-01T10:00:00.Z",
        "2026-01-01T10:00:00.1234567890",
        "2026-01-01T10:00:00,5",
        "2026-01-01T10:00:00z ",
        "2026-01-01T10:00:00 Z",
        "2026-01-01T10:00:00+1",
        "2026-01-01T10:00:00+19:00",
        "2026-01-01T10:00:00+00:60",
        "2026-01-01T10:00:00*00:00",
        "2026-01-01T10:00:00+00:00x",
        "2026-01-01_10:00:00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        " 2026-01-01",
        "2026-01-01T10:00:00Europe/Berlin",
    ] {
        assert_eq!(us(text), None, "{text}");
    }
    assert_eq!(date_days(b"2026-01-01T00:00:00"), None);
}

proptest! {
    #[test]
    fn instants_agree_with_chrono(us_since in FIRST_US..=LAST_US, offset_minutes in -1080_i32..=1080, separator in prop::sample::select(vec!['T', ' '])) {
        let zone = chrono::FixedOffset::east_opt(offset_minutes * 60).unwrap();
        let local = DateTime::from_timestamp_micros(us_since).unwrap().with_timezone(&zone);
        let text = local.format(&format!("%Y-%m-%d{separator}%H:%M:%S%.6f%:z")).to_string();
        // A zone can move an instant of the first or last day into a year that is not written with four digits.
        prop_assume!(text.starts_with(|first: char| first.is_ascii_digit()) && !text.starts_with("0000"));
        prop_assert_eq!(us(&text), Some(us_since), "{}", text);
    }

    #[test]
    fn dates_agree_with_chrono(year in 0_i32..=9999, month in 0_u32..=13, day in 0_u32..=32) {
        let expected = NaiveDate::from_ymd_opt(year, month, day).filter(|_| year > 0);
        let days = expected.map(|date| (date - NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()).num_days() as i32);
        prop_assert_eq!(date_days(format!("{year:04}-{month:02}-{day:02}").as_bytes()), days);
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop::collection::vec(prop::sample::select(b"0123456789-:TZ+. ".to_vec()), 0..40)) {
        if let Some(us) = timestamp_us(&text) {
            prop_assert!((FIRST_US..=LAST_US).contains(&us));
        }
    }
}
