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
pub mod reach;
mod sift;
pub mod snapshot;
mod table;

use std::collections::BTreeSet;

use connector::Registry;
use datafusion::prelude::{SessionConfig, SessionContext};
use epoch::paths;
use job::Job;
use plan::Graph;

use crate::block_on::block_on;
pub use counting::Counted;
use snapshot::{FILE, WarehouseSnapshot};
use table::Verifier;

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

/// What came of a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What came of each table.
    pub verdicts: Vec<Verdict>,
    /// That the warehouse stands at an earlier epoch than was published, if it does.
    pub set_back: Option<String>,
}

/// Compares all tables of a job. To be called on a plain thread, not an async one.
///
/// # Errors
/// Why nothing can be compared: the warehouse or the checkpoint is not there or cannot be read, nothing is published yet, the checkpoint
/// is older than the tables.
pub fn verify(
    job: &Job,
    graph: &Graph,
    connectors: &Registry,
    progress: &mut dyn FnMut(&str),
) -> Result<Verified, String> {
    block_on(async {
        let snapshot = WarehouseSnapshot::find(job, connectors).await?;
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        snapshot.prepare(&context)?;
        let fingerprints = runtime::fingerprints(job, graph);
        let (mut verdicts, mut names) = (Vec::new(), BTreeSet::new());
        for (table, plan) in job.tables.iter().filter_map(|table| Some((table, graph.plan_of(&table.name)?))) {
            progress(&table.name);
            let (snapshot, fingerprints) = (&snapshot, &fingerprints);
            let verifier = Verifier { job, graph, connectors, table, plan, snapshot, fingerprints };
            let (comparison, notes) = match verifier.verify().await {
                Ok(compared) => compared,
                Err(reason) => (Comparison::NotCompared(reason), Vec::new()),
            };
            // What a comparison has not read is read here.
            let is_unread = matches!(comparison, Comparison::NotCompared(_));
            let counted = counted(job, snapshot, &context, &table.name, is_unread).await;
            verdicts.push(Verdict { table: table.name.clone(), comparison: Some(comparison), counted, notes });
            names.insert(&table.name);
        }
        for table in snapshot.sinks().filter(|sink| !names.contains(sink)) {
            progress(table);
            let counted = counted(job, &snapshot, &context, table, true).await;
            verdicts.push(Verdict { table: table.clone(), comparison: None, counted, notes: Vec::new() });
        }
        Ok(Verified { verdicts, set_back: set_back(job, &snapshot) })
    })?
}

/// What has left the warehouse as a whole: an earlier copy of it was brought back.
fn set_back(job: &Job, snapshot: &WarehouseSnapshot) -> Option<String> {
    let (first, last) = snapshot.lost()?;
    let epochs = if first == last { format!("epoch {first} is") } else { format!("epochs {first} to {last} are") };
    Some(format!(
        "the warehouse {} was set back: {} has published up to epoch {last}, the tables stand at epoch {}; {epochs} missing. Bring back the \
         warehouse as it was, or the checkpoint that belongs to it",
        job.warehouse, job.checkpoint, snapshot.epoch
    ))
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
            format!("its commits up to epoch {} say that it holds {}", snapshot.must_be_at(), counting::rows_text(rows))
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
    let beside = |own: &str| [paths::late_table(own), paths::rejected_rows_table(own)].iter().any(|name| name == table);
    let of_tables = job.tables.iter().any(|own| own.name == table || beside(&own.name));
    of_tables || job.sources.keys().any(|source| paths::rejected_table(source) == table)
}
