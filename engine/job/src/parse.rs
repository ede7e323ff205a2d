//! From text to job: the syntax, the variables, the overrides, the meaning.

use toml::de::{DeTable, DeValue, Error};

use crate::connector::Connectors;
use crate::keys::MISSING_LABEL;
use crate::model::Job;
use crate::problem::{Problem, Problems};
use crate::source_map::SourceMap;
use crate::tree::{self, Builder, Section};
use crate::{dotted, overrides, read};

/// Reads a job file.
///
/// `overrides` are the `--set key=value` of the command line: a dotted key, and a value in TOML or, if it is not TOML,
/// a string. `variable` resolves `${NAME}`; what it returns appears in the job but in no problem.
/// `connectors` are all that a source may name.
///
/// # Errors
/// Every problem of the file and of the overrides, in the order of their places.
pub fn parse(
    file_name: &str,
    text: &str,
    overrides: &[(String, String)],
    variable: &dyn Fn(&str) -> Option<String>,
    connectors: Connectors<'_>,
) -> Result<Job, Problems> {
    match inspect(file_name, text, overrides, variable, connectors) {
        (Some(job), problems) if problems.is_empty() => Ok(job),
        (_, problems) => Err(problems),
    }
}

/// Reads a job file for `engine check`: its problems, and the job if its columns and queries could be read, so that
/// the SQL can be checked and its problems added to the others. With any problem the job must not be run.
pub fn inspect(
    file_name: &str,
    text: &str,
    overrides: &[(String, String)],
    variable: &dyn Fn(&str) -> Option<String>,
    connectors: Connectors<'_>,
) -> (Option<Job>, Problems) {
    let mut problems = Problems::of(SourceMap::with_overrides(file_name, text, overrides));
    let (table, errors) = DeTable::parse_recoverable(text);
    let table = table.into_inner();
    let mut root: Section = Builder { variable, offset: 0, problems: &mut problems }.section(&table, 0);
    tree::dismantle_value(DeValue::Table(table));
    dotted::flatten(&mut root, connectors);
    overrides::apply(&mut root, overrides, variable, connectors, &mut problems);
    let job = read::read(&root, connectors, &mut problems);
    if !errors.is_empty() {
        put_syntax_first(&errors, text, &mut problems);
        problems.blur();
    }
    problems.sort();
    let job = (!problems.is_blurred()).then_some(job);
    (job, problems)
}

/// Adds the syntax errors, one a line, and takes away what they may have caused: problems in the same line, and
/// whatever seems to be missing.
fn put_syntax_first(errors: &[Error], text: &str, problems: &mut Problems) {
    let line_of = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    let mut lines: Vec<usize> = Vec::new();
    let mut syntax_problems = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let line = line_of(span.start);
        if !lines.contains(&line) {
            lines.push(line);
            syntax_problems.push(syntax_problem(error, text));
        }
    }
    problems.retain(|problem| {
        let in_file = problem.span.start <= text.len();
        problem.label != MISSING_LABEL && !(in_file && lines.contains(&line_of(problem.span.start)))
    });
    syntax_problems.into_iter().for_each(|problem| problems.push(problem));
}

fn syntax_problem(error: &Error, text: &str) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let message = error.message();
    let help = if message.starts_with("string values must be quoted") {
        "put the value in quotes, as name = \"value\""
    } else if message.starts_with("duplicate key") {
        "keep one of them: a key or a section can be there once"
    } else if message.contains("basic string") || message.contains("literal string") {
        "close the string with the sign it was opened with; a string over several lines begins and ends with \"\"\""
    } else if message.contains("unclosed table") {
        "close the line with `]`"
    } else if message.contains("key with no value") {
        "write name = value"
    } else {
        "a line is name = value or [section], strings in quotes"
    };
    let shown = text.get(span.clone()).unwrap_or_default();
    let title = match message.split_once(',') {
        _ if message.starts_with("duplicate key") => format!("`{shown}` is there twice"),
        Some((what, _)) => format!("this is not TOML: {what}"),
        None => format!("this is not TOML: {message}"),
    };
    let label = match message.split_once(", ") {
        Some((what, _)) if what.contains("must be quoted") => "quotes are missing",
        Some((_, expected)) => expected,
        None => message,
    };
    Problem::new(span, title).label(label).help(help)
}
