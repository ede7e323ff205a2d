//! `engine verify`: what a warehouse shows, against the batch answer over the tables that it keeps itself.
//!
//! Each table's query is run once as a batch ([`plan::batch`]) over the rows of the tables that it reads; for a source stands a
//! table that keeps its records. What is not final yet, and which rows came too late, follows from the watermarks on record in
//! the checkpoint.
//!
//! Besides, and whatever hinders that comparison, the rows and files of every table that the commits name are counted against them
//! ([`counting`]).

mod compare;
mod counting;
mod inputs;
mod snapshot;

use std::collections::BTreeSet;

use connector::Registry;
use datafusion::prelude::{SessionConfig, SessionContext};
use epoch::paths;
use job::{Job, OutputMode, StateTtl, Table};
use plan::batch::Batch;
use plan::{Graph, NodeKind, TablePlan};

use crate::block_on::block_on;
pub use counting::Counted;
use inputs::Inputs;
use snapshot::{FILE, WarehouseSnapshot};

/// What came of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The table.
    pub table: String,
    /// How it compares with its batch answer; `None` for what no query of the job makes: rejected and late rows, tables that left.
    pub comparison: Option<Comparison>,
    /// What counting its rows and files came to.
    pub counted: Counted,
    /// What a reader should know besides.
    pub notes: Vec<String>,
}

/// How a table compares with its batch answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Every row that must be there is there, and no other.
    Equal {
        /// Rows compared.
        rows: u64,
    },
    /// Rows are missing, or should not be there.
    Differs {
        /// Rows that are as they should be.
        equal: u64,
        /// What is wrong, row by row.
        lines: Vec<String>,
    },
    /// It cannot be compared, and why.
    NotCompared(String),
}

/// Compares all tables of a job. To be called on a plain thread, not an async one.
///
/// # Errors
/// Why nothing can be compared: the warehouse or the checkpoint cannot be read, nothing is published yet.
pub fn verify(
    job: &Job,
    graph: &Graph,
    connectors: &Registry,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Verdict>, String> {
    block_on(async {
        let snapshot = WarehouseSnapshot::find(job, connectors).await?;
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        snapshot.prepare(&context)?;
        let (mut verdicts, mut names) = (Vec::new(), BTreeSet::new());
        for (table, plan) in job.tables.iter().filter_map(|table| Some((table, graph.plan_of(&table.name)?))) {
            progress(&table.name);
            let verifier = Verifier { job, graph, connectors, table, plan, snapshot: &snapshot };
            let (comparison, notes) = match verifier.verify().await {
                Ok(compared) => compared,
                Err(reason) => (Comparison::NotCompared(reason), Vec::new()),
            };
            // What a comparison has not read is read here.
            let is_unread = matches!(comparison, Comparison::NotCompared(_));
            let counted = counted(job, &snapshot, &context, &table.name, is_unread).await;
            verdicts.push(Verdict { table: table.name.clone(), comparison: Some(comparison), counted, notes });
            names.insert(&table.name);
        }
        for table in snapshot.sinks().filter(|sink| !names.contains(sink)) {
            progress(table);
            let counted = counted(job, &snapshot, &context, table, true).await;
            verdicts.push(Verdict { table: table.clone(), comparison: None, counted, notes: Vec::new() });
        }
        Ok(verdicts)
    })?
}

/// Counts the rows and files of a table. `whole`: reads all of it.
async fn counted(
    job: &Job,
    snapshot: &WarehouseSnapshot,
    context: &SessionContext,
    table: &str,
    whole: bool,
) -> Counted {
    let Some(books) = snapshot.books(table) else {
        let (checkpoint, epoch) = (&job.checkpoint, snapshot.epoch);
        return Counted::Unknown(format!(
            "the commit of epoch {epoch}, the last that was published, is not in {checkpoint}"
        ));
    };
    let said = match books.rows() {
        Some(rows) => {
            format!("its commits up to epoch {} say that it holds {}", snapshot.epoch, counting::rows_text(rows))
        }
        None => "its commits say that it got rows".to_owned(),
    };
    let is_empty = books.rows() == Some(0);
    let Some(there) = snapshot.present(table) else {
        return match is_empty {
            true => Counted::Agrees { rows: 0, files: 0, notes: Vec::new() },
            false if is_of_job(job, table) => Counted::Breach(vec![format!("it is not in the warehouse, and {said}")]),
            false => Counted::Unknown("it is no longer in the job, nor in the warehouse".to_owned()),
        };
    };
    match &there.info.damage {
        Some(damage) if is_empty => return Counted::Unknown(damage.clone()),
        Some(damage) => return Counted::Breach(vec![format!("{damage}; {said}")]),
        None => {}
    }
    match counting::read(context, there, FILE, whole).await {
        Ok(present) => books.compare(&present),
        Err(error) => {
            let named = books.named_in(&error);
            Counted::Breach(std::iter::once(format!("its rows cannot be read: {error}")).chain(named).collect())
        }
    }
}

/// True if a job writes to a table, be it for rejected or late rows.
fn is_of_job(job: &Job, table: &str) -> bool {
    let of_tables = job.tables.iter().any(|own| own.name == table || paths::late_table(&own.name) == table);
    of_tables || job.sources.keys().any(|source| paths::rejected_table(source) == table)
}

/// One table on its way to a verdict.
struct Verifier<'a> {
    job: &'a Job,
    graph: &'a Graph,
    connectors: &'a Registry,
    table: &'a Table,
    plan: &'a TablePlan,
    snapshot: &'a WarehouseSnapshot,
}

