//! Parquet files.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Fields, Schema, TimeUnit};
use bytes::Bytes;
use job::StaticTable;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;

use super::format::FileFormat;
use super::merged::merged;
use super::target::TargetColumns;

/// Parquet. Its columns have names, so files may have them in any order.
pub(super) struct Parquet;

impl FileFormat for Parquet {
    fn schema(&self, _table: &StaticTable, files: &[(String, Bytes)]) -> Result<Schema, String> {
        merged(files, schema_of)
    }

    fn rows(&self, _table: &StaticTable, target: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
        rows_of(target, content)
    }
}

fn schema_of(content: &Bytes) -> Result<Schema, String> {
    let reader = opened(content).map_err(|error| fault(&error))?;
    Ok(reader.schema().as_ref().clone())
}

fn fault(error: &dyn std::fmt::Display) -> String {
    format!("{error}; is it a whole Parquet file?")
}

fn rows_of(target: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
    let reader = opened(content).and_then(ParquetRecordBatchReaderBuilder::build).map_err(|error| fault(&error))?;
    reader.map(|batch| target.of(&batch.map_err(|error| fault(&error))?)).collect()
}

/// A file with its timestamps of 96 bits, which Spark writes unless it is told otherwise, as microseconds: as nanoseconds, which arrow
/// would take, 64 bits end in 2262, and a later year comes out as one of another century.
fn opened(content: &Bytes) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, ParquetError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(content.clone())?;
    let columns = reader.parquet_schema().columns();
    if columns.iter().all(|column| column.physical_type() != PhysicalType::INT96) {
        return Ok(reader);
    }
    let mut leaves = columns.iter().map(|column| column.physical_type());
    let fields: Fields = reader.schema().fields().iter().map(|field| in_microseconds(field, &mut leaves)).collect();
    let schema = Schema::new_with_metadata(fields, reader.schema().metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    ParquetRecordBatchReaderBuilder::try_new_with_options(content.clone(), options)
}

/// A field with the leaves below it that have 96 bits as instants. The leaves come in the order of the file's columns.
fn in_microseconds(field: &FieldRef, leaves: &mut dyn Iterator<Item = PhysicalType>) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| in_microseconds(field, leaves)).collect())
        }
        DataType::List(element) => DataType::List(in_microseconds(element, leaves)),
        DataType::LargeList(element) => DataType::LargeList(in_microseconds(element, leaves)),
        DataType::Map(entries, is_sorted) => DataType::Map(in_microseconds(entries, leaves), *is_sorted),
        kind => match leaves.next() {
            Some(PhysicalType::INT96) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            _ => kind.clone(),
        },
    };
    Arc::new(field.as_ref().clone().with_data_type(kind))
}

#[cfg(test)]
mod tests;
