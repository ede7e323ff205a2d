//! What a wall clock that is wrong may do: nothing but show the wrong time.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::identity::EpochId;
use crate::record::{FORMAT, Plan};
use crate::splits::{PerSplit, Split};
use crate::watermark::{Observed, WatermarkPolicy, WatermarkScope, WatermarkState};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
const YEAR: i64 = 365 * DAY;
/// 2026-01-01.
const BEGIN: i64 = 1_767_225_600 * SECOND;

fn plan(batch_time_us: i64, clocks: Clocks) -> Plan {
    Plan {
        format: FORMAT,
        epoch: EpochId(0),
        batch_time_us,
        watermark_us: None,
        late_watermark_us: None,
        times: BTreeMap::new(),
        lanes: 1,
        sources: BTreeMap::new(),
        statics: BTreeMap::new(),
        clocks,
    }
}

fn up(boot: &str, us: i64) -> Uptime {
    Uptime { boot: boot.to_string(), us }
}

fn ttl(us: i64) -> BTreeMap<String, i64> {
    BTreeMap::from([("t".to_string(), us)])
}

/// The plan that follows, and what the table's clock shows in it.
fn next(last: Option<&Plan>, uptime: Uptime, wall_us: i64, ttl_us: i64) -> (Plan, i64) {
    let last = last.map(|last| (&last.clocks, last.batch_time_us));
    let tables = Clocks::of_tables(last, &uptime, wall_us, &ttl(ttl_us));
    let plan = plan(wall_us, Clocks { uptime, tables, sources: BTreeMap::new() });
    let us = plan.state_time_us("t");
    (plan, us)
}

#[test]
fn a_jump_of_the_wall_clock_moves_no_state_time() {
    let (first, us) = next(None, up("a", 10 * SECOND), BEGIN, DAY);
    assert_eq!(us, BEGIN, "it begins with the wall clock");
    let (jumped, us) = next(Some(&first), up("a", 11 * SECOND), BEGIN + 100 * YEAR, DAY);
    assert_eq!(us, BEGIN + SECOND);
    let (back, us) = next(Some(&jumped), up("a", 13 * SECOND), BEGIN + 3 * SECOND, DAY);
    assert_eq!((us, back.batch_time_us), (BEGIN + 3 * SECOND, BEGIN + 3 * SECOND), "the batch time comes back");
    // An engine that was down on a machine that was not: the machine knows how long.
    let (_, us) = next(Some(&back), up("a", 13 * SECOND + 9 * DAY), BEGIN + 100 * YEAR, DAY);
    assert_eq!(us, BEGIN + 3 * SECOND + 9 * DAY);
}

#[test]
fn after_a_start_of_the_machine_a_wrong_wall_clock_costs_half_of_the_ttl_at_most() {
    let (first, _) = next(None, up("a", 0), BEGIN, DAY);
    let (jumped, us) = next(Some(&first), up("b", 0), BEGIN + 100 * YEAR, DAY);
    assert_eq!(us, BEGIN + DAY / 2);
    let (back, us) = next(Some(&jumped), up("c", 0), BEGIN + MINUTE, DAY);
    assert_eq!(us, BEGIN + DAY / 2, "it never goes back");
    let (_, us) = next(Some(&back), up("d", 0), BEGIN + 2 * MINUTE, DAY);
    assert_eq!(us, BEGIN + DAY / 2 + MINUTE, "what really passed counts again");
}

#[test]
fn a_plan_without_clocks_is_gone_on_from_by_its_batch_time() {
    let old = plan(BEGIN, Clocks::default());
    assert_eq!((old.state_time_us("t"), old.answered_us("s")), (BEGIN, BEGIN));
    assert!(old.clocks.are_unread());
    let (_, us) = next(Some(&old), up("a", 77), BEGIN + MINUTE, DAY);
    assert_eq!(us, BEGIN + MINUTE);
    let text = serde_json::to_string(&old).unwrap();
    assert!(!text.contains("clocks"), "{text}");
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), old);
}

