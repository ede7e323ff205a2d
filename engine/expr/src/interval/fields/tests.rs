//! Texts of intervals, both ways, as Spark 4.3 has them.

use super::IntervalType;

fn of(words: &str) -> IntervalType {
    IntervalType::parse(words).unwrap()
}

#[test]
fn intervals_are_written_with_the_fields_that_they_have() {
    let written = |words: &str, value| of(words).text(value);
    assert_eq!(written("year to month", 14), "INTERVAL '1-2' YEAR TO MONTH");
    assert_eq!(written("month", -13), "INTERVAL '-13' MONTH");
    assert_eq!(written("day to second", 100_000), "INTERVAL '0 00:00:00.1' DAY TO SECOND");
    assert_eq!(written("day to second", -93_784_500_000), "INTERVAL '-1 02:03:04.5' DAY TO SECOND");
    assert_eq!(written("day", -86_400_000_000), "INTERVAL '-1' DAY");
    assert_eq!(written("hour", 18_000_000_000), "INTERVAL '05' HOUR");
    assert_eq!(written("day to second", i64::MIN), "INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND");
}

#[test]
fn texts_are_intervals_with_exactly_the_fields_of_the_type() {
    let read = |words: &str, text| of(words).parse_value(text);
    assert_eq!(read("year to month", " 1-2 "), Some(14));
    assert_eq!(read("year to month", "1-12"), None);
    assert_eq!(read("year to month", "INTERVAL '1-2' YEAR TO MONTH"), Some(14));
    assert_eq!(read("day to second", "-1 02:03:04.000001"), Some(-93_784_000_001));
    assert_eq!(read("day to second", "106751991 04:00:54.775807"), Some(i64::MAX));
    assert_eq!(read("day to second", "02:03:04"), None);
    assert_eq!(read("day to second", "INTERVAL '5' DAY"), None);
    assert_eq!(read("hour to second", "02:03:04"), Some(7_384_000_000));
    assert_eq!(read("day", "1"), Some(86_400_000_000));
}
