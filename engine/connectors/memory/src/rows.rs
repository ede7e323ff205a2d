//! Rows of tables in memory: brought to columns, told apart by their keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use connector::{Message, SinkError};

/// Rows in a table's columns and types, with NULL in those that they do not have.
pub(crate) fn in_columns(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, SinkError> {
    let column = |field: &Arc<Field>| -> Result<ArrayRef, ArrowError> {
        match batch.column_by_name(field.name()) {
            Some(column) => cast(column, field.data_type()),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        }
    };
    let columns = schema.fields().iter().map(column).collect::<Result<_, _>>();
    columns.and_then(|columns| RecordBatch::try_new(Arc::clone(schema), columns)).map_err(unfit)
}

/// The key of each row, as text; NULL is a value like others.
pub(crate) fn keys_of(batch: &RecordBatch, key: &[String]) -> Result<Vec<Vec<Option<String>>>, SinkError> {
    let options = FormatOptions::default();
    let missing =
        |name: &String| SinkError::Data(format!("rows have no column `{name}`, which is part of the key").into());
    let columns = key.iter().map(|name| batch.column_by_name(name).ok_or_else(|| missing(name)));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let formatters = columns.iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let formatters = formatters.collect::<Result<Vec<_>, _>>().map_err(unfit)?;
    let cell = |row: usize, at: usize| columns[at].is_valid(row).then(|| formatters[at].value(row).to_string());
    Ok((0..batch.num_rows()).map(|row| (0..columns.len()).map(|at| cell(row, at)).collect()).collect())
}

/// The rows whose key is none of these.
pub(crate) fn without_keys(
    batch: &RecordBatch,
    key: &[String],
    keys: &BTreeSet<Vec<Option<String>>>,
) -> Result<RecordBatch, SinkError> {
    let stays: BooleanArray = keys_of(batch, key)?.iter().map(|key| Some(!keys.contains(key))).collect();
    filter_record_batch(batch, &stays).map_err(unfit)
}

fn unfit(error: ArrowError) -> SinkError {
    SinkError::Data(Message::caused_by(format!("rows do not fit the table's columns: {error}"), &error))
}
