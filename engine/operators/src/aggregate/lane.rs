//! The part of an aggregate that sees rows: folds them into one group per pane and key, and hands over the epoch's delta.

use std::sync::Arc;

use super::call::accumulators;
use super::delta::Delta;
use super::panes::{panes, split_by_pane};
use super::shard::{Spread, UNSHARDED};
use super::spec::AggregateSpec;
use crate::OperatorError;
use crate::block::encode;
use crate::change::Sign;
use crate::cut::batch_bytes;
use crate::emission::Emission;
use crate::epoch_time::EpochTime;
use crate::operator::{LanePart, LateRows, OperatorLane};
use crate::sized_batch::sized_batch;
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use expr::group_key::normalized;
use state::KeyPartitioning;

/// A block's rows are spread over shards when there are more than this many of them: fewer are merged by one task sooner than eight
/// are started. Part of how state is written: an epoch that is run again by another build must write the same.
const SHARD_ROWS_MIN: usize = 16_384;

/// The same for bytes: groups with long keys or lists must not all be merged into one column of text.
const SHARD_BYTES_MIN: usize = 32 << 20;

/// True if the rows of a block are spread over shards.
pub(super) fn is_large(rows: &RecordBatch) -> bool {
    rows.num_rows() > SHARD_ROWS_MIN || batch_bytes(rows) > SHARD_BYTES_MIN
}

/// A lane encodes its groups before the end of the epoch when they take more than this, bytes: encoded they take a fraction of it.
const LANE_BYTES_MAX: usize = 64 << 20;

/// Folds the rows of one lane.
pub struct AggregateLane {
    spec: Arc<AggregateSpec>,
    state_schema: SchemaRef,
    spread: Spread,
    groups: Option<Box<dyn GroupValues>>,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    group_indices: Vec<usize>,
    deltas: Vec<Delta>,
    sequence: u16,
}

impl AggregateLane {
    /// An empty lane that spreads keys as the checkpoint does.
    ///
    /// # Errors
    /// If the functions or key types cannot be grouped.
    pub fn new(spec: Arc<AggregateSpec>, partitioning: KeyPartitioning) -> Result<AggregateLane> {
        let mut lane = AggregateLane {
            state_schema: spec.state_schema()?,
            spread: Spread::new(&spec, partitioning),
            groups: None,
            accumulators: Vec::new(),
            group_indices: Vec::new(),
            deltas: Vec::new(),
            sequence: 0,
            spec,
        };
        lane.reset()?;
        Ok(lane)
    }

    /// Takes a batch, all but its late and untimed rows.
    ///
    /// # Errors
    /// If a function fails on a row.
    pub fn push(&mut self, batch: &RecordBatch, late_watermark_us: Option<i64>) -> Result<LateRows, OperatorError> {
        let (panes, left) = match (self.spec.window, self.spec.time) {
            (Some(window), Some(time)) => {
                let (panes, left) = panes(&window, batch.column(time), late_watermark_us)?;
                (Some(panes), left)
            }
            _ => (None, LateRows::default()),
        };
        if left.late + left.untimed == 0 {
            self.fold(batch, panes.map(|panes| Arc::new(Int64Array::from(panes.starts)) as ArrayRef))?;
        } else if let Some(panes) = panes {
            let rows = filter_record_batch(batch, &panes.kept)?;
            let starts = Int64Array::from(panes.starts);
            self.fold(&rows, Some(arrow::compute::filter(&starts, &panes.kept)?))?;
        }
        if self.bytes() > LANE_BYTES_MAX {
            self.hand_over()?;
        }
        Ok(left)
    }

    /// The delta of the epoch, encoded; the lane is empty again.
    ///
    /// # Errors
    /// If the groups cannot be encoded.
    pub fn finish(&mut self) -> Result<Vec<Delta>, OperatorError> {
        self.hand_over()?;
        self.sequence = 0;
        Ok(std::mem::take(&mut self.deltas))
    }

    fn fold(&mut self, rows: &RecordBatch, panes: Option<ArrayRef>) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let mut columns: Vec<ArrayRef> = panes.into_iter().collect();
        columns.extend(self.spec.keys.iter().map(|key| normalized(rows.column(*key))));
        let groups = match &mut self.groups {
            Some(groups) => {
                groups.intern(&columns, &mut self.group_indices)?;
                groups.len()
            }
            None => {
                self.group_indices.clear();
                self.group_indices.resize(rows.num_rows(), 0);
                1
            }
        };
        for (call, accumulator) in self.spec.calls.iter().zip(&mut self.accumulators) {
            let values = call.values(rows)?;
            let mask = call.mask(rows)?;
            accumulator.update_batch(&values, &self.group_indices, mask.as_ref(), groups)?;
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        let groups = self.groups.as_ref().map_or(0, |groups| groups.size());
        groups + self.accumulators.iter().map(|accumulator| accumulator.size()).sum::<usize>()
    }

