//! `engine replay`: a job's own epochs run again from the plans that its commits carry, and compared with what the job made of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use connector::{AsOf, Registry, TableSnapshot};
use datafusion::prelude::{SessionConfig, SessionContext};
use job::Job;
use plan::Graph;

use crate::block_on::block_on;
use crate::options::DrillOptions;
use crate::process::{Disturbance, Process, Said};
use crate::scope::quoted;
use crate::scratch::Scratch;
use crate::verify::snapshot::{FILE, WarehouseSnapshot};

mod compare;
mod scope;

use scope::scope_of;

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Epochs that were run again.
    pub epochs: u64,
    /// What came of each table.
    pub tables: Vec<ReplayedTable>,
    /// Where what came out otherwise is kept.
    pub kept: Option<String>,
}

/// What came of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedTable {
    /// The table.
    pub table: String,
    /// How it came out.
    pub outcome: CameOut,
}

/// How a table came out of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameOut {
    /// As it lies in the warehouse.
    Same {
        /// Rows.
        rows: u64,
        /// Why only its later epochs count, if so.
        note: Option<String>,
    },
    /// Otherwise: how, line by line.
    Otherwise(Vec<String>),
    /// It is left out, and why.
    LeftOut(String),
}

impl Replayed {
    /// Tables that came out like this.
    pub fn number(&self, is_so: fn(&CameOut) -> bool) -> u64 {
        self.tables.iter().filter(|table| is_so(&table.outcome)).count() as u64
    }

    fn is_sound(&self) -> bool {
        self.number(|outcome| matches!(outcome, CameOut::Otherwise(_))) == 0
    }
}

/// Runs the epochs of a job's checkpoint again, in scratch folders, and compares the tables. The job may not be running. `waiting` hears
/// of places that are away and waited for. To be called on a plain thread, not an async one.
///
/// # Errors
/// Why there is no result: its first epochs are no longer on record, its sources no longer have the records, or it fails.
pub fn replay(
    options: &DrillOptions,
    job: &Job,
    graph: &Graph,
    connectors: &Registry,
    waiting: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Replayed, String> {
    let snapshot = block_on(WarehouseSnapshot::find(job, connectors))??;
    check_is_complete(job, &snapshot)?;
    let scratch = Scratch::new(job, options, connectors, &mut |_| {})?;
    let result = run_again(options, job, &scratch, Said(Arc::new(waiting))).and_then(|warehouse| {
        let tables = compared(job, graph, connectors, &snapshot, &warehouse)?;
        Ok(Replayed { epochs: snapshot.commits.len() as u64, tables, kept: None })
    });
    scratch.remove_if_stopped(options, "replay")?;
    let mut replayed = result?;
    match replayed.is_sound() {
        true => scratch.remove()?,
        false => replayed.kept = Some(scratch.keep()),
    }
    Ok(replayed)
}

/// Refuses what would come out otherwise for no fault of the engine: what the commits say is not what lies in the warehouse yet.
fn check_is_complete(job: &Job, snapshot: &WarehouseSnapshot) -> Result<(), String> {
    let (name, checkpoint, epoch) = (&job.name, &job.checkpoint, snapshot.epoch);
    if let Some((first, last)) = snapshot.lost() {
        return Err(format!(
            "the warehouse was set back: {checkpoint} has published up to epoch {last}, the tables stand at epoch {epoch}, and what came from \
             epoch {first} on is missing. Bring back the warehouse as it was"
        ));
    }
    if let Some(next) = snapshot.unpublished {
        return Err(format!(
            "epoch {next} of the job {name} is committed and not published yet, the warehouse is at epoch {epoch}; run the job, which \
             publishes it first: engine submit"
        ));
    }
    match snapshot.commits.contains_key(&epoch) {
        true => Ok(()),
        false => Err(format!(
            "the warehouse is at epoch {epoch} of the job {name}, and {checkpoint} has no commit of it: it is an older copy, or was lost. \
             Bring the checkpoint that belongs to the warehouse"
        )),
    }
}

/// Runs the epochs again. Returns the warehouse that they were run into.
fn run_again(options: &DrillOptions, job: &Job, scratch: &Scratch, waiting: Said) -> Result<String, String> {
    let run = "replay";
    let folder = scratch.run_folder(run)?;
    let warehouse = scratch.warehouse(run);
    let mut sets = options.sets.clone();
    let set = |key: &str, value: String| (key.to_owned(), quoted(&value));
    // A name of its own keeps the job's consumer group, which lag tools watch, as it is.
    sets.push(set("job.name", format!("{}-replay", job.name)));
    sets.push(set("job.checkpoint", folder.join("checkpoint").display().to_string()));
    sets.push(set("job.warehouse", warehouse.clone()));
    let process = Process {
        engine: options.engine.clone(),
        job_file: options.job_file.clone(),
        sets,
        log: folder.join("stderr.log"),
        replayed: Some(PathBuf::from(&job.checkpoint)),
        waiting: Some(waiting),
        lock: scratch.lock(),
        stop: Arc::clone(&options.stop),
    };
    let ended =
        process.run(&Disturbance::Nothing).map_err(|error| format!("the epochs cannot be run again: {error}"))?;
    match ended.killed {
        false => Ok(warehouse),
        true => Err("somebody killed the replay: is there too little memory?".to_owned()),
    }
}

fn compared(
    job: &Job,
    graph: &Graph,
    connectors: &Registry,
    snapshot: &WarehouseSnapshot,
    location: &str,
) -> Result<Vec<ReplayedTable>, String> {
    let fingerprints = runtime::fingerprints(job, graph);
    let text = |error: connector::SinkError| error.to_string();
    block_on(async {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        snapshot.prepare(&context)?;
        let again = connectors.warehouse(location).await.map_err(text)?;
        again.prepare(&context).map_err(text)?;
        let again = again.tables(AsOf::Latest, Some(FILE)).await.map_err(text)?;
        // Every table that got anything, here or there.
        let mut names: BTreeSet<&str> = snapshot.sinks().map(String::as_str).collect();
        let with_files = again.iter().filter(|table| table.info.files > 0);
        names.extend(with_files.map(|table| table.info.name.as_str()));
        let mut tables = Vec::new();
        for name in names {
            let sides =
                Sides { warehouse: snapshot.present(name), again: again.iter().find(|table| table.info.name == name) };
            let outcome = match scope_of(name, graph, snapshot, &fingerprints) {
                Ok(scope) => compare::outcome(&context, sides, scope).await,
                Err(reason) => CameOut::LeftOut(reason),
            };
            tables.push(ReplayedTable { table: name.to_owned(), outcome });
        }
        Ok(tables)
    })?
}

/// A table as it lies in the warehouse, and as it came out of the replay; `None` where it is not.
#[derive(Clone, Copy)]
struct Sides<'a> {
    warehouse: Option<&'a TableSnapshot>,
    again: Option<&'a TableSnapshot>,
}
