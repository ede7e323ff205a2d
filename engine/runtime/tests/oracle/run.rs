//! Runs a case in the engine and compares its tables with the batch answers, after every step.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::RecordBatch;
use testkit::MemoryRun;

use crate::case::{Act, Case, Refresh, Row, SOURCES};
use crate::cell::{Lines, lines_of_batches};
use crate::compare::compare;
use crate::duck::Duck;
use crate::fusion::Fusion;
use crate::model::Model;
use crate::place::{self, Refusal, arrive};
use crate::times::{Part, spent};

/// The batch engines of a thread.
pub struct Oracles {
    pub duck: Duck,
    pub fusion: Fusion,
}

impl Oracles {
    pub fn start() -> Oracles {
        Oracles { duck: Duck::start(), fusion: Fusion::start() }
    }
}

/// How a case is not as it should be.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What is not so. Two failures of one kind are the same fault to the shrinker.
    pub kind: Kind,
    /// All there is to say.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The generator made a job that is refused, or a question that a batch engine does not take.
    Generator,
    Error,
    Panic,
    Watermark,
    Version,
    Rows,
}

/// What the engine's tables hold after a step.
pub struct Snapshot {
    pub step: usize,
    pub epoch: i64,
    pub watermarks_us: [i64; 3],
    pub tables: Vec<Lines>,
    /// Late rows by table, if it keeps them.
    pub late: Vec<Lines>,
    /// Rejected records by source, if there can be any.
    pub rejected: Vec<Lines>,
}

/// Runs a case and compares.
pub fn check(case: &Case, oracles: &mut Oracles) -> Result<(), Failure> {
    let run = catch_unwind(AssertUnwindSafe(|| stream(case)));
    let (model, snapshots) = run.unwrap_or_else(|fault| {
        let text = fault.downcast_ref::<String>().cloned();
        let text = text.or_else(|| fault.downcast_ref::<&str>().map(|text| text.to_string()));
        Err(Failure { kind: Kind::Panic, text: format!("panic: {}", text.unwrap_or_default()) })
    })?;
    compare(case, &model, &snapshots, oracles)
}

struct Stream<'a> {
    case: &'a Case,
    run: MemoryRun,
    model: Model,
    topics: Vec<BTreeMap<u16, Vec<Row>>>,
    epochs: u64,
    /// The version that the static table has.
    version: usize,
    /// Epochs before what happens now.
    before_act: u64,
}

fn stream(case: &Case) -> Result<(Model, Vec<Snapshot>), Failure> {
    let run = place::open(case).map_err(|refusal| match refusal {
        Refusal::Job(text) => Failure { kind: Kind::Generator, text },
        Refusal::Engine(fault) => error(fault),
    })?;
    let topics = vec![BTreeMap::new(); case.sources.len()];
    let mut stream = Stream { case, run, model: Model::of(case), topics, epochs: 0, version: 0, before_act: 0 };
    let mut snapshots = Vec::new();
    for (step, act) in case.acts.iter().enumerate() {
        let done = stream.acts(act).and_then(|()| stream.snapshot(step));
        let done = done.map_err(|failure| Failure { text: format!("step {step}: {}", failure.text), ..failure })?;
        snapshots.extend(done);
    }
    spent(Part::Epochs, || stream.run.run_all()).map_err(error)?;
    stream.learns()?;
    snapshots.extend(stream.snapshot(case.acts.len())?);
    Ok((stream.model, snapshots))
}

fn error(error: runtime::RunError) -> Failure {
    Failure { kind: Kind::Error, text: format!("the engine stops: {error}") }
}

