//! `engine drill`: kills a user's own job at every step of the protocol and proves its tables equal to an undisturbed run.
//! `engine verify`: proves a warehouse equal to the batch answer over its own tables ([`verify`]).
//!
//! Read [`run`] first. The job runs as its user runs it, as a process of its own, but over a bounded range of its topics
//! ([`scope`]) and in scratch folders ([`place`]); what it does elsewhere is not touched.

mod books;
mod difference;
mod kill_points;
mod place;
mod process;
mod report;
mod rows;
mod scope;
mod trials;
mod verify;

use std::path::PathBuf;

use connector::Registry;

pub use report::{Report, Row};
pub use verify::{Comparison, Verdict, verify};

/// What to drill, and how hard.
#[derive(Debug, Clone)]
pub struct DrillOptions {
    /// The engine binary.
    pub engine: PathBuf,
    /// The user's job file.
    pub job_file: PathBuf,
    /// `--set` values that the user put over the file.
    pub sets: Vec<(String, String)>,
    /// Kills at random times, besides the two at each step.
    pub kills: u32,
    /// Records of the range, the newest of the topics, shared by the sources.
    pub records: u64,
    /// About so many epochs the range is cut into.
    pub epochs: u64,
    /// Where the scratch folders lie; `None`: the system's folder for temporary files.
    pub scratch: Option<PathBuf>,
    /// Seed of the random times.
    pub seed: u64,
}

impl DrillOptions {
    /// The usual drill: 16 random kills, 50,000 records in about 6 epochs.
    pub fn new(engine: PathBuf, job_file: PathBuf) -> DrillOptions {
        let (kills, records, epochs, seed) = (16, 50_000, 6, 1);
        DrillOptions { engine, job_file, sets: Vec::new(), kills, records, epochs, scratch: None, seed }
    }
}

/// Drills a job. `progress` gets one line at a time about what goes on. To be called on a plain thread, not an async one.
///
/// # Errors
/// Why there is no result: the job file, the topic or the store are not as a drill needs them, or the job fails without
/// any kill. A job that fails because of a kill is a result: a row of the report with its difference.
pub fn run(options: &DrillOptions, connectors: &Registry, progress: &mut dyn FnMut(&str)) -> Result<Report, String> {
    let job = scope::read_job(options, &[])?;
    let scope = scope::bound(&job, options, connectors)?;
    progress(&format!("{} records of {}", scope.records, scope.partitions));
    let place = place::Place::new(&job, options, connectors)?;
    let result = trials::all(options, &job, &scope, &place, progress);
    let is_sound = result.as_ref().is_ok_and(Report::passed);
    if is_sound {
        place.remove()?;
    } else {
        progress(&format!("what the runs left is kept in {}", place.describe()));
    }
    result
}

#[cfg(test)]
mod tests;
