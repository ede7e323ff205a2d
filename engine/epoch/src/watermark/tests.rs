//! Watermarks: Spark's vectors, and what we promise beyond them.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// `hh:mm` of a day, microseconds.
fn at(hours: i64, minutes: i64) -> i64 {
    (hours * 60 + minutes) * MINUTE
}

fn policy(scope: WatermarkScope, delay_us: i64, idle_timeout_us: Option<i64>) -> WatermarkPolicy {
    WatermarkPolicy { delay_us, idle_timeout_us, scope }
}

/// What an epoch saw: partition, newest event time, backlog.
fn seen(partitions: &[(i32, Option<i64>, bool)]) -> PerSplit<Observed> {
    let observed = |event_us_max, has_backlog| Observed { event_us_max, has_backlog };
    partitions.iter().map(|(p, event, backlog)| (Split::new("t", *p), observed(*event, *backlog))).collect()
}

#[test]
fn sparks_vector_of_twelve_twenty_less_ten_minutes() {
    // spark.md §3: ts 12:20, delay 10m => W = 12:10 for the next batch.
    for scope in [WatermarkScope::Source, WatermarkScope::Partition] {
        let mut state = WatermarkState::default();
        let policy = policy(scope, 10 * MINUTE, None);
        assert_eq!(state.advance(&policy, 0, &seen(&[])), None, "before any row nothing is late");
        assert_eq!(state.advance(&policy, 1, &seen(&[(0, Some(at(12, 20)), true)])), Some(at(12, 10)));
        // Rows of 12:04 in the next batch move nothing; a batch without rows neither.
        assert_eq!(state.advance(&policy, 2, &seen(&[(0, Some(at(12, 4)), true)])), Some(at(12, 10)));
        assert_eq!(state.advance(&policy, 3, &seen(&[(0, None, false)])), Some(at(12, 10)));
    }
}

#[test]
fn sparks_source_scope_takes_the_fastest_partition_and_ours_the_slowest() {
    let rows = seen(&[(0, Some(at(13, 30)), true), (1, Some(at(11, 59)), true)]);
    let mut spark = WatermarkState::default();
    assert_eq!(spark.advance(&policy(WatermarkScope::Source, 0, None), 0, &rows), Some(at(13, 30)));
    let mut ours = WatermarkState::default();
    assert_eq!(ours.advance(&policy(WatermarkScope::Partition, 0, None), 0, &rows), Some(at(11, 59)));
}

#[test]
fn microseconds_are_floored_to_milliseconds() {
    for (event_us, floored_us) in
        [(1_999, 1_000), (2_000, 2_000), (0, 0), (-1, -1_000), (-1_000, -1_000), (-1_001, -2_000)]
    {
        let mut state = WatermarkState::default();
        let policy = policy(WatermarkScope::Source, 0, None);
        assert_eq!(state.advance(&policy, 0, &seen(&[(0, Some(event_us), true)])), Some(floored_us), "{event_us}");
    }
}

#[test]
fn one_bad_row_in_the_past_of_time_does_not_overflow() {
    let mut state = WatermarkState::default();
    let policy = policy(WatermarkScope::Source, MINUTE, None);
    let reached = state.advance(&policy, 0, &seen(&[(0, Some(i64::MIN + 1_000), true)]));
    assert!(reached.unwrap() < i64::MIN + 2_000);
    let mut state = WatermarkState::default();
    assert!(state.advance(&policy, 0, &seen(&[(0, Some(i64::MIN), true)])).is_some());
}

#[test]
fn a_partition_with_a_backlog_but_no_row_yet_holds_the_watermark() {
    let policy = policy(WatermarkScope::Partition, 0, Some(2 * MINUTE));
    let mut state = WatermarkState::default();
    assert_eq!(state.advance(&policy, 0, &seen(&[(0, Some(at(12, 0)), true), (1, None, true)])), None);
    assert_eq!(state.advance(&policy, 9 * MINUTE, &seen(&[(0, Some(at(12, 1)), true), (1, None, true)])), None);
    // Its rows come, and it is behind: the watermark is its.
    assert_eq!(
        state.advance(&policy, 10 * MINUTE, &seen(&[(0, None, false), (1, Some(at(11, 0)), true)])),
        Some(at(11, 0))
    );
    // It has caught up.
    assert_eq!(state.advance(&policy, 10 * MINUTE, &seen(&[(1, Some(at(12, 9)), true)])), Some(at(12, 1)));
}

#[test]
fn a_partition_that_never_had_a_row_does_not_count() {
    let policy = policy(WatermarkScope::Partition, 0, None);
    let mut state = WatermarkState::default();
    assert_eq!(state.advance(&policy, 0, &seen(&[(0, Some(at(12, 0)), true), (1, None, false)])), Some(at(12, 0)));
    assert_eq!(state.partitions.len(), 1);
}

#[test]
fn an_idle_partition_lets_go_when_its_time_is_over_and_not_before() {
    let policy = policy(WatermarkScope::Partition, 0, Some(MINUTE));
    let mut state = WatermarkState::default();
    let both = seen(&[(0, Some(at(12, 30)), true), (1, Some(at(12, 0)), true)]);
    assert_eq!(state.advance(&policy, 0, &both), Some(at(12, 0)));
    let one = |minutes| seen(&[(0, Some(at(12, minutes)), true), (1, None, false)]);
    assert_eq!(state.advance(&policy, MINUTE - 1, &one(31)), Some(at(12, 0)));
    assert_eq!(state.advance(&policy, MINUTE, &one(32)), Some(at(12, 32)));
    // A backlog wakes it before its rows are seen; the watermark does not fall.
    assert_eq!(
        state.advance(&policy, 2 * MINUTE, &seen(&[(0, Some(at(12, 40)), true), (1, None, true)])),
        Some(at(12, 32))
    );
    assert_eq!(state.advance(&policy, 2 * MINUTE, &seen(&[(1, Some(at(12, 35)), true)])), Some(at(12, 35)));
}

