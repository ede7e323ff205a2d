//! `engine verify`: what a job's tables show, against the batch answer over its own records.

use std::io::{self, Write};

use ::drill::{Comparison, Verdict};
use clap::Args;

use crate::connectors;
use crate::ending::{Failure, Outcome};
use crate::job_file::JobFile;
use crate::show::{count, counted};
use crate::{terminal, warehouse};

/// Compares each table of a job with the batch answer over the records that the warehouse keeps
#[derive(Debug, Args)]
#[command(after_help = "\
Each table's query is run once as a batch over the tables that it reads, all as of the last published epoch; in the place of a source stands a table that keeps its records (SELECT * FROM the source). Windows that the watermark has not passed are left out, and so are the rows that came too late. Nothing is changed; the job may be running.

Exit code 0: no table differs; 1: one does, and its first rows are shown; 2: wrong input.

Example:
  engine verify jobs/ecommerce.toml")]
pub struct Arguments {
    #[command(flatten)]
    job: JobFile,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let (job, graph) = arguments.job.plan()?;
    let remedy = format!("run the job first: engine submit {}", arguments.job.path.display());
    warehouse::check_is_there(&job.warehouse, &remedy)?;
    let is_live = terminal::is_live();
    let verdicts = ::drill::verify(&job, &graph, &connectors::registry(), &mut |table| {
        if is_live {
            terminal::draw(&[format!("comparing {table}")]);
        }
    });
    if is_live {
        terminal::clear();
    }
    let verdicts = verdicts.map_err(Failure::Failed)?;
    let mut out = io::stdout().lock();
    verdicts.iter().flat_map(lines).try_for_each(|line| writeln!(out, "{line}"))?;
    let number =
        |is_so: fn(&Comparison) -> bool| verdicts.iter().filter(|verdict| is_so(&verdict.comparison)).count() as u64;
    let equal = number(|comparison| matches!(comparison, Comparison::Equal { .. }));
    let differ = number(|comparison| matches!(comparison, Comparison::Differs { .. }));
    let all = counted(verdicts.len() as u64, "table");
    writeln!(out, "{all}: {equal} equal, {differ} different, {} not compared", verdicts.len() as u64 - equal - differ)?;
    if differ == 0 { Ok(()) } else { Err(Failure::Reported) }
}

/// What is said of one table.
fn lines(verdict: &Verdict) -> Vec<String> {
    let table = &verdict.table;
    let mut lines = match &verdict.comparison {
        Comparison::Equal { rows } => vec![format!("equal         {table}: {}", counted(*rows, "row"))],
        Comparison::NotCompared(reason) => vec![format!("not compared  {table}: {reason}")],
        Comparison::Differs { equal, lines } => {
            let first = format!("different     {table}: {} rows are as they should be", count(*equal));
            std::iter::once(first).chain(lines.iter().map(|line| format!("    {line}"))).collect()
        }
    };
    lines.extend(verdict.notes.iter().map(|note| format!("    {note}")));
    lines
}
