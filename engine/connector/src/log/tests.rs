//! Planning over logs: ends, pinned ends, limits.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

/// A log of one split with offsets 0 to `high`.
struct Fixed {
    high: i64,
    asked: u32,
}

fn split() -> Split {
    Split::new("log", 0)
}

impl LogPlanner for Fixed {
    fn title(&self) -> &'static str {
        "Fixed"
    }

    fn available(&mut self, _position: Option<&LogPosition>) -> Result<PerSplit<Available>, SourceError> {
        self.asked += 1;
        // It grows with every question.
        let high = self.high * i64::from(self.asked);
        Ok([(split(), Available { low: 0, high })].into_iter().collect())
    }

    fn starting(&mut self, available: &PerSplit<Available>) -> Result<Offsets, SourceError> {
        Ok(available.iter().map(|(split, reach)| (split, reach.low)).collect())
    }

    fn backlog(&mut self, position: &LogPosition, available: &PerSplit<Available>) -> Result<Backlog, SourceError> {
        let mut backlog = Backlog::default();
        for (split, reach) in available.iter() {
            let from = position.offsets.get(&split).copied().unwrap_or(reach.low);
            backlog.latest.insert(split.clone(), reach.high);
            backlog.ranges.insert(split, OffsetRange { from, until: reach.high });
        }
        Ok(backlog)
    }

    fn acknowledge(&self, _end: &Offsets) {}
}

fn range(plan: &SourcePlan) -> OffsetRange {
    plan.ranges.get(&split()).unwrap().offsets().unwrap()
}

fn end(plan: &SourcePlan) -> Positions {
    plan.ranges.iter().map(|(split, range)| (split, range.until.clone())).collect()
}

#[test]
fn an_unbounded_run_follows_the_log() {
    let mut planner = LogSourcePlanner::new(Fixed { high: 10, asked: 0 }, None);
    let request =
        |position| PlanRequest { position, identity: None, reported: &[], records_max: None, is_bounded: false };
    let first = planner.plan(&request(None)).unwrap();
    assert_eq!(range(&first), OffsetRange { from: 0, until: 10 });
    let next = planner.plan(&request(Some(&end(&first)))).unwrap();
    assert_eq!(range(&next), OffsetRange { from: 10, until: 20 });
    assert_eq!((planner.span(&next), planner.lag(&next)), (10, 0));
}

#[test]
fn a_bounded_run_ends_where_the_log_ended() {
    let mut planner = LogSourcePlanner::new(Fixed { high: 10, asked: 0 }, None);
    let request =
        |position| PlanRequest { position, identity: None, reported: &[], records_max: Some(6), is_bounded: true };
    let first = planner.plan(&request(None)).unwrap();
    assert_eq!((range(&first), planner.lag(&first)), (OffsetRange { from: 0, until: 6 }, 4));
    let after_first = end(&first);
    let next = planner.plan(&request(Some(&after_first))).unwrap();
    assert_eq!(range(&next), OffsetRange { from: 6, until: 10 });
    let after_next = end(&next);
    let last = planner.plan(&request(Some(&after_next))).unwrap();
    assert!(!last.has_records());
}

#[test]
fn named_ends_are_kept_and_positions_stay_known() {
    let ends = |offset: i64| Some([(split(), offset)].into_iter().collect());
    let request =
        |position| PlanRequest { position, identity: None, reported: &[], records_max: None, is_bounded: false };
    let mut planner = LogSourcePlanner::new(Fixed { high: 10, asked: 0 }, ends(7));
    let first = planner.plan(&request(None)).unwrap();
    assert_eq!(range(&first), OffsetRange { from: 0, until: 7 });
    let after_first = end(&first);
    assert!(!planner.plan(&request(Some(&after_first))).unwrap().has_records());
    let mut planner = LogSourcePlanner::new(Fixed { high: 10, asked: 0 }, ends(-1));
    assert_eq!(range(&planner.plan(&request(None)).unwrap()), OffsetRange { from: 0, until: 10 });
    let mut planner = LogSourcePlanner::new(Fixed { high: 10, asked: 0 }, Some(Offsets::default()));
    assert!(planner.plan(&request(None)).unwrap().ranges.is_empty(), "a split that is not named is not read");
}

/// A log of records of 1,000 bytes, 64 more as they are counted.
struct Heavy {
    next: i64,
}

impl LogReader for Heavy {
    fn assign(&mut self, positions: &Offsets) -> Result<(), SourceError> {
        self.next = *positions.get(&split()).unwrap();
        Ok(())
    }

    fn read(
        &mut self,
        _split: &Split,
        until: i64,
        bytes_max: u64,
        handle: &mut dyn FnMut(Record<'_>),
    ) -> Result<LogProgress, SourceError> {
        let (value, mut bytes) = (vec![b'x'; 1_000], 0);
        while self.next < until && bytes < bytes_max {
            let record = Record { key: None, value: Some(&value), offset: self.next, timestamp_ms: None };
            bytes += record.bytes();
            handle(record);
            self.next += 1;
        }
        Ok(LogProgress { next: self.next, gaps: Vec::new() })
    }
}

#[test]
fn fault_5_a_read_ends_at_its_bytes_and_goes_on_where_it_ended() {
    let mut reader = LogSourceReader::new(Heavy { next: 0 });
    reader.assign(&[(split(), OffsetRange { from: 0, until: 25 }.into())]).unwrap();
    let (mut counts, mut seen) = (Vec::new(), Vec::new());
    loop {
        let before = seen.len();
        let limit = ReadLimit { records: 16_384, bytes: 10_000 };
        let progress = reader.read(&split(), limit, &mut |record| seen.push(record.offset)).unwrap();
        counts.push(seen.len() - before);
        if progress.is_complete {
            break;
        }
    }
    assert_eq!(counts, [10, 10, 5], "the tenth record reaches 10,000 bytes");
    assert_eq!(seen, (0..25).collect::<Vec<i64>>());
}
