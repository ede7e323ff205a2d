//! Which rows are on time: the watermark as `reference/spark.md` §3 has it, in plain words, over the epochs that the engine says it ran.
//!
//! What the engine is asked is which offsets each epoch read; the watermarks are computed here and compared with its own.

use std::collections::BTreeMap;

use epoch::Commit;

use crate::case::{Case, Row, SOURCES, Source};
use crate::query::STATIC;

/// No watermark yet: nothing is late, nothing is final.
pub const NEVER: i64 = -1_000_000_000_000_000;

/// Which watermark a table goes by: that of the first source, of the second, or of both.
pub const OF_BOTH: usize = 2;

/// A row that an epoch read.
#[derive(Debug, Clone)]
pub struct ReadRow {
    pub row: Row,
    pub epoch: i64,
    /// By which watermark it could be late: that of the epoch before, for tables over the first source, the second, both.
    pub late_us: [i64; 3],
    /// What a model of one table notes of the row.
    pub mark: i64,
    /// Its place among all rows that were read of its source.
    pub seq: i64,
}

/// A record that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject {
    pub partition: i32,
    pub offset: i64,
    pub epoch: i64,
}

#[derive(Debug, Clone, Default)]
struct Clock {
    newest_us: Option<i64>,
    active_us: i64,
}

/// The clocks of one source.
#[derive(Debug, Clone)]
struct Clocks {
    source: Source,
    partitions: BTreeMap<i32, Clock>,
    watermark_us: i64,
    /// What the source's clock showed in the last epoch: it advances while the source answers.
    answered_us: i64,
}

/// What has been read, and the watermarks after it.
pub struct Model {
    clocks: Vec<Clocks>,
    is_policy_max: bool,
    /// The watermarks of the last epoch, as it went by them.
    before_us: [i64; 3],
    /// The watermarks of the next epoch.
    pub next_us: [i64; 3],
    /// Rows by source, in the order in which epochs read them.
    pub read: Vec<Vec<ReadRow>>,
    /// The watermarks of every epoch.
    pub watermarks: Vec<[i64; 3]>,
    /// Records by source that were dated too far ahead.
    pub rejected: Vec<Vec<Reject>>,
    /// Which version of the static table every epoch saw.
    pub versions: Vec<usize>,
}

impl Model {
    pub fn of(case: &Case) -> Model {
        let clocks = |source: &Source| Clocks {
            source: source.clone(),
            partitions: BTreeMap::new(),
            watermark_us: NEVER,
            answered_us: 0,
        };
        Model {
            clocks: case.sources.iter().map(clocks).collect(),
            is_policy_max: case.is_policy_max,
            before_us: [NEVER; 3],
            next_us: [NEVER; 3],
            read: vec![Vec::new(); case.sources.len()],
            watermarks: Vec::new(),
            rejected: vec![Vec::new(); case.sources.len()],
            versions: Vec::new(),
        }
    }

    /// The engine was down until now: that is nobody's idleness, and nobody was idle before.
    pub fn resumes(&mut self) {
        for clocks in &mut self.clocks {
            clocks.partitions.values_mut().for_each(|clock| clock.active_us = clocks.answered_us);
        }
    }

    /// Takes in an epoch; `topics` are the rows of each source's partitions.
    pub fn takes(&mut self, commit: &Commit, topics: &[BTreeMap<u16, Vec<Row>>]) {
        let (late_us, now_us) = (self.before_us, self.next_us);
        self.watermarks.push(now_us);
        let version = commit.plan.statics.get(STATIC).and_then(|version| version.strip_prefix('v')?.parse().ok());
        self.versions.push(version.unwrap_or_default());
        for (at, topic) in topics.iter().enumerate() {
            let plan = &commit.plan.sources[SOURCES[at]];
            for (place, range) in plan.ranges.iter() {
                let rows = topic.get(&(place.partition as u16)).map(Vec::as_slice).unwrap_or_default();
                let offsets = range.offsets().expect("a topic in memory is a log");
                let rows = &rows[offsets.from as usize..offsets.until as usize];
                let epoch = commit.plan.epoch.0 as i64;
                let latest_us =
                    self.clocks[at].source.future_limit_us.map(|limit_us| commit.plan.batch_time_us + limit_us);
                let is_taken = |row: &&Row| latest_us.is_none_or(|latest_us| row.us.is_none_or(|us| us <= latest_us));
                let reject =
                    |(row, _): (i64, &Row)| Reject { partition: place.partition, offset: offsets.from + row, epoch };
                self.rejected[at].extend((0..).zip(rows).filter(|(_, row)| !is_taken(row)).map(reject));
                let rows: Vec<Row> = rows.iter().filter(is_taken).cloned().collect();
                let is_busy = plan.has_backlog(&place, range);
                self.clocks[at].sees(place.partition, &rows, is_busy, commit.plan.answered_us(SOURCES[at]));
                let first = self.read[at].len() as i64;
                let read = |(seq, row): (i64, Row)| ReadRow { row, epoch, late_us, mark: 0, seq };
                self.read[at].extend((first..).zip(rows).map(read));
            }
            self.clocks[at].moves(commit.plan.answered_us(SOURCES[at]));
        }
        self.before_us = now_us;
        let own: Vec<i64> = self.clocks.iter().map(|clocks| clocks.watermark_us).collect();
        let (first, second) = (own[0], own.get(1).copied().unwrap_or(own[0]));
        let both = if self.is_policy_max { first.max(second) } else { first.min(second) };
        self.next_us = [first, second, both];
    }

    /// The watermark of one source; `None` if it has seen nothing.
    pub fn watermark_of(&self, source: usize) -> Option<i64> {
        Some(self.clocks[source].watermark_us).filter(|us| *us != NEVER)
    }
}

impl Clocks {
    fn sees(&mut self, partition: i32, rows: &[Row], is_busy: bool, now_us: i64) {
        let newest_us = rows.iter().filter_map(|row| row.us).max();
        if newest_us.is_none() && !is_busy && !self.partitions.contains_key(&partition) {
            return;
        }
        let clock = self.partitions.entry(partition).or_insert(Clock { newest_us: None, active_us: now_us });
        clock.newest_us = clock.newest_us.max(newest_us);
        if is_busy || newest_us.is_some() {
            clock.active_us = now_us;
        }
    }

    /// Newest event less the delay, whole milliseconds; never back.
    fn moves(&mut self, now_us: i64) {
        self.answered_us = now_us;
        let newest = |clocks: &mut dyn Iterator<Item = &Clock>| clocks.filter_map(|clock| clock.newest_us).max();
        let is_idle = |clock: &Clock| self.source.idle_us.is_some_and(|idle_us| now_us - clock.active_us >= idle_us);
        let active: Vec<&Clock> = self.partitions.values().filter(|clock| !is_idle(clock)).collect();
        let reached = if self.source.is_scope_source || active.is_empty() {
            newest(&mut self.partitions.values())
        } else if active.iter().any(|clock| clock.newest_us.is_none()) {
            None
        } else {
            active.iter().filter_map(|clock| clock.newest_us).min()
        };
        if let Some(us) = reached {
            self.watermark_us = self.watermark_us.max(us.div_euclid(1000) * 1000 - self.source.delay_us);
        }
    }
}
