//! DataFusion's errors as problems of the SQL text: Spark's name, the place, the nearest name.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::problem::SqlProblem;
use crate::words::plain_text;

/// Turns an error of planning into a problem of the text.
pub fn to_problem(error: &DataFusionError, sql: &str) -> SqlProblem {
    let mut problem = match error.find_root() {
        DataFusionError::SchemaError(schema, _) => of_schema(schema, sql),
        root => of_text(&root.strip_backtrace(), sql),
    };
    if let Some(span) = error.diagnostic().and_then(|diagnostic| diagnostic.span) {
        problem = problem.at_line(sql, span.start.line, span.start.column);
    }
    problem
}

fn of_schema(error: &SchemaError, sql: &str) -> SqlProblem {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known: Vec<&str> = valid_fields.iter().map(|field| field.name.as_str()).collect();
            let help = match nearest(&field.name, &known) {
                Some(name) => format!("did you mean `{name}`? The columns are: {}", shorten(&known)),
                None => format!("the columns are: {}", shorten(&known)),
            };
            SqlProblem::new(format!("there is no column `{}`", field.name), help)
                .code("UNRESOLVED_COLUMN.WITH_SUGGESTION")
                .at_text(sql, &field.name)
        }
        SchemaError::AmbiguousReference { field } => SqlProblem::new(
            format!("`{}` could be a column of more than one input", field.name),
            "put the table's name in front of it",
        )
        .code("AMBIGUOUS_REFERENCE")
        .at_text(sql, &field.name),
        SchemaError::DuplicateUnqualifiedField { name } | SchemaError::DuplicateQualifiedField { name, .. } => {
            SqlProblem::new(format!("two columns are named `{name}`"), "give one of them another name with AS")
                .code("COLUMN_ALREADY_EXISTS")
                .at_text(sql, name)
        }
    }
}

fn of_text(text: &str, sql: &str) -> SqlProblem {
    let message =
        text.trim_start_matches("Error during planning: ").trim_start_matches("This feature is not implemented: ");
    if let Some(name) = between(message, "Invalid function '", "'") {
        let help = match between(message, "Did you mean '", "'") {
            Some(other) => format!("did you mean `{other}`?"),
            None => "see docs/job-file.md for the functions there are".to_string(),
        };
        return SqlProblem::new(format!("there is no function `{name}`"), help)
            .code("UNRESOLVED_ROUTINE")
            .at_text(sql, name);
    }
    if message.contains("must be in the GROUP BY clause") || message.contains("must appear in the GROUP BY") {
        let column = between(message, "column \"", "\"").map(|name| name.rsplit('.').next().unwrap_or(name));
        let what = match column {
            Some(column) => format!("`{column}` is neither in GROUP BY nor in an aggregate"),
            None => plain_text(&first_line(message)),
        };
        return SqlProblem::new(what, "add the column to GROUP BY, or put it into an aggregate such as max(…)")
            .code("MISSING_AGGREGATION")
            .at_text(sql, column.unwrap_or("GROUP BY"));
    }
    if message.contains("calls cannot be nested") {
        return SqlProblem::new(plain_text(&first_line(message)), "make the inner aggregate a table of its own")
            .code("NESTED_AGGREGATE_FUNCTION")
            .at_text(sql, between(message, "is nested inside '", "(").unwrap_or("("));
    }
    SqlProblem::new(plain_text(&first_line(message)), "change the query so that it can be planned")
}

/// A problem of a text that is not SQL.
pub fn of_parser(text: &str, sql: &str) -> SqlProblem {
    let message = text.trim_start_matches("sql parser error: ");
    let (what, place) = match message.rsplit_once(" at Line: ") {
        Some((what, place)) => (what, place.split_once(", Column: ")),
        None => (message, None),
    };
    let problem = SqlProblem::new(
        what.to_string(),
        "check the SQL around here; strings take single quotes, names with special characters backticks",
    )
    .code("PARSE_SYNTAX_ERROR");
    match place.and_then(|(line, column)| Some((line.trim().parse().ok()?, column.trim().parse().ok()?))) {
        Some((line, column)) => problem.at_line(sql, line, column),
        None => problem,
    }
}

/// The known name nearest to `name`, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored =
        known.iter().map(|other| (datafusion::common::utils::datafusion_strsim::levenshtein(name, other), *other));
    scored
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, other)| *distance <= 1 + other.len().min(name.len()) / 3)
        .map(|(_, other)| other)
}

/// At most a dozen names, so that a message stays readable.
pub fn shorten(names: &[&str]) -> String {
    match names.len() {
        0..=12 => names.join(", "),
        count => format!("{}, … ({count} in all)", names[..12].join(", ")),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or(text).to_string()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let length = text[start..].find(after)?;
    Some(&text[start..start + length])
}
