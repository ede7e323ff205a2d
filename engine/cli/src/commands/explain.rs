//! `engine explain`: what each table of a job does, keeps and shows.

use std::io::{self, Write};

use clap::Args;

use crate::ending::Outcome;
use crate::job_file::JobFile;

/// Shows for each table of a job its operators, watermark, state, and when its rows appear
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  engine explain jobs/ecommerce.toml")]
pub struct Arguments {
    #[command(flatten)]
    job: JobFile,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let (job, graph) = arguments.job.plan()?;
    writeln!(io::stdout().lock(), "{}", plan::explain::explain(&job, &graph).trim_end())?;
    Ok(())
}
