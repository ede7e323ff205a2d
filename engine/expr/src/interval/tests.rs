//! Lengths of time in words, and on the calendar.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const DAY_US: i64 = 86_400_000_000;

fn us(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
}

#[test]
fn months_and_fractions_of_seconds_are_read() {
    for (text, months, us) in [
        ("1 month", 1, 0),
        ("interval 1 year 2 months", 14, 0),
        ("1 year 2 days", 12, 2 * DAY_US),
        ("1.5 seconds", 0, 1_500_000),
        ("-0.25 second", 0, -250_000),
        (".5 seconds", 0, 500_000),
        ("1 minute 0.0000015 seconds", 0, 60_000_001),
        ("-1 month 1 hour", -1, 3_600_000_000),
    ] {
        assert_eq!(parse_span(text), Ok(Span { months, us }), "{text}");
    }
    for text in
        ["", "nonsense", "1", "1.5 minutes", "1. seconds", "x seconds", "1 fortnight", "9223372036854775807 weeks"]
    {
        assert!(parse_span(text).is_err(), "{text}");
    }
    assert!(parse_interval("1 month").is_err());
    assert_eq!(parse_interval("1 hour 30 minutes"), Ok(5_400_000_000));
}

#[test]
fn months_are_added_on_the_calendar() {
    for (from, months, until) in [
        ("2026-01-31T00:00:00Z", 1, "2026-02-28T00:00:00Z"),
        ("2028-02-29T12:00:00Z", 12, "2029-02-28T12:00:00Z"),
        ("2026-03-31T00:00:00Z", -1, "2026-02-28T00:00:00Z"),
    ] {
        assert_eq!(Span { months, us: 0 }.after(us(from)), Some(us(until)), "{from} and {months} months");
    }
    // First the months, then the rest.
    let span = Span { months: 1, us: DAY_US };
    assert_eq!(span.after(us("2026-01-31T00:00:00Z")), Some(us("2026-03-01T00:00:00Z")));
    assert_eq!(span.after(i64::MAX), None);
}

#[test]
fn a_span_is_positive_if_it_is_for_every_instant() {
    assert!(Span { months: 1, us: -27 * DAY_US }.is_positive());
    assert!(!Span { months: 1, us: -28 * DAY_US }.is_positive());
    assert!(!Span { months: -1, us: 0 }.is_positive() && !Span::default().is_positive());
}
