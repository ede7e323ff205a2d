//! Finds the bucket of each row, leaves those of closed buckets out, and sorts the rest by shard.

use std::sync::Arc;

use super::spec::MaterializeSpec;
use crate::OperatorError;
use crate::change::Sign;
use crate::epoch_time::EpochTime;
use crate::keyed::{EventTime, KeyedLane, KeyedPort};
use crate::operator::{LanePart, LateRows, OperatorLane};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use state::KeyPartitioning;

/// Rows of one lane, by bucket.
#[derive(Debug)]
pub(super) struct MaterializeLane {
    spec: Arc<MaterializeSpec>,
    schema: SchemaRef,
    partitioning: KeyPartitioning,
    rows: KeyedLane,
}

impl MaterializeLane {
    pub(super) fn new(spec: Arc<MaterializeSpec>, partitioning: KeyPartitioning) -> MaterializeLane {
        // A row of a bucket that has closed would take the place of all that was in it.
        let event_time = spec.time().map(|_| EventTime { column: 1, required: false });
        let rows = KeyedLane::new(vec![KeyedPort { keys: vec![0], event_time }], partitioning);
        MaterializeLane { schema: spec.store_spec().schema, spec, partitioning, rows }
    }
}

impl OperatorLane for MaterializeLane {
    fn push(
        &mut self,
        port: usize,
        sign: Sign,
        rows: &RecordBatch,
        time: &EpochTime,
    ) -> Result<LateRows, OperatorError> {
        self.rows.push(port, sign, &self.spec.filed(rows, &self.schema, self.partitioning)?, time)
    }

    fn finish(&mut self) -> Result<LanePart, OperatorError> {
        self.rows.finish()
    }
}
