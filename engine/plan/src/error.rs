//! DataFusion's errors as problems of the SQL text: Spark's name, the place, the nearest name.

mod phrases;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::tokenizer::TokenizerError;
use expr::refusal::refusal_in;

use crate::problem::SqlProblem;

/// Turns an error of planning into a problem of the text.
pub fn to_problem(error: &DataFusionError, sql: &str) -> SqlProblem {
    let root = error.find_root();
    let mut problem = match (root, refusal_in(error)) {
        (DataFusionError::SchemaError(schema, _), _) => of_schema(schema, sql),
        (root, Some((condition, help))) => SqlProblem::new(phrases::plain(root), help).code(condition),
        (root, None) => phrases::of(root, sql),
    };
    if let Some(span) = error.diagnostic().and_then(|diagnostic| diagnostic.span) {
        problem = problem.at_line(sql, span.start.line, span.start.column);
    }
    problem
}

/// What is wrong with a call or an operator, if that is what an error of planning says: for who has no place in a text to show.
pub fn problem_of_call(error: &DataFusionError) -> Option<SqlProblem> {
    let root = error.find_root();
    match refusal_in(error) {
        Some((condition, help)) => Some(SqlProblem::new(phrases::plain(root), help).code(condition)),
        None => phrases::of_call(&root.strip_backtrace()).map(|(_, problem)| problem),
    }
}

fn of_schema(error: &SchemaError, sql: &str) -> SqlProblem {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let qualifier = field.relation.as_ref().map(|relation| relation.table().to_string());
            let is_table = |name: &String| {
                let mut tables = valid_fields.iter().filter_map(|field| field.relation.as_ref());
                tables.any(|table| table.table().eq_ignore_ascii_case(name))
            };
            if let Some(table) = qualifier.filter(|name| !is_table(name)) {
                let help = "name a table of FROM, by its alias if it has one";
                return SqlProblem::new(format!("there is no table `{table}` in FROM"), help)
                    .code("UNRESOLVED_COLUMN.WITH_SUGGESTION")
                    .at_text(sql, &format!("{table}."));
            }
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

/// A problem of a text that makes no tokens.
pub fn of_tokenizer(error: &TokenizerError, sql: &str) -> SqlProblem {
    not_sql(&error.message).at_line(sql, error.location.line, error.location.column)
}

/// A problem of a text that is not SQL. The parser says in its text alone where it is.
pub fn of_parser(text: &str, sql: &str) -> SqlProblem {
    let (what, place) = match text.rsplit_once(" at Line: ") {
        Some((what, place)) => (what, place.split_once(", Column: ")),
        None => (text, None),
    };
    match place.and_then(|(line, column)| Some((line.trim().parse().ok()?, column.trim().parse().ok()?))) {
        Some((line, column)) => not_sql(what).at_line(sql, line, column),
        None => not_sql(what),
    }
}

fn not_sql(what: &str) -> SqlProblem {
    let help = "check the SQL around here; strings take single quotes, names with special characters backticks";
    SqlProblem::new(what, help).code("PARSE_SYNTAX_ERROR")
}

/// The known name nearest to `name`, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored =
        known.iter().map(|other| (datafusion::common::utils::datafusion_strsim::levenshtein(name, other), *other));
    // One letter may be wrong, and one more for every three: what differs more is another word, not a slip.
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
