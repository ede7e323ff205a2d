//! `engine replay`: runs a job's own epochs again and compares what comes out.

use std::io::{self, Write};
use std::path::PathBuf;

use ::drill::{CameOut, DrillOptions, ReplayedTable};
use clap::Args;

use crate::connectors;
use crate::ending::{Failure, Outcome};
use crate::job_file::JobFile;
use crate::progress;
use crate::show::{count, counted};
use crate::{signals, terminal, warehouse};

/// Runs a job's own epochs again, from the plans in its checkpoint, and compares the tables
#[derive(Debug, Args)]
#[command(after_help = "\
Every commit carries the plan of its epoch: the offsets that it read, the watermark, the batch time, the versions of static tables. A \
replay reads exactly those again, into scratch folders, so even what depends on where epochs were cut must come out equal. The \
checkpoint must still have its first epoch (retain_epochs in [job]) and the topics their records. The job must not run \
meanwhile. Other programs may have put the tables' rows into other files (OPTIMIZE). A table whose definition was changed is compared \
from that epoch on, if it keeps no state, and left out otherwise. Exit code 0: every table came out equal, or was left out with the \
reason; 1: one came out otherwise, and what the replay left is kept.

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
    let (job, graph) = arguments.job.plan()?;
    let remedy = format!("run the job first: engine submit {}", arguments.job.path.display());
    warehouse::check_is_there(&job.warehouse, &remedy)?;
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
    let run = || ::drill::replay(&options, &job, &graph, &registry, terminal::line);
    let replayed = progress::while_running("running the epochs again", run).map_err(Failure::Failed)?;
    let mut out = io::stdout().lock();
    replayed.tables.iter().flat_map(lines).try_for_each(|line| writeln!(out, "{line}"))?;
    if let Some(kept) = &replayed.kept {
        terminal::line(&format!("what the replay left is kept in {kept}"));
    }
    let otherwise = replayed.number(|outcome| matches!(outcome, CameOut::Otherwise(_)));
    let left_out = replayed.number(|outcome| matches!(outcome, CameOut::LeftOut(_)));
    let equal = replayed.number(|outcome| matches!(outcome, CameOut::Same { .. }));
    let epochs = counted(replayed.epochs, "epoch");
    match (otherwise, left_out) {
        (0, 0) => writeln!(out, "{epochs} run again, every table came out equal")?,
        _ => {
            let equal = counted(equal, "table");
            writeln!(out, "{epochs} run again: {equal} came out equal, {otherwise} otherwise, {left_out} left out")?;
        }
    }
    if otherwise == 0 { Ok(()) } else { Err(Failure::Reported) }
}

/// What is said of one table.
fn lines(ReplayedTable { table, outcome }: &ReplayedTable) -> Vec<String> {
    match outcome {
        CameOut::Same { rows, note } => {
            let note = note.iter().map(|note| format!("    {note}"));
            std::iter::once(format!("{table}: equal, {} rows", count(*rows))).chain(note).collect()
        }
        CameOut::Otherwise(lines) => {
            let lines = lines.iter().map(|line| format!("    {line}"));
            std::iter::once(format!("{table}: came out otherwise")).chain(lines).collect()
        }
        CameOut::LeftOut(reason) => vec![format!("{table}: left out, as {reason}")],
    }
}
