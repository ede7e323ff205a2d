//! Parquet files.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use bytes::Bytes;
use job::StaticTable;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

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
    let reader = ParquetRecordBatchReaderBuilder::try_new(content.clone()).map_err(|error| fault(&error))?;
    Ok(reader.schema().as_ref().clone())
}

fn fault(error: &dyn std::fmt::Display) -> String {
    format!("{error}; is it a whole Parquet file?")
}

fn rows_of(target: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(content.clone())
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| fault(&error))?;
    reader.map(|batch| target.of(&batch.map_err(|error| fault(&error))?)).collect()
}
