//! What the watermark is made from, and what time it is for an epoch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use connector::{PlanRequest, SourceError, SourcePlanner};
use epoch::offsets::OffsetRange;
use epoch::{
    Commit, Owner, PerSplit, Plan, Position, Positions, SourcePlan, Split, SplitRange, WatermarkPolicy, WatermarkScope,
    WatermarkState,
};

use super::{Next, PlannedSource, Planner, least, limit, observed};
use crate::clock::{Clock, SetClock};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// 2026-01-01.
const BEGIN: i64 = 1_767_225_600 * SECOND;

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
        identity: Default::default(),
    };
    let newest: PerSplit<i64> = [(at(0), 99)].into_iter().collect();
    let seen = observed(&planned, &newest);
    let of = |partition| *seen.get(&at(partition)).unwrap();
    assert_eq!((of(0).event_us_max, of(0).has_backlog), (Some(99), true));
    assert_eq!((of(1).event_us_max, of(1).has_backlog), (None, false));
    assert_eq!((of(2).event_us_max, of(2).has_backlog), (None, true));
}

/// What a broker does when it is asked.
enum Answer {
    /// It answers at once.
    Prompt,
    /// It is away for so long, microseconds, and the question waits for it.
    After(i64),
    /// The question comes back without an answer.
    Error,
}

/// A source of one topic, of which partition 0 has a record in every epoch and partition 1 in the first only.
struct Broker {
    clock: Arc<SetClock>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl SourcePlanner for Broker {
    fn title(&self) -> &'static str {
        "Test"
    }

    fn plan(&mut self, request: &PlanRequest<'_>) -> Result<SourcePlan, SourceError> {
        match self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Prompt) {
            Answer::Prompt => {}
            Answer::After(us) => self.clock.pass_to(self.clock.now_us() + us),
            Answer::Error => return Err(SourceError::Internal { source: "s".into(), what: "away".into() }),
        }
        let mut plan = SourcePlan::default();
        for partition in 0..2 {
            let at = Split::new("t", partition);
            let from = request.position.and_then(|position| position.get(&at)?.offset()).unwrap_or(0);
            let until = if partition == 0 || from == 0 { from + 1 } else { from };
            plan.ranges.insert(at.clone(), SplitRange::from(OffsetRange { from, until }));
            plan.latest.insert(at, until.into());
        }
        Ok(plan)
    }

    fn span(&self, _: &SourcePlan) -> u64 {
        1
    }

    fn lag(&self, _: &SourcePlan) -> u64 {
        0
    }

    fn acknowledge(&self, _: &Positions) {}
}

/// A job that plans, and whose epochs are taken to be committed.
struct Job {
    clock: Arc<SetClock>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    planner: Planner,
    last: Option<Commit>,
    watermark: WatermarkState,
}

impl Job {
    fn new() -> Job {
        let (clock, answers) = (Arc::new(SetClock::at(BEGIN)), Arc::default());
        let planner = planner(&clock, &answers);
        Job { clock, answers, planner, last: None, watermark: WatermarkState::default() }
    }

    /// Ends the engine and begins it again.
    fn restart(&mut self) {
        self.planner = planner(&self.clock, &self.answers);
    }

    /// So much time passes, then an epoch is planned and runs; `None` if there was no answer.
    fn epoch(&mut self, pause_us: i64) -> Option<Plan> {
        self.clock.pass_to(self.clock.now_us() + pause_us);
        let Ok(Next::Epoch(plan)) = self.planner.next(self.last.as_ref(), true) else { return None };
        let newest = |(at, range): (Split, &SplitRange)| {
            let newest_us = i64::try_from(plan.epoch.0).unwrap() * SECOND;
            (!range.is_unmoved()).then_some((at, newest_us))
        };
        let newest: PerSplit<i64> = plan.sources["s"].ranges.iter().filter_map(newest).collect();
        let policy = WatermarkPolicy { delay_us: 0, idle_timeout_us: Some(MINUTE), scope: WatermarkScope::Partition };
        self.watermark.advance(&policy, plan.answered_us("s"), &observed(&plan.sources["s"], &newest));
        self.last = Some(Commit {
            plan: plan.clone(),
            nonce: 0,
            owner: Owner::default(),
            renamed: BTreeMap::new(),
            set_aside: BTreeMap::new(),
            set_aside_identities: BTreeMap::new(),
            sinks: BTreeMap::new(),
            definitions: BTreeMap::new(),
            tables: BTreeMap::new(),
            watermarks: BTreeMap::new(),
            next_watermark_us: None,
            sources: BTreeMap::new(),
            gaps: BTreeMap::new(),
        });
        Some(plan)
    }
}

