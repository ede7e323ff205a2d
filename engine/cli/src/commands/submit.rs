//! `engine submit`: runs a job in the foreground.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};
use epoch::Contradiction;
use runtime::{
    Backends, FAIL_POINT_VARIABLE, Fault, PlaceFailure, PlaceFault, ProgressListener, RunError, SubmitOptions,
};

use crate::connectors::registry;
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

    /// How progress is reported [default: live on a terminal, lines elsewhere]
    #[arg(long, value_enum)]
    progress: Option<ProgressFormat>,

    /// Goes on in spite of a contradiction that a start was refused for, by its word; rows that are there stay (repeatable)
    #[arg(long, value_name = "WORD", value_parser = clap::builder::PossibleValuesParser::new(Contradiction::WORDS))]
    accept: Vec<String>,

    /// Drops the epochs that are committed to a table and that it never got, because it left the job or moved, or refuses them (repeatable)
    #[arg(long, value_name = "TABLE")]
    abandon: Vec<String>,

    /// For `engine replay` and drills: runs the epochs of another checkpoint again, and no others
    #[arg(long, value_name = "CHECKPOINT", hide = true)]
    replay: Option<PathBuf>,

    /// For drills and tests: what the variable ENGINE_FAIL_POINT says goes wrong. commit:after:3 kills the job after step Commit of epoch
    /// 3, publish:after:3:gold.t as soon as gold.t has epoch 3; with publish:away:3:4:gold.t that table does not answer four times
    #[arg(long, hide_short_help = true)]
    fail_points: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProgressFormat {
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
        if self.progress_format() == ProgressFormat::Live { "warn" } else { "info" }
    }

    fn progress_format(&self) -> ProgressFormat {
        match self.progress {
            Some(ProgressFormat::Live) if !terminal::is_live() => ProgressFormat::Lines,
            Some(format) => format,
            None if terminal::is_live() => ProgressFormat::Live,
            None => ProgressFormat::Lines,
        }
    }

    /// The fail point in the environment. A variable that was left behind must not kill a job, so the flag has to be there as well,
    /// and the log says either way what comes of it.
    fn fault(&self) -> Result<Option<Fault>, Failure> {
        let text = std::env::var(FAIL_POINT_VARIABLE).ok().filter(|text| !text.is_empty());
        match text {
            Some(text) if self.fail_points => {
                let fault = Fault::parse(&text).map_err(Failure::WrongInput)?;
                let what = match &fault {
                    Fault::Place(PlaceFault { failure: PlaceFailure::Away { .. }, .. }) => "that table will not answer",
                    _ => "the process will kill itself there",
                };
                tracing::warn!("fail point {fault} is armed: {what}");
                Ok(Some(fault))
            }
            Some(text) => {
                tracing::warn!("{FAIL_POINT_VARIABLE}={text} is ignored: only --fail-points arms it");
                Ok(None)
            }
            None if self.fail_points => {
                tracing::warn!("no fail point is armed: {FAIL_POINT_VARIABLE} is not set");
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let job = arguments.job.read()?;
    let fault = arguments.fault()?;
    let format = arguments.progress_format();
    let stop = signals::stop_flag(|| terminal::line("stopping in order; once more ends it at once"))?;
    let listener = listener(format, &stop);
    let options = SubmitOptions {
        available_now: arguments.available_now,
        stop,
        listener,
        fault,
        accepted: arguments.accept.iter().cloned().collect(),
        abandoned: arguments.abandon.iter().cloned().collect(),
        replayed: arguments.replay.clone(),
    };
    let submitted = runtime::submit(job, options, &Backends::of_machine(registry()));
    terminal::keep();
    match submitted {
        Ok(summary) => {
            if format != ProgressFormat::Json {
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
        Err(error) => {
            error.log_causes();
            Err(Failure::Failed(error.to_string()))
        }
    }
}

fn listener(format: ProgressFormat, stop: &Arc<AtomicBool>) -> Box<dyn ProgressListener> {
    match format {
        ProgressFormat::Json => Box::new(Json::new(io::stdout(), Arc::clone(stop))),
        ProgressFormat::Lines => Box::new(Lines),
        ProgressFormat::Live => Box::new(Live::default()),
    }
}

/// Writes a line that its reader gets at once.
fn write_line(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(format!("{text}\n").as_bytes())?;
    out.flush()
}
