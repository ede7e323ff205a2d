//! `engine checkpoint`: how far a job has come, and whether what it keeps is sound.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use runtime::Backends;
use state::{Checkpoint, CheckpointReader, StateError};

use crate::connectors::registry;
use crate::ending::{Failure, Outcome};
use crate::job_file::JobFile;
use crate::progress;
use crate::show::{bytes, counted};
use crate::terminal;

mod report;

/// Looks into a checkpoint: how far the job has come, and whether it is sound; rebuilds one that was lost
#[derive(Debug, Args)]
#[command(after_help = "\
While show and verify look the job may go on running, and nothing is changed.

Examples:
  engine checkpoint show checkpoints/ecommerce
  engine checkpoint verify checkpoints/ecommerce
  engine checkpoint rebuild jobs/yours.toml")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Show(Show),
    Verify(Verify),
    Rebuild(Rebuild),
}

/// Shows epochs, offsets, watermarks, rows and the size of the state
#[derive(Debug, Args)]
#[command(after_help = "\
Times are UTC. `next` is the offset that the next epoch begins with, `behind` the records that were there and not yet read when the last epoch was planned.

Example:
  engine checkpoint show checkpoints/ecommerce --epochs 3")]
struct Show {
    /// Folder of the checkpoint
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// How many of the newest epochs to show
    #[arg(long, default_value_t = 10, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
}

/// Reads everything in a checkpoint and says what cannot be true
#[derive(Debug, Args)]
#[command(after_help = "\
Checks every record and block against its checksum, and that commits, offsets, watermarks and state fit together. Exit code 0: sound; 1: damaged, each damage is named, or without any epoch.

Example:
  engine checkpoint verify checkpoints/ecommerce")]
struct Verify {
    /// Folder of the checkpoint
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Makes the lost checkpoint of a job without state anew, from what its tables hold
#[derive(Debug, Args)]
#[command(after_help = "\
Every commit in the warehouse carries the offsets that it was read up to. A job whose tables keep no state (filters, projections, joins with static tables) needs nothing else to go on. Refused if a table keeps state, if there is a checkpoint already, or if a table has an epoch that not every table has.

Example:
  engine checkpoint rebuild jobs/yours.toml")]
struct Rebuild {
    #[command(flatten)]
    job: JobFile,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    match &arguments.action {
        Action::Show(show) => {
            let reader = open(&show.folder)?;
            let lines = report::lines(&reader, show.epochs).map_err(failed)?;
            writeln!(io::stdout().lock(), "{}", lines.join("\n"))?;
            Ok(())
        }
        Action::Verify(verify) => run_verify(verify),
        Action::Rebuild(rebuild) => run_rebuild(rebuild),
    }
}

fn run_rebuild(arguments: &Rebuild) -> Outcome {
    let job = arguments.job.read()?;
    let rebuilt = runtime::rebuild(&job, &Backends::of_machine(registry()));
    let rebuilt = rebuilt.map_err(|error| Failure::Failed(error.to_string()))?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}: rebuilt at epoch {}, checkpoint id {}", job.checkpoint, rebuilt.epoch, rebuilt.job_id)?;
    for (source, split, position) in &rebuilt.positions {
        writeln!(out, "  {source}: {split} goes on from {position}")?;
    }
    Ok(())
}

fn run_verify(arguments: &Verify) -> Outcome {
    let reader = open(&arguments.folder)?;
    let report = progress::while_running("reading every record and block", || reader.verify()).map_err(failed)?;
    let folder = arguments.folder.display();
    let read = format!(
        "{}, {}, {} of state ({})",
        counted(report.commits, "commit"),
        counted(report.files, "data file"),
        counted(report.blocks, "block"),
        bytes(report.block_bytes)
    );
    if report.problems.is_empty() && report.commits == 0 {
        return Err(Failure::Failed(format!(
            "{folder} holds nothing: a job was started with it, and no epoch was committed. If it should hold epochs, it is another folder, or \
             they were lost"
        )));
    }
    if report.problems.is_empty() {
        writeln!(io::stdout().lock(), "{folder}: sound: {read}")?;
        return Ok(());
    }
    for problem in report.problems.iter().take(PROBLEMS_SHOWN) {
        terminal::line(&format!("error: {problem}"));
    }
    if let Some(more) = report.problems.len().checked_sub(PROBLEMS_SHOWN).filter(|more| *more > 0) {
        terminal::line(&format!("  and {more} more, most likely of the same cause"));
    }
    let problems = counted(report.problems.len() as u64, "problem");
    terminal::line(&format!(
        "{folder}: {problems} in {read}\n  restore the checkpoint from a copy, or begin with a new one"
    ));
    Err(Failure::Reported)
}

/// Most problems that are shown one by one: one lost file makes hundreds.
const PROBLEMS_SHOWN: usize = 20;

fn open(folder: &std::path::Path) -> Result<CheckpointReader, Failure> {
    Checkpoint::open_read_only(folder).map_err(|error| match error {
        // Whoever only looks has no use for the remedy of a job that wants to begin there.
        StateError::NotACheckpoint { folder, reason } => Failure::WrongInput(format!(
            "{} is not a checkpoint: {reason}\n  name the folder that stands as `checkpoint` in the job file",
            folder.display()
        )),
        other => failed(other),
    })
}

fn failed(error: StateError) -> Failure {
    Failure::Failed(error.to_string())
}
