//! Step Stage, one lane's share of a table: the artifacts that its rows, its late rows and its replaced buckets go to.

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use connector::{Content, SinkError, SinkTable, StageWriter};
use epoch::{ArtifactId, EpochId, Owner, RowCounts, StagedFile};
use operators::OperatorError;
use operators::operator::EpochTime;
use plan::LatePlan;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::error::RunError;

/// Numbers of artifacts that replace others begin here; those below belong to the lanes, of which there are never so many.
const FIRST_REPLACING_ARTIFACT: u32 = 1_000;

/// Artifacts of replaced buckets that are completed beside a lane at once. Each waits for the device, one after the other that would be
/// most of a small epoch; and each holds its rows until it is encoded.
const CLOSING_MAX: usize = 3;

/// Which attempt at an epoch it is: what it stages has names of its own.
#[derive(Debug, Clone, Copy)]
pub struct AttemptId {
    /// The epoch.
    pub epoch: EpochId,
    /// Who makes it.
    pub owner: Owner,
    /// Its number, counted through the run.
    pub number: u32,
}

impl AttemptId {
    /// Its artifact of this number.
    pub fn artifact(&self, number: u32) -> ArtifactId {
        ArtifactId { epoch: self.epoch, owner: self.owner, attempt: self.number, number }
    }
}

/// A writer that is still open, for the table of this name.
pub type OpenWriter<'a> = (&'a str, Box<dyn StageWriter>);

/// What a lane has written of one table in an epoch.
#[derive(Default)]
pub struct TableLane {
    writer: Option<Box<dyn StageWriter>>,
    late_writer: Option<Box<dyn StageWriter>>,
    rejected_writer: Option<Box<dyn StageWriter>>,
    /// The table's books, this lane's share.
    pub counts: RowCounts,
    /// The bucket that is being replaced, and its artifact.
    replacing: Option<(i64, Box<dyn StageWriter>)>,
    /// Buckets whose artifacts are being completed, oldest first.
    closing: VecDeque<(i64, Completing)>,
    replaced: Vec<(i64, Option<StagedFile>)>,
}

/// An artifact that is completed on a thread of its own.
type Completing = JoinHandle<Result<Option<StagedFile>, SinkError>>;

/// What a lane staged for one table.
#[derive(Debug, Default)]
pub struct Staged {
    /// The artifacts.
    pub files: Vec<StagedFile>,
    /// Buckets whose rows are now in an artifact, or gone.
    pub replaced: Vec<(i64, Option<StagedFile>)>,
    /// The table's books, this lane's share.
    pub counts: RowCounts,
}

impl TableLane {
    /// Writes rows that are added.
    ///
    /// # Errors
    /// The sink's.
    pub fn add(
        &mut self,
        sink: &dyn SinkTable,
        rows: &RecordBatch,
        attempt: AttemptId,
        lane: u32,
    ) -> Result<(), RunError> {
        self.counts.written += rows.num_rows() as u64;
        let writer = open(&mut self.writer, || sink.stage(attempt.artifact(lane), Content::Added))?;
        Ok(writer.write(rows)?)
    }

    /// Writes rows that came too late, to their own table.
    ///
    /// # Errors
    /// The sink's.
    pub fn add_late(
        &mut self,
        sink: &dyn SinkTable,
        rows: &RecordBatch,
        attempt: AttemptId,
        lane: u32,
    ) -> Result<(), RunError> {
        let writer = open(&mut self.late_writer, || sink.stage(attempt.artifact(lane), Content::Added))?;
        Ok(writer.write(rows)?)
    }

    /// Writes rows that the query has no value for, to their own table.
    ///
    /// # Errors
    /// The sink's.
    pub fn add_rejected(
        &mut self,
        sink: &dyn SinkTable,
        rows: &RecordBatch,
        attempt: AttemptId,
        lane: u32,
    ) -> Result<(), RunError> {
        let writer = open(&mut self.rejected_writer, || sink.stage(attempt.artifact(lane), Content::Added))?;
        Ok(writer.write(rows)?)
    }

    /// Writes rows that take the place of those of a bucket. Rows of one bucket follow each other.
    ///
    /// # Errors
    /// The sink's.
    pub fn replace(
        &mut self,
        sink: &dyn SinkTable,
        bucket: i64,
        rows: &RecordBatch,
        attempt: AttemptId,
        (lane, lanes): (u32, u32),
    ) -> Result<(), RunError> {
        if self.replacing.as_ref().is_none_or(|(open, _)| *open != bucket) {
            self.finish_bucket()?;
            let mut before = self.replaced.iter().map(|(one, _)| one).chain(self.closing.iter().map(|(one, _)| one));
            debug_assert!(before.all(|one| *one != bucket), "bucket {bucket} is replaced twice");
            // Every lane has numbers of its own: its number, then in steps of the number of lanes.
            let count = self.replaced.len() + self.closing.len();
            let number = FIRST_REPLACING_ARTIFACT + lane + lanes * count as u32;
            self.replacing = Some((bucket, sink.stage(attempt.artifact(number), Content::Bucket(bucket))?));
        }
        if let Some((_, writer)) = self.replacing.as_mut().filter(|_| rows.num_rows() > 0) {
            self.counts.written += rows.num_rows() as u64;
            writer.write(rows)?;
        }
        Ok(())
    }

