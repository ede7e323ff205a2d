//! `engine verify`: what a job's tables show, against the batch answer over its own records.

use std::io::{self, Write};

use ::drill::{Comparison, Counted, Verdict, Verified};
use clap::Args;

use crate::connectors;
use crate::ending::{Failure, Outcome};
use crate::job_file::JobFile;
use crate::show::{count, counted};
use crate::{terminal, warehouse};

/// Compares each table of a job with the batch answer over the records that the warehouse keeps
#[derive(Debug, Args)]
#[command(after_help = "\
Each table's query is run once as a batch over the tables that it reads, all as of the last published epoch; in the place of a source stands a table that keeps its records (SELECT * FROM the source). Windows that the watermark has not passed are left out, and so are the rows that came too late. A table that cannot be compared says why.

Besides, the rows and data files of every table are counted against the commits in the checkpoint, also of those that are not compared, and of rejected and late rows. Nothing is changed; the job may be running.

A warehouse that stands at an earlier epoch than the checkpoint has published was set back, and what is missing is counted. Without the checkpoint, or with one that is older than the tables, nothing is compared.

Exit code 0: no table differs and none is miscounted; 1: one does or is, and its first rows, or files with their epochs, are shown, or nothing could be looked at; 2: wrong input.

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
    let verified = ::drill::verify(&job, &graph, &connectors::registry(), &mut |table| {
        if is_live {
            terminal::draw(&[format!("comparing {table}")]);
        }
    });
    if is_live {
        terminal::clear();
    }
    let Verified { verdicts, set_back } = verified.map_err(Failure::Failed)?;
    let mut out = io::stdout().lock();
    set_back.iter().try_for_each(|text| writeln!(out, "set back      {text}"))?;
    verdicts.iter().flat_map(lines).try_for_each(|line| writeln!(out, "{line}"))?;
    let counts = |is_so: fn(&Counted) -> bool| verdicts.iter().filter(|verdict| is_so(&verdict.counted)).count() as u64;
    let agree = counts(|counted| matches!(counted, Counted::Agrees { .. }));
    let breach = counts(|counted| matches!(counted, Counted::Breach(_)));
    let unknown = verdicts.len() as u64 - agree - breach;
    let tables = counted(verdicts.len() as u64, "table");
    writeln!(out, "counted against the commits, {tables}: {agree} right, {breach} wrong, {unknown} not counted")?;
    let compared: Vec<&Comparison> = verdicts.iter().filter_map(|verdict| verdict.comparison.as_ref()).collect();
    let number = |is_so: fn(&Comparison) -> bool| compared.iter().filter(|comparison| is_so(comparison)).count() as u64;
    let equal = number(|comparison| matches!(comparison, Comparison::Equal { .. }));
    let differ = number(|comparison| matches!(comparison, Comparison::Differs { .. }));
    let all = counted(compared.len() as u64, "table");
    writeln!(out, "{all}: {equal} equal, {differ} different, {} not compared", compared.len() as u64 - equal - differ)?;
    if agree + equal + differ + breach == 0 && !verdicts.is_empty() {
        return Err(Failure::Failed("nothing could be counted or compared; the reasons stand above".to_owned()));
    }
    if differ + breach == 0 && set_back.is_none() { Ok(()) } else { Err(Failure::Reported) }
}

/// What is said of one table.
fn lines(verdict: &Verdict) -> Vec<String> {
    let table = &verdict.table;
    let mut lines = match &verdict.comparison {
        Some(Comparison::Equal { rows }) => vec![format!("equal         {table}: {}", counted(*rows, "row"))],
        Some(Comparison::NotCompared(reason)) => vec![format!("not compared  {table}: {reason}")],
        Some(Comparison::Differs { equal, lines }) => {
            let first = format!("different     {table}: {} rows are as they should be", count(*equal));
            std::iter::once(first).chain(lines.iter().map(|line| format!("    {line}"))).collect()
        }
        None => Vec::new(),
    };
    lines.extend(verdict.notes.iter().map(|note| format!("    {note}")));
    lines.extend(of_counting(verdict));
    lines
}

/// What is said of its rows and files. That they are right stands there alone only where nothing else is said of its rows.
fn of_counting(verdict: &Verdict) -> Vec<String> {
    let table = &verdict.table;
    let with_details = |first: String, details: &[String]| {
        std::iter::once(first).chain(details.iter().map(|line| format!("    {line}"))).collect::<Vec<_>>()
    };
    match &verdict.counted {
        Counted::Agrees { rows, files, notes } => {
            let text = format!("{} in {}, as its commits say", counted(*rows, "row"), counted(*files, "file"));
            match &verdict.comparison {
                None => with_details(format!("counted       {table}: {text}"), notes),
                Some(Comparison::NotCompared(_)) => with_details(format!("    counted: {text}"), notes),
                Some(_) => notes.iter().map(|note| format!("    {note}")).collect(),
            }
        }
        Counted::Breach(lines) => {
            let (first, more) = lines.split_first().map_or(("", &[][..]), |(first, more)| (first.as_str(), more));
            with_details(format!("miscounted    {table}: {first}"), more)
        }
        Counted::Unknown(reason) => match &verdict.comparison {
            None => vec![format!("not counted   {table}: {reason}")],
            Some(_) => vec![format!("    not counted: {reason}")],
        },
    }
}
