//! Fetching and decoding, one lane of a source: records go straight from the fetched batch into columns.

use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BinaryBuilder, Int32Array, Int64Array, RecordBatch, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use epoch::offsets::PerPartition;
use epoch::{DataGap, OffsetRange, Offsets, Plan, Step, TopicPartition};
use formats::Decoder;
use job::{OnError, Source};
use kafka::Record;

use crate::error::RunError;
use crate::feed::FeedLane;
use crate::progress::EventTimes;
use crate::step::Steps;

/// Rows that are decoded before they go through the graph.
const CHUNK_ROWS: usize = 16_384;

/// Offsets that are fetched before anything is known of the records' size.
const FIRST_CHUNK_OFFSETS: i64 = 1_024;

/// Record bytes that one chunk should hold at most.
const CHUNK_BYTES: u64 = 32 << 20;

/// A record that could not be decoded.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The record's value as it came.
    pub value: Option<Vec<u8>>,
    /// Topic, partition and offset.
    pub at: TopicPartition,
    /// Offset in the partition.
    pub offset: i64,
    /// The record's own timestamp, microseconds since 1970 UTC.
    pub timestamp_us: Option<i64>,
    /// What is wrong with it.
    pub reason: String,
}

/// What a lane has read of a source in one epoch.
#[derive(Debug, Default)]
pub struct ReadTotals {
    /// Records handed over by the source.
    pub read: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Newest event time per partition, microseconds since 1970 UTC.
    pub event_us_max: PerPartition<i64>,
    /// Event times of the rows.
    pub event_times: Option<EventTimes>,
    /// Records that were gone, if the job goes on without them.
    pub gaps: Vec<DataGap>,
}

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

/// One lane of a source.
pub struct Reader {
    setup: Arc<SourceSetup>,
    lane: FeedLane,
    builder: BatchBuilder,
}

impl Reader {
    /// A lane that has read nothing yet.
    pub fn new(setup: Arc<SourceSetup>, lane: FeedLane) -> Reader {
        let builder = BatchBuilder::new(&setup);
        Reader { setup, lane, builder }
    }

    /// The source's name.
    pub fn source(&self) -> &str {
        &self.setup.source.name
    }

    /// Reads the ranges, partition by partition, and hands over rows and rejects chunk by chunk.
    ///
    /// # Errors
    /// The source's errors; `Rejected` if the job says `on_error = "fail"`; whatever `emit` returns.
    pub fn read(
        &mut self,
        plan: &Plan,
        ranges: &[(TopicPartition, OffsetRange)],
        steps: &Steps,
        emit: &mut dyn FnMut(RecordBatch, Vec<Rejected>) -> Result<(), RunError>,
    ) -> Result<ReadTotals, RunError> {
        self.builder.begin(plan.batch_time_us, &self.setup);
        let positions: Offsets = ranges.iter().map(|(at, range)| (at.clone(), range.from)).collect();
        self.lane.assign(&positions)?;
        let mut totals = ReadTotals::default();
        let mut chunk_offsets = FIRST_CHUNK_OFFSETS;
        for (at, range) in ranges {
            let mut from = range.from;
            while from < range.until {
                let until = range.until.min(from + chunk_offsets);
                let builder = &mut self.builder;
                let lane = &mut self.lane;
                let gaps = steps
                    .at(Step::Read, plan.epoch, || lane.read(at, until, &mut |record| builder.take(at, &record)))?;
                totals.gaps.extend(gaps);
                chunk_offsets = self.builder.next_chunk_offsets();
                from = until;
                if self.builder.rows() + self.builder.rejected.len() >= CHUNK_ROWS || self.builder.bytes >= CHUNK_BYTES
                {
                    self.hand_over(plan, steps, &mut totals, emit)?;
                }
            }
        }
        self.hand_over(plan, steps, &mut totals, emit)?;
        totals.read = self.builder.read;
        Ok(totals)
    }

