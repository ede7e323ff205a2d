//! The lane of a join: a keyed lane that says of rows with a time to live when they are evicted.

use std::sync::Arc;

use super::side::{JoinSide, Side};
use crate::OperatorError;
use crate::change::Sign;
use crate::epoch_time::EpochTime;
use crate::keyed::{KeyedLane, KeyedPort};
use crate::operator::{LanePart, LateRows, OperatorLane};
use arrow::array::{RecordBatch, TimestampMicrosecondArray};
use state::KeyPartitioning;

/// Collects the rows of one lane.
#[derive(Debug)]
pub(super) struct JoinLane {
    rows: KeyedLane,
    /// By port: the column that says when a row is evicted, and how long after it came that is, microseconds.
    lives: [Option<(usize, i64)>; 2],
}

impl JoinLane {
    /// An empty lane over the two sides.
    pub(super) fn new<'a>(side: impl Fn(Side) -> &'a JoinSide, partitioning: KeyPartitioning) -> JoinLane {
        let port = |side: &JoinSide| KeyedPort { keys: side.keys.clone(), event_time: side.event_time };
        let lives = |side: &JoinSide| Some((side.expires_at_batch_time?, side.time_to_live_us?));
        JoinLane {
            rows: KeyedLane::new(Side::BOTH.map(|one| port(side(one))).to_vec(), partitioning),
            lives: Side::BOTH.map(|one| lives(side(one))),
        }
    }
}

impl OperatorLane for JoinLane {
    fn push(
        &mut self,
        port: usize,
        sign: Sign,
        rows: &RecordBatch,
        time: &EpochTime,
    ) -> Result<LateRows, OperatorError> {
        let Some((column, us)) = self.lives.get(port).copied().flatten() else {
            return self.rows.push(port, sign, rows, time);
        };
        let until_us = time.batch_time_us.saturating_add(us);
        let until = TimestampMicrosecondArray::from_value(until_us, rows.num_rows());
        let mut columns = rows.columns().to_vec();
        columns[column] = Arc::new(until.with_data_type(rows.column(column).data_type().clone()));
        self.rows.push(port, sign, &RecordBatch::try_new(rows.schema(), columns)?, time)
    }

    fn finish(&mut self) -> Result<LanePart, OperatorError> {
        self.rows.finish()
    }
}
