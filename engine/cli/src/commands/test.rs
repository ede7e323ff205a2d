//! `engine test`: runs the tests of a job file in memory.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use job::{SourceMap, Test};
use testkit::trial::{self, Finding};

use crate::ending::{Failure, Outcome};
use crate::job_file::{JobFile, rendered};
use crate::show::counted;

/// Runs the tests of a job file in memory: rows in, rows out, no Kafka, no disk
#[derive(Debug, Args)]
#[command(after_help = "\
Tests are the [[test]] sections of a job file: records that arrive step by step, restarts, kills, and the rows that the tables must then hold. The job runs as `engine submit` runs it, in memory, each test from nothing. Missing rows are shown with -, unexpected ones with +. All keys: docs/job-file.md. Exit code 0: all tests hold; 1: one does not; 2: the job file has problems, or no such tests.

Examples:
  engine test jobs/ecommerce.toml
  engine test jobs/ecommerce.toml --filter late")]
pub struct Arguments {
    #[command(flatten)]
    job: JobFile,

    /// Runs only tests whose name holds this text
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let begun = Instant::now();
    let planned = arguments.job.plan_for_tests()?;
    let name = arguments.job.path.display().to_string();
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let tests: Vec<&Test> = planned.job.tests.iter().filter(|test| test.name.contains(filter)).collect();
    if tests.is_empty() {
        // Without tests to run, the file's problems are all there is to report.
        planned.graph.map_err(|problems| rendered(&problems))?;
        return Err(none_of(&name, &planned.job.tests));
    }
    let graph = match planned.graph {
        Ok(graph) => Ok(Arc::new(graph)),
        // Without a test that expects it, a refusal is a problem of the file.
        Err(problems) if tests.iter().all(|test| test.expect_error.is_none()) => return Err(rendered(&problems)),
        Err(problems) => Err(problems.render(false)),
    };
    let mut failed = 0;
    for test in &tests {
        let started = Instant::now();
        let findings = match &graph {
            Ok(graph) => trial::run(&planned.job, graph, test),
            Err(refusal) => trial::refused(test, refusal),
        };
        failed += u64::from(!findings.is_empty());
        print_result(test, &findings, started.elapsed(), &planned.source)?;
    }
    let passed = tests.len() as u64 - failed;
    let summary = format!(
        "{}: {passed} ok, {failed} failed in {:.2} s",
        counted(tests.len() as u64, "test"),
        begun.elapsed().as_secs_f64()
    );
    writeln!(io::stdout().lock(), "{summary}")?;
    if failed == 0 { Ok(()) } else { Err(Failure::Reported) }
}

/// One line for a test, and below it what is not as expected.
fn print_result(test: &Test, findings: &[Finding], took: Duration, source: &SourceMap) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let word = if findings.is_empty() { "ok" } else { "failed" };
    writeln!(out, "{word:<6} {:>5} ms  {}", took.as_millis(), test.name)?;
    for finding in findings {
        let line = line_of(&finding.place, source);
        let place = match finding.step {
            0 => format!("line {line}"),
            step => format!("step {step}, line {line}"),
        };
        for (at, text) in finding.lines.iter().enumerate() {
            let before = if at == 0 { format!("{place}: ") } else { "  ".to_owned() };
            writeln!(out, "    {before}{text}")?;
        }
    }
    Ok(())
}

fn line_of(place: &Range<usize>, source: &SourceMap) -> usize {
    source.line_column(place.start).0
}

fn none_of(name: &str, tests: &[Test]) -> Failure {
    if tests.is_empty() {
        return Failure::WrongInput(format!(
            "{name} has no tests\n  add a [[test]] with steps, as docs/job-file.md shows"
        ));
    }
    let names: Vec<String> = tests.iter().map(|test| format!("  {}", test.name)).collect();
    Failure::WrongInput(format!("no test of {name} has that in its name; its tests are\n{}", names.join("\n")))
}
