//! Where records come from: a planner that knows what there is, and readers that read exactly what was planned.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use epoch::{DataGap, Positions, SourcePlan, Split, SplitIdentities, SplitRange};

use crate::error::SourceError;

/// One record, borrowed from the client's own buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Key, if the record has one.
    pub key: Option<&'a [u8]>,
    /// Value; `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its place in the split.
    pub offset: i64,
    /// When it was made or appended, milliseconds since 1970 UTC.
    pub timestamp_ms: Option<i64>,
}

impl Record<'_> {
    /// About how many bytes of memory it takes once it is a row: key, value, and what is kept beside them.
    pub fn bytes(&self) -> u64 {
        let length = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len) as u64;
        length(self.key) + length(self.value) + RECORD_OVERHEAD_BYTES
    }
}

/// Bytes that a record takes besides key and value: its place, its time, where it is in buffers.
const RECORD_OVERHEAD_BYTES: u64 = 64;

/// How much is handed over at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Positions, about.
    pub records: u64,
    /// Bytes as [`Record::bytes`] counts them: no record follows one that reaches this limit.
    pub bytes: u64,
}

impl ReadLimit {
    /// No limit but that of records.
    pub fn records(records: u64) -> ReadLimit {
        ReadLimit { records, bytes: u64::MAX }
    }
}

/// A source of a job. It makes the two halves that the run needs; both live and die on plain threads.
pub trait Source: Send + Sync {
    /// The planning half. Once `stop` is set, waiting ends with [`SourceError::Stopped`].
    ///
    /// # Errors
    /// Settings that the client does not take.
    fn planner(&self, stop: &Arc<AtomicBool>) -> Result<Box<dyn SourcePlanner>, SourceError>;

    /// The reading half, one lane of it.
    ///
    /// # Errors
    /// Settings that the client does not take.
    fn reader(&self, options: &ReaderOptions) -> Result<Box<dyn SourceReader>, SourceError>;
}

/// What a reader may take.
#[derive(Debug, Clone)]
pub struct ReaderOptions {
    /// Number of the lane, from 0 on.
    pub lane: u32,
    /// Bytes of fetched records that may wait to be handed over.
    pub buffer_bytes: usize,
    /// Once set, waiting for records ends with [`SourceError::Stopped`].
    pub stop: Arc<AtomicBool>,
}

/// How much of what is there the next epoch shall read.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// Where the job stands; `None`: it has not read of this source yet and begins where its settings say.
    pub position: Option<&'a Positions>,
    /// What the splits were when it came there, as the last plan has it; empty if that is not known.
    pub identity: Option<&'a SplitIdentities>,
    /// What an earlier run found to be lost when it stood there, and stopped for: it is told again, though it may not show any more (a
    /// log that was cut back has grown past the job). What the source can see to be there after all is not.
    pub reported: &'a [DataGap],
    /// Records that the epoch takes at most, more or less; `None`: all.
    pub records_max: Option<u64>,
    /// True if reading ends at what was there at the first question.
    pub is_bounded: bool,
}

/// The planning half of a source.
pub trait SourcePlanner: Send {
    /// What the kind of source is called in reports: `Kafka`.
    fn title(&self) -> &'static str;

    /// What the next epoch reads. Splits that have nothing new are in it, too: the plan holds all positions.
    ///
    /// A place that was there before and is away is waited for. Asking twice without reading gives plans that begin alike.
    ///
    /// # Errors
    /// No answer to the first question, lost records unless the job goes on without them, missing rights, or stopped.
    fn plan(&mut self, request: &PlanRequest<'_>) -> Result<SourcePlan, SourceError>;

    /// An upper bound of the records that a plan reads.
    fn span(&self, plan: &SourcePlan) -> u64;

    /// How far the job is behind once a plan is done, in records.
    fn lag(&self, plan: &SourcePlan) -> u64;

    /// Informs the source how far the job is, where anybody wants to know. The engine never reads it back.
    fn acknowledge(&self, end: &Positions);
}

/// How far handing over came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadProgress {
    /// True if the split's range is exhausted.
    pub is_complete: bool,
    /// Records that were found gone, if the job goes on without them.
    pub gaps: Vec<DataGap>,
}

/// The reading half of a source.
pub trait SourceReader: Send {
    /// Makes the reader ready for these ranges of an epoch, and no others. A split that already stands at its beginning keeps
    /// what was fetched ahead; name splits with nothing to read, too, or what was fetched of them is thrown away.
    ///
    /// # Errors
    /// The client cannot be made, or refuses the splits.
    fn assign(&mut self, ranges: &[(Split, SplitRange)]) -> Result<(), SourceError>;

    /// Hands over the next records of an assigned split in order, as many as the limit allows: at least one if there is one left,
    /// and none after the one that reaches the limit of bytes, so that huge records do not make huge chunks.
    ///
    /// # Errors
    /// Lost records, missing rights, or stopped.
    fn read(
        &mut self,
        split: &Split,
        limit: ReadLimit,
        handle: &mut dyn FnMut(Record<'_>),
    ) -> Result<ReadProgress, SourceError>;
}
