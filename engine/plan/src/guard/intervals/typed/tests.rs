//! Intervals with the fields that Spark 4.3 gives them (`typeof`).
#![allow(clippy::unwrap_used, reason = "tests")]

use datafusion::sql::sqlparser::tokenizer::Tokenizer;

use super::super::super::dialect::SparkDialect;
use super::interval;

fn spelled(text: &str) -> Option<String> {
    let tokens = Tokenizer::new(&SparkDialect, text).tokenize_with_location().unwrap();
    interval(&tokens).map(|(spelled, ..)| spelled)
}

#[test]
fn an_interval_has_the_fields_that_it_is_written_with() {
    for (text, expected) in [
        ("'1-2' YEAR TO MONTH", "year to month:1-2"),
        ("-'1-1' YEAR TO MONTH", "year to month:-1-1"),
        ("'1 02:03:04.5' DAY TO SECOND", "day to second:1 02:03:04.5"),
        ("'03:04.5' MINUTE TO SECOND", "minute to second:03:04.5"),
        ("1 WEEK", "day:7"),
        ("1500 MILLISECONDS", "second:01.5"),
        ("-0.1 SECOND", "second:-00.1"),
        ("1 DAY 2 HOURS", "day to hour:1 02"),
        ("'1 year 2 months'", "year to month:1-2"),
        ("'5' HOUR + x", "hour:05"),
    ] {
        assert_eq!(spelled(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn months_beside_days_and_what_is_no_number_are_no_intervals() {
    for text in ["'1 month 2 days'", "'x' DAY", "'1-12' YEAR TO MONTH", "1.5 DAYS"] {
        assert!(spelled(text).is_none(), "{text}");
    }
}
