//! What a run reports of an epoch, put together from its commit, its operators and its clocks.

use std::collections::BTreeMap;

use epoch::{Commit, PerSplit, Position, RowCounts, SplitRange, Step};
use serde_json::Value;

use crate::event_times::EventTimes;
use crate::operate::Running;
use crate::progress::{EpochProgress, SourceProgress, StateProgress, TableProgress};
use crate::run::{EpochResult, Read, Run};

/// Reports the epochs of one run.
pub struct Reporter {
    run_id: String,
    /// When the epoch before began, microseconds since 1970 UTC.
    before_us: i64,
    counts_state_rows: bool,
}

impl Reporter {
    /// A reporter of a run that begins now. `counts_state_rows`: counting may read the whole state.
    pub fn new(now_us: i64, counts_state_rows: bool) -> Reporter {
        Reporter { run_id: format!("{now_us:016x}"), before_us: now_us, counts_state_rows }
    }

    /// The report of the epoch that was just committed; what publishing took is added when it is published.
    pub fn report(
        &mut self,
        run: &Run,
        result: &EpochResult,
        started_us: i64,
        duration_us: u64,
        asked_ms: u64,
    ) -> EpochProgress {
        let Some(commit) = &run.last else { return EpochProgress::default() };
        let mut progress = self.of_commit(run, commit, result);
        let seconds = |us: u64| (us.max(1)) as f64 / 1e6;
        let since_us = u64::try_from(started_us - self.before_us).unwrap_or(0).max(duration_us);
        self.before_us = started_us;
        progress.started_us = started_us;
        progress.duration_ms = duration_us / 1000;
        progress.input_rows_per_second = progress.rows_read as f64 / seconds(since_us);
        progress.rows_per_second = progress.rows_read as f64 / seconds(duration_us);
        progress.durations_ms = durations(|step| run.steps.spent_us(step) / 1000, duration_us, asked_ms);
        progress.state = run.operators.iter().map(|running| self.state_progress(run, running)).collect();
        progress
    }

    /// The report of an epoch that an earlier run committed: what its commit says. How long it took is not known any more.
    pub fn recovered(&self, run: &Run, commit: &Commit) -> EpochProgress {
        self.of_commit(run, commit, &EpochResult { read: Read::new() })
    }

    /// What stands in the commit.
    fn of_commit(&self, run: &Run, commit: &Commit, result: &EpochResult) -> EpochProgress {
        let tables: Vec<TableProgress> =
            commit.tables.iter().map(|(name, table)| table_progress(run, name, &table.counts, commit)).collect();
        let sources = source_progress(run, commit, result);
        EpochProgress {
            job: run.job.name.clone(),
            sink: run.follower.publisher().sink.title(),
            id: run.checkpoint.job_id().to_string(),
            run_id: self.run_id.clone(),
            epoch: commit.plan.epoch.0,
            started_us: commit.plan.batch_time_us,
            rows_read: commit.sources.values().map(|counts| counts.read).sum(),
            rejected: commit.sources.values().map(|counts| counts.rejected).sum(),
            late: tables.iter().map(|table| table.late).sum(),
            watermark_us: commit.plan.watermark_us,
            event_times: sources.iter().filter_map(|source| source.event_times).reduce(EventTimes::and),
            lag: sources.iter().map(|source| source.lag).sum(),
            durations_ms: durations(|_| 0, 0, 0),
            tables,
            sources,
            ..EpochProgress::default()
        }
    }

    fn state_progress(&self, run: &Run, running: &Running) -> StateProgress {
        let node = &run.topology.nodes[running.node];
        let table = &run.topology.tables[node.table].plan.name;
        let metrics = running.operator.metrics();
        let counted = self.counts_state_rows.then(|| running.operator.count_rows(&run.checkpoint).ok()).flatten();
        StateProgress {
            name: node.operator().map_or_else(|| table.clone(), |operator| operator.spec.name().to_string()),
            table: table.clone(),
            rows: counted.or(metrics.rows_are_known.then_some(metrics.rows)),
            updated: metrics.updated,
            removed: metrics.removed,
            late: run.flows.get(running.node).map_or(0, |flow| flow.late),
            blocks: metrics.blocks,
            bytes: metrics.bytes,
            memory_bytes: metrics.memory_bytes,
        }
    }
}

/// Milliseconds by step: Spark's names, then ours.
fn durations(ms: impl Fn(Step) -> u64, duration_us: u64, asked_ms: u64) -> Vec<(&'static str, u64)> {
    vec![
        ("latestOffset", asked_ms),
        ("queryPlanning", 0),
        ("walCommit", ms(Step::Plan)),
        ("getBatch", ms(Step::Read)),
        ("addBatch", ms(Step::Read) + ms(Step::Decode) + ms(Step::Compute) + ms(Step::Stage)),
        ("commitOffsets", ms(Step::Commit)),
        ("triggerExecution", duration_us / 1000),
        ("decode", ms(Step::Decode)),
        ("compute", ms(Step::Compute)),
        ("stage", ms(Step::Stage)),
        ("publish", 0),
        ("retire", ms(Step::Retire)),
    ]
}

fn table_progress(run: &Run, name: &str, counts: &RowCounts, commit: &Commit) -> TableProgress {
    let setup = run.topology.tables.iter().find(|setup| setup.plan.name == name);
    TableProgress {
        name: name.to_string(),
        written: counts.written,
        late: counts.late,
        rejected: counts.rejected,
        filtered: counts.filtered,
        watermark_us: setup.and_then(|setup| run.topology.of_table(setup, &commit.plan).watermark_us),
    }
}

fn source_progress(run: &Run, commit: &Commit, result: &EpochResult) -> Vec<SourceProgress> {
    let lags: BTreeMap<String, (&'static str, u64)> = run.planner.lag(&commit.plan);
    let json = |positions: &PerSplit<&Position>| serde_json::to_value(positions).unwrap_or(Value::Null);
    let of_source = |(name, planned): (&String, &epoch::SourcePlan)| {
        let ends = |pick: fn(&SplitRange) -> &Position| -> PerSplit<&Position> {
            planned.ranges.iter().map(|(split, range)| (split, pick(range))).collect()
        };
        let totals = result.read.get(name);
        let (title, lag) = lags.get(name).copied().unwrap_or_default();
        SourceProgress {
            name: name.clone(),
            title,
            start_offset: json(&ends(|range| &range.from)),
            end_offset: json(&ends(|range| &range.until)),
            latest_offset: serde_json::to_value(&planned.latest).unwrap_or(Value::Null),
            rows_read: commit.sources.get(name).map_or(0, |counts| counts.read),
            event_times: totals.and_then(|totals| totals.event_times),
            lag,
        }
    };
    commit.plan.sources.iter().map(of_source).collect()
}
