//! Plays a case through the engine in memory and compares what comes out, exactly.

use epoch::Step;
use runtime::{EpochProgress, RunError, StateProgress, StepSide};
use serde_json::Value;
use testkit::{MemoryOptions, MemoryRecord, MemoryRun};

use crate::by_hand::{self, Steps};
use crate::case::Case;
use crate::job_text::{self, TABLE};
use crate::rows::{self, Rows};

const SECOND_US: i64 = 1_000_000;

/// What was done to a run, so that it can be done again.
#[derive(Clone)]
enum Action {
    Append(String, Vec<MemoryRecord>),
    Time(i64),
    Demand,
    Restart,
    /// Epochs until nothing is due, so many.
    Step(u64),
}

/// A case that is played.
struct Play<'a> {
    case: &'a Case,
    manner: Manner,
    run: MemoryRun,
    actions: Vec<Action>,
    /// Rows that the last check saw, that were there before the last step, that do not count.
    checked: Rows,
    before_step: Rows,
    cleared: Rows,
    /// Epochs of the run so far, and how many of them the last look at the state saw.
    epochs: Vec<EpochProgress>,
    state_seen: usize,
    /// Epochs run when the clock says so, not when records come.
    is_clocked: bool,
    is_stopped: bool,
    /// The next epoch is to fail; the last one has.
    fails: bool,
    has_failed: bool,
    /// The commit of the last epoch was taken away: it comes again with the start.
    was_purged: bool,
}

/// What happens to the engine while a case is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// What the case says.
    AsWritten,
    /// It is also restarted before each step that brings records.
    Restarted,
    /// Each first epoch of a step is also killed before it commits, and run again.
    Killed,
}

/// Plays a case. `Err` says what is not as Spark has it.
pub fn play(case: &Case, manner: Manner) -> Result<(), String> {
    match (steps(case), &case.error) {
        (Some(steps), _) => play_steps(case, &steps, manner),
        (None, Some(error)) => is_refused(&job_text::of(case), error),
        (None, None) => Err("neither steps nor an error".to_string()),
    }
}

/// The steps that are played of a case; `None` if it is refused.
pub fn steps(case: &Case) -> Option<Vec<Value>> {
    match by_hand::better(&case.name).map(|better| &better.steps) {
        Some(Steps::Own(steps)) => Some(serde_json::from_str(steps).unwrap()),
        Some(Steps::Changed(number, step)) => {
            let mut steps = case.steps.clone();
            steps[number - 1] = serde_json::from_str(step).unwrap();
            Some(steps)
        }
        None => case.error.is_none().then(|| case.steps.clone()),
    }
}

/// Plays these steps on the job of a case. `Err` names the step that is not as it should be.
pub fn play_steps(case: &Case, steps: &[Value], manner: Manner) -> Result<(), String> {
    let text = job_text::of(case);
    let played = open(&text).and_then(|run| {
        let is_clocked = steps.iter().any(|step| step.get("clock").is_some());
        let mut play = Play { manner, ..Play::new(case, run, is_clocked) };
        steps
            .iter()
            .enumerate()
            .try_for_each(|(at, step)| play.step(step).map_err(|problem| format!("step {} {step}: {problem}", at + 1)))
    });
    played.map_err(|problem| format!("{problem}\n{text}"))
}

