//! `engine drill`: kills the user's own job at every step and compares what it made.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use ::drill::DrillOptions;
use clap::Args;

use crate::connectors;
use crate::ending::{Failure, Outcome};
use crate::job_file::JobFile;
use crate::{signals, terminal};

/// Kills a job at every step of an epoch and proves its tables equal to those of an undisturbed run
#[derive(Debug, Args)]
#[command(after_help = "\
The job runs as a process of its own, is killed with SIGKILL before and after each of the eight steps of an epoch, as \
soon as each single table has an epoch, and at random moments, and goes on; and each table is away for a while, once. It reads the newest records of its own topics and works in scratch folders; its \
checkpoint and its warehouse are not touched, its topics are only read. The scratch folders go with the drill, also when \
it is stopped or fails; what a killed one left, the next one takes away. Exit code 0: every table came out equal each \
time; 1: one did not, and what the runs left is kept.

Examples:
  engine drill jobs/ecommerce.toml
  engine drill jobs/ecommerce.toml --records 200000 --kills 50 --seed 7")]
pub struct Arguments {
    #[command(flatten)]
    job: JobFile,

    /// Kills at random moments, besides those at each step and table
    #[arg(long, default_value_t = 16)]
    kills: u32,

    /// Records to read, the newest of the topics
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,

    /// About so many epochs they are read in
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,

    /// Folder for the scratch checkpoints and warehouses [default: the system's, for temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,

    /// Seed of the random moments
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    // Every problem of the file at once, before anything is run.
    arguments.job.plan()?;
    let engine = std::env::current_exe().map_err(|error| {
        Failure::Failed(format!("the engine's own binary cannot be found: {error}; start it by its full path"))
    })?;
    let options = DrillOptions {
        sets: arguments.job.overrides.clone(),
        kills: arguments.kills,
        records: arguments.records,
        epochs: arguments.epochs,
        scratch: arguments.scratch.clone(),
        seed: arguments.seed,
        stop: signals::stop_flag(|| {
            terminal::line("stopping, and taking away what the runs made; once more ends it at once")
        })?,
        ..DrillOptions::new(engine, arguments.job.path.clone(), connectors::CONNECTORS)
    };
    let begun = Instant::now();
    let live = terminal::is_live();
    let report = ::drill::run(&options, &connectors::registry(), &mut |text| {
        let text = format!("{} s: {text}", begun.elapsed().as_secs());
        if live { terminal::draw(&[text]) } else { terminal::line(&text) }
    });
    if live {
        terminal::clear();
    }
    let report = report.map_err(Failure::Failed)?;
    writeln!(io::stdout().lock(), "{}", report.to_table().trim_end())?;
    if report.passed() { Ok(()) } else { Err(Failure::Reported) }
}
