//! Patterns and zones of the times of sources: whether they mean something.

use expr::scalar::time_text::{TextPattern, Zone};
use job::Source;

use crate::job_problem::{JobProblem, TextOf};
use crate::problem::SqlProblem;

/// The problems of the patterns and zones that a source's columns have.
pub fn check(source: &Source) -> Vec<JobProblem> {
    let mut problems = Vec::new();
    for (column, form) in &source.times {
        let (source, column) = (source.name.clone(), column.clone());
        if let Some(Err(message)) = form.time_zone.as_ref().map(|zone| Zone::parse(&zone.text)) {
            let help = "write a name as Europe/Berlin, or an offset as +02:00";
            let of = TextOf::TimeZone { source: source.clone(), column: column.clone() };
            problems.push(JobProblem { of, problem: SqlProblem::new(message, help).code("INVALID_TIMEZONE") });
        }
        if let Some(Err(message)) = form.format.as_ref().map(|pattern| TextPattern::parse(&pattern.text, None)) {
            let help =
                "write one of Spark's datetime patterns, as dd/MM/yyyy HH:mm; other letters stand in single quotes";
            let problem = SqlProblem::new(message, help).code("INVALID_DATETIME_PATTERN");
            problems.push(JobProblem { of: TextOf::Format { source, column }, problem });
        }
    }
    problems
}