#[test]
fn without_a_timeout_an_idle_partition_holds_for_ever() {
    let policy = policy(WatermarkScope::Partition, 0, None);
    let mut state = WatermarkState::default();
    state.advance(&policy, 0, &seen(&[(0, Some(at(12, 30)), true), (1, Some(at(12, 0)), true)]));
    let late = seen(&[(0, Some(at(20, 0)), true), (1, None, false)]);
    assert_eq!(state.advance(&policy, i64::MAX, &late), Some(at(12, 0)));
}

#[test]
fn when_all_partitions_are_idle_the_newest_clock_is_the_watermark() {
    let policy = policy(WatermarkScope::Partition, MINUTE, Some(MINUTE));
    let mut state = WatermarkState::default();
    state.advance(&policy, 0, &seen(&[(0, Some(at(12, 30)), true), (1, Some(at(12, 0)), true)]));
    assert_eq!(state.advance(&policy, MINUTE, &seen(&[])), Some(at(12, 29)));
}

#[test]
fn the_time_an_engine_was_down_is_nobodys_idleness() {
    let policy = policy(WatermarkScope::Partition, 0, Some(MINUTE));
    let mut state = WatermarkState::default();
    state.advance(&policy, 0, &seen(&[(0, Some(at(12, 30)), true), (1, Some(at(12, 0)), true)]));
    state.resume(100 * MINUTE);
    let one = seen(&[(0, Some(at(12, 40)), true)]);
    assert_eq!(state.advance(&policy, 101 * MINUTE - 1, &one), Some(at(12, 0)));
    assert_eq!(state.advance(&policy, 101 * MINUTE, &one), Some(at(12, 40)));
    // A time that a wrong wall clock left behind once goes with the next start.
    state.resume(9_000_000 * MINUTE);
    state.resume(102 * MINUTE);
    assert!(state.partitions.iter().all(|(_, clock)| clock.active_us == 102 * MINUTE));
}

#[test]
fn clocks_are_stored_as_they_were() {
    let mut state = WatermarkState::default();
    let policy = policy(WatermarkScope::Partition, 1_000, None);
    state.advance(&policy, 7, &seen(&[(0, Some(5_500), true), (1, None, true)]));
    state.advance(&policy, 8, &seen(&[(1, Some(9_000), true)]));
    let text = r#"{"partitions":{"t":{"0":{"event_us_max":5500,"active_us":7},"1":{"event_us_max":9000,"active_us":8}}},"watermark_us":4000}"#;
    assert_eq!(serde_json::to_string(&state).unwrap(), text);
    assert_eq!(serde_json::from_str::<WatermarkState>(text).unwrap(), state);
}

type Epochs = Vec<(i64, Vec<(i32, Option<i64>, bool)>)>;

/// Epochs with their batch times: partitions come, go, sleep and lag.
fn any_epochs() -> impl Strategy<Value = Epochs> {
    let partition = (0i32..4, proptest::option::of(-5_000_000i64..50_000_000), any::<bool>());
    proptest::collection::vec((0i64..3_000_000, proptest::collection::vec(partition, 0..4)), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_watermark_never_falls_and_never_passes_the_newest_event(
        epochs in any_epochs(),
        delay_us in 0i64..3_000_000,
        timeout in proptest::option::of(1i64..4_000_000),
        per_partition in any::<bool>(),
    ) {
        let scope = if per_partition { WatermarkScope::Partition } else { WatermarkScope::Source };
        let policy = policy(scope, delay_us, timeout);
        let mut spark_policy = policy;
        spark_policy.scope = WatermarkScope::Source;
        let (mut state, mut spark) = (WatermarkState::default(), WatermarkState::default());
        let (mut now, mut newest, mut before) = (0, None, None);
        for (pause, partitions) in epochs {
            now += pause;
            let rows = seen(&partitions);
            newest = newest.max(rows.iter().filter_map(|(_, seen)| seen.event_us_max).max());
            let copy = state.clone();
            let reached = state.advance(&policy, now, &rows);
            prop_assert!(reached >= before, "falls from {before:?} to {reached:?}");
            prop_assert!(reached <= newest.map(|us: i64| us - delay_us), "passes the newest event");
            prop_assert!(reached <= spark.advance(&spark_policy, now, &rows), "ours is never ahead of Spark's");
            // The same epoch again, from the state that was stored, gives the same watermark.
            let stored = serde_json::to_string(&copy).unwrap();
            let mut again: WatermarkState = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(again.advance(&policy, now, &rows), reached);
            prop_assert_eq!(&again, &state);
            before = reached;
        }
    }

    #[test]
    fn no_active_partition_with_rows_is_ever_behind_the_watermark_it_made(
        events in proptest::collection::vec(proptest::collection::vec(0i64..50_000_000, 3), 1..20),
    ) {
        // Time moves on in every partition, at its own speed: with the partition scope, no row of the next epoch that is
        // not older than the partition's newest before is late.
        let policy = policy(WatermarkScope::Partition, 0, None);
        let mut state = WatermarkState::default();
        let mut clocks = [0i64; 3];
        for steps in events {
            let watermark = state.watermark_us;
            for (clock, step) in clocks.iter_mut().zip(steps) {
                prop_assert!(watermark.is_none_or(|us| us <= *clock));
                *clock += step;
            }
            let rows: Vec<_> = clocks.iter().zip(0..).map(|(clock, partition)| (partition, Some(*clock), true)).collect();
            state.advance(&policy, 0, &seen(&rows));
        }
    }
}