fn planner(clock: &Arc<SetClock>, answers: &Arc<Mutex<VecDeque<Answer>>>) -> Planner {
    let broker = Broker { clock: Arc::clone(clock), answers: Arc::clone(answers) };
    let source = PlannedSource { planner: Box::new(broker), records_max: None, answering: None };
    Planner {
        reduced_max: None,
        sources: BTreeMap::from([("s".to_string(), source)]),
        clock: Clock::Set(Arc::clone(clock)),
        lanes: 1,
        lanes_span_min: 0,
        is_bounded: false,
        is_once: false,
        is_cut: false,
        ttls_us: BTreeMap::from([("t".to_string(), 60 * MINUTE)]),
        reported: BTreeMap::new(),
    }
}

/// `reduce` halves what is read of each source; half of their sum would be what two equal sources read already.
#[test]
fn the_size_of_an_attempt_is_that_of_its_largest_source() {
    let mut job = Job::new();
    let mut plan = job.epoch(SECOND).unwrap();
    let broker = Broker { clock: Arc::clone(&job.clock), answers: Arc::clone(&job.answers) };
    let other = PlannedSource { planner: Box::new(broker), records_max: None, answering: None };
    job.planner.sources.insert("other".to_string(), other);
    plan.sources.insert("other".to_string(), plan.sources["s"].clone());
    assert_eq!(job.planner.largest_span(&plan), 1, "each source reads one record");
}

#[test]
fn an_outage_longer_than_idle_timeout_is_nobodys_idleness() {
    for outage in ["the question waits", "the question fails", "reading waits", "the engine ends"] {
        let mut job = Job::new();
        (0..3).for_each(|_| assert!(job.epoch(10 * SECOND).is_some()));
        assert_eq!(job.watermark.watermark_us, Some(0), "partition 1 holds it");
        match outage {
            "the question waits" => job.answers.lock().unwrap().push_back(Answer::After(20 * MINUTE)),
            "the question fails" => {
                job.answers.lock().unwrap().push_back(Answer::Error);
                assert!(job.epoch(10 * MINUTE).is_none());
                job.clock.pass_to(job.clock.now_us() + 10 * MINUTE);
            }
            "reading waits" => {
                job.clock.pass_to(job.clock.now_us() + 20 * MINUTE);
                job.planner.waited("s", 20 * MINUTE);
            }
            _ => {
                job.clock.pass_to(job.clock.now_us() + 20 * MINUTE);
                job.restart();
            }
        }
        job.epoch(0).unwrap();
        job.epoch(30 * SECOND).unwrap();
        assert_eq!(job.watermark.watermark_us, Some(0), "{outage}: the returning partition's rows would be late");
        // What it is silent for while the broker answers is idleness: 20 seconds before, 30 and 10 after.
        job.epoch(10 * SECOND).unwrap();
        assert_eq!(job.watermark.watermark_us, Some(5 * SECOND), "{outage}");
    }
}

#[test]
fn one_jump_of_the_wall_clock_leaves_nothing_behind() {
    let mut job = Job::new();
    job.epoch(0).unwrap();
    let year_us = 365 * 24 * 60 * MINUTE;
    job.clock.step_wall(100 * year_us);
    let jumped = job.epoch(SECOND).unwrap();
    assert_eq!(jumped.batch_time_us, BEGIN + 100 * year_us + SECOND, "current_timestamp is the wall clock's");
    assert_eq!((jumped.state_time_us("t"), jumped.answered_us("s")), (BEGIN + SECOND, BEGIN + SECOND));
    job.clock.step_wall(-100 * year_us);
    let back = job.epoch(SECOND).unwrap();
    let now_us = BEGIN + 2 * SECOND;
    assert_eq!((back.batch_time_us, back.state_time_us("t"), back.answered_us("s")), (now_us, now_us, now_us));
    // The engine is ended and begun on a machine that stays up: what passed is known, whatever the wall clock says.
    job.restart();
    job.clock.step_wall(100 * year_us);
    assert_eq!(job.epoch(90 * MINUTE).unwrap().state_time_us("t"), now_us + 90 * MINUTE);
    // Another machine, with a wrong clock: half of the table's state_ttl at most.
    job.restart();
    job.clock.start_machine();
    job.clock.step_wall(100 * year_us);
    assert_eq!(job.epoch(MINUTE).unwrap().state_time_us("t"), now_us + 120 * MINUTE);
}

/// Spark's one batch has no limit; a first run over a topic of any size must end within memory all the same.
#[test]
fn fault_5_once_takes_all_there_is_up_to_what_an_epoch_may_take() {
    assert_eq!(limit(Some(10), false), Some(10));
    assert_eq!(limit(Some(10), true), Some(job::RECORDS_PER_EPOCH_MAX));
    assert_eq!(limit(Some(2_000_000), true), Some(2_000_000), "a higher limit wins");
    let at = |partition| Split::new("t", partition);
    let plan = |until: i64, latest: i64| SourcePlan {
        ranges: [(at(0), SplitRange::from(OffsetRange { from: 0, until }))].into_iter().collect(),
        latest: [(at(0), Position::from(latest))].into_iter().collect(),
        ..SourcePlan::default()
    };
    assert!(plan(10, 20).is_cut() && !plan(20, 20).is_cut());
}
