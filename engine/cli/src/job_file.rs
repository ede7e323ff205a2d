//! The job file that most commands take: read, checked and planned, or every problem at once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::datatypes::SchemaRef;
use clap::Args;
use connector::StaticError;
use job::{FunctionBody, Job, Problem, Problems, SourceMap, SqlText};
use plan::{Graph, JobProblem, SqlProblem, TextOf};

use crate::connectors::{CONNECTORS, registry};
use crate::ending::Failure;
use crate::terminal;

/// The columns of static tables by name, or why they are not known.
type StaticColumns = Vec<(String, Result<SchemaRef, StaticError>)>;

/// A job file and what the command line puts over it.
#[derive(Debug, Clone, Args)]
pub struct JobFile {
    /// The job file
    #[arg(value_name = "JOB")]
    pub path: PathBuf,

    /// Puts a value over that of the file, for example --set job.trigger=asap
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub overrides: Vec<(String, String)>,
}

/// A job file, read and planned.
pub struct Planned {
    /// The job; not to be run if its plan is an error.
    pub job: Job,
    /// Its plan, or its problems.
    pub graph: Result<Graph, Problems>,
    /// Where things stand in the file.
    pub source: SourceMap,
}

impl JobFile {
    /// The job as the file has it, with the types of its checkpoint; its SQL is not looked at.
    ///
    /// # Errors
    /// The file cannot be read, or has problems.
    pub fn read(&self) -> Result<Job, Failure> {
        let (name, text) = self.text()?;
        let parsed = job::parse(&name, &text, &self.overrides, &variable, CONNECTORS);
        let mut job = parsed.map_err(|problems| rendered(&problems))?;
        runtime::keep_types(&mut job);
        Ok(job)
    }

    /// The same file with another value over it.
    pub fn with(&self, key: &str, value: &str) -> JobFile {
        let mut file = self.clone();
        file.overrides.push((key.to_owned(), value.to_owned()));
        file
    }

    /// The job and its plan.
    ///
    /// # Errors
    /// The file cannot be read, or it or its SQL has problems.
    pub fn plan(&self) -> Result<(Job, Graph), Failure> {
        let Planned { job, graph, .. } = self.plan_with(&|job| runtime::static_schemas(job, &registry()))?;
        Ok((job, graph.map_err(|problems| rendered(&problems))?))
    }

    /// The job with its plan, or with the reason why it is refused: a test may expect that.
    ///
    /// # Errors
    /// The file cannot be read, or so little of it can be read that nothing is known of its tests.
    pub fn plan_for_tests(&self) -> Result<Planned, Failure> {
        self.plan_with(&testkit::trial::static_schemas)
    }

    /// `statics` finds the columns of the static tables.
    fn plan_with(&self, statics: &dyn Fn(&Job) -> StaticColumns) -> Result<Planned, Failure> {
        let (name, text) = self.text()?;
        let (mut job, mut problems) = job::inspect(&name, &text, &self.overrides, &variable, CONNECTORS);
        job.iter_mut().for_each(runtime::keep_types);
        let mut schemas = BTreeMap::new();
        if let Some(job) = &job {
            schemas.extend(runtime::source_schemas(job));
            for (table, columns) in statics(job) {
                match columns {
                    Ok(schema) => drop(schemas.insert(table, schema)),
                    Err(error) => problems.push(of_static(&table, &error, job)),
                }
            }
        }
        let planned = job.as_ref().map(|job| {
            let graph = plan::plan_job(job, &schemas, &registry().capabilities(&job.warehouse))?;
            let problems = runtime::table_problems(job, &graph, &registry());
            if problems.is_empty() { Ok(graph) } else { Err(problems) }
        });
        if let (Some(job), Some(Err(sql_problems))) = (&job, &planned) {
            for sql_problem in sql_problems {
                // That its columns are not known follows from the problem of the static table.
                if sql_problem.problem.code != Some(plan::STATIC_NOT_READ) {
                    let problem = in_file(sql_problem, job, problems.source());
                    problems.push(problem);
                }
            }
        }
        let source = problems.source().clone();
        match (job, planned) {
            (Some(job), Some(Ok(graph))) if problems.is_empty() => Ok(Planned { job, graph: Ok(graph), source }),
            (Some(job), _) => Ok(Planned { job, graph: Err(problems), source }),
            _ => Err(rendered(&problems)),
        }
    }

