//! Records to batches: values into the decoder, the rest into metadata columns, what cannot be decoded among the rejects.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{BinaryBuilder, Int32Array, Int64Array, RecordBatch, StringBuilder, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use connector::{Message, Record};
use epoch::Split;
use formats::{Decoder, ReadTime};
use job::{OnError, Source};
use plan::Computed;

use crate::computed::{ComputedRows, Decoded, FutureLimit, compute, too_far_ahead};
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
    /// The columns that are computed, if there are some.
    pub computed: Option<Computed>,
    /// How the times of columns are written, by column, where the job file says it.
    pub times: BTreeMap<String, ReadTime>,
}

impl SourceSetup {
    /// The columns of the records, then the metadata columns.
    fn record_schema(&self) -> &SchemaRef {
        self.computed.as_ref().map_or(&self.schema, |computed| &computed.record)
    }

    /// Where the event time comes from.
    fn event_time_of(&self) -> EventTimeOf {
        let Some(column) = self.event_time else { return EventTimeOf::Nothing };
        let name = self.schema.field(column).name();
        match self.source.schema.iter().position(|column| column.name == *name) {
            Some(decoded) => EventTimeOf::Field(decoded),
            None if self.computed.iter().any(|computed| computed.made_of(name).is_some()) => {
                EventTimeOf::Expression(column)
            }
            None => EventTimeOf::Record,
        }
    }
}

/// Where the event time of a source comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventTimeOf {
    /// It has none.
    Nothing,
    /// From a field, by its place among those that are decoded.
    Field(usize),
    /// From the record's own timestamp.
    Record,
    /// From an expression, by its place among all columns.
    Expression(usize),
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
    /// Values as they came, of the rows that are in no batch yet, where an expression may reject one.
    values: Option<BinaryBuilder>,
    event_time: EventTimeOf,
    flushed: Vec<Decoded>,
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
        let Source { format, schema, on_error, .. } = &setup.source;
        let event_time = setup.event_time_of();
        let decoded = if let EventTimeOf::Field(column) = event_time { Some(column) } else { None };
        let keeps_values = setup.computed.is_some() && *on_error != OnError::Drop;
        BatchBuilder {
            decoder: formats::decoder(*format, schema, decoded, &setup.times),
            latest_allowed_us: None,
            keys: BinaryBuilder::new(),
            streams: StringBuilder::new(),
            partitions: Vec::new(),
            offsets: Vec::new(),
            timestamps: Vec::new(),
            rejected: Vec::new(),
            values: keeps_values.then(BinaryBuilder::new),
            event_time,
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
        if let Some(values) = &mut self.values {
            values.append_value(value);
        }
        let newest_us = match self.event_time {
            EventTimeOf::Record => record.timestamp_ms.map(|ms| ms.saturating_mul(1000)),
            _ => self.decoder.event_time_max_us(),
        };
        if let (Some(limit_us), Some(newest_us)) = (self.latest_allowed_us, newest_us)
            && newest_us > limit_us
        {
            self.reject_last(split, record, newest_us);
        }
    }

    /// A column of text holds 2 GiB, and a decoder refuses what does not fit: a batch ends long before, whatever a source hands over.
    fn begin_batch(&mut self) {
        match self.flush() {
            Ok(decoded) => self.flushed.extend(decoded),
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
        let reason = too_far_ahead(event_us);
        match self.flush() {
            Ok(Some(Decoded { rows, values })) => {
                self.flushed.push(Decoded { rows: rows.slice(0, rows.num_rows() - 1), values })
            }
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
        let mut batches = Vec::new();
        for decoded in std::mem::take(&mut self.flushed).into_iter().chain(last) {
            batches.extend(self.computed(decoded)?);
        }
        batches.retain(|batch| batch.num_rows() > 0);
        self.bytes = 0;
        Ok((batches, std::mem::take(&mut self.rejected)))
    }

    /// Decoded rows with what is computed of them.
    fn computed(&mut self, decoded: Decoded) -> Result<Vec<RecordBatch>, RunError> {
        let Some(computed) = &self.setup.computed else { return Ok(vec![decoded.rows]) };
        if decoded.rows.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let limit = match (self.event_time, self.latest_allowed_us) {
            (EventTimeOf::Expression(column), Some(latest_us)) => Some(FutureLimit { column, latest_us }),
            _ => None,
        };
        let ComputedRows { rows, rejected } = compute(computed, decoded, limit)?;
        self.rejected.extend(rejected);
        Ok(rows)
    }

    fn flush(&mut self) -> Result<Option<Decoded>, RunError> {
        self.in_batch = 0;
        let internal = |error: ArrowError| {
            RunError::Internal(Message::caused_by(format!("decoded columns do not make a batch: {error}"), &error))
        };
        let mut columns = self.decoder.flush().map_err(internal)?;
        let values = self.values.as_mut().map(BinaryBuilder::finish);
        if self.offsets.is_empty() {
            return Ok(None);
        }
        columns.push(Arc::new(self.keys.finish()));
        columns.push(Arc::new(self.streams.finish()));
        columns.push(Arc::new(Int32Array::from(std::mem::take(&mut self.partitions))));
        columns.push(Arc::new(Int64Array::from(std::mem::take(&mut self.offsets))));
        columns
            .push(Arc::new(TimestampMicrosecondArray::from(std::mem::take(&mut self.timestamps)).with_timezone("UTC")));
        let rows = RecordBatch::try_new(Arc::clone(self.setup.record_schema()), columns).map_err(internal)?;
        Ok(Some(Decoded { rows, values }))
    }
}