    fn hand_over(
        &mut self,
        plan: &Plan,
        steps: &Steps,
        totals: &mut ReadTotals,
        emit: &mut dyn FnMut(RecordBatch, Vec<Rejected>) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let setup = Arc::clone(&self.setup);
        let builder = &mut self.builder;
        let (batches, rejected) = steps.at(Step::Decode, plan.epoch, || builder.flush_all(&setup, totals))?;
        totals.rejected += rejected.len() as u64;
        if let (OnError::Fail, Some(first)) = (setup.source.on_error, rejected.first()) {
            return Err(RunError::Rejected(format!(
                "source {}: {} offset {}: {}\n  mend the producer, or set on_error = \"dead_letter\" in [source.{}] to keep such records in a table",
                setup.source.name, first.at, first.offset, first.reason, setup.source.name
            )));
        }
        let mut rejected = Some(rejected);
        for batch in batches {
            emit(batch, rejected.take().unwrap_or_default())?;
        }
        match rejected {
            Some(rejected) if !rejected.is_empty() => emit(RecordBatch::new_empty(Arc::clone(&setup.schema)), rejected),
            _ => Ok(()),
        }
    }
}

/// Decodes the values of a source's records.
fn decoder(setup: &SourceSetup) -> Box<dyn Decoder> {
    formats::decoder(setup.source.format, &setup.source.schema, setup.event_time)
}

/// Takes records down: values into the decoder, the rest into metadata columns.
struct BatchBuilder {
    decoder: Box<dyn Decoder>,
    future_limit_us: Option<i64>,
    latest_allowed_us: Option<i64>,
    keys: BinaryBuilder,
    topics: StringBuilder,
    partitions: Vec<i32>,
    offsets: Vec<i64>,
    timestamps: Vec<Option<i64>>,
    rejected: Vec<Rejected>,
    flushed: Vec<RecordBatch>,
    error: Option<RunError>,
    setup: Arc<SourceSetup>,
    read: u64,
    bytes: u64,
    chunk_read: u64,
    chunk_bytes: u64,
}

impl BatchBuilder {
    fn new(setup: &Arc<SourceSetup>) -> BatchBuilder {
        BatchBuilder {
            decoder: decoder(setup),
            future_limit_us: setup.source.watermark.as_ref().and_then(|watermark| watermark.future_limit_us),
            latest_allowed_us: None,
            keys: BinaryBuilder::new(),
            topics: StringBuilder::new(),
            partitions: Vec::new(),
            offsets: Vec::new(),
            timestamps: Vec::new(),
            rejected: Vec::new(),
            flushed: Vec::new(),
            error: None,
            setup: Arc::clone(setup),
            read: 0,
            bytes: 0,
            chunk_read: 0,
            chunk_bytes: 0,
        }
    }

    fn begin(&mut self, batch_time_us: i64, setup: &Arc<SourceSetup>) {
        *self = BatchBuilder::new(setup);
        self.latest_allowed_us = self.future_limit_us.map(|limit_us| batch_time_us.saturating_add(limit_us));
    }

    fn rows(&self) -> usize {
        self.offsets.len()
    }

    /// Offsets to fetch next, so that a chunk of records as large as the last ones stays within bounds.
    fn next_chunk_offsets(&mut self) -> i64 {
        let size = self.chunk_bytes / self.chunk_read.max(1);
        (self.chunk_read, self.chunk_bytes) = (0, 0);
        i64::try_from(CHUNK_BYTES / size.max(1)).unwrap_or(i64::MAX).clamp(16, CHUNK_ROWS as i64)
    }

    fn take(&mut self, at: &TopicPartition, record: &Record<'_>) {
        self.read += 1;
        self.chunk_read += 1;
        let Some(value) = record.value else {
            return self.reject(at, record, "tombstone: the record has no value".to_string());
        };
        self.bytes += value.len() as u64;
        self.chunk_bytes += value.len() as u64;
        if let Err(reject) = self.decoder.push(value) {
            return self.reject(at, record, reject.reason);
        }
        self.take_metadata(at, record);
        if let (Some(limit_us), Some(newest_us)) = (self.latest_allowed_us, self.decoder.event_time_max_us())
            && newest_us > limit_us
        {
            self.reject_last(at, record, newest_us);
        }
    }

    fn take_metadata(&mut self, at: &TopicPartition, record: &Record<'_>) {
        self.keys.append_option(record.key);
        self.topics.append_value(&at.topic);
        self.partitions.push(at.partition);
        self.offsets.push(record.offset);
        self.timestamps.push(record.timestamp_ms.map(|ms| ms.saturating_mul(1000)));
    }

