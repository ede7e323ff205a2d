//! What the watermark is made from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use epoch::offsets::OffsetRange;
use epoch::{PerSplit, Position, SourcePlan, Split, SplitRange, WatermarkState};

use super::{least, observed};

fn state(watermark_us: Option<i64>) -> WatermarkState {
    WatermarkState { watermark_us, ..WatermarkState::default() }
}

#[test]
fn a_source_without_a_watermark_yet_holds_those_of_the_others() {
    let both = BTreeMap::from([("a".to_string(), state(Some(5))), ("b".to_string(), state(None))]);
    assert_eq!(least(&both), None);
    let both = BTreeMap::from([("a".to_string(), state(Some(5))), ("b".to_string(), state(Some(3)))]);
    assert_eq!(least(&both), Some(3));
    assert_eq!(least(&BTreeMap::new()), None);
}

#[test]
fn a_partition_with_records_left_has_a_backlog_even_if_none_was_read() {
    let at = |partition| Split::new("t", partition);
    let range = |from, until| SplitRange::from(OffsetRange { from, until });
    let planned = SourcePlan {
        ranges: [(at(0), range(0, 10)), (at(1), range(4, 4)), (at(2), range(7, 7))].into_iter().collect(),
        latest: [(0, 10), (1, 4), (2, 9)].map(|(split, end)| (at(split), Position::from(end))).into_iter().collect(),
        gaps: Vec::new(),
    };
    let newest: PerSplit<i64> = [(at(0), 99)].into_iter().collect();
    let seen = observed(&planned, &newest);
    let of = |partition| *seen.get(&at(partition)).unwrap();
    assert_eq!((of(0).event_us_max, of(0).has_backlog), (Some(99), true));
    assert_eq!((of(1).event_us_max, of(1).has_backlog), (None, false));
    assert_eq!((of(2).event_us_max, of(2).has_backlog), (None, true));
}
