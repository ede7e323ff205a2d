//! Records to batches: values into the decoder, the rest into metadata columns, what cannot be decoded among the rejects.

use std::sync::Arc;

use arrow::array::{BinaryBuilder, Int32Array, Int64Array, RecordBatch, StringBuilder, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use connector::Record;
use epoch::Split;
use formats::Decoder;
use job::Source;

use crate::error::RunError;
use crate::rejected::Rejected;

/// Bytes of records, keys and values, that one batch holds at most, or one record: no column of text comes near the 2 GiB that it may
/// hold, even if every byte becomes three.
const BATCH_BYTES: u64 = 128 << 20;

/// What is the same for all lanes of a source.
#[derive(Debug)]
pub struct SourceSetup {
    /// The source as the job has it.
    pub source: Source,
    /// Its columns, then the metadata columns.
    pub schema: SchemaRef,
    /// Column with the event time.
    pub event_time: Option<usize>,
}

/// Builds batches from the records of one lane.
pub struct BatchBuilder {
    decoder: Box<dyn Decoder>,
    latest_allowed_us: Option<i64>,
    keys: BinaryBuilder,
    streams: StringBuilder,
    partitions: Vec<i32>,
    offsets: Vec<i64>,
    timestamps: Vec<Option<i64>>,
    rejected: Vec<Rejected>,
    flushed: Vec<RecordBatch>,
    error: Option<RunError>,
    setup: Arc<SourceSetup>,
    /// Records taken in the epoch.
    read: u64,
    /// Bytes of records, keys and values, that wait to be handed over.
    bytes: u64,
    /// Of these, bytes of the rows that are in no batch yet.
    in_batch: u64,
}

impl BatchBuilder {
    /// A builder that has taken nothing yet.
    pub fn new(setup: &Arc<SourceSetup>) -> BatchBuilder {
        let Source { format, schema, .. } = &setup.source;
        BatchBuilder {
            decoder: formats::decoder(*format, schema, setup.event_time),
            latest_allowed_us: None,
            keys: BinaryBuilder::new(),
            streams: StringBuilder::new(),
            partitions: Vec::new(),
            offsets: Vec::new(),
            timestamps: Vec::new(),
            rejected: Vec::new(),
            flushed: Vec::new(),
            error: None,
            setup: Arc::clone(setup),
            read: 0,
            bytes: 0,
            in_batch: 0,
        }
    }

    /// Begins an epoch: whatever an earlier one left is gone.
    pub fn begin(&mut self, batch_time_us: i64) {
        let setup = Arc::clone(&self.setup);
        *self = BatchBuilder::new(&setup);
        let limit_us = setup.source.watermark.as_ref().and_then(|watermark| watermark.future_limit_us);
        self.latest_allowed_us = limit_us.map(|limit_us| batch_time_us.saturating_add(limit_us));
    }

    /// Rows that wait to be handed over.
    pub fn rows(&self) -> usize {
        self.offsets.len()
    }

    /// Rejects that wait to be handed over.
    pub fn rejected(&self) -> usize {
        self.rejected.len()
    }

    /// Bytes of records, keys and values, that wait to be handed over.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Records taken in this epoch.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Takes a record.
    pub fn take(&mut self, split: &Split, record: &Record<'_>) {
        self.read += 1;
        self.bytes += record.bytes();
        let Some(value) = record.value else {
            return self.reject(split, record, "tombstone: the record has no value".to_string());
        };
        if self.in_batch + record.bytes() > BATCH_BYTES {
            self.begin_batch();
        }
        self.in_batch += record.bytes();
        if let Err(reject) = self.decoder.push(value) {
            return self.reject(split, record, reject.reason);
        }
        self.take_metadata(split, record);
        if let (Some(limit_us), Some(newest_us)) = (self.latest_allowed_us, self.decoder.event_time_max_us())
            && newest_us > limit_us
        {
            self.reject_last(split, record, newest_us);
        }
    }

    /// A column of text holds 2 GiB, and a decoder refuses what does not fit: a batch ends long before, whatever a source hands over.
    fn begin_batch(&mut self) {
        match self.flush() {
            Ok(batch) => self.flushed.extend(batch),
            Err(error) => self.error = Some(error),
        }
    }

    fn take_metadata(&mut self, split: &Split, record: &Record<'_>) {
        self.keys.append_option(record.key);
        self.streams.append_value(&split.stream);
        self.partitions.push(split.partition);
        self.offsets.push(record.offset);
        self.timestamps.push(record.timestamp_ms.map(|ms| ms.saturating_mul(1000)));
    }

    fn reject(&mut self, split: &Split, record: &Record<'_>, reason: String) {
        self.rejected.push(Rejected {
            value: record.value.map(<[u8]>::to_vec),
            at: split.clone(),
            offset: record.offset,
            timestamp_us: record.timestamp_ms.map(|ms| ms.saturating_mul(1000)),
            reason,
        });
    }

    /// The row just taken is dated too far ahead: it would close every window. It goes to the rejects.
    fn reject_last(&mut self, split: &Split, record: &Record<'_>, event_us: i64) {
        let reason = format!("event time {event_us} µs lies further ahead than future_limit allows");
        match self.flush() {
            Ok(Some(batch)) => self.flushed.push(batch.slice(0, batch.num_rows() - 1)),
            Ok(None) => {}
            Err(error) => self.error = Some(error),
        }
        self.reject(split, record, reason);
    }

    /// All rows taken so far, and the rejects.
    ///
    /// # Errors
    /// Never in practice.
    pub fn flush_all(&mut self) -> Result<(Vec<RecordBatch>, Vec<Rejected>), RunError> {
        let last = self.flush()?;
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let mut batches = std::mem::take(&mut self.flushed);
        batches.extend(last);
        batches.retain(|batch| batch.num_rows() > 0);
        self.bytes = 0;
        Ok((batches, std::mem::take(&mut self.rejected)))
    }

    fn flush(&mut self) -> Result<Option<RecordBatch>, RunError> {
        self.in_batch = 0;
        let internal = |error: ArrowError| RunError::Internal(format!("decoded columns do not make a batch: {error}"));
        let mut columns = self.decoder.flush().map_err(internal)?;
        if self.offsets.is_empty() {
            return Ok(None);
        }
        columns.push(Arc::new(self.keys.finish()));
        columns.push(Arc::new(self.streams.finish()));
        columns.push(Arc::new(Int32Array::from(std::mem::take(&mut self.partitions))));
        columns.push(Arc::new(Int64Array::from(std::mem::take(&mut self.offsets))));
        columns
            .push(Arc::new(TimestampMicrosecondArray::from(std::mem::take(&mut self.timestamps)).with_timezone("UTC")));
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.setup.schema), columns).map_err(internal)?))
    }
}
