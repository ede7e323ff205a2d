//! The lane of a deduplication: a keyed lane that refuses what is retracted.

use arrow::array::RecordBatch;

use crate::OperatorError;
use crate::change::Sign;
use crate::epoch_time::EpochTime;
use crate::keyed::KeyedLane;
use crate::operator::{LanePart, LateRows, OperatorLane};

/// Collects the rows of one lane.
#[derive(Debug)]
pub(super) struct DedupLane {
    name: String,
    rows: KeyedLane,
}

impl DedupLane {
    pub fn new(name: String, rows: KeyedLane) -> DedupLane {
        DedupLane { name, rows }
    }
}

impl OperatorLane for DedupLane {
    fn push(
        &mut self,
        port: usize,
        sign: Sign,
        rows: &RecordBatch,
        time: &EpochTime,
    ) -> Result<LateRows, OperatorError> {
        if sign != Sign::Add {
            let what = format!("{}: rows that change cannot be deduplicated", self.name);
            return Err(OperatorError::Compute(format!("{what}; deduplicate before the aggregate or join")));
        }
        self.rows.push(port, sign, rows, time)
    }

    fn finish(&mut self) -> Result<LanePart, OperatorError> {
        self.rows.finish()
    }
}