#[test]
fn clocks_are_stored_as_they_were_read() {
    let sources = BTreeMap::from([("s".to_string(), 3)]);
    let clocks = Clocks { uptime: up("a", 1), tables: ttl(2), sources };
    let text = r#"{"uptime":{"boot":"a","us":1},"tables":{"t":2},"sources":{"s":3}}"#;
    assert_eq!(serde_json::to_string(&clocks).unwrap(), text);
    assert_eq!(serde_json::from_str::<Clocks>(text).unwrap(), clocks);
}

#[test]
fn readings_of_different_starts_cannot_be_compared() {
    assert_eq!(up("a", 5).since(&up("a", 3)), Some(2));
    assert_eq!(up("a", 3).since(&up("a", 5)), Some(0), "a machine that was set back to a copy of itself");
    assert_eq!(up("a", 5).since(&up("b", 3)), None);
    assert_eq!(Uptime::default().since(&Uptime::default()), None, "not known");
}

/// What epochs see of two partitions, one of which is silent, when the source is asked at these times. Returns the watermark.
fn watermark_after(looks: &[(i64, i64)], away_after: &[usize]) -> Option<i64> {
    let policy = WatermarkPolicy { delay_us: 0, idle_timeout_us: Some(MINUTE), scope: WatermarkScope::Partition };
    let seen = |events: [Option<i64>; 2]| -> PerSplit<Observed> {
        let observed = |us: Option<i64>| Observed { event_us_max: us, has_backlog: us.is_some() };
        (0..2).map(|partition| (Split::new("t", partition), observed(events[partition as usize]))).collect()
    };
    let (mut clock, mut state) = (Answering::resumed(BEGIN), WatermarkState::default());
    for (number, (asked_us, answered_us)) in looks.iter().enumerate() {
        let now_us = clock.answered(*asked_us, *answered_us);
        let silent = (number == 0).then_some(100 * SECOND);
        state.advance(&policy, now_us, &seen([Some((200 + number as i64) * SECOND), silent]));
        if away_after.contains(&number) {
            clock.was_away();
        }
    }
    state.watermark_us
}

#[test]
fn an_outage_longer_than_idle_timeout_is_nobodys_idleness() {
    // Asked every ten seconds; then the broker is away for ten minutes, and the question waits for it.
    let mut looks: Vec<(i64, i64)> = (0..3).map(|look| (look * 10 * SECOND, look * 10 * SECOND + 5_000)).collect();
    looks.push((30 * SECOND, 30 * SECOND + 10 * MINUTE));
    looks.push((11 * MINUTE, 11 * MINUTE));
    assert_eq!(watermark_after(&looks, &[]), Some(100 * SECOND), "the silent partition still holds the watermark");
    // Or the question fails, or the outage falls into the reading of an epoch.
    let looks =
        [(0, 0), (10 * SECOND, 10 * SECOND), (10 * MINUTE, 10 * MINUTE), (10 * MINUTE + SECOND, 10 * MINUTE + SECOND)];
    assert_eq!(watermark_after(&looks, &[1]), Some(100 * SECOND));
    // The same silence while the broker answers is idleness.
    assert_eq!(watermark_after(&looks, &[]), Some(203 * SECOND));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn state_time_never_goes_back_and_never_runs_ahead_of_what_passed(
        steps in proptest::collection::vec((0i64..DAY, -YEAR..YEAR, 0u8..8), 1..40),
    ) {
        let (mut last, mut before): (Option<Plan>, Option<i64>) = (None, None);
        let (mut passed, mut uptime_us, mut boot, mut boots) = (0, 0, 0u32, 0);
        for (pause_us, error_us, starts) in steps {
            passed += pause_us;
            uptime_us += pause_us;
            if starts == 0 {
                (boot, boots, uptime_us) = (boot + 1, boots + 1, 0);
            }
            let (plan, us) = next(last.as_ref(), up(&boot.to_string(), uptime_us), BEGIN + passed + error_us, DAY);
            let begin = before.unwrap_or(us - passed);
            prop_assert!(us >= begin, "it went back");
            if let Some(before) = before {
                let most = if starts == 0 { pause_us.max(DAY / 2) } else { pause_us };
                prop_assert!(us - before <= most, "{} µs passed, it counts {}", pause_us, us - before);
            }
            (last, before) = (Some(plan), Some(us));
        }
    }
}