    /// Turns the groups into deltas, bucket by bucket, and starts anew.
    fn hand_over(&mut self) -> Result<(), OperatorError> {
        let is_global = self.groups.is_none();
        if !is_global && self.groups.as_ref().is_some_and(|groups| groups.is_empty())
            || is_global && self.group_indices.is_empty()
        {
            return Ok(());
        }
        let mut keys = match &mut self.groups {
            Some(groups) => groups.emit(EmitTo::All)?,
            None => Vec::new(),
        };
        let panes = self.spec.window.map(|_| keys.remove(0));
        for accumulator in &mut self.accumulators {
            keys.extend(accumulator.state(EmitTo::All)?);
        }
        // A global aggregate without functions has no column to count; its group is one row.
        let count = panes.as_ref().map(|panes| panes.len()).or(keys.first().map(|key| key.len())).unwrap_or(1);
        let rows = sized_batch(&self.state_schema, keys, count)?;
        match panes {
            Some(panes) => {
                for (pane, rows) in split_by_pane(&rows, &panes)? {
                    self.file(pane, &rows)?;
                }
            }
            None if is_global => self.file(0, &rows)?,
            None => {
                for (bucket, rows) in self.spread.by_bucket(&rows)? {
                    self.file(bucket, &rows)?;
                }
            }
        }
        self.reset()?;
        Ok(())
    }

    /// Files the rows of one bucket as one block, or as one block a shard if they are many.
    fn file(&mut self, bucket: i64, rows: &RecordBatch) -> Result<(), OperatorError> {
        let parts = if is_large(rows) && !self.spec.keys.is_empty() {
            self.spread.by_shard(rows)?
        } else {
            vec![(UNSHARDED, rows.clone())]
        };
        for (shard, rows) in parts {
            let bytes = encode(&rows)?;
            self.deltas.push(Delta { bucket, shard, sequence: self.sequence, rows: rows.num_rows() as u64, bytes });
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<()> {
        self.groups = if self.spec.is_global() {
            None
        } else {
            Some(new_group_values(group_schema(&self.spec), &GroupOrdering::None)?)
        };
        self.accumulators = accumulators(&self.spec.calls)?;
        self.group_indices.clear();
        if !self.deltas.is_empty() {
            let full = || {
                DataFusionError::Execution(
                    "one epoch has more state than 65,536 blocks a lane; lower max_offsets_per_trigger".to_string(),
                )
            };
            self.sequence = self.sequence.checked_add(1).ok_or_else(full)?;
        }
        Ok(())
    }
}

/// Schema of the columns that make a group: the pane, if there is one, and the keys.
fn group_schema(spec: &AggregateSpec) -> SchemaRef {
    let pane = spec.window.map(|_| Field::new("pane", DataType::Int64, false));
    let keys = spec.keys.iter().map(|key| spec.input.field(*key).clone().with_nullable(true));
    Arc::new(Schema::new(pane.into_iter().chain(keys).collect::<Vec<_>>()))
}

/// A lane behind the interface of all operators.
pub(super) struct EmissionLane {
    lane: AggregateLane,
    emission: Emission,
}

impl EmissionLane {
    /// An empty lane of an aggregate that emits in this way.
    ///
    /// # Errors
    /// As [`AggregateLane::new`].
    pub fn new(spec: Arc<AggregateSpec>, emission: Emission, partitioning: KeyPartitioning) -> Result<EmissionLane> {
        Ok(EmissionLane { lane: AggregateLane::new(spec, partitioning)?, emission })
    }
}

impl OperatorLane for EmissionLane {
    fn push(&mut self, _: usize, sign: Sign, rows: &RecordBatch, time: &EpochTime) -> Result<LateRows, OperatorError> {
        if sign != Sign::Add {
            return Err(OperatorError::Compute("an aggregate of blocks cannot retract rows".to_string()));
        }
        // Complete mode evicts nothing, so nothing comes too late for it (Spark §3).
        self.lane.push(rows, time.late_us.filter(|_| self.emission != Emission::Complete))
    }

    fn finish(&mut self) -> Result<LanePart, OperatorError> {
        Ok(Box::new(self.lane.finish()?))
    }
}
