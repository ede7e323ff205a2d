//! Texts of times of day.
use super::{HOUR, MINUTE, SECOND, parse_clock};

/// Spark 4.3 reads these so.
#[test]
fn times_of_day_are_read_in_every_form() {
    let half = 12 * HOUR + 34 * MINUTE;
    for (text, wanted) in [
        ("12:34", half),
        (" 12:34:56 ", half + 56 * SECOND),
        ("T12:34:56", half + 56 * SECOND),
        ("12:34:56 PM", half + 56 * SECOND),
        ("12:34:56.7 am", 34 * MINUTE + 56 * SECOND + 700_000_000),
        ("1:2:3", HOUR + 2 * MINUTE + 3 * SECOND),
        ("23:59:59.999999999", 24 * HOUR - 1),
    ] {
        assert_eq!(parse_clock(text), Some(wanted), "{text}");
    }
    for text in [
        "",
        "x",
        "12",
        "24:00:00",
        "12:60",
        "12:34:60",
        "13:00 PM",
        "12:34:",
        "12:34:56.",
        "-1:00",
        "12:34:56.1234567891",
    ] {
        assert_eq!(parse_clock(text), None, "{text}");
    }
}
