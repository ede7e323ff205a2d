//! `engine replay`: runs a job's own epochs again and compares what comes out.

use std::io::{self, Write};
use std::path::PathBuf;

use ::drill::DrillOptions;
use clap::Args;

use crate::connectors;
use crate::ending::{Failure, Outcome};
use crate::job_file::JobFile;
use crate::progress;
use crate::show::{count, counted};
use crate::{signals, terminal};

/// Runs a job's own epochs again, from the plans in its checkpoint, and compares the tables
#[derive(Debug, Args)]
#[command(after_help = "\
Every commit carries the plan of its epoch: the offsets that it read, the watermark, the batch time, the versions of static tables. A \
replay reads exactly those again, into scratch folders, so even what depends on where epochs were cut must come out equal. The \
checkpoint must still have its first epoch (retain_epochs in [job]) and the topics their records. The job must not run \
meanwhile. Exit code 0: every table came out equal; 1: one did not, and what the replay left is kept.

Example:
  engine replay jobs/ecommerce.toml")]
pub struct Arguments {
    #[command(flatten)]
    job: JobFile,

    /// Folder for the scratch checkpoint and warehouse [default: the system's, for temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    arguments.job.plan()?;
    let engine = std::env::current_exe().map_err(|error| {
        Failure::Failed(format!("the engine's own binary cannot be found: {error}; start it by its full path"))
    })?;
    let options = DrillOptions {
        sets: arguments.job.overrides.clone(),
        scratch: arguments.scratch.clone(),
        stop: signals::stop_flag(|| {
            terminal::line("stopping, and taking away what the replay made; once more ends it at once")
        })?,
        ..DrillOptions::new(engine, arguments.job.path.clone(), connectors::CONNECTORS)
    };
    let registry = connectors::registry();
    let replayed = progress::while_running("running the epochs again", || ::drill::replay(&options, &registry));
    let replayed = replayed.map_err(Failure::Failed)?;
    let mut out = io::stdout().lock();
    let epochs = counted(replayed.epochs, "epoch");
    if let Some(difference) = &replayed.difference {
        writeln!(out, "{epochs} run again, and not all tables came out equal:\n{difference}")?;
        return Err(Failure::Reported);
    }
    for (table, rows) in &replayed.equal {
        writeln!(out, "{table}: equal, {} rows", count(*rows))?;
    }
    writeln!(out, "{epochs} run again, every table came out equal")?;
    Ok(())
}
