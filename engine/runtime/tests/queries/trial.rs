//! Checks a query, and runs it over a few rows if it passes.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{AsArray, RecordBatch};
use memory::MemoryRecord;
use operators::OperatorError;
use runtime::RunError;
use testkit::{MemoryOptions, MemoryRun};

use crate::dice::Dice;
use crate::generate::Query;
use crate::rows::{BEGIN_S, record};

/// What became of a query.
#[derive(Debug)]
pub enum Outcome {
    /// It was refused, with a remedy.
    Refused,
    /// It ran.
    Ran,
    /// It was stopped by a row inside of an aggregate or a join, as it says.
    StoppedByRow,
    /// What must not be.
    Failed(String),
}

/// How many there are of each.
#[derive(Default)]
pub struct Outcomes {
    pub refused: AtomicU64,
    pub ran: AtomicU64,
    pub stopped: AtomicU64,
    pub failed: AtomicU64,
}

impl Outcomes {
    pub fn count(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Refused => &self.refused,
            Outcome::Ran => &self.ran,
            Outcome::StoppedByRow => &self.stopped,
            Outcome::Failed(_) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [ran, stopped, refused, failed] =
            [&self.ran, &self.stopped, &self.refused, &self.failed].map(|count| count.load(Ordering::Relaxed));
        write!(f, "{ran} queries ran, {stopped} were stopped by a row, {refused} were refused, {failed} failed")
    }
}

/// Words of errors that are no matter of a row.
const FAULTS: [&str; 12] = [
    "fault of the engine",
    "please report",
    "Internal error",
    "not implemented",
    "not supported",
    "Unsupported",
    "downcast",
    "mismatch",
    "panicked",
    "left in the plan",
    "Expected",
    "rewritten",
];

/// Checks a query and runs it.
pub fn try_query(query: &Query, seed: u64) -> Outcome {
    let tried = catch_unwind(AssertUnwindSafe(|| checked_and_run(query, seed)));
    tried.unwrap_or_else(|fault| {
        let text = fault.downcast_ref::<String>().cloned();
        let text = text.or_else(|| fault.downcast_ref::<&str>().map(|text| text.to_string()));
        Outcome::Failed(format!("panic: {}", text.unwrap_or_default()))
    })
}

fn checked_and_run(query: &Query, seed: u64) -> Outcome {
    let connectors = job::Connectors::new(&[&kafka::KafkaConnector]);
    let job = match job::parse("fuzz.toml", &query.job_file(), &[], &|_| None, connectors) {
        Ok(job) => job,
        Err(problems) => {
            let text = problems.render(false);
            return if text.contains("is empty") { Outcome::Refused } else { Outcome::Failed(text) };
        }
    };
    let graph = match plan::plan_job(&job, &runtime::source_schemas(&job), &connector::Capabilities::FILES) {
        Ok(graph) => graph,
        Err(problems) => {
            let fault = problems.iter().map(|problem| &problem.problem.message).find(|text| is_fault_of_planning(text));
            return fault.map_or(Outcome::Refused, |text| Outcome::Failed(format!("refused as a fault: {text}")));
        }
    };
    // What the warehouse cannot hold is refused by `check`, too.
    let columns = graph.tables.iter().flat_map(|table| table.schema.fields().iter());
    let mut columns = columns.map(|field| delta_takes(field.data_type()));
    if !columns.all(|takes| takes) {
        return Outcome::Refused;
    }
    let options = MemoryOptions { time_us: BEGIN_S * 1_000_000, ..MemoryOptions::default() };
    let run = MemoryRun::of_graph(job, graph.into(), &options);
    match run.and_then(|mut run| run_epochs(&mut run, seed)) {
        Ok(reasons) => match reasons.iter().find(|reason| is_fault(reason)) {
            Some(reason) => Outcome::Failed(format!("rows are rejected: {reason}")),
            None => Outcome::Ran,
        },
        Err(RunError::Operator { error: OperatorError::Row(what), .. }) if !is_fault(&what) => Outcome::StoppedByRow,
        // `check` asks the warehouse, too.
        Err(error) if error.to_string().contains("the table cannot take these columns") => Outcome::Refused,
        Err(error) => Outcome::Failed(format!("the job stops: {error}")),
    }
}

fn is_fault(text: &str) -> bool {
    FAULTS.iter().any(|fault| text.contains(fault))
}

/// A refusal that says "please report" is honest, and a fault all the same.
fn is_fault_of_planning(text: &str) -> bool {
    ["fault of the engine", "please report", "what cannot run"].iter().any(|fault| text.contains(fault))
}

fn delta_takes(kind: &arrow::datatypes::DataType) -> bool {
    use arrow::datatypes::DataType::{Duration, Interval, List, Map, Null, Struct};
    match kind {
        Null | Duration(_) | Interval(_) => false,
        List(element) | Map(element, _) => delta_takes(element.data_type()),
        Struct(fields) => fields.iter().all(|field| delta_takes(field.data_type())),
        _ => true,
    }
}

/// Some epochs with rows, a new start between them, and one that closes all windows. Returns why rows were rejected.
fn run_epochs(run: &mut MemoryRun, seed: u64) -> Result<Vec<String>, RunError> {
    let dice = &mut Dice::of(seed ^ 0x5eed);
    for second in [0, 8, 16] {
        for source in ["t", "r"] {
            let records = (0..1 + dice.below(6)).map(|at| memory_record(dice, second + at as i64));
            let records: Vec<_> = records.collect();
            run.append(source, dice.below(2) as u16, records)?;
        }
        run.step()?;
        if dice.percent(20) {
            run.restart()?;
        }
    }
    for source in ["t", "r"] {
        run.append(source, 0, [memory_record(dice, 10_000)])?;
        run.append(source, 1, [memory_record(dice, 10_000)])?;
    }
    run.run_all()?;
    let mut reasons = Vec::new();
    for table in ["g.q__rejected", "rejected.t"] {
        let batches = if run.schema(table).is_ok() { run.rows(table)? } else { Vec::new() };
        reasons.extend(batches.iter().flat_map(reasons_of));
    }
    Ok(reasons)
}

fn reasons_of(batch: &RecordBatch) -> Vec<String> {
    let reasons = batch.column_by_name("reason").map(|column| column.as_string::<i32>().clone());
    reasons.iter().flat_map(|reasons| reasons.iter().flatten()).map(str::to_string).collect()
}

fn memory_record(dice: &mut Dice, second: i64) -> MemoryRecord {
    let value = if dice.percent(3) { b"no json".to_vec() } else { record(dice, second) };
    MemoryRecord { key: None, value: Some(value), timestamp_ms: Some((BEGIN_S + second) * 1000) }
}
