//! `engine replay`: a job's own epochs run again from the plans that its commits carry, and compared with what the job made of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use job::Job;

use crate::books::Books;
use crate::difference;
use crate::options::DrillOptions;
use crate::process::{Kill, Process};
use crate::rows::Tables;
use crate::scope::{quoted, read_job};
use crate::scratch::Scratch;

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Epochs that were run again.
    pub epochs: u64,
    /// Rows of each table that came out equal.
    pub equal: Vec<(String, u64)>,
    /// What came out otherwise.
    pub difference: Option<String>,
}

/// Runs the epochs of a job's checkpoint again, in scratch folders, and compares the tables. The job may not be running.
///
/// # Errors
/// Why there is no result: its first epochs are no longer on record, its sources no longer have the records, or it fails.
pub fn replay(options: &DrillOptions, connectors: &connector::Registry) -> Result<Replayed, String> {
    let job = read_job(options, &[])?;
    let scratch = Scratch::new(&job, options, connectors)?;
    let result = compare(options, &job, &scratch);
    scratch.remove_if_stopped(options, "replay")?;
    if result.as_ref().is_ok_and(|replayed| replayed.difference.is_none()) {
        scratch.remove()?;
    }
    result.map_err(|error| format!("{error}\n  what the replay left is kept in {}", scratch.describe()))
}

fn compare(options: &DrillOptions, job: &Job, scratch: &Scratch) -> Result<Replayed, String> {
    let run = "replay";
    let own = PathBuf::from(&job.checkpoint);
    let books = Books::read(&own)?;
    let folder = scratch.run_folder(run)?;
    let mut sets = options.sets.clone();
    let set = |key: &str, value: String| (key.to_owned(), quoted(&value));
    // A name of its own keeps the job's consumer group, which lag tools watch, as it is.
    sets.push(set("job.name", format!("{}-replay", job.name)));
    sets.push(set("job.checkpoint", folder.join("checkpoint").display().to_string()));
    sets.push(set("job.warehouse", scratch.warehouse(run)));
    let process = Process {
        engine: options.engine.clone(),
        job_file: options.job_file.clone(),
        sets,
        log: folder.join("stderr.log"),
        replayed: Some(own),
        stop: Arc::clone(&options.stop),
    };
    let ended = process.run(Kill::Never)?;
    if ended.killed {
        return Err("somebody killed the replay: is there too little memory?".to_owned());
    }
    let written: BTreeSet<&String> = books.tables.keys().collect();
    let read = |location: &str| -> Result<Tables, String> {
        let mut tables = Tables::read(scratch.connectors(), location, &BTreeSet::new())?;
        tables.by_name.retain(|name, _| written.contains(name));
        Ok(tables)
    };
    let (before, again) = (read(&job.warehouse)?, read(&scratch.warehouse(run))?);
    let difference = difference::between(&again, &before);
    let equal = before.by_name.iter().map(|(name, rows)| (name.clone(), rows.keys.len() as u64)).collect();
    Ok(Replayed { epochs: books.epochs, equal: if difference.is_none() { equal } else { Vec::new() }, difference })
}