impl Verifier<'_> {
    /// The verdict; an error says why there is none.
    async fn verify(&self) -> Result<(Comparison, Vec<String>), String> {
        let shown = self.snapshot.table(&self.table.name)?;
        let has_memory = self.has_memory();
        if has_memory && self.snapshot.commits.is_empty() {
            return Err(format!("nothing says what is final: the checkpoint {} has no epochs", self.job.checkpoint));
        }
        let mut batch = Batch::new(self.job, self.graph)?;
        self.snapshot.prepare(batch.context())?;
        let inputs = Inputs {
            job: self.job,
            graph: self.graph,
            connectors: self.connectors,
            table: self.plan,
            snapshot: self.snapshot,
        };
        inputs.fill(&mut batch).await?;
        let answer = batch.answer(self.table)?;
        if !answer.knows_late && has_memory {
            self.refuse_late()?;
        }
        let expected = compare::expected(&batch, &answer.plan, &self.plan.schema, has_memory).await?;
        let actual = compare::actual(&batch, shown, &self.plan.schema, has_memory).await?;
        let due = self.due(has_memory);
        let mut compared = compare::between(&expected, &actual, due.as_ref());
        let mut notes = std::mem::take(&mut compared.notes);
        let Some(lines) = compared.lines else { return Ok((Comparison::Equal { rows: compared.equal }, notes)) };
        if let Some(reason) = self.excuse(&batch, answer.doubtful.as_ref(), has_memory).await? {
            return Err(reason);
        }
        if let (true, Some(first)) = (has_memory, self.snapshot.first_missing()) {
            notes.push(format!(
                "epochs before {first} are no longer on record (retain_epochs): none of their rows is taken to have been late"
            ));
        }
        Ok((Comparison::Differs { equal: compared.equal, lines }, notes))
    }

    fn has_memory(&self) -> bool {
        let nodes = &self.graph.nodes[self.plan.nodes.clone()];
        nodes.iter().any(|node| matches!(node.kind, NodeKind::Operator(_)))
    }

    /// Rows that came too late are in what the table reads and not in the table.
    fn refuse_late(&self) -> Result<(), String> {
        match self.snapshot.late_rows(&self.table.name) {
            0 => Ok(()),
            late => Err(format!("{late} rows came too late for it, and a batch of its query cannot tell which")),
        }
    }

    /// When a row of the batch must be there; `None`: all of them now.
    fn due(&self, has_memory: bool) -> Option<compare::Due> {
        let is_append = self.table.mode == OutputMode::Append && has_memory;
        is_append.then(|| compare::Due {
            watermark_us: self.snapshot.last_plan().and_then(|plan| self.time(plan).watermark_us),
            times: self.plan.times.clone(),
        })
    }

    fn time(&self, plan: &epoch::Plan) -> epoch::SourceTime {
        runtime::table_time(self.plan, self.job.watermark_policy, plan)
    }

    /// Why a difference may be none.
    async fn excuse(
        &self,
        batch: &Batch<'_>,
        doubtful: Option<&datafusion::logical_expr::LogicalPlan>,
        has_memory: bool,
    ) -> Result<Option<String>, String> {
        if let (true, Some(StateTtl::After(_))) = (has_memory, self.table.state_ttl) {
            return Ok(Some("its state is forgotten after state_ttl, which a batch does not know of".to_string()));
        }
        let Some(doubtful) = doubtful else { return Ok(None) };
        let (_, rows) = batch.run(doubtful).await?;
        let rows: usize = rows.iter().map(|batch| batch.num_rows()).sum();
        Ok((rows > 0).then(|| {
            format!("{rows} rows came behind the watermark and within a session's gap: which session they are in depends on when they came")
        }))
    }
}
