//! `engine check`: every problem of a job file at once.

use std::io::{self, Write};

use clap::Args;
use job::{Job, Types};
use plan::{Graph, type_name};

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
    let (job, graph) = arguments.job.plan()?;
    let sources = counted(job.sources.len() as u64, "source");
    let tables = counted(job.tables.len() as u64, "table");
    let mut out = io::stdout().lock();
    writeln!(out, "{}: ok: {sources}, {tables}", arguments.job.path.display())?;
    if job.types == Types::Before {
        changes_by_types(&mut out, &arguments.job, &job, &graph)?;
    }
    Ok(())
}

/// What Spark's types would change in a job whose checkpoint keeps those of before.
fn changes_by_types(out: &mut impl Write, file: &JobFile, job: &Job, graph: &Graph) -> Outcome {
    writeln!(
        out,
        "Its checkpoint is of an engine that did not have Spark's types, and keeps the types of then (docs/changing-a-job.md)."
    )?;
    let with_types = file.with("job.ansi", "true").plan();
    match &with_types {
        Ok(_) => writeln!(out, "With `ansi = true` in [job]:")?,
        Err(_) => writeln!(
            out,
            "With `ansi = true` in [job] it would be refused: `engine check --set job.ansi=true` says why. Of its SQL that has other types:"
        )?,
    }
    let mut changes = 0;
    for table in &job.tables {
        let both =
            graph.plan_of(&table.name).zip(with_types.as_ref().ok().and_then(|(_, graph)| graph.plan_of(&table.name)));
        for (before, after) in
            both.iter().flat_map(|(before, after)| before.schema.fields().iter().zip(after.schema.fields()))
        {
            if before.data_type() != after.data_type() {
                let (old, new) = (type_name(before.data_type()), type_name(after.data_type()));
                writeln!(out, "  {}.{}: {new} instead of {old}", table.name, before.name())?;
                changes += 1;
            }
        }
        for expression in plan::typed_expressions(&table.sql) {
            writeln!(out, "  {}: {expression}", table.name)?;
            changes += 1;
        }
    }
    if changes == 0 {
        writeln!(out, "  nothing changes")?;
    } else {
        writeln!(out, "Constants are INT and DECIMAL, and overflow or a division by zero is an error of the row.")?;
    }
    Ok(())
}
