//! The tests of a job file: each runs in memory, step by step, and reports what is not as expected.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use job::{ExpectedState, Job, OutputMode, Test, TestRecord, TestStep};
use plan::Graph;

use ::memory::MemoryRecord;
use runtime::{RunError, StepSide};

use crate::memory::{MemoryOptions, MemoryRun};

mod cell;
mod compare;
mod difference;
mod statics;

use cell::{Cell, Rows};
use statics::StaticSteps;
pub use statics::static_schemas;

/// What time it is at first: 2026-01-01T00:00:00Z, microseconds since 1970 UTC.
const BEGIN_US: i64 = 1_767_225_600_000_000;

/// Something that is not as a test expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Number of the step, from 1 on; 0 for the test as a whole.
    pub step: usize,
    /// Where the step, or the test, stands in the job file, bytes.
    pub place: Range<usize>,
    /// What is not so: a line, and for rows a small table below it.
    pub lines: Vec<String>,
}

/// Runs one test of a job that could be planned. Returns what is not as expected: nothing, if the test holds.
///
/// Runs of one graph must follow each other, since its clock is theirs. Call it on a plain thread.
pub fn run(job: &Job, graph: &Arc<Graph>, test: &Test) -> Vec<Finding> {
    let options = MemoryOptions { time_us: BEGIN_US, ..MemoryOptions::default() };
    let mut job = job.clone();
    // A step reads all that arrives in it.
    job.sources.values_mut().for_each(|source| source.records_per_epoch_max = None);
    let statics = match statics::of_tests(&job) {
        Ok(statics) => statics,
        Err(error) => return refused(test, &error.to_string()),
    };
    let at_first = statics.iter().map(|(name, given)| (name.clone(), given.at_first.clone())).collect();
    let run = match MemoryRun::with_statics(job, Arc::clone(graph), &options, at_first) {
        Ok(run) => run,
        Err(error) => return refused(test, &error.to_string()),
    };
    if let Some(expected) = &test.expect_error {
        return vec![of_test(test, format!("the job is accepted; it should be refused with \"{expected}\""))];
    }
    let mut trial = Trial { run, statics, findings: Vec::new(), step: 0, place: 0..0, epochs: 0 };
    for (at, step) in test.steps.iter().enumerate() {
        (trial.step, trial.place) = (at + 1, step.place.clone());
        if !trial.step(step) {
            break;
        }
    }
    trial.findings
}

/// What a test says of a job that was refused before its first epoch, with this message.
pub fn refused(test: &Test, message: &str) -> Vec<Finding> {
    let what = match &test.expect_error {
        Some(expected) if message.contains(expected.as_str()) => return Vec::new(),
        Some(expected) => format!("the job is refused, but not with \"{expected}\":"),
        None => "the job is refused:".to_string(),
    };
    let mut finding = of_test(test, what);
    finding.lines.extend(message.lines().map(|line| format!("  {line}")));
    vec![finding]
}

fn of_test(test: &Test, what: String) -> Finding {
    Finding { step: 0, place: test.place.clone(), lines: vec![what] }
}

/// A test that runs.
struct Trial {
    run: MemoryRun,
    /// The rows that steps give static tables, by name.
    statics: BTreeMap<String, StaticSteps>,
    findings: Vec<Finding>,
    step: usize,
    place: Range<usize>,
    /// Epochs committed before the step.
    epochs: u64,
}

impl Trial {
    /// Runs one step and looks at what it expects. False if the test cannot go on.
    fn step(&mut self, step: &TestStep) -> bool {
        self.epochs = self.run.epochs_committed();
        let before: Result<BTreeMap<String, Rows>, RunError> =
            step.expect_new.keys().map(|table| Ok((table.clone(), self.rows(table)?))).collect();
        let done = before.and_then(|before| {
            self.act(step)?;
            Ok(before)
        });
        match (done, &step.expect_error) {
            (Ok(before), None) => self.look(step, &before),
            (Ok(_), Some(expected)) => {
                self.find([format!("the job goes on; it should stop with \"{expected}\"")]);
                true
            }
            (Err(error), Some(expected)) if error.to_string().contains(expected.as_str()) => true,
            (Err(error), expected) => {
                let what = match expected {
                    Some(expected) => format!("the job stops, but not with \"{expected}\":"),
                    None => "the job stops:".to_string(),
                };
                let error = error.to_string();
                self.find(std::iter::once(what).chain(error.lines().map(|line| format!("  {line}"))));
                // What later steps expect would only follow from it.
                false
            }
        }
    }

