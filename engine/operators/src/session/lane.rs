//! The lane of a session aggregate: leaves out rows that belong to no session, then sorts the rest by shard.

use std::sync::Arc;

use super::spec::{GroupTime, SessionSpec};
use crate::OperatorError;
use crate::change::Sign;
use crate::emission::Emission;
use crate::epoch_time::EpochTime;
use crate::keyed::{EventTime, KeyedLane, KeyedPort};
use crate::operator::{LanePart, LateRows, OperatorLane};
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use state::KeyPartitioning;

/// Collects the rows of one lane.
#[derive(Debug)]
pub(super) struct SessionLane {
    spec: Arc<SessionSpec>,
    rows: KeyedLane,
}

impl SessionLane {
    /// An empty lane.
    pub fn new(spec: Arc<SessionSpec>, partitioning: KeyPartitioning) -> SessionLane {
        let event_time = match spec.time {
            // Complete mode evicts no group, so no row comes too late for it.
            _ if spec.emission == Emission::Complete => None,
            GroupTime::Session { end, .. } => Some(EventTime { column: end, required: true }),
            // As in Spark a row without a time is in the group of those without: that group never ends.
            GroupTime::Key(position) => Some(EventTime { column: spec.keys[position], required: false }),
            GroupTime::Never => None,
        };
        let port = KeyedPort { keys: spec.keys.clone(), event_time };
        SessionLane { rows: KeyedLane::new(vec![port], partitioning), spec }
    }
}

impl OperatorLane for SessionLane {
    fn push(
        &mut self,
        port: usize,
        sign: Sign,
        rows: &RecordBatch,
        time: &EpochTime,
    ) -> Result<LateRows, OperatorError> {
        if sign != Sign::Add {
            let name = &self.spec.operator;
            return Err(OperatorError::Compute(format!(
                "{name} cannot retract rows: put it over a table in append mode, or group that table's source itself"
            )));
        }
        let GroupTime::Session { start, end } = self.spec.time else {
            return self.rows.push(port, sign, rows, time);
        };
        let Some(timed) = timed(rows, start, end) else { return self.rows.push(port, sign, rows, time) };
        let mut left = self.rows.push(port, sign, &filter_record_batch(rows, &timed)?, time)?;
        left.untimed += (timed.len() - timed.true_count()) as u64;
        left.mask = left.mask.map(|mask| spread(&mask, &timed));
        Ok(left)
    }

    fn finish(&mut self) -> Result<LanePart, OperatorError> {
        self.rows.finish()
    }
}

/// Which rows have a time and a gap above zero; `None` if all have.
fn timed(rows: &RecordBatch, start: usize, end: usize) -> Option<BooleanArray> {
    let starts = rows.column(start).as_primitive::<TimestampMicrosecondType>();
    let ends = rows.column(end).as_primitive::<TimestampMicrosecondType>();
    let pairs = || starts.values().iter().zip(ends.values());
    if starts.null_count() + ends.null_count() == 0 && pairs().all(|(start, end)| start < end) {
        return None;
    }
    let is_timed = |row: usize| starts.is_valid(row) && ends.is_valid(row) && starts.value(row) < ends.value(row);
    Some((0..rows.num_rows()).map(|row| Some(is_timed(row))).collect())
}

/// A mask over the rows that `kept` holds, as one over all rows.
fn spread(mask: &BooleanArray, kept: &BooleanArray) -> BooleanArray {
    let mut next = 0;
    let spread = kept.values().iter().map(|is_kept| {
        next += usize::from(is_kept);
        Some(is_kept && mask.value(next - 1))
    });
    spread.collect()
}
