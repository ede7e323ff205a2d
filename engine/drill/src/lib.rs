//! `engine drill`: kills a user's own job at every step of the protocol and proves its tables equal to an undisturbed run.
//! `engine verify`: proves a warehouse equal to the batch answer over its own tables ([`verify`]).
//!
//! Read [`run`] first. The job runs as its user runs it, as a process of its own, but over a bounded range of its topics
//! ([`scope`]) and in scratch folders ([`scratch`]); what it does elsewhere is not touched.

mod block_on;
mod books;
mod definitions;
mod difference;
mod kill_points;
mod options;
mod process;
mod replay;
mod report;
mod rows;
mod scope;
mod scratch;
mod trials;
mod verify;

use connector::Registry;

pub use options::DrillOptions;
pub use replay::{CameOut, Replayed, ReplayedTable, replay};
pub use report::{Report, Row};
pub use verify::{Comparison, Counted, Verdict, Verified, verify};

/// Drills a job. `progress` gets one line at a time about what goes on. To be called on a plain thread, not an async one.
///
/// # Errors
/// Why there is no result: the job file, the topic or the store are not as a drill needs them, or the job fails without
/// any kill; or the drill was [stopped](DrillOptions::stop). A job that fails because of a kill is a result: a row of the report with
/// its difference.
pub fn run(options: &DrillOptions, connectors: &Registry, progress: &mut dyn FnMut(&str)) -> Result<Report, String> {
    let job = scope::read_job(options, &[])?;
    let scope = scope::bound(&job, options, connectors)?;
    progress(&format!("{} records of {}", scope.records, scope.partitions));
    let scratch = scratch::Scratch::new(&job, options, connectors, progress)?;
    let result = trials::all(options, &job, &scope, &scratch, progress);
    scratch.remove_if_stopped(options, "drill")?;
    match &result {
        Ok(report) if !report.passed() => {
            progress(&format!("what the runs left is kept in {}", scratch.keep()));
        }
        // A sound drill that leaves something behind says so; an error has more to say than that.
        Ok(_) => scratch.remove()?,
        Err(_) => {}
    }
    result
}

#[cfg(test)]
mod tests;
