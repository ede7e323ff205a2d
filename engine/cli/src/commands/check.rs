//! `engine check`: every problem of a job file at once.

use std::io::{self, Write};

use clap::Args;

use crate::ending::Outcome;
use crate::job_file::JobFile;
use crate::show::counted;

/// Shows every problem of a job file at once, with what to write instead
#[derive(Debug, Args)]
#[command(after_help = "\
Each problem comes with line and column, the offending text underlined, Spark's name of the error where it has one, and what to write instead. Nothing is run or written. Exit code 0: the job can run; 2: it has problems.

Examples:
  engine check jobs/ecommerce.toml
  engine check jobs/ecommerce.toml --set table.gold.event_counts.mode=update")]
pub struct Arguments {
    #[command(flatten)]
    job: JobFile,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let (job, _) = arguments.job.plan()?;
    let sources = counted(job.sources.len() as u64, "source");
    let tables = counted(job.tables.len() as u64, "table");
    writeln!(io::stdout().lock(), "{}: ok: {sources}, {tables}", arguments.job.path.display())?;
    Ok(())
}