    /// The file's name, as shown, and its text.
    fn text(&self) -> Result<(String, String), Failure> {
        let name = self.path.display().to_string();
        let bytes = std::fs::read(&self.path).map_err(|error| {
            Failure::WrongInput(format!(
                "{name} cannot be read: {error}\n  give the path of a job file, for example jobs/ecommerce.toml"
            ))
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line =
                error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count()
                    + 1;
            Failure::WrongInput(format!(
                "{name} is not text in UTF-8: line {line} holds other bytes\n  save it as UTF-8"
            ))
        })?;
        Ok((name, text))
    }
}

/// Why a static table cannot be read, at its path.
fn of_static(table: &str, error: &StaticError, job: &Job) -> Problem {
    let span = job.statics.get(table).map_or(0..0, |table| table.path_span.clone());
    let title = error.to_string();
    let (title, help) = title.split_once("; ").unwrap_or((&title, "see docs/job-file.md, [static.NAME]"));
    Problem::new(span, title).help(help)
}

/// Splits `key=value`.
fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write key=value, for example job.trigger=asap".to_owned()),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The problems of a file, laid out, as the end of a command.
pub fn rendered(problems: &Problems) -> Failure {
    Failure::Problems(problems.render(terminal::has_color()))
}

/// A problem of one of the texts of SQL, at its place in the file.
fn in_file(sql_problem: &JobProblem, job: &Job, source: &SourceMap) -> Problem {
    let JobProblem { of, problem: SqlProblem { range, code, message, help } } = sql_problem;
    let span = match of {
        TextOf::Table(name) => match (job.tables.iter().find(|planned| planned.name == *name), range) {
            (Some(table), Some(range)) => source.sql_bytes(table, range.clone()),
            (Some(table), None) => first_line(source, source.sql_word(table, "")),
            (None, _) => 0..0,
        },
        // What is wrong with its name stands at its name.
        TextOf::Function(name) if *code == Some("ROUTINE_ALREADY_EXISTS") => {
            let function = job.functions.iter().find(|function| function.name == *name);
            function.map_or(0..0, |function| function.name_span.clone())
        }
        of => text_of(of, job).map_or(0..0, |text| first_line(source, source.text_bytes(text, range.clone()))),
    };
    let problem = Problem::new(span, message).help(help);
    match code {
        Some(code) => problem.code(code),
        None => problem,
    }
}

/// The text itself.
fn text_of<'a>(of: &TextOf, job: &'a Job) -> Option<&'a SqlText> {
    let times = |source: &str, column: &str| job.sources.get(source)?.times.get(column);
    match of {
        TextOf::Job | TextOf::Table(_) => None,
        TextOf::Column { source, column } => {
            let computed = &job.sources.get(source)?.computed;
            computed.iter().find(|computed| computed.name == *column).map(|computed| &computed.expression)
        }
        TextOf::Format { source, column } => times(source, column)?.format.as_ref(),
        TextOf::TimeZone { source, column } => times(source, column)?.time_zone.as_ref(),
        TextOf::Function(name) => {
            let function = job.functions.iter().find(|function| function.name == *name)?;
            let FunctionBody::Sql(text) = &function.body;
            Some(text)
        }
    }
}

/// The first line of a place: a problem of a whole query needs no more to be found.
fn first_line(source: &SourceMap, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let length = source.slice(&span).lines().next().map_or(0, |line| line.trim_end().len());
    span.start..span.start + length
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
