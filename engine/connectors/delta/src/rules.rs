//! What a table's definition asks of whoever writes to it, above all if another program made it.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;
use connector::{Message, SinkError};
use deltalake_core::kernel::Metadata;
use deltalake_core::table::state::DeltaTableState;
use serde_json::Value;

use crate::bounded;

/// Files may be added and not taken away.
const APPEND_ONLY: &str = "delta.appendOnly";
/// What the names of properties that hold CHECK constraints begin with.
const CONSTRAINTS: &str = "delta.constraints.";
/// Where a column's metadata holds a rule for its values.
const INVARIANTS: &str = "delta.invariants";

/// The rules of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Columns of which the log has bounds, for each file of all of them or of none.
    pub bounded: Vec<String>,
    /// Columns that must not be NULL.
    required: Vec<String>,
    /// True if rows may only be added.
    only_adds: bool,
}

impl Rules {
    /// Those of a table that was just made by us.
    pub(crate) fn of_new(schema: &Schema) -> Arc<Rules> {
        Arc::new(Rules { bounded: bounded::columns_of(schema), ..Rules::default() })
    }

    /// Those of a table that was there, with the definition that it has or will have.
    pub(crate) fn of(state: &DeltaTableState, definition: &Metadata) -> Arc<Rules> {
        let properties = definition.configuration();
        let schema = state.snapshot().arrow_schema();
        let required = schema.fields().iter().filter(|field| !field.is_nullable());
        Arc::new(Rules {
            bounded: bounded::listed(properties).unwrap_or_default(),
            required: required.map(|field| field.name().clone()).collect(),
            only_adds: properties.get(APPEND_ONLY).is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }

    /// Refuses files that take the place of others, where none may go.
    ///
    /// # Errors
    /// `Refused`.
    pub(crate) fn check_replacing(&self, table: &str) -> Result<(), SinkError> {
        if self.only_adds {
            return Err(SinkError::Refused(format!(
                "table {table} has {APPEND_ONLY} = true, and an update or complete table replaces rows; make the query's mode append, \
                 write to another table, or take the property away (ALTER TABLE … SET TBLPROPERTIES)"
            ).into()));
        }
        Ok(())
    }

    /// Refuses a NULL in a column that the table's definition keeps free of them.
    ///
    /// # Errors
    /// `Data` with the column.
    pub(crate) fn check_rows(&self, table: &str, rows: &RecordBatch) -> Result<(), SinkError> {
        let has_null = |name: &&String| rows.column_by_name(name).is_some_and(|column| column.logical_null_count() > 0);
        match self.required.iter().find(has_null) {
            Some(column) => Err(SinkError::Data(format!(
                "column `{column}` of table {table} is NOT NULL, and the query gave a NULL; write COALESCE({column}, …) or a WHERE \
                 that keeps such rows out, or let the column have NULLs (ALTER TABLE … ALTER COLUMN {column} DROP NOT NULL)"
            ).into())),
            None => Ok(()),
        }
    }
}

/// Refuses rules about values, which would have to be checked row by row.
///
/// # Errors
/// `Data` with the rule.
pub(crate) fn check_constraints(state: &DeltaTableState, table: &str) -> Result<(), SinkError> {
    let refused = |rule: String| {
        Err(SinkError::Data(format!(
            "table {table} has {rule}, which the engine does not check when it writes; drop it, or write to another table"
        ).into()))
    };
    let mut properties: Vec<_> = state.metadata().configuration().iter().collect();
    properties.sort();
    if let Some((name, rule)) = properties.iter().find_map(|(key, rule)| Some((key.strip_prefix(CONSTRAINTS)?, rule))) {
        return refused(format!("the constraint {name} CHECK ({rule})"));
    }
    let schema = serde_json::to_value(state.schema().as_ref()).map_err(|error| unreadable(table, &error))?;
    match invariant_in(&schema) {
        Some((column, rule)) => refused(format!("a rule for the values of column `{column}` ({rule})")),
        None => Ok(()),
    }
}

/// A definition that cannot be looked through may hold any rule, so it is not written to.
pub(crate) fn unreadable(table: &str, error: &serde_json::Error) -> SinkError {
    SinkError::Internal(Message::caused_by(
        format!("the definition of table {table} cannot be looked through: {error}"),
        error,
    ))
}

/// The first column with a rule, at any depth, and the rule.
fn invariant_in(value: &Value) -> Option<(String, String)> {
    match value {
        Value::Object(parts) => {
            let rule = parts.get("metadata").and_then(|metadata| metadata.get(INVARIANTS));
            if let Some(rule) = rule {
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
                return Some((text(&parts["name"]), text(rule)));
            }
            parts.values().find_map(invariant_in)
        }
        Value::Array(parts) => parts.iter().find_map(invariant_in),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
