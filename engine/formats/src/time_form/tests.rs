//! Numbers in every unit, texts in every zone, against chrono.
#![allow(clippy::unwrap_used, reason = "tests")]

use chrono::DateTime;

use super::*;

fn us(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
}

fn number(unit: Option<TimeUnit>, text: &str) -> Option<i64> {
    ReadTime { unit, text: TimeText::Iso }.number_us(text.as_bytes())
}

#[test]
fn a_whole_number_counts_what_its_unit_says() {
    let at = Some(us("2026-01-01T00:00:00Z"));
    assert_eq!(number(None, "1767225600"), at);
    assert_eq!(number(Some(TimeUnit::Seconds), "1767225600"), at);
    assert_eq!(number(Some(TimeUnit::Milliseconds), "1767225600000"), at);
    assert_eq!(number(Some(TimeUnit::Microseconds), "1767225600000000"), at);
    assert_eq!(number(Some(TimeUnit::Nanoseconds), "1767225600000000999"), at);
    assert_eq!(number(Some(TimeUnit::Milliseconds), "1.7672256e12"), at);
    assert_eq!(number(Some(TimeUnit::Nanoseconds), "-1"), Some(-1), "cut towards the past");
}

#[test]
fn numbers_are_kept_to_the_years_a_text_could_say() {
    for (unit, text) in [
        (None, "1767225600000"),
        (None, "-9223372036854775808"),
        (Some(TimeUnit::Milliseconds), "253402300800000"),
        (Some(TimeUnit::Milliseconds), "9223372036854775807"),
        (Some(TimeUnit::Microseconds), "9223372036854775807"),
        (Some(TimeUnit::Milliseconds), "1.5"),
        (Some(TimeUnit::Milliseconds), "1e400"),
    ] {
        assert_eq!(number(unit, text), None, "{unit:?} {text}");
    }
    assert_eq!(number(Some(TimeUnit::Nanoseconds), "9223372036854775807"), Some(9_223_372_036_854_775));
}

#[test]
fn a_text_without_a_zone_is_in_that_of_the_column_and_one_with_a_zone_in_its_own() {
    let two_hours_ahead: AtZone = Arc::new(|local_us| local_us.checked_sub(7_200_000_000));
    let times = ReadTime { unit: None, text: TimeText::IsoAt(two_hours_ahead) };
    assert_eq!(times.text_us(b"2026-01-01 00:00:00"), Some(us("2025-12-31T22:00:00Z")));
    assert_eq!(times.text_us(b"2026-01-01"), Some(us("2025-12-31T22:00:00Z")));
    assert_eq!(times.text_us(b"2026-01-01T00:00:00Z"), Some(us("2026-01-01T00:00:00Z")));
    assert_eq!(times.text_us(b"2026-01-01T00:00:00-01:00"), Some(us("2026-01-01T01:00:00Z")));
    assert_eq!(times.text_us(b"0001-01-01"), None, "the year before the first");
}

#[test]
fn with_a_pattern_a_number_is_read_by_its_digits_unless_it_has_a_unit() {
    let read: ReadText = Arc::new(|text| (text == "20260131").then_some(7));
    let times = ReadTime { unit: None, text: TimeText::Pattern(Arc::clone(&read)) };
    assert_eq!(times.text_us(b"20260131"), Some(7));
    assert_eq!(times.number_us(b"20260131"), Some(7));
    assert_eq!(times.number_us(b"1767225600"), None);
    let with_unit = ReadTime { unit: Some(TimeUnit::Seconds), text: TimeText::Pattern(read) };
    assert_eq!(with_unit.number_us(b"20260131"), Some(20_260_131_000_000));
}
