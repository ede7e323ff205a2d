//! The copy of a static table's rows in the checkpoint.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use connector::error::named;
use connector::{StaticError, StaticRows};
use epoch::EpochId;
use state::{BlockKey, CheckpointReader, OperatorId};

use crate::error::RunError;

/// Largest copy, bytes as stored.
pub const COPY_BYTES_MAX: usize = 64 << 20;

/// Under what name the version stands in the copy.
const VERSION: &str = "engine.static.version";

/// The rows as Arrow IPC, with their version.
pub(super) fn encode(name: &str, rows: &StaticRows) -> Result<Vec<u8>, StaticError> {
    encode_within(name, rows, COPY_BYTES_MAX)
}

pub(super) fn encode_within(name: &str, rows: &StaticRows, bytes_max: usize) -> Result<Vec<u8>, StaticError> {
    let bytes = written(rows).map_err(|error| {
        StaticError::Internal(named(name, &format!("its rows cannot be copied into the checkpoint: {error}")).into())
    })?;
    if bytes.len() > bytes_max {
        let text = format!(
            "{} rows take {} bytes, and the checkpoint keeps copies of at most {bytes_max} bytes; make it a Delta table, \
             whose versions need no copy, or write refresh = \"never\"",
            rows.batch.num_rows(),
            bytes.len()
        );
        return Err(StaticError::TooLarge(named(name, &text).into()));
    }
    Ok(bytes)
}

fn written(rows: &StaticRows) -> Result<Vec<u8>, ArrowError> {
    let metadata = HashMap::from([(VERSION.to_string(), rows.version.clone())]);
    let schema = Arc::new(rows.batch.schema().as_ref().clone().with_metadata(metadata));
    let batch = rows.batch.clone().with_schema(Arc::clone(&schema))?;
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options)?;
    writer.write(&batch)?;
    writer.into_inner()
}

/// Where the copy of a static table's rows lies that an epoch was the first to see.
pub fn block_key(name: &str, epoch: EpochId) -> BlockKey {
    let operator = OperatorId::of_static(name);
    BlockKey { operator, bucket: 0, section: 0, epoch, writer: 0, sequence: 0 }
}

/// Finds the copy of a version in the checkpoint; `None` if there is none.
///
/// # Errors
/// The checkpoint's, or that the copy is damaged.
pub fn restore(checkpoint: &CheckpointReader, name: &str, version: &str) -> Result<Option<StaticRows>, RunError> {
    for entry in checkpoint.bucket_index(OperatorId::of_static(name))? {
        let (at, _) = entry?;
        let Some(bytes) = checkpoint.read_block(&at)? else { continue };
        let (found, batch) = read(&bytes).map_err(|error| damaged(name, version, &format!("is damaged: {error}")))?;
        if found == version {
            return Ok(Some(StaticRows { version: found, batch }));
        }
    }
    Ok(None)
}

/// The copies that no epoch from `oldest` on needs: another one came before it.
///
/// # Errors
/// The checkpoint's.
pub fn superseded(checkpoint: &CheckpointReader, name: &str, oldest: EpochId) -> Result<Vec<BlockKey>, RunError> {
    let copies = checkpoint.bucket_index(OperatorId::of_static(name))?;
    let copies = copies.map(|entry| entry.map(|(at, _)| at)).collect::<Result<Vec<_>, _>>()?;
    debug_assert!(copies.is_sorted_by_key(|at| at.epoch), "copies of {name} lie in the order of their epochs");
    let is_followed = copies.windows(2).filter(|pair| pair[1].epoch <= oldest);
    Ok(is_followed.map(|pair| pair[0]).collect())
}

fn damaged(name: &str, version: &str, what: &str) -> StaticError {
    let text = format!(
        "the copy of its rows ({version}) in the checkpoint {what}; restore the checkpoint from a backup, or start with a \
         new checkpoint and warehouse"
    );
    StaticError::Data(named(name, &text).into())
}

fn read(bytes: &[u8]) -> Result<(String, RecordBatch), ArrowError> {
    let reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    let with_version = reader.schema();
    let version = with_version.metadata().get(VERSION).cloned().unwrap_or_default();
    let schema = Arc::new(with_version.as_ref().clone().with_metadata(HashMap::new()));
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    let batch = concat_batches(&with_version, &batches)?;
    Ok((version, RecordBatch::try_new(schema, batch.columns().to_vec())?))
}

#[cfg(test)]
mod tests;