    /// What the step does.
    fn act(&mut self, step: &TestStep) -> Result<(), RunError> {
        if step.restart {
            self.run.restart()?;
        }
        if let Some(time_us) = step.time_us {
            self.run.set_time(time_us);
        }
        for name in step.statics.keys() {
            let rows = self.statics.get(name).and_then(|given| given.steps.get(&step.place.start));
            rows.map(|rows| self.run.set_static(name, rows.clone())).transpose()?;
        }
        let time_us = self.run.time_us();
        for (source, records) in &step.input {
            for record in records {
                let partition = u16::try_from(record.partition).unwrap_or(0);
                self.run.append(source, partition, [memory_record(record, time_us)])?;
            }
        }
        if step.empty_epoch {
            self.run.demand_epoch();
        }
        if let Some(kill) = step.kill {
            let side = if kill.after { StepSide::After } else { StepSide::Before };
            if !self.run.crash(kill.step, side)? {
                self.find(["nothing was killed: the epoch does not come to that step, or there is none".to_string()]);
            }
        }
        if step.input.is_empty() && !step.empty_epoch && !step.restart {
            return Ok(());
        }
        self.run.step().map(|_| ())
    }

    fn look(&mut self, step: &TestStep, before: &BTreeMap<String, Rows>) -> bool {
        let looked = (|| {
            for (table, expected) in &step.expect {
                let found = self.rows(table)?;
                self.find(difference::of(table, expected, &found, step.ordered));
            }
            for (table, expected) in &step.expect_new {
                let mut found = self.rows(table)?;
                if !self.is_rewritten(table) {
                    found.subtract(before.get(table));
                }
                let what = format!("{table}, rows of this step");
                self.find(difference::of(&what, expected, &found, step.ordered));
            }
            self.look_at_late(&step.expect_late)?;
            self.look_at_state(&step.expect_state)?;
            Ok::<_, RunError>(())
        })();
        for (name, expected) in &step.expect_watermark {
            let found = self.run.watermark(name);
            if found != *expected {
                self.find([format!("the watermark of {name} is {}, not {}", instant(found), instant(*expected))]);
            }
        }
        if let Err(error) = &looked {
            self.find(error.to_string().lines().map(str::to_string));
        }
        looked.is_ok()
    }

    fn look_at_late(&mut self, expected: &BTreeMap<String, u64>) -> Result<(), RunError> {
        if expected.is_empty() {
            return Ok(());
        }
        let commits = self.run.commits_since(self.epochs)?;
        for (table, expected) in expected {
            let counts = commits.iter().filter_map(|commit| commit.tables.get(table));
            let found: u64 = counts.map(|table| table.counts.late).sum();
            if found != *expected {
                self.find([format!("{found} rows came too late for {table}, not {expected}")]);
            }
        }
        Ok(())
    }

    fn look_at_state(&mut self, expected: &BTreeMap<String, ExpectedState>) -> Result<(), RunError> {
        if expected.is_empty() {
            return Ok(());
        }
        let commits = self.run.commits_since(self.epochs)?;
        for (table, expected) in expected {
            let metrics = self.run.metrics(table)?;
            let counts = commits.iter().filter_map(|commit| commit.tables.get(table));
            let late: u64 = counts.map(|table| table.counts.late).sum();
            let updated = self.run.updated_since(table, self.epochs);
            for (what, found, expected) in [
                ("rows", metrics.rows, expected.rows),
                ("rows added or changed", updated, expected.updated),
                ("late rows", late, expected.late),
            ] {
                if let Some(expected) = expected.filter(|expected| *expected != found) {
                    self.find([format!("the state of {table} has {found} {what}, not {expected}")]);
                }
            }
        }
        Ok(())
    }

    fn rows(&mut self, table: &str) -> Result<Rows, RunError> {
        Rows::of(&self.run.schema(table)?, &self.run.rows(table)?)
    }

    /// True for tables in complete mode: each epoch gives their whole result.
    fn is_rewritten(&self, table: &str) -> bool {
        let mode = self.run.job().tables.iter().find(|known| known.name == table).map(|table| table.mode);
        mode == Some(OutputMode::Complete)
    }

    fn find(&mut self, lines: impl IntoIterator<Item = String>) {
        let lines: Vec<String> = lines.into_iter().collect();
        if !lines.is_empty() {
            self.findings.push(Finding { step: self.step, place: self.place.clone(), lines });
        }
    }
}

fn memory_record(record: &TestRecord, time_us: i64) -> MemoryRecord {
    MemoryRecord {
        key: record.key.as_ref().map(|key| key.clone().into_bytes()),
        value: Some(record.value.clone().into_bytes()),
        timestamp_ms: Some(record.timestamp_us.unwrap_or(time_us).div_euclid(1000)),
    }
}

fn instant(us: Option<i64>) -> String {
    us.map_or_else(|| "none".to_string(), |us| Cell::Instant(us).to_string())
}

#[cfg(test)]
mod tests;
