//! Zones and patterns, against what Java says.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn us(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
}

// What Java's ZonedDateTime says of Berlin's clock, which skips 02:00 to 03:00 in March and shows it twice in October.
#[test]
fn a_local_time_that_is_skipped_is_moved_on_and_the_first_of_two_is_meant() {
    let zone = Zone::parse("Europe/Berlin").unwrap();
    let pattern = TextPattern::parse("dd/MM/yyyy HH:mm", Some(zone)).unwrap();
    for (text, instant) in [
        ("31/01/2026 10:20", "2026-01-31T09:20:00Z"),
        ("29/03/2026 02:30", "2026-03-29T01:30:00Z"),
        ("25/10/2026 02:30", "2026-10-25T00:30:00Z"),
    ] {
        assert_eq!(pattern.read(text), Some(us(instant)), "{text}");
    }
    assert_eq!(zone.instant_us(us("2026-07-01T12:00:00Z")), Some(us("2026-07-01T10:00:00Z")));
}

#[test]
fn a_text_that_names_its_zone_is_in_that_one() {
    let zone = Zone::parse("+05:30").unwrap();
    let pattern = TextPattern::parse("yyyy-MM-dd HH:mm[ XXX]", Some(zone)).unwrap();
    assert_eq!(pattern.read("2026-01-31 10:20 +02:00"), Some(us("2026-01-31T08:20:00Z")));
    assert_eq!(pattern.read("2026-01-31 10:20"), Some(us("2026-01-31T04:50:00Z")));
}

#[test]
fn what_is_no_zone_and_no_pattern_is_refused() {
    assert!(Zone::parse("Europe/Berlim").is_err());
    assert!(TextPattern::parse("yyyy-MM-dd hh:mm b", None).is_err());
}
