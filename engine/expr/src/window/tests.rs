//! Windows against Spark's formula, written here row by row.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::WindowSpec;

const MINUTE: i64 = 60_000_000;

/// Spark's rule (`reference/spark.md` §4.1): lastStart = ts - floorMod(ts - startTime, slide), then back while end > ts.
fn windows_by_spark(spec: &WindowSpec, time_us: i64) -> Vec<i64> {
    let mut start = time_us - (time_us - spec.offset_us).rem_euclid(spec.slide_us);
    let mut starts = Vec::new();
    while start + spec.size_us > time_us {
        starts.push(start);
        start -= spec.slide_us;
    }
    starts.reverse();
    starts
}

fn specs() -> Vec<WindowSpec> {
    [(10, 10, 0), (5, 1, 0), (10, 4, 0), (10, 3, 1), (7, 5, -2), (60, 60, 15)]
        .map(|(size, slide, offset)| WindowSpec {
            size_us: size * MINUTE,
            slide_us: slide * MINUTE,
            offset_us: offset * MINUTE,
        })
        .to_vec()
}

#[test]
fn the_windows_of_a_rows_pane_are_the_rows_windows() {
    for spec in specs() {
        for time_us in (-200 * MINUTE..200 * MINUTE).step_by(17_000_001) {
            let pane = spec.pane_of(time_us);
            assert!(pane <= time_us && time_us < pane + spec.pane_us());
            assert_eq!(
                spec.windows_of(pane).collect::<Vec<_>>(),
                windows_by_spark(&spec, time_us),
                "{spec:?} {time_us}"
            );
        }
    }
}

#[test]
fn the_last_end_is_the_end_of_the_newest_window() {
    for spec in specs() {
        for time_us in (-90 * MINUTE..90 * MINUTE).step_by(13_000_003) {
            let newest = *windows_by_spark(&spec, time_us).last().unwrap();
            assert_eq!(spec.last_end_of(time_us), newest + spec.size_us);
        }
    }
}

#[test]
fn a_time_before_1970_falls_into_the_window_that_spark_gives() {
    // Verified on Spark: 1969-12-31 23:59:59 with startTime 15 minutes is in [23:15, 00:15).
    let spec = WindowSpec { size_us: 60 * MINUTE, slide_us: 60 * MINUTE, offset_us: 15 * MINUTE };
    assert_eq!(spec.windows_of(spec.pane_of(-1_000_000)).collect::<Vec<_>>(), vec![-45 * MINUTE]);
}

#[test]
fn a_window_is_complete_when_the_watermark_reaches_its_end() {
    let spec = WindowSpec { size_us: 10, slide_us: 10, offset_us: 0 };
    assert!(!spec.is_complete(0, None));
    assert!(!spec.is_complete(0, Some(9)));
    assert!(spec.is_complete(0, Some(10)));
}

#[test]
fn lengths_of_time_are_said_in_the_largest_units_that_fit() {
    for (us, words) in [
        (0, "0 seconds"),
        (1, "1 microsecond"),
        (90_000_000, "90 seconds"),
        (600_000_000, "10 minutes"),
        (600_001_000, "10 minutes 1 millisecond"),
        (86_400_000_000, "1 day"),
        (90_061_000_001, "1 day 1 hour 1 minute 1 second 1 microsecond"),
        (-60_000_000, "-1 minute"),
    ] {
        assert_eq!(super::duration(us), words);
    }
}
