//! Fetching and decoding, one lane of a source: records go straight from the fetched batch into columns.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use connector::{ReadLimit, SourceReader};
use epoch::{DataGap, PerSplit, Plan, Split, SplitRange, Step};
use job::OnError;

use crate::batch_builder::{BatchBuilder, SourceSetup};
use crate::error::RunError;
use crate::event_times::{EventTimes, note_times};
use crate::rejected::Rejected;
use crate::step::Steps;

/// Rows that are decoded before they go through the graph.
const CHUNK_ROWS: usize = 16_384;

/// Bytes of records, keys and values, that one chunk holds at most, and one record more.
const CHUNK_BYTES: u64 = 32 << 20;

/// What a lane has read of a source in one epoch.
#[derive(Debug, Default)]
pub struct ReadTotals {
    /// Records handed over by the source.
    pub read: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Newest event time per split, microseconds since 1970 UTC.
    pub event_us_max: PerSplit<i64>,
    /// Event times of the rows.
    pub event_times: Option<EventTimes>,
    /// Records that were gone, if the job goes on without them.
    pub gaps: Vec<DataGap>,
    /// The longest time that one chunk took to come, microseconds. One that is fetched ahead, or whose source answers, takes little.
    pub waited_us_max: i64,
}

/// One lane of a source.
pub struct Reader {
    setup: Arc<SourceSetup>,
    lane: Box<dyn SourceReader>,
    builder: BatchBuilder,
}

impl Reader {
    /// A lane that has read nothing yet.
    pub fn new(setup: Arc<SourceSetup>, lane: Box<dyn SourceReader>) -> Reader {
        let builder = BatchBuilder::new(&setup);
        Reader { setup, lane, builder }
    }

    /// The source's name.
    pub fn source(&self) -> &str {
        &self.setup.source.name
    }

    /// Reads the ranges, split by split, and hands over rows and rejects chunk by chunk.
    ///
    /// # Errors
    /// The source's errors; `Rejected` if the job says `on_error = "fail"`; whatever `emit` returns.
    pub fn read(
        &mut self,
        plan: &Plan,
        ranges: &[(Split, SplitRange)],
        steps: &Steps,
        emit: &mut dyn FnMut(RecordBatch, Vec<Rejected>) -> Result<(), RunError>,
    ) -> Result<ReadTotals, RunError> {
        self.builder.begin(plan.batch_time_us);
        self.lane.assign(ranges)?;
        let mut totals = ReadTotals::default();
        for (split, range) in ranges {
            let mut is_complete = range.is_unmoved();
            while !is_complete {
                let (builder, lane) = (&mut self.builder, &mut self.lane);
                let asked = Instant::now();
                let limit = ReadLimit { records: CHUNK_ROWS as u64, bytes: CHUNK_BYTES - builder.bytes() };
                let progress = steps.at(Step::Read, plan.epoch, || {
                    lane.read(split, limit, &mut |record| builder.take(split, &record))
                })?;
                let waited_us = i64::try_from(asked.elapsed().as_micros()).unwrap_or(i64::MAX);
                totals.waited_us_max = totals.waited_us_max.max(waited_us);
                totals.gaps.extend(progress.gaps);
                is_complete = progress.is_complete;
                if self.builder.rows() + self.builder.rejected() >= CHUNK_ROWS || self.builder.bytes() >= CHUNK_BYTES {
                    self.hand_over(plan, steps, &mut totals, emit)?;
                }
            }
        }
        self.hand_over(plan, steps, &mut totals, emit)?;
        totals.read = self.builder.read();
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
        let (batches, rejected) = steps.at(Step::Decode, plan.epoch, || builder.flush_all())?;
        if let Some(column) = setup.event_time {
            batches
                .iter()
                .try_for_each(|batch| note_times(batch, column, &mut totals.event_us_max, &mut totals.event_times))?;
        }
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

#[cfg(test)]
mod tests;