    /// True if a bucket is being replaced.
    pub fn is_replacing(&self) -> bool {
        self.replacing.is_some()
    }

    /// Lets the artifact of the bucket that is being replaced be completed.
    ///
    /// # Errors
    /// If one before it cannot be made durable.
    pub fn finish_bucket(&mut self) -> Result<(), RunError> {
        let Some((bucket, writer)) = self.replacing.take() else { return Ok(()) };
        if self.closing.len() >= CLOSING_MAX {
            self.wait_for_oldest()?;
        }
        self.closing.push_back((bucket, std::thread::spawn(move || writer.finish())));
        Ok(())
    }

    fn wait_for_oldest(&mut self) -> Result<(), RunError> {
        let Some((bucket, completing)) = self.closing.pop_front() else { return Ok(()) };
        let ended_early =
            |_| RunError::Internal(format!("a thread that completes the file of bucket {bucket} ended early").into());
        self.replaced.push((bucket, completing.join().map_err(ended_early)??));
        Ok(())
    }

    /// The table's books so far. Open writers are handed over to be closed.
    pub fn take<'a>(
        &mut self,
        sink: &'a dyn SinkTable,
        late: Option<&'a dyn SinkTable>,
        rejected: Option<&'a dyn SinkTable>,
        open: &mut Vec<OpenWriter<'a>>,
    ) -> RowCounts {
        debug_assert!(self.replacing.is_none(), "a bucket of {} is still being replaced", sink.name());
        open.extend(self.writer.take().map(|writer| (sink.name(), writer)));
        if let Some(late) = late {
            open.extend(self.late_writer.take().map(|writer| (late.name(), writer)));
        }
        if let Some(rejected) = rejected {
            open.extend(self.rejected_writer.take().map(|writer| (rejected.name(), writer)));
        }
        std::mem::take(&mut self.counts)
    }

    /// The buckets that were replaced, once their artifacts are durable; the lane is empty again.
    ///
    /// # Errors
    /// If one cannot be made durable.
    pub fn take_replaced(&mut self) -> Result<Vec<(i64, Option<StagedFile>)>, RunError> {
        while !self.closing.is_empty() {
            self.wait_for_oldest()?;
        }
        Ok(std::mem::take(&mut self.replaced))
    }
}

impl Drop for TableLane {
    /// What an attempt that was given up still writes is waited for: a start sweeps its files, and must find them.
    fn drop(&mut self) {
        for (_, completing) in self.closing.drain(..) {
            // It is of no use any more, complete or not.
            let _ = completing.join();
        }
    }
}

/// The writer in a slot, opened if there is none.
///
/// # Errors
/// The sink's.
pub fn open(
    slot: &mut Option<Box<dyn StageWriter>>,
    make: impl FnOnce() -> Result<Box<dyn StageWriter>, SinkError>,
) -> Result<&mut Box<dyn StageWriter>, RunError> {
    match slot {
        Some(writer) => Ok(writer),
        None => Ok(slot.insert(make()?)),
    }
}

/// Completes artifacts side by side and hands them over in the order given: waiting for one after the other is most of what a
/// small epoch costs.
///
/// # Errors
/// If one cannot be made durable.
pub fn close_all(mut open: Vec<OpenWriter<'_>>) -> Result<Vec<(String, Option<StagedFile>)>, RunError> {
    // This thread has nothing else to do.
    let Some((last, writer)) = open.pop() else { return Ok(Vec::new()) };
    std::thread::scope(|scope| {
        let closing: Vec<_> =
            open.into_iter().map(|(table, writer)| (table.to_string(), scope.spawn(move || writer.finish()))).collect();
        let closed_last = writer.finish();
        let closed = closing.into_iter().map(|(table, closing)| match closing.join() {
            Ok(file) => Ok((table, file?)),
            Err(_) => Err(RunError::Internal(format!("a thread that completes a file of {table} ended early").into())),
        });
        // All are waited for, also after an error.
        let mut closed: Vec<_> = closed.collect();
        closed.push(closed_last.map(|file| (last.to_string(), file)).map_err(RunError::from));
        closed.into_iter().collect()
    })
}

/// The late ones among an operator's input rows, with the watermark that they missed.
///
/// # Errors
/// Never in practice.
pub fn late_rows(
    rows: &RecordBatch,
    mask: &BooleanArray,
    late: &LatePlan,
    time: &EpochTime,
) -> Result<RecordBatch, OperatorError> {
    let passed: Vec<usize> = (late.passed_from..rows.num_columns()).collect();
    let kept = filter_record_batch(&rows.project(&passed)?, mask)?;
    let count = kept.num_rows();
    let mut columns: Vec<ArrayRef> = kept.columns().to_vec();
    columns.push(Arc::new(TimestampMicrosecondArray::from(vec![time.late_us; count]).with_timezone("UTC")));
    columns.push(Arc::new(Int64Array::from(vec![time.epoch.0.cast_signed(); count])));
    Ok(RecordBatch::try_new(Arc::clone(&late.schema), columns)?)
}

#[cfg(test)]
mod tests;