fn open(text: &str) -> Result<MemoryRun, String> {
    let job = job::parse("case.toml", text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
        .map_err(|problems| problems.render(false))?;
    MemoryRun::open(job, &MemoryOptions::default()).map_err(|error| error.to_string())
}

fn is_refused(text: &str, error: &str) -> Result<(), String> {
    let condition = by_hand::refusal(error);
    match open(text) {
        Ok(_) => Err(format!("is accepted, but Spark refuses it: {error}\n{text}")),
        Err(refusal) if condition.iter().all(|part| refusal.contains(part)) => Ok(()),
        Err(refusal) => Err(format!("is refused, but not with {condition:?}:\n{refusal}\n{text}")),
    }
}

fn text_of(error: RunError) -> String {
    error.to_string()
}

impl Play<'_> {
    fn new(case: &Case, run: MemoryRun, is_clocked: bool) -> Play<'_> {
        Play {
            case,
            manner: Manner::AsWritten,
            run,
            actions: Vec::new(),
            checked: Rows::default(),
            before_step: Rows::default(),
            cleared: Rows::default(),
            epochs: Vec::new(),
            state_seen: 0,
            is_clocked,
            is_stopped: false,
            fails: false,
            has_failed: false,
            was_purged: false,
        }
    }

    fn step(&mut self, step: &Value) -> Result<(), String> {
        let step = step.as_object().unwrap();
        let is_ordered = step.get("ordered").is_some_and(|ordered| ordered == true);
        let (what, value) = step.iter().find(|(what, _)| *what != "ordered").unwrap();
        match what.as_str() {
            "add" | "multi_add" => self.add(value),
            "clock" => self.clock(value.as_i64().unwrap()),
            "empty_batch" => self.act(Action::Demand).and_then(|()| self.run_epochs()),
            "restart" => self.act(Action::Restart),
            "stop" => {
                self.is_stopped = true;
                Ok(())
            }
            "start" => self.start(),
            "purge_last_commit_and_clear_sink" => self.purge(),
            "fail_once_on_value" => {
                self.fails = true;
                Ok(())
            }
            "expect_failure" => equal(self.has_failed, true, "the epoch failed"),
            // Each `add` of such a case is one run of the job.
            "trigger" => Ok(()),
            "check_all" | "check_new" | "check_last" => self.check(what, value, is_ordered),
            "watermark" => {
                let watermark = self.run.watermark(TABLE).unwrap_or(0);
                equal(watermark, value.as_i64().unwrap() * SECOND_US, "watermark")
            }
            "watermark_used" => {
                let used = self.last_with_data()?.watermark_us.unwrap_or(0);
                equal(used, value.as_i64().unwrap() * SECOND_US, "watermark")
            }
            "event_stats" => self.event_stats(value),
            "state_rows" => self.state_rows(value),
            other => Err(format!("no such step: {other}")),
        }
    }

    fn act(&mut self, action: Action) -> Result<(), String> {
        let done = act(&mut self.run, &action);
        self.actions.push(action);
        done.map(|epochs| self.epochs.extend(epochs))
    }

    fn add(&mut self, value: &Value) -> Result<(), String> {
        let is_once = self.case.conf.get("trigger").is_some_and(|trigger| trigger == "once");
        if is_once || self.manner == Manner::Restarted {
            self.act(Action::Restart)?;
        }
        for (name, records) in value.as_object().unwrap() {
            let source = self.case.source(name).unwrap();
            let record = |row: &Value| {
                let fields = source.columns.iter().zip(row.as_array().unwrap());
                let object: serde_json::Map<String, Value> =
                    fields.map(|((column, _), value)| (column.clone(), value.clone())).collect();
                MemoryRecord::of(Value::Object(object).to_string())
            };
            let records = records.as_array().unwrap().iter().map(record).collect();
            self.act(Action::Append(name.clone(), records))?;
        }
        match self.is_clocked {
            true => Ok(()),
            false => self.run_epochs(),
        }
    }

    fn run_epochs(&mut self) -> Result<(), String> {
        self.before_step = self.rows()?;
        if std::mem::take(&mut self.fails) {
            self.has_failed = self.run.crash(Step::Compute, StepSide::After).map_err(text_of)?;
            return Ok(());
        }
        let before = self.run.epochs_committed();
        if self.manner == Manner::Killed {
            self.run.crash(Step::Commit, StepSide::Before).map_err(text_of)?;
        }
        self.act(Action::Step(0))?;
        let count = self.run.epochs_committed() - before;
        *self.actions.last_mut().unwrap() = Action::Step(count);
        Ok(())
    }

    fn clock(&mut self, second: i64) -> Result<(), String> {
        self.act(Action::Time(second * SECOND_US))?;
        if self.is_stopped { Ok(()) } else { self.run_epochs() }
    }

    fn start(&mut self) -> Result<(), String> {
        self.is_stopped = false;
        let before = self.rows()?;
        self.act(Action::Restart)?;
        self.run_epochs()?;
        if std::mem::take(&mut self.was_purged) {
            // What comes again is not more than came before; a sink that was cleared begins here.
            self.before_step = before;
            self.cleared = self.rows()?;
            self.checked = self.cleared.clone();
        }
        Ok(())
    }

    /// The commit of the last epoch is lost. Here it is one with the state, so the run is made again up to that epoch, which
    /// is killed before it commits.
    fn purge(&mut self) -> Result<(), String> {
        let mut again = open(&job_text::of(self.case))?;
        let last = self.actions.iter().rposition(|action| matches!(action, Action::Step(1..))).unwrap();
        for action in &self.actions[..last] {
            act(&mut again, action)?;
        }
        let Action::Step(count) = self.actions[last] else { return Err("no epoch was run".to_string()) };
        for epoch in 1..=count {
            let (step, side) =
                if epoch < count { (Step::Retire, StepSide::After) } else { (Step::Commit, StepSide::Before) };
            equal(again.crash(step, side).map_err(text_of)?, true, "an epoch is killed")?;
        }
        equal(again.epochs_committed() + 1, self.run.epochs_committed(), "epochs committed")?;
        again.set_time(self.run.time_us());
        (self.run, self.was_purged) = (again, true);
        Ok(())
    }

    fn check(&mut self, what: &str, expected: &Value, is_ordered: bool) -> Result<(), String> {
        let found = self.rows()?;
        let is_whole = self.case.mode == "complete" || self.case.mode == "batch" && self.case.sql.contains("GROUP BY");
        let new = match what {
            _ if is_whole => found.clone(),
            "check_all" => found.without(&self.cleared),
            "check_new" => found.without(&self.checked),
            _ => found.without(&self.before_step),
        };
        self.checked = found;
        let expected = rows::expected(expected);
        match is_ordered {
            true => equal(new, expected, "rows"),
            false => equal(new.sorted(), expected.sorted(), "rows"),
        }
    }

    fn event_stats(&self, expected: &Value) -> Result<(), String> {
        let epoch = self.last_with_data()?;
        let times = epoch.event_times.ok_or("no event times")?;
        let found = [times.min_us, times.max_us, times.avg_us(), epoch.watermark_us.unwrap_or(0)];
        let expected = ["min", "max", "avg", "watermark"].map(|name| expected[name].as_i64().unwrap() * SECOND_US);
        equal(found, expected, "min, max, avg, watermark")
    }

    /// Total as it is now, the others since they were last looked at; `output`: the rows of the last check. A list has one
    /// number for each stateful operator, downstream first.
    fn state_rows(&mut self, expected: &Value) -> Result<(), String> {
        let seen = std::mem::replace(&mut self.state_seen, self.epochs.len());
        let epochs = &self.epochs[seen..];
        let last = &self.epochs.last().ok_or("no epoch")?.state;
        let sum = |at: usize, of: fn(&StateProgress) -> u64| epochs.iter().map(|epoch| of(&epoch.state[at])).sum();
        let found = |name: &str, at: usize| match name {
            "total" => last[at].rows.unwrap(),
            "updated" => sum(at, |state| state.updated),
            "removed" => sum(at, |state| state.removed),
            "dropped_by_watermark" => sum(at, |state| state.late),
            "output" => self.emitted(),
            other => panic!("{other}"),
        };
        for (name, expected) in expected.as_object().unwrap() {
            let found: Vec<u64> = (0..last.len()).rev().map(|at| found(name, at)).collect();
            let expected = expected.as_array().cloned().unwrap_or_else(|| vec![expected.clone()]);
            let expected: Vec<u64> = expected.iter().map(|count| count.as_u64().unwrap()).collect();
            equal(found, expected, name)?;
        }
        let rows: u64 = last.iter().filter(|state| state.table == TABLE).map(|state| state.rows.unwrap()).sum();
        equal(self.run.metrics(TABLE).map_err(text_of)?.rows, rows, "rows counted")
    }

    /// Rows that the last step gave.
    fn emitted(&self) -> u64 {
        match self.case.mode.as_str() {
            "complete" => self.checked.len() as u64,
            _ => self.checked.without(&self.before_step).len() as u64,
        }
    }

    fn last_with_data(&self) -> Result<&EpochProgress, String> {
        self.epochs.iter().rfind(|epoch| epoch.rows_read > 0).ok_or_else(|| "no epoch read anything".to_string())
    }

    fn rows(&mut self) -> Result<Rows, String> {
        Ok(rows::found(&self.run.rows(TABLE).map_err(text_of)?))
    }
}

fn act(run: &mut MemoryRun, action: &Action) -> Result<Vec<EpochProgress>, String> {
    match action {
        Action::Append(source, records) => run.append(source, 0, records.clone()).map(|_| Vec::new()),
        Action::Time(us) => {
            run.set_time(*us);
            Ok(Vec::new())
        }
        Action::Demand => {
            run.demand_epoch();
            Ok(Vec::new())
        }
        Action::Restart => run.restart().map(|()| Vec::new()),
        Action::Step(_) => run.step(),
    }
    .map_err(text_of)
}

fn equal<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: &str) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{what}: found {found:?}, expected {expected:?}")),
    }
}
