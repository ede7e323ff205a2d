//! From the types a query computes to the types a table holds.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Field, Schema, SchemaRef};
use connector::{Message, SinkError};

/// The table's schema for rows of `schema`: Delta's types, every column nullable, timestamps in microseconds UTC.
///
/// # Errors
/// `Refused` with the column if its name or type cannot be in a table, and what to write instead.
pub fn table_schema(schema: &Schema) -> Result<SchemaRef, SinkError> {
    formats::table_schema(schema).map_err(|text| SinkError::Refused(text.into()))
}

/// The rows of `batch` in the table's columns and types: matched by name, columns that the batch lacks are NULL.
///
/// # Errors
/// `Data` if a value does not fit (an unsigned number above the largest BIGINT), `Internal` if the batch has a column that the table lacks.
pub(crate) fn to_table_rows(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, SinkError> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    if let Some(extra) = batch.schema_ref().fields().iter().find(|field| schema.index_of(field.name()).is_err()) {
        return Err(SinkError::Internal(
            format!("rows have a column `{}` that the table does not", extra.name()).into(),
        ));
    }
    let columns = schema.fields().iter().map(|field| column_of(batch, field)).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(|error| {
        SinkError::Internal(Message::caused_by(format!("rows do not make a batch of the table: {error}"), &error))
    })
}

fn column_of(batch: &RecordBatch, field: &Field) -> Result<ArrayRef, SinkError> {
    let Some(column) = batch.column_by_name(field.name()) else {
        return Ok(new_null_array(field.data_type(), batch.num_rows()));
    };
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    // Not safe = an error instead of a silent NULL.
    let options = CastOptions { safe: false, ..Default::default() };
    cast_with_options(column, field.data_type(), &options).map_err(|error| {
        SinkError::Data(
            format!("column `{}`: a value does not fit the table's {}: {error}", field.name(), field.data_type())
                .into(),
        )
    })
}

/// The columns of `wanted` that the table `existing` lacks, to be added; both in table types.
///
/// # Errors
/// `Refused` naming the first column that is missing in `wanted` or has another type.
pub(crate) fn added_columns(existing: &Schema, wanted: &Schema) -> Result<Vec<Arc<Field>>, SinkError> {
    for field in existing.fields() {
        let Ok(other) = wanted.field_with_name(field.name()) else {
            return Err(SinkError::Refused(format!(
                "the table has a column `{}` that the query no longer gives; keep it in the query (NULL AS {} will do) or write to another table",
                field.name(),
                field.name()
            ).into()));
        };
        if other.data_type() != field.data_type() {
            return Err(SinkError::Refused(
                format!(
                    "column `{}` is {} in the table and {} in the query; CAST it or write to another table",
                    field.name(),
                    field.data_type(),
                    other.data_type()
                )
                .into(),
            ));
        }
    }
    Ok(wanted.fields().iter().filter(|field| existing.index_of(field.name()).is_err()).cloned().collect())
}

#[cfg(test)]
mod tests;