    fn reject(&mut self, at: &TopicPartition, record: &Record<'_>, reason: String) {
        self.rejected.push(Rejected {
            value: record.value.map(<[u8]>::to_vec),
            at: at.clone(),
            offset: record.offset,
            timestamp_us: record.timestamp_ms.map(|ms| ms.saturating_mul(1000)),
            reason,
        });
    }

    /// The row just taken is dated too far ahead: it would close every window. It goes to the rejects.
    fn reject_last(&mut self, at: &TopicPartition, record: &Record<'_>, event_us: i64) {
        let reason = format!("event time {event_us} µs lies further ahead than future_limit allows");
        match self.flush() {
            Ok(Some(batch)) => self.flushed.push(batch.slice(0, batch.num_rows() - 1)),
            Ok(None) => {}
            Err(error) => self.error = Some(error),
        }
        self.reject(at, record, reason);
    }

    /// All rows taken so far, and the rejects. Notes the event times.
    fn flush_all(
        &mut self,
        setup: &SourceSetup,
        totals: &mut ReadTotals,
    ) -> Result<(Vec<RecordBatch>, Vec<Rejected>), RunError> {
        let last = self.flush()?;
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let mut batches = std::mem::take(&mut self.flushed);
        batches.extend(last);
        batches.retain(|batch| batch.num_rows() > 0);
        if let Some(column) = setup.event_time {
            batches.iter().try_for_each(|batch| note_times(batch, column, totals))?;
        }
        self.bytes = 0;
        Ok((batches, std::mem::take(&mut self.rejected)))
    }

    fn flush(&mut self) -> Result<Option<RecordBatch>, RunError> {
        let internal = |error: arrow::error::ArrowError| {
            RunError::Internal(format!("decoded columns do not make a batch: {error}"))
        };
        let mut columns = self.decoder.flush().map_err(internal)?;
        if self.offsets.is_empty() {
            return Ok(None);
        }
        columns.push(Arc::new(self.keys.finish()));
        columns.push(Arc::new(self.topics.finish()));
        columns.push(Arc::new(Int32Array::from(std::mem::take(&mut self.partitions))));
        columns.push(Arc::new(Int64Array::from(std::mem::take(&mut self.offsets))));
        columns
            .push(Arc::new(TimestampMicrosecondArray::from(std::mem::take(&mut self.timestamps)).with_timezone("UTC")));
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.setup.schema), columns).map_err(internal)?))
    }
}

/// Notes the event times of a batch, whose rows stand partition by partition, and the newest of each partition.
fn note_times(batch: &RecordBatch, column: usize, totals: &mut ReadTotals) -> Result<(), RunError> {
    let metadata = batch.num_columns() - plan::METADATA_COLUMNS.len();
    let topics = batch.column(metadata + 1).as_string::<i32>();
    let partitions = batch.column(metadata + 2).as_primitive::<arrow::datatypes::Int32Type>();
    let times = batch
        .column(column)
        .as_primitive_opt::<TimestampMicrosecondType>()
        .ok_or_else(|| RunError::Internal("the event time is not a timestamp".to_string()))?;
    totals.event_times = [totals.event_times, times_of(times)].into_iter().flatten().reduce(EventTimes::and);
    let mut start = 0;
    while start < batch.num_rows() {
        let (topic, partition) = (topics.value(start), partitions.value(start));
        let length = (start..batch.num_rows())
            .take_while(|row| partitions.value(*row) == partition && topics.value(*row) == topic)
            .count();
        if let Some(newest_us) = arrow::compute::max(&times.slice(start, length)) {
            let slot = totals.event_us_max.entry_or_insert_with(&TopicPartition::new(topic, partition), || newest_us);
            *slot = newest_us.max(*slot);
        }
        start += length;
    }
    Ok(())
}

/// Least, greatest and sum of a column of times.
fn times_of(times: &TimestampMicrosecondArray) -> Option<EventTimes> {
    let (min_us, max_us) = (arrow::compute::min(times)?, arrow::compute::max(times)?);
    let sum_us = match times.null_count() {
        0 => times.values().iter().map(|us| i128::from(*us)).sum(),
        _ => times.iter().flatten().map(i128::from).sum(),
    };
    Some(EventTimes { min_us, max_us, sum_us, rows: (times.len() - times.null_count()) as u64 })
}
