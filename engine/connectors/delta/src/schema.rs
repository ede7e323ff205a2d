//! From the types a query computes to the types a table holds.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use connector::SinkError;

/// Characters that Delta and Parquet readers do not take in a column's name.
const FORBIDDEN: &[char] = &[' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='];

/// The table's schema for rows of `schema`: Delta's types, every column nullable, timestamps in microseconds UTC.
///
/// # Errors
/// `Refused` with the column if its name or type cannot be in a table, and what to write instead.
pub fn table_schema(schema: &Schema) -> Result<SchemaRef, SinkError> {
    if schema.fields().is_empty() {
        return Err(SinkError::Refused("the query has no column".to_string()));
    }
    Ok(Arc::new(Schema::new(table_fields(schema.fields(), "")?)))
}

fn table_fields(fields: &Fields, above: &str) -> Result<Vec<Field>, SinkError> {
    let mut names = HashSet::new();
    fields
        .iter()
        .map(|field| {
            let path = format!("{above}{}", field.name());
            check_name(field.name(), &path)?;
            if !names.insert(field.name().to_lowercase()) {
                return Err(SinkError::Refused(format!(
                    "column `{path}` is there twice (letter case does not count); rename one with AS"
                )));
            }
            Ok(Field::new(field.name(), table_type(field.data_type(), &path)?, true))
        })
        .collect()
}

fn check_name(name: &str, path: &str) -> Result<(), SinkError> {
    if name.is_empty() || name.contains(FORBIDDEN) {
        return Err(SinkError::Refused(format!(
            "the name of column `{path}` is empty or has one of the characters ` ,;{{}}()=`, newline, tab; give it a name with AS"
        )));
    }
    Ok(())
}

fn table_type(from: &DataType, path: &str) -> Result<DataType, SinkError> {
    let list = |item: &Field| -> Result<DataType, SinkError> {
        let element = table_type(item.data_type(), &format!("{path}.element"))?;
        Ok(DataType::List(Arc::new(Field::new("element", element, true))))
    };
    Ok(match from {
        DataType::Boolean | DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => from.clone(),
        DataType::Float32 | DataType::Float64 | DataType::Date32 | DataType::Utf8 | DataType::Binary => from.clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Date64 => DataType::Date32,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Dictionary(_, values) => table_type(values, path)?,
        DataType::RunEndEncoded(_, values) => table_type(values.data_type(), path)?,
        DataType::Struct(fields) => DataType::Struct(table_fields(fields, &format!("{path}."))?.into()),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => list(item)?,
        DataType::ListView(item) | DataType::LargeListView(item) => list(item)?,
        DataType::Map(entries, sorted) => map_type(entries, *sorted, path)?,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
            if *scale >= 0 =>
        {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Decimal256(precision, scale) if *precision <= 38 && *scale >= 0 => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Null => {
            return Err(SinkError::Refused(format!(
                "column `{path}` has no type, it is always NULL; write CAST(NULL AS <type>)"
            )));
        }
        other => {
            return Err(SinkError::Refused(format!(
                "column `{path}` is {other}, which a Delta table does not hold; CAST it to another type"
            )));
        }
    })
}

fn map_type(entries: &Field, sorted: bool, path: &str) -> Result<DataType, SinkError> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(SinkError::Refused(format!("column `{path}` is a map without entries; CAST it to another type")));
    };
    let (Some(key), Some(value)) = (fields.first(), fields.get(1)) else {
        return Err(SinkError::Refused(format!(
            "column `{path}` is a map without key and value; CAST it to another type"
        )));
    };
    let fields = vec![
        Field::new("key", table_type(key.data_type(), &format!("{path}.key"))?, false),
        Field::new("value", table_type(value.data_type(), &format!("{path}.value"))?, true),
    ];
    Ok(DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(fields.into()), false)), sorted))
}

/// The rows of `batch` in the table's columns and types: matched by name, columns that the batch lacks are NULL.
///
/// # Errors
/// `Data` if a value does not fit (an unsigned number above the largest BIGINT), `Internal` if the batch has a column that the table lacks.
pub fn to_table_rows(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, SinkError> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    if let Some(extra) = batch.schema_ref().fields().iter().find(|field| schema.index_of(field.name()).is_err()) {
        return Err(SinkError::Internal(format!("rows have a column `{}` that the table does not", extra.name())));
    }
    let columns = schema.fields().iter().map(|field| column_of(batch, field)).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|error| SinkError::Internal(format!("rows do not make a batch of the table: {error}")))
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
        SinkError::Data(format!(
            "column `{}`: a value does not fit the table's {}: {error}",
            field.name(),
            field.data_type()
        ))
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
            )));
        };
        if other.data_type() != field.data_type() {
            return Err(SinkError::Refused(format!(
                "column `{}` is {} in the table and {} in the query; CAST it or write to another table",
                field.name(),
                field.data_type(),
                other.data_type()
            )));
        }
    }
    Ok(wanted.fields().iter().filter(|field| existing.index_of(field.name()).is_err()).cloned().collect())
}

#[cfg(test)]
mod tests;
