//! Runs a case in the engine and compares its tables with the batch answers, after every step.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use runtime::memory::{MemoryOptions, MemoryRun};

use crate::case::{Act, BEGIN_US, Case, Mode, Row, SOURCES};
use crate::cell::{Lines, lines_of_batches};
use crate::duck::Duck;
use crate::fusion::Fusion;
use crate::marks::marked;
use crate::model::{Model, ReadRow};
use crate::query::{Ask, Dialect, relation_of};

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
    Rows,
}

/// What the engine's tables hold after a step.
struct Snapshot {
    step: usize,
    epoch: i64,
    watermarks_us: [i64; 3],
    tables: Vec<Lines>,
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
    now_us: i64,
}

fn stream(case: &Case) -> Result<(Model, Vec<Snapshot>), Failure> {
    let text = case.job_file();
    let job = job::parse("oracle.toml", &text, &[], &|_| None)
        .map_err(|problems| Failure { kind: Kind::Generator, text: problems.render(false) })?;
    let options = MemoryOptions { lanes: case.lanes, lanes_span_min: 0, time_us: BEGIN_US };
    let run = MemoryRun::open(job, &options)
        .map_err(|error| Failure { kind: Kind::Generator, text: format!("the job is refused: {error}") })?;
    let topics = vec![BTreeMap::new(); case.sources.len()];
    let mut stream = Stream { case, run, model: Model::of(case), topics, epochs: 0, now_us: BEGIN_US };
    let mut snapshots = Vec::new();
    for (step, act) in case.acts.iter().enumerate() {
        let done = stream.acts(act).and_then(|()| stream.snapshot(step));
        let done = done.map_err(|failure| Failure { text: format!("step {step}: {}", failure.text), ..failure })?;
        snapshots.extend(done);
    }
    stream.run.run_all().map_err(error)?;
    stream.learns()?;
    snapshots.extend(stream.snapshot(case.acts.len())?);
    Ok((stream.model, snapshots))
}

fn error(error: runtime::RunError) -> Failure {
    Failure { kind: Kind::Error, text: format!("the engine stops: {error}") }
}

impl Stream<'_> {
    fn acts(&mut self, act: &Act) -> Result<(), Failure> {
        self.now_us += act.passes_us;
        self.run.set_time(self.now_us);
        for (source, partition, row) in &act.rows {
            self.run.append(SOURCES[*source], *partition, [row.record()]).map_err(error)?;
            self.topics[*source].entry(*partition).or_default().push(row.clone());
        }
        if act.restarts {
            self.run.restart().map_err(error)?;
            self.model.resumes(self.now_us);
        }
        for (step, after) in &act.kills {
            if self.run.crash(*step, Act::moment(*after)).map_err(error)? {
                self.learns()?;
                self.model.resumes(self.now_us);
            }
        }
        if act.demands {
            self.run.demand_epoch();
        }
        self.run.step().map_err(error)?;
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
        Ok(())
    }

    /// Nothing before the first epoch: a table is not written by then.
    fn snapshot(&mut self, step: usize) -> Result<Option<Snapshot>, Failure> {
        let Some(watermarks_us) = self.model.watermarks.last().copied() else { return Ok(None) };
        let mut tables = Vec::new();
        for table in &self.case.tables {
            tables.push(lines_of_batches(&self.run.rows(&table.name).map_err(error)?));
        }
        Ok(Some(Snapshot { step, epoch: self.epochs as i64 - 1, watermarks_us, tables }))
    }
}

/// Where a table is compared, and with what.
struct Question<'a> {
    snapshot: &'a Snapshot,
    table: usize,
    dialect: Dialect,
    sql: String,
}

