//! The runs of a drill: undisturbed, killed at each step, with each place killed after or away, killed at random moments.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use job::Job;
use runtime::{FailPoint, Fault, PlaceFailure, PlaceFault};

use crate::books::Books;
use crate::difference;
use crate::kill_points::{self, KillTimes, Pace};
use crate::options::DrillOptions;
use crate::process::{Disturbance, Ended, EpochReport, Process};
use crate::report::{Report, Row};
use crate::rows::{ColumnName, Tables};
use crate::scope::{Scope, quoted};
use crate::scratch::Scratch;

/// Functions whose values are those of the run, not of the records.
const CLOCK_WORDS: [&str; 5] = ["current_timestamp", "now(", "current_date", "current_time", "localtimestamp"];

/// Rounds without a kill after which no more are tried: a job that ends sooner than it can be hit would go on for ever.
const IDLE_ROUNDS_MAX: u32 = 10;

struct Trials<'a> {
    options: &'a DrillOptions,
    scope: &'a Scope,
    scratch: &'a Scratch,
    undisturbed: Undisturbed,
    number: u32,
}

struct Undisturbed {
    tables: Tables,
    books: Books,
    /// Columns that differ between two undisturbed runs.
    left_out: BTreeSet<ColumnName>,
    pace: Pace,
    /// An epoch in the middle, with records.
    middle: u64,
}

/// What one whole trial left behind.
struct Outcome {
    tables: Tables,
    books: Books,
}

