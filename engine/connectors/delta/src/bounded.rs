//! Which columns have bounds in the log. The table's properties say it: a reader may take bounds that it misses for "no such row".

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use deltalake_core::table::state::DeltaTableState;
use serde_json::Value;

/// Columns with bounds; more would only make the log longer.
const COLUMNS_MAX: usize = 8;

/// Names the columns of which each file's entry has bounds.
const LISTED: &str = "delta.dataSkippingStatsColumns";
/// How many columns have bounds, the first ones; what [`LISTED`] names goes before.
const FIRST: &str = "delta.dataSkippingNumIndexedCols";

/// The columns of a new table that get bounds: the first few of a type that has them.
///
/// Names that would have to be quoted in a list are passed over: readers do not agree on how. Floating-point columns have no
/// bounds: Parquet leaves NaN out of them, SQL does not.
pub(crate) fn columns_of(schema: &Schema) -> Vec<String> {
    let fields = schema.fields().iter().filter(|field| can_be_bounded(field) && is_plain(field.name()));
    fields.take(COLUMNS_MAX).map(|field| field.name().clone()).collect()
}

/// The property that says it of a table.
pub(crate) fn property(columns: &[String]) -> (&'static str, String) {
    if columns.is_empty() {
        // Not every reader takes an empty list.
        return (FIRST, "0".to_string());
    }
    (LISTED, columns.join(","))
}

/// What a table's properties say; `None` if they say nothing that fits files of ours.
pub(crate) fn listed(properties: &HashMap<String, String>) -> Option<Vec<String>> {
    match (properties.get(LISTED), properties.get(FIRST)) {
        (Some(list), _) => {
            let names = list.split(',').map(|name| name.trim().trim_matches('`').to_string());
            Some(names.filter(|name| !name.is_empty()).collect())
        }
        (None, Some(first)) if first.trim() == "0" => Some(Vec::new()),
        (None, _) => None,
    }
}

/// The columns that a table of which nothing is said gets bounds for: those that every file in it has bounds of already.
///
/// A column that was added later is not among them: files from before say nothing of it, and a reader that looks for its NULLs
/// would miss theirs.
pub(crate) fn columns_of_files(state: &DeltaTableState, schema: &Schema) -> Vec<String> {
    let mut columns = columns_of(schema);
    for file in state.log_data().iter() {
        if columns.is_empty() {
            break;
        }
        let stats: Value = file.stats().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        // A file of which nothing is said is read by everybody.
        if stats["minValues"].is_object() || stats["nullCount"].is_object() {
            columns.retain(|column| is_bounded(&stats, column));
        }
    }
    columns
}

/// True if a file's entry has bounds of a column, or says that it holds only NULLs.
fn is_bounded(stats: &Value, column: &str) -> bool {
    let nulls = &stats["nullCount"][column];
    let has_bounds = !stats["minValues"][column].is_null() && !stats["maxValues"][column].is_null();
    nulls.is_number() && (has_bounds || *nulls == stats["numRecords"])
}

fn can_be_bounded(field: &Field) -> bool {
    use DataType::{Date32, Int8, Int16, Int32, Int64, Timestamp, Utf8};
    matches!(field.data_type(), Int8 | Int16 | Int32 | Int64 | Date32 | Utf8 | Timestamp(TimeUnit::Microsecond, _))
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