fn compare(case: &Case, model: &Model, snapshots: &[Snapshot], oracles: &mut Oracles) -> Result<(), Failure> {
    let Some(last) = snapshots.last() else { return Ok(()) };
    for (at, rows) in model.read.iter().enumerate() {
        oracles.fusion.load(SOURCES[at], rows);
    }
    let mut load: Vec<String> = model.read.iter().enumerate().map(|(at, rows)| duck_table(SOURCES[at], rows)).collect();
    for (at, table) in case.tables.iter().enumerate() {
        let Some((source, rows)) = marked(case, at, model) else { continue };
        let name = relation_of(table, source);
        oracles.fusion.load(&name, &rows);
        load.push(duck_table(&name, &rows));
    }
    let (mut asked, mut told): (Vec<Question<'_>>, Vec<Result<Lines, String>>) = (Vec::new(), Vec::new());
    for snapshot in snapshots {
        let is_last = std::ptr::eq(snapshot, last);
        for (at, table) in case.tables.iter().enumerate().filter(|(_, table)| is_last || table.is_exact) {
            let ask = |dialect| Ask {
                case,
                table: at,
                dialect,
                epoch: snapshot.epoch,
                watermarks_us: snapshot.watermarks_us,
            };
            let question =
                |dialect| Question { snapshot, table: at, dialect, sql: table.query.batch_sql(&ask(dialect)) };
            asked.push(question(Dialect::Duck));
            // DataFusion plans long; the last content is that of all steps.
            if is_last || (case.seed + snapshot.step as u64).is_multiple_of(5) && table.mode != Mode::Append {
                asked.push(question(Dialect::Fusion));
            }
        }
    }
    let (duck, fusion): (Vec<_>, Vec<_>) = asked.into_iter().partition(|question| question.dialect == Dialect::Duck);
    let texts: Vec<String> = duck.iter().map(|question| question.sql.clone()).collect();
    told.extend(oracles.duck.ask(&load, &texts));
    told.extend(fusion.iter().map(|question| oracles.fusion.ask(&question.sql)));
    for (question, answer) in duck.iter().chain(&fusion).zip(told) {
        question.judge(case, answer)?;
    }
    Ok(())
}

impl Question<'_> {
    fn judge(&self, case: &Case, answer: Result<Lines, String>) -> Result<(), Failure> {
        let who = match self.dialect {
            Dialect::Duck => "DuckDB",
            Dialect::Fusion => "DataFusion",
        };
        let expected =
            answer.map_err(|error| Failure { kind: Kind::Generator, text: format!("{who}: {error}\n{}", self.sql) })?;
        let got = &self.snapshot.tables[self.table];
        if expected == *got {
            return Ok(());
        }
        let only = |one: &Lines, other: &Lines| {
            let mut left = other.clone();
            let is_alone = |line: &&String| match left.iter().position(|found| found == *line) {
                Some(at) => {
                    left.swap_remove(at);
                    false
                }
                None => true,
            };
            one.iter().filter(is_alone).map(|line| format!("    {line}\n")).collect::<String>()
        };
        let text = format!(
            "{} after step {} (epoch {}, watermarks {:?}) is not what {who} says:\n  missing:\n{}  too much:\n{}  {who} says {} rows, the table has {}\n  {}\n",
            case.tables[self.table].name,
            self.snapshot.step,
            self.snapshot.epoch,
            self.snapshot.watermarks_us,
            only(&expected, got),
            only(got, &expected),
            expected.len(),
            got.len(),
            self.sql,
        );
        Err(Failure { kind: Kind::Rows, text })
    }
}

fn duck_table(name: &str, rows: &[ReadRow]) -> String {
    let whole = |value: Option<i64>| value.map_or("NULL".to_string(), |value| value.to_string());
    let line = |read: &ReadRow| {
        let row = &read.row;
        let k = row.k.as_ref().map_or("NULL".to_string(), |k| format!("'{k}'"));
        let x = row.x.map_or("NULL".to_string(), |x| format!("{x:?}"));
        let [first, second, both] = read.late_us;
        format!(
            "({},{},{k},{},{},{x},{},{first},{second},{both},{})",
            row.id,
            whole(row.us),
            whole(row.g),
            whole(row.v),
            read.epoch,
            read.mark
        )
    };
    let columns = "id BIGINT, us BIGINT, k VARCHAR, g BIGINT, v BIGINT, x DOUBLE, epoch BIGINT, late_0 BIGINT, late_1 BIGINT, late_2 BIGINT, mark BIGINT";
    let mut sql = format!("CREATE OR REPLACE TABLE {name} ({columns});");
    if !rows.is_empty() {
        let lines: Vec<String> = rows.iter().map(line).collect();
        sql.push_str(&format!(" INSERT INTO {name} VALUES {};", lines.join(",")));
    }
    sql
}