/// All runs.
pub fn all(
    options: &DrillOptions,
    job: &Job,
    scope: &Scope,
    scratch: &Scratch,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, String> {
    progress("an undisturbed run");
    let undisturbed = undisturbed(options, job, scope, scratch)?;
    let mut report = Report { rows: Vec::new(), notes: notes(&undisturbed, scope) };
    let mut trials = Trials { options, scope, scratch, undisturbed, number: 0 };
    let middle = trials.undisturbed.middle;
    let places = trials.undisturbed.books.touched.remove(&middle).unwrap_or_default();
    for fault in kill_points::aimed(middle).into_iter().chain(kill_points::of_places(middle, &places)) {
        options.check_goes_on()?;
        progress(&describe(&fault));
        report.rows.push(trials.aimed(fault)?);
    }
    trials.random(&mut report, progress)?;
    Ok(report)
}

fn undisturbed(options: &DrillOptions, job: &Job, scope: &Scope, scratch: &Scratch) -> Result<Undisturbed, String> {
    let run = "undisturbed";
    let process = process(options, scope, scratch, run)?;
    let ended = process.run(&Disturbance::Nothing)?;
    let with_records: Vec<&EpochReport> = ended.epochs.iter().filter(|epoch| epoch.records > 0).collect();
    let Some(middle) = with_records.get(with_records.len() / 2).map(|epoch| epoch.epoch) else {
        return Err(
            "the undisturbed run read no records: are all of them behind aborted transactions? Try more with --records"
                .to_owned(),
        );
    };
    let pace = pace(&ended);
    let mut left_out = BTreeSet::new();
    let mut outcome = read(scratch, run, &left_out)?;
    if reads_the_clock(job) {
        left_out = varying(options, scope, scratch, &outcome.tables)?;
        outcome = read(scratch, run, &left_out)?;
    }
    if let Some(breach) = outcome.books.breach(&outcome.tables, &outcome.books) {
        return Err(format!("the undisturbed run's books do not balance:\n{breach}"));
    }
    Ok(Undisturbed { tables: outcome.tables, books: outcome.books, left_out, pace, middle })
}

/// Columns that differ between two undisturbed runs, because their SQL asks the clock.
fn varying(
    options: &DrillOptions,
    scope: &Scope,
    scratch: &Scratch,
    first: &Tables,
) -> Result<BTreeSet<ColumnName>, String> {
    let run = "undisturbed-2";
    process(options, scope, scratch, run)?.run(&Disturbance::Nothing)?;
    let second = read(scratch, run, &BTreeSet::new())?.tables;
    let mut varying = BTreeSet::new();
    for (name, rows) in &first.by_name {
        let Some(others) = second.by_name.get(name) else { continue };
        let digests = others.column_digests();
        let differs = |(column, digest): &(String, u64)| digests.get(column) != Some(digest);
        varying.extend(rows.column_digests().into_iter().filter(differs).map(|(column, _)| (name.clone(), column)));
    }
    scratch.remove_run(run)?;
    Ok(varying)
}

fn reads_the_clock(job: &Job) -> bool {
    job.tables.iter().map(|table| table.sql.to_lowercase()).any(|sql| CLOCK_WORDS.iter().any(|word| sql.contains(word)))
}

impl Trials<'_> {
    /// A run from empty that is disturbed at one point, and goes on.
    fn aimed(&mut self, fault: Fault) -> Result<Row, String> {
        let (run, process) = self.next_run()?;
        let mut row = Row { point: describe(&fault), ..Row::default() };
        let away = match &fault {
            Fault::Place(fault @ PlaceFault { failure: PlaceFailure::Away { .. }, .. }) => Some(fault.clone()),
            _ => None,
        };
        match process.run(&Disturbance::Fault(fault)) {
            Ok(ended) if ended.killed && away.is_none() => (row.killed, row.kills) = (true, 1),
            Ok(ended) => {
                row.unanswered = away.map_or(0, |fault| process.unanswered(&fault));
                row.recovered_ms = ended.longest_ms();
                if row.unanswered == 0 || ended.killed {
                    row.difference = Some("the job ended without passing this point: nothing was disturbed".to_owned());
                }
            }
            Err(error) => row.difference = Some(error),
        }
        if row.killed {
            self.finish(&run, &process, &mut row)?;
        } else if row.difference.is_none() {
            self.compare(&run, &mut row)?;
        }
        if row.passed() {
            self.scratch.remove_run(&run)?;
        }
        Ok(row)
    }

    /// Runs from empty that are killed at random moments and started again, until there were enough kills.
    fn random(&mut self, report: &mut Report, progress: &mut dyn FnMut(&str)) -> Result<(), String> {
        let mut times = KillTimes::new(self.options.seed);
        let (mut left, mut round, mut idle_rounds) = (self.options.kills, 0, 0);
        while left > 0 && idle_rounds < IDLE_ROUNDS_MAX {
            self.options.check_goes_on()?;
            round += 1;
            progress(&format!(
                "killed at random moments, round {round} (seed {}), {left} kills to go",
                self.options.seed
            ));
            let row = self.round(round, left, &mut times)?;
            left -= row.kills.min(left);
            if row.kills == 0 && row.difference.is_none() {
                idle_rounds += 1;
                continue;
            }
            idle_rounds = 0;
            let failed = !row.passed();
            report.rows.push(row);
            // A job that failed may fail at once every time.
            if failed {
                break;
            }
        }
        Ok(())
    }

    fn round(&mut self, round: u32, kills_max: u32, times: &mut KillTimes) -> Result<Row, String> {
        let (run, process) = self.next_run()?;
        let mut row = Row::default();
        let mut in_recovery = 0;
        while row.kills < kills_max {
            self.options.check_goes_on()?;
            let before = row.kills;
            match process.run(&Disturbance::KilledAfter(times.next(&self.undisturbed.pace))) {
                Ok(ended) if ended.killed => {
                    row.kills += 1;
                    in_recovery += u32::from(before > 0 && ended.epochs.is_empty());
                }
                Ok(_) => break,
                Err(error) => {
                    row.difference = Some(format!("after {before} kills, {error}"));
                    break;
                }
            }
        }
        row.killed = row.kills > 0;
        row.point = format!("random moments, round {round} ({in_recovery} in recovery)");
        if row.killed && row.difference.is_none() {
            self.finish(&run, &process, &mut row)?;
        }
        if row.difference.is_none() {
            self.scratch.remove_run(&run)?;
        }
        Ok(row)
    }

    /// Lets a killed run go on to its end and compares what it left.
    fn finish(&self, run: &str, process: &Process, row: &mut Row) -> Result<(), String> {
        let ended = match process.run(&Disturbance::Nothing) {
            Ok(ended) if ended.killed => {
                row.difference = Some("somebody else killed the restarted job: is there too little memory?".to_owned());
                return Ok(());
            }
            Ok(ended) => ended,
            Err(error) => {
                row.difference = Some(format!("started again, {error}"));
                return Ok(());
            }
        };
        row.recovered_ms = ended.first_ms();
        self.compare(run, row)
    }

    /// Compares what a run left that has ended in order.
    fn compare(&self, run: &str, row: &mut Row) -> Result<(), String> {
        let outcome = match read(self.scratch, run, &self.undisturbed.left_out) {
            Ok(outcome) => outcome,
            Err(error) => {
                row.difference = Some(error);
                return Ok(());
            }
        };
        row.rows_compared = outcome.tables.count();
        let different = match self.replayed(run, &outcome)? {
            // Its epochs were cut otherwise, as after a kill they may be: they are compared with themselves, undisturbed.
            Some(replayed) => difference::between(&replayed.tables, &outcome.tables),
            None => difference::between(&self.undisturbed.tables, &outcome.tables),
        };
        row.tables_equal = different.is_none();
        let breach = outcome.books.breach(&outcome.tables, &self.undisturbed.books);
        row.difference = different.into_iter().chain(breach).reduce(|all, next| format!("{all}\n{next}"));
        Ok(())
    }

    /// The epochs of a killed run once more, undisturbed, if they are not those of the undisturbed run.
    fn replayed(&self, run: &str, outcome: &Outcome) -> Result<Option<Outcome>, String> {
        if outcome.books.is_cut_like(&self.undisturbed.books) {
            return Ok(None);
        }
        let again = format!("{run}-replayed");
        let mut process = process(self.options, self.scope, self.scratch, &again)?;
        process.replayed = Some(checkpoint(self.scratch, run)?);
        let ended = process.run(&Disturbance::Nothing).map_err(|error| format!("replaying {run}: {error}"))?;
        if ended.killed {
            return Err(format!("replaying {run}: somebody else killed it"));
        }
        let replayed = read(self.scratch, &again, &self.undisturbed.left_out)?;
        self.scratch.remove_run(&again)?;
        Ok(Some(replayed))
    }

    fn next_run(&mut self) -> Result<(String, Process), String> {
        self.number += 1;
        let run = format!("run-{:03}", self.number);
        let process = process(self.options, self.scope, self.scratch, &run)?;
        Ok((run, process))
    }
}

