//! Durations and sizes, valid and invalid.

use super::*;

#[test]
fn durations() {
    for (text, expected_us) in [
        ("5s", 5_000_000),
        ("500ms", 500_000),
        ("5 minutes", 300_000_000),
        ("1 hour 30 minutes", 5_400_000_000),
        ("1h30m", 5_400_000_000),
        ("interval 10 seconds", 10_000_000),
        ("  2 Days ", 172_800_000_000),
        ("1 week", 604_800_000_000),
        ("1.5 seconds", 1_500_000),
        ("7 us", 7),
        ("0s", 0),
    ] {
        assert_eq!(duration_us(text), Ok(expected_us), "{text}");
    }
}

#[test]
fn what_is_no_duration() {
    for (text, reason) in [
        ("", "it is empty"),
        ("5", "it has no unit"),
        ("minutes", "a number must stand before each unit"),
        ("5 minutes and", "a number must stand before each unit"),
        ("-5s", "it must not be negative"),
        ("1 month", "months and years differ in length: write days"),
        ("5 fortnights", "the unit is unknown: use ms, seconds, minutes, hours, days or weeks"),
        ("99999999999999 weeks", "the number is too large or too fine"),
        ("0.5 us", "the number is too large or too fine"),
        ("1.2.3 s", "the number is too large or too fine"),
        ("15000000 weeks 15000000 weeks", "it is too long"),
        ("5 é", "the unit is unknown: use ms, seconds, minutes, hours, days or weeks"),
    ] {
        assert_eq!(duration_us(text), Err(reason), "{text}");
    }
}

#[test]
fn sizes() {
    for (text, expected_bytes) in [
        ("256 MiB", 268_435_456),
        ("1GiB", 1_073_741_824),
        ("5 kb", 5_000),
        ("1_000 B", 1_000),
        ("2 TiB", 2_199_023_255_552),
    ] {
        assert_eq!(size_bytes(text), Ok(expected_bytes), "{text}");
    }
    for text in ["", "MiB", "256", "1.5 GiB", "-1 MiB", "5 bits", "99999999999999999999 B", "99999999999 TiB"] {
        assert!(size_bytes(text).is_err(), "{text}");
    }
}
