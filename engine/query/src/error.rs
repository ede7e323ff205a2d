//! What is said of a query that is wrong or fails.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use delta::TableInfo;

use crate::ending::Failure;

/// An error of parsing, planning or running a query.
pub fn explain(error: &DataFusionError, tables: &[TableInfo]) -> Failure {
    let root = error.find_root();
    let text = plan::remedied(root.strip_backtrace());
    match root {
        DataFusionError::SchemaError(schema, _) => Failure::WrongInput(of_schema(schema, &text)),
        DataFusionError::SQL(..) => {
            let text =
                text.trim_start_matches("SQL error: ").trim_start_matches("ParserError(\"").trim_end_matches("\")");
            Failure::WrongInput(format!(
                "this is not SQL: {text}\n  strings take single quotes, odd names backticks; `;` ends a statement"
            ))
        }
        DataFusionError::Plan(_) | DataFusionError::NotImplemented(_) | DataFusionError::Diagnostic(..) => {
            let text = text
                .trim_start_matches("Error during planning: ")
                .trim_start_matches("This feature is not implemented: ");
            match unknown_name(text) {
                Some(table) => unknown_table(table, tables),
                None => Failure::WrongInput(text.to_owned()),
            }
        }
        _ => Failure::Failed(format!("the query failed: {text}")),
    }
}

/// A statement that would change something.
pub fn only_reading(error: &DataFusionError) -> Failure {
    let text = error.strip_backtrace();
    let text = text.trim_start_matches("Error during planning: ");
    Failure::WrongInput(format!(
        "engine sql only reads ({text})\n  tables are made and filled by jobs: engine submit JOB"
    ))
}

/// A table that is not there, with those that are.
pub fn unknown_table(table: &str, tables: &[TableInfo]) -> Failure {
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let remedy = if names.is_empty() {
        "the warehouse holds no tables yet: run a job first, with engine submit JOB".to_owned()
    } else {
        format!("the tables are {}", names.join(", "))
    };
    Failure::WrongInput(format!("there is no table {table}\n  {remedy}"))
}

/// The name in `table 'datafusion.gold.x' not found`.
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
