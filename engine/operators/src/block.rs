//! State blocks: Arrow IPC, LZ4, with the row count in front.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use expr::aggregate::is_later_column;

use crate::OperatorError;
use crate::sized_batch::sized_batch;

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

/// Decodes a block and checks that it is of the operator's schema. Columns that an older engine did not write yet are null.
///
/// # Errors
/// If it is damaged or was written by another query.
pub fn decode(bytes: &[u8], schema: &SchemaRef) -> Result<RecordBatch, OperatorError> {
    let count = row_count(bytes)?;
    let reader = StreamReader::try_new(Cursor::new(&bytes[8..]), None)?;
    let found = reader.schema();
    let present = columns_present(&found, schema)
        .ok_or_else(|| OperatorError::Damaged(format!("a block holds {found} where the query keeps {schema}")))?;
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    let batch = concat_batches(&found, &batches)?;
    if batch.num_rows() as u64 != count {
        return Err(OperatorError::Damaged(format!("a block of {count} rows holds {}", batch.num_rows())));
    }
    let mut columns = batch.columns().iter().cloned();
    let column = |(field, is_present): (&Arc<Field>, bool)| -> Option<ArrayRef> {
        if is_present { columns.next() } else { Some(new_null_array(field.data_type(), batch.num_rows())) }
    };
    let columns: Option<Vec<ArrayRef>> = schema.fields().iter().zip(present).map(column).collect();
    Ok(sized_batch(schema, columns.unwrap_or_default(), batch.num_rows())?)
}

/// Which of the wanted columns a block has: all of them, or all but those that came with a later engine. `None` if it has others.
fn columns_present(found: &Schema, wanted: &Schema) -> Option<Vec<bool>> {
    let has_all = found.fields().len() == wanted.fields().len();
    let present: Vec<bool> = wanted.fields().iter().map(|field| has_all || !is_later_column(field)).collect();
    let expected = wanted.fields().iter().zip(&present).filter(|(_, is_present)| **is_present);
    let expected: Vec<&DataType> = expected.map(|(field, _)| field.data_type()).collect();
    let types: Vec<&DataType> = found.fields().iter().map(|field| field.data_type()).collect();
    (types == expected).then_some(present)
}

#[cfg(test)]
mod tests;
