//! Why there is no answer: errors sorted by what the reader has to do, each with the remedy in its text.

use std::fmt;

use connector::TableInfo;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

/// Why there is no answer. The first line of a text says what is wrong, the lines below what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// The query, the location or the environment is wrong: correct it.
    WrongInput(String),
    /// It could not be done: remove the cause, then try again.
    Failed(String),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (QueryError::WrongInput(text) | QueryError::Failed(text)) = self;
        f.write_str(text)
    }
}

impl std::error::Error for QueryError {}

impl QueryError {
    /// Sorts an error of parsing, planning or running a query.
    pub(crate) fn of(error: &DataFusionError, tables: &[TableInfo]) -> QueryError {
        if let Some(problem) = plan::problem_of_call(error) {
            return QueryError::of_problem(&problem);
        }
        let root = error.find_root();
        let text = expr::map_keys::remedied(root.strip_backtrace());
        match root {
            DataFusionError::SchemaError(schema, _) => QueryError::WrongInput(of_schema(schema, &text)),
            DataFusionError::SQL(..) => {
                let text =
                    text.trim_start_matches("SQL error: ").trim_start_matches("ParserError(\"").trim_end_matches("\")");
                QueryError::WrongInput(format!(
                    "this is not SQL: {text}\n  strings take single quotes, odd names backticks; `;` ends a statement"
                ))
            }
            DataFusionError::Plan(_) | DataFusionError::NotImplemented(_) | DataFusionError::Diagnostic(..) => {
                let text = text
                    .trim_start_matches("Error during planning: ")
                    .trim_start_matches("This feature is not implemented: ");
                match unknown_name(text) {
                    Some(table) => QueryError::unknown_table(table, tables),
                    None => QueryError::WrongInput(text.to_owned()),
                }
            }
            // Which library passed the error on helps nobody.
            _ => {
                let text = text.trim_start_matches("External error: ").trim_start_matches("Execution error: ");
                QueryError::Failed(format!("the query failed: {text}"))
            }
        }
    }

    /// A problem of the text, with what to do.
    pub(crate) fn of_problem(problem: &plan::SqlProblem) -> QueryError {
        QueryError::WrongInput(format!("{}\n  {}", problem.message, problem.help))
    }

    /// A statement that would change something.
    pub(crate) fn only_reading(error: &DataFusionError) -> QueryError {
        let text = error.strip_backtrace();
        let text = text.trim_start_matches("Error during planning: ");
        QueryError::WrongInput(format!(
            "engine sql only reads ({text})\n  tables are made and filled by jobs: engine submit JOB"
        ))
    }

    /// A table that is not there, with those that are; or why one that is there cannot be read.
    pub(crate) fn unknown_table(table: &str, tables: &[TableInfo]) -> QueryError {
        let is_asked_for = |other: &&TableInfo| other.name.eq_ignore_ascii_case(table);
        if let Some(reason) = tables.iter().find(is_asked_for).and_then(|table| table.damage.as_ref()) {
            return QueryError::Failed(reason.clone());
        }
        let readable = tables.iter().filter(|table| table.damage.is_none());
        let names: Vec<&str> = readable.map(|table| table.name.as_str()).collect();
        let remedy = if names.is_empty() {
            "the warehouse holds no tables yet: run a job first, with engine submit JOB".to_owned()
        } else {
            format!("the tables are {}", names.join(", "))
        };
        QueryError::WrongInput(format!("there is no table {table}\n  {remedy}"))
    }
}

/// The name in `table 'datafusion.gold.x' not found`: DataFusion has no kind of its own for this error.
fn unknown_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("table '")?.split_once("' not found")?.0;
    let name = name.strip_prefix("datafusion.").unwrap_or(name);
    Some(name.strip_prefix("public.").unwrap_or(name))
}

fn of_schema(error: &SchemaError, text: &str) -> String {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
            format!("there is no column {}\n  the columns are {}", field.name, names.join(", "))
        }
        _ => text.trim_start_matches("Schema error: ").to_owned(),
    }
}

#[cfg(test)]
mod tests;