impl Stream<'_> {
    fn acts(&mut self, act: &Act) -> Result<(), Failure> {
        self.before_act = self.epochs;
        arrive(&mut self.run, self.case, act, &mut self.version).map_err(error)?;
        for (source, partition, row) in &act.rows {
            self.topics[*source].entry(*partition).or_default().push(row.clone());
        }
        if act.restarts {
            spent(Part::Restart, || self.run.restart()).map_err(error)?;
            self.model.resumes();
        }
        for (step, after) in &act.kills {
            if spent(Part::Restart, || self.run.crash(*step, Act::side(*after))).map_err(error)? {
                self.learns()?;
                self.model.resumes();
            }
        }
        if act.demands {
            self.run.demand_epoch();
        }
        spent(Part::Epochs, || self.run.step()).map_err(error)?;
        self.learns()
    }

    /// Takes the epochs that were committed into the model, and compares the watermarks.
    fn learns(&mut self) -> Result<(), Failure> {
        for commit in self.run.commits_since(self.epochs).map_err(error)? {
            if commit.plan.epoch.0 != self.epochs {
                let text = format!("epoch {} is committed after {}", commit.plan.epoch, self.epochs);
                return Err(Failure { kind: Kind::Error, text });
            }
            if std::env::var_os("ENGINE_ORACLE_TRACE").is_some() {
                eprintln!("epoch {} times {:?} tables {:?}", self.epochs, commit.plan.times, commit.tables);
            }
            self.epochs += 1;
            self.model.takes(&commit, &self.topics);
        }
        for (at, _) in self.case.sources.iter().enumerate() {
            let (ours, its) = (self.model.watermark_of(at), self.run.watermark(SOURCES[at]));
            if self.epochs > 0 && ours != its {
                let text = format!(
                    "after epoch {}: the watermark of {} is {its:?}, by the model {ours:?}",
                    self.epochs, SOURCES[at]
                );
                return Err(Failure { kind: Kind::Watermark, text });
            }
        }
        self.learns_version()
    }

    /// The version of the static table that epochs see goes forward, and not beyond what there is.
    fn learns_version(&self) -> Result<(), Failure> {
        let Some(fixed) = &self.case.fixed else { return Ok(()) };
        let versions = &self.model.versions;
        let is_never = fixed.refresh == Refresh::Never && versions.iter().any(|version| *version != versions[0]);
        if is_never || !versions.is_sorted() || versions.last().is_some_and(|last| *last > self.version) {
            let text = format!("epochs saw the versions {versions:?} of the static table, which has {}", self.version);
            return Err(Failure { kind: Kind::Version, text });
        }
        // An epoch that is run again sees the version of its plan; one that follows it sees the newest.
        let is_undisturbed = self.case.acts.iter().all(|act| act.kills.is_empty());
        let has_run = versions.len() as u64 == self.epochs && self.epochs > self.before_act;
        if fixed.refresh == Refresh::OnChange && is_undisturbed && has_run && versions.last() != Some(&self.version) {
            let text = format!(
                "the newest epoch saw version {:?} of the static table, which has {}",
                versions.last(),
                self.version
            );
            return Err(Failure { kind: Kind::Version, text });
        }
        Ok(())
    }

    /// Nothing before the first epoch: a table is not written by then.
    fn snapshot(&mut self, step: usize) -> Result<Option<Snapshot>, Failure> {
        let Some(watermarks_us) = self.model.watermarks.last().copied() else { return Ok(None) };
        let (mut tables, mut late, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
        for table in &self.case.tables {
            tables.push(lines_of_batches(&self.rows(&table.name)?));
            late.push(match table.keeps_late {
                true => self.columns(&epoch::paths::late_table(&table.name), &["id", "_watermark", "_epoch"])?,
                false => Lines::new(),
            });
        }
        for (at, source) in self.case.sources.iter().enumerate() {
            rejected.push(match source.future_limit_us {
                Some(_) => {
                    self.columns(&epoch::paths::rejected_table(SOURCES[at]), &["partition", "offset", "epoch"])?
                }
                None => Lines::new(),
            });
        }
        Ok(Some(Snapshot { step, epoch: self.epochs as i64 - 1, watermarks_us, tables, late, rejected }))
    }

    fn rows(&mut self, table: &str) -> Result<Vec<RecordBatch>, Failure> {
        spent(Part::Tables, || self.run.rows(table)).map_err(error)
    }

    fn columns(&mut self, table: &str, names: &[&str]) -> Result<Lines, Failure> {
        let of_batch = |batch: &RecordBatch| {
            let places: Vec<usize> = names.iter().map(|name| batch.schema().index_of(name).unwrap()).collect();
            batch.project(&places).unwrap()
        };
        Ok(lines_of_batches(&self.rows(table)?.iter().map(of_batch).collect::<Vec<_>>()))
    }
}
