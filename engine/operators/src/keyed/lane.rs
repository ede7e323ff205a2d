//! The lane of every keyed operator: leaves late rows out, hashes keys, and sorts rows by shard while other lanes do the same.

use super::counting_sort::counting_sort;
use super::hash::hash_keys;
use super::shards::{SHARDS, shard_of};
use crate::OperatorError;
use crate::change::Sign;
use crate::cut::batch_bytes;
use crate::epoch_time::EpochTime;
use crate::operator::{LanePart, LateRows, OperatorLane};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use expr::types::instants;
use state::KeyPartitioning;

/// Rows that are collected before they are sorted by shard: a thousand a shard, so that the slices are worth their while, and no more
/// than fit into a processor's cache.
const SORT_ROWS: usize = 65_536;

/// Bytes that are collected before they are sorted by shard, and that a batch may add: sorted rows are copied, and few copies at a time
/// keep a lane's memory near that of its rows.
const SORT_BYTES: usize = 32 << 20;

/// The column that says how late a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTime {
    /// Column of the input: a timestamp, or a window (then its end counts).
    pub column: usize,
    /// True if a row without a time belongs to nothing and is left out.
    pub required: bool,
}

/// What a keyed lane must know of a port.
#[derive(Debug, Clone)]
pub struct KeyedPort {
    /// Key columns.
    pub keys: Vec<usize>,
    /// What decides that a row is late; `None` if no row is.
    pub event_time: Option<EventTime>,
}

/// Rows of one port and sign, sorted by shard; within a shard they stand in the order in which they came.
#[derive(Debug)]
pub struct ShardedRows {
    /// The port.
    pub port: usize,
    /// What they do.
    pub sign: Sign,
    /// The rows.
    pub rows: RecordBatch,
    /// [`super::hash::KeyHashes::keys`] of the rows.
    pub keys: Vec<u128>,
    /// True for rows with a null among their keys; empty if there is none.
    pub has_null: Vec<bool>,
    /// Where each shard begins; one more than there are shards.
    pub starts: Vec<u32>,
}

/// Rows of one port and sign that are not sorted yet.
#[derive(Debug)]
struct Waiting {
    port: usize,
    sign: Sign,
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

/// Collects the rows of one lane.
#[derive(Debug)]
pub struct KeyedLane {
    ports: Vec<KeyedPort>,
    partitioning: KeyPartitioning,
    waiting: Vec<Waiting>,
    sorted: Vec<ShardedRows>,
}

impl KeyedLane {
    /// An empty lane.
    pub fn new(ports: Vec<KeyedPort>, partitioning: KeyPartitioning) -> KeyedLane {
        KeyedLane { ports, partitioning, waiting: Vec::new(), sorted: Vec::new() }
    }

    fn collect(&mut self, port: usize, sign: Sign, rows: RecordBatch) -> Result<(), OperatorError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let bytes = batch_bytes(&rows);
        let at = self.waiting.iter().position(|other| (other.port, other.sign) == (port, sign)).unwrap_or_else(|| {
            self.waiting.push(Waiting { port, sign, batches: Vec::new(), rows: 0, bytes: 0 });
            self.waiting.len() - 1
        });
        // What waits and what comes are put together only if both are small: one column of text holds 2 GiB.
        if self.waiting[at].bytes + bytes > SORT_BYTES {
            self.sort_waiting(at)?;
        }
        let waiting = &mut self.waiting[at];
        (waiting.rows, waiting.bytes) = (waiting.rows + rows.num_rows(), waiting.bytes + bytes);
        waiting.batches.push(rows);
        if waiting.rows >= SORT_ROWS || waiting.bytes >= SORT_BYTES {
            self.sort_waiting(at)?;
        }
        Ok(())
    }

    fn sort_waiting(&mut self, at: usize) -> Result<(), OperatorError> {
        let waiting = &mut self.waiting[at];
        (waiting.rows, waiting.bytes) = (0, 0);
        let (port, sign, batches) = (waiting.port, waiting.sign, std::mem::take(&mut waiting.batches));
        self.sort(port, sign, &batches)
    }

    fn sort(&mut self, port: usize, sign: Sign, batches: &[RecordBatch]) -> Result<(), OperatorError> {
        let Some(first) = batches.first() else { return Ok(()) };
        let rows = concat_batches(first.schema_ref(), batches)?;
        let keys: Vec<ArrayRef> = self.ports[port].keys.iter().map(|key| rows.column(*key).clone()).collect();
        let hashes = hash_keys(&keys, rows.num_rows())?;
        let shards: Vec<u8> = hashes.stable.iter().map(|hash| shard_of(*hash, self.partitioning)).collect();
        let (order, starts) = counting_sort(&shards, SHARDS as usize);
        let keys = order.iter().map(|row| hashes.keys[*row as usize]).collect();
        let has_null = hashes
            .has_null
            .map(|has_null| order.iter().map(|row| has_null[*row as usize]).collect())
            .unwrap_or_default();
        let rows = take_record_batch(&rows, &UInt32Array::from(order))?;
        self.sorted.push(ShardedRows { port, sign, rows, keys, has_null, starts });
        Ok(())
    }
}

impl OperatorLane for KeyedLane {
    fn push(
        &mut self,
        port: usize,
        sign: Sign,
        rows: &RecordBatch,
        time: &EpochTime,
    ) -> Result<LateRows, OperatorError> {
        let Some(event_time) = self.ports[port].event_time else {
            self.collect(port, sign, rows.clone())?;
            return Ok(LateRows::default());
        };
        let (left, kept) = late_rows(event_time, rows, time)?;
        match kept {
            None => self.collect(port, sign, rows.clone())?,
            Some(kept) => self.collect(port, sign, filter_record_batch(rows, &kept)?)?,
        }
        Ok(left)
    }

    fn finish(&mut self) -> Result<LanePart, OperatorError> {
        for Waiting { port, sign, batches, .. } in std::mem::take(&mut self.waiting) {
            self.sort(port, sign, &batches)?;
        }
        Ok(Box::new(std::mem::take(&mut self.sorted)))
    }
}

/// Which rows are late or have no time, and which are kept (`None`: all).
fn late_rows(
    event_time: EventTime,
    rows: &RecordBatch,
    time: &EpochTime,
) -> Result<(LateRows, Option<BooleanArray>), OperatorError> {
    let times = instants(rows.column(event_time.column))?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let is_late = |us: i64| time.late_us.is_some_and(|late_us| us <= late_us);
    let some_untimed = event_time.required && times.null_count() > 0;
    if !some_untimed && !times.iter().flatten().any(is_late) {
        return Ok((LateRows::default(), None));
    }
    let late: BooleanArray = times.iter().map(|us| Some(us.is_some_and(is_late))).collect();
    let untimed = |row: usize| event_time.required && times.is_null(row);
    let kept: BooleanArray = (0..times.len()).map(|row| Some(!late.value(row) && !untimed(row))).collect();
    let count = (0..times.len()).filter(|row| untimed(*row)).count() as u64;
    Ok((LateRows { late: late.true_count() as u64, untimed: count, mask: Some(late) }, Some(kept)))
}
