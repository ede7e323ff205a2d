//! State blocks: Arrow IPC, LZ4, with the row count in front.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

use crate::OperatorError;

/// Encodes rows of an operator's state.
///
/// # Errors
/// If the rows cannot be encoded.
pub fn encode(rows: &RecordBatch) -> Result<Arc<[u8]>, OperatorError> {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut bytes = (rows.num_rows() as u64).to_le_bytes().to_vec();
    let mut writer = StreamWriter::try_new_with_options(&mut bytes, rows.schema_ref(), options)?;
    writer.write(rows)?;
    writer.finish()?;
    drop(writer);
    Ok(Arc::from(bytes))
}

/// Number of rows of an encoded block.
///
/// # Errors
/// If it is too short to be a block.
fn row_count(bytes: &[u8]) -> Result<u64, OperatorError> {
    let head =
        bytes.first_chunk::<8>().ok_or_else(|| OperatorError::Damaged("a state block is cut short".to_string()))?;
    Ok(u64::from_le_bytes(*head))
}

/// Decodes a block and checks that it is of the operator's schema.
///
/// # Errors
/// If it is damaged or was written by another query.
pub fn decode(bytes: &[u8], schema: &SchemaRef) -> Result<RecordBatch, OperatorError> {
    let count = row_count(bytes)?;
    let reader = StreamReader::try_new(Cursor::new(&bytes[8..]), None)?;
    let found = reader.schema();
    let same = found.fields().len() == schema.fields().len()
        && found.fields().iter().zip(schema.fields()).all(|(found, wanted)| found.data_type() == wanted.data_type());
    if !same {
        return Err(OperatorError::Damaged(format!("a block holds {found} where the query keeps {schema}")));
    }
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    let batch = concat_batches(&found, &batches)?;
    if batch.num_rows() as u64 != count {
        return Err(OperatorError::Damaged(format!("a block of {count} rows holds {}", batch.num_rows())));
    }
    Ok(batch.with_schema(Arc::clone(schema))?)
}
