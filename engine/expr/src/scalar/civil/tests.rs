//! Days and dates are those of chrono.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use chrono::{Datelike, NaiveDate};

#[test]
fn days_are_those_of_chrono() {
    for days in (-4_000_000..4_000_000).step_by(997).chain([-719_468, 0, 59, 60, 11_016]) {
        let Some(known) = NaiveDate::default().checked_add_signed(chrono::Duration::days(days)) else { continue };
        let (year, month, day) = civil_of_days(days);
        assert_eq!((year as i32, month, day), (known.year(), known.month(), known.day()));
        assert_eq!(days_of_civil(year, month, day), Some(days));
    }
}

#[test]
fn what_is_no_day_of_the_calendar_is_none() {
    for (year, month, day) in [(2023, 2, 29), (1900, 2, 29), (2024, 0, 1), (2024, 13, 1), (2024, 4, 31), (2024, 1, 0)] {
        assert_eq!(days_of_civil(year, month, day), None);
    }
    assert_eq!(days_of_civil(2000, 2, 29), Some(11_016));
}
