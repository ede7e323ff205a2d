//! `engine submit`: runs a job in the foreground.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};
use runtime::{ProgressListener, RunError, SubmitOptions};

use crate::ending::{Failure, Outcome};
use crate::job_file::JobFile;
use crate::show::{count, counted};
use crate::{signals, terminal};

mod listeners;

use listeners::{Json, Lines, Live};

/// Runs a job: from Kafka to tables, until Ctrl-C or, with --available-now, until all that is there is done
#[derive(Debug, Args)]
#[command(after_help = "\
Ctrl-C or SIGTERM: the running epoch is finished or given up, the job ends in order within seconds, and the same command goes on where it stopped. A second one ends it at once; nothing that was published is lost either way.

On a terminal there is a live line for each table, elsewhere a line for each epoch on stderr. --progress json writes one object for each epoch to stdout, in the field names of Spark's StreamingQueryProgress.

Examples:
  engine submit jobs/ecommerce.toml
  engine submit jobs/ecommerce.toml --available-now
  engine submit jobs/ecommerce.toml --set job.trigger=asap --progress json")]
pub struct Arguments {
    #[command(flatten)]
    job: JobFile,

    /// Ends once all that is there now is done
    #[arg(long)]
    available_now: bool,

    /// How progress is told [default: live on a terminal, lines elsewhere]
    #[arg(long, value_enum)]
    progress: Option<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Told {
    /// One JSON object for each epoch, to stdout
    Json,
    /// One line for each epoch, to stderr
    Lines,
    /// One live line for each table
    Live,
}

impl Arguments {
    /// What is logged unless the user says otherwise: on a live terminal what matters, in a log what happens.
    pub fn log_level(&self) -> &'static str {
        if self.told() == Told::Live { "warn" } else { "info" }
    }

    fn told(&self) -> Told {
        match self.progress {
            Some(Told::Live) if !terminal::is_live() => Told::Lines,
            Some(told) => told,
            None if terminal::is_live() => Told::Live,
            None => Told::Lines,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let job = arguments.job.read()?;
    let told = arguments.told();
    let stop = signals::stop_flag(|| terminal::line("stopping in order; once more ends it at once"))?;
    let listener = listener(told, &stop);
    let submitted = runtime::submit(job, SubmitOptions { available_now: arguments.available_now, stop, listener });
    terminal::keep();
    match submitted {
        Ok(summary) => {
            if told != Told::Json {
                terminal::line(&format!(
                    "done: {}, {} read, {} rejected",
                    counted(summary.epochs, "epoch"),
                    counted(summary.rows_read, "record"),
                    count(summary.rejected)
                ));
            }
            Ok(())
        }
        Err(RunError::Stopped) => Ok(()),
        // Planned anew for the places in the file, which the run does not know.
        Err(RunError::Plan(text)) => {
            arguments.job.plan()?;
            Err(Failure::WrongInput(text))
        }
        Err(error) => Err(Failure::Failed(error.to_string())),
    }
}

fn listener(told: Told, stop: &Arc<AtomicBool>) -> Box<dyn ProgressListener> {
    match told {
        Told::Json => Box::new(Json::new(io::stdout(), Arc::clone(stop))),
        Told::Lines => Box::new(Lines),
        Told::Live => Box::new(Live::default()),
    }
}

/// Writes a line that its reader gets at once.
fn write_line(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(format!("{text}\n").as_bytes())?;
    out.flush()
}