fn process(options: &DrillOptions, scope: &Scope, scratch: &Scratch, run: &str) -> Result<Process, String> {
    let folder = scratch.run_folder(run)?;
    let mut sets = options.sets.clone();
    sets.extend(scope.sets.iter().cloned());
    sets.push(("job.checkpoint".to_owned(), quoted(&checkpoint(scratch, run)?.display().to_string())));
    sets.push(("job.warehouse".to_owned(), quoted(&scratch.warehouse(run))));
    Ok(Process {
        engine: options.engine.clone(),
        job_file: options.job_file.clone(),
        sets,
        log: folder.join("stderr.log"),
        replayed: None,
        waiting: None,
        lock: scratch.lock(),
        stop: Arc::clone(&options.stop),
    })
}

fn checkpoint(scratch: &Scratch, run: &str) -> Result<PathBuf, String> {
    Ok(scratch.run_folder(run)?.join("checkpoint"))
}

fn read(scratch: &Scratch, run: &str, left_out: &BTreeSet<ColumnName>) -> Result<Outcome, String> {
    let tables = Tables::read(scratch.connectors(), &scratch.warehouse(run), left_out)?;
    let books = Books::read(&checkpoint(scratch, run)?)?;
    Ok(Outcome { tables, books })
}

/// From the undisturbed run. An epoch counts as five milliseconds at least, or kills would all fall into the start.
fn pace(ended: &Ended) -> Pace {
    let start = ended.epochs.first().map_or(ended.took, |epoch| epoch.after);
    let epochs = u32::try_from(ended.epochs.len()).unwrap_or(1).max(1);
    Pace { start, epoch: (ended.took.saturating_sub(start) / epochs).max(Duration::from_millis(5)) }
}

fn describe(fault: &Fault) -> String {
    match fault {
        Fault::Kill(FailPoint { step, side, epoch }) => {
            let side = if *side == runtime::StepSide::Before { "before" } else { "after" };
            format!("{side} {} of epoch {epoch}", step.name())
        }
        Fault::Place(PlaceFault { place, epoch, failure: PlaceFailure::Killed }) => {
            format!("when {place} has epoch {epoch}")
        }
        Fault::Place(PlaceFault { place, epoch, failure: PlaceFailure::Away { .. } }) => {
            format!("{place} away in epoch {epoch}")
        }
    }
}

fn notes(undisturbed: &Undisturbed, scope: &Scope) -> Vec<String> {
    let tables = &undisturbed.tables.by_name;
    let mut notes = vec![format!(
        "compared with an undisturbed run over the same {} records in {} epochs: {} tables, {} rows; floating-point numbers within 1e-9",
        scope.records,
        undisturbed.books.epochs,
        tables.len(),
        undisturbed.tables.count()
    )];
    notes.extend(undisturbed.books.proofs(&undisturbed.tables));
    let empty: Vec<&str> =
        tables.iter().filter(|(_, rows)| rows.keys.is_empty()).map(|(name, _)| name.as_str()).collect();
    if !empty.is_empty() {
        notes.push(format!(
            "without rows in this range: {} (a wider one, with --records, may close their windows)",
            empty.join(", ")
        ));
    }
    if tables.keys().any(|name| name.starts_with("rejected.") || name.ends_with("__late")) {
        notes.push("not compared: the epoch in which a rejected or late row was met".to_owned());
    }
    let left_out: Vec<String> =
        undisturbed.left_out.iter().map(|(table, column)| format!("{table}.{column}")).collect();
    if !left_out.is_empty() {
        notes.push(format!("not compared, as the clock of the run is in them: {}", left_out.join(", ")));
    }
    notes
}
