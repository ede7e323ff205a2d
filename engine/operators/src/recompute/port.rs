//! One input of the operator: how its rows are filed, and what an epoch does to the rows of one shard.

use std::sync::{Arc, MutexGuard};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use expr::types::instant;
use expr::types::instants;

use super::spec::RecomputePort;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::by_hash::ByHash;
use crate::epoch_time::EpochTime;
use crate::multiset::{row_hashes, take_out};
use crate::store::{Shard, Store};

/// Input rows by partition key.
#[derive(Debug)]
pub(super) struct Port {
    /// The rows: key columns, the other columns, and when they are evicted if no column of the input is an instant of it.
    pub(super) store: Store,
    input: SchemaRef,
    /// Input column of each state column.
    to_state: Vec<usize>,
    /// State column of each input column.
    to_input: Vec<usize>,
    /// Input column, a window, from whose end a state column is made.
    ends: Option<usize>,
    /// Time after which a row is evicted if it is not filed anew, microseconds: a last state column says when.
    forgotten_after_us: Option<i64>,
}

impl Port {
    pub(super) fn new(port: &RecomputePort, forgotten_after_us: Option<i64>, store: Store) -> Port {
        let to_state = port.state_order();
        let mut to_input = vec![0; to_state.len()];
        to_state.iter().enumerate().for_each(|(state, input)| to_input[*input] = state);
        Port { store, input: Arc::clone(&port.input), to_state, to_input, ends: port.ends(), forgotten_after_us }
    }

    /// No rows of the input.
    pub(super) fn no_rows(&self) -> RecordBatch {
        RecordBatch::new_empty(Arc::clone(&self.input))
    }

    /// Input rows as they are filed at this time.
    fn to_state(&self, rows: &RecordBatch, time: &EpochTime) -> Result<RecordBatch, OperatorError> {
        let mut columns: Vec<ArrayRef> = self.to_state.iter().map(|column| Arc::clone(rows.column(*column))).collect();
        if let Some(window) = self.ends {
            columns.push(instants(rows.column(window))?);
        }
        if let Some(us) = self.forgotten_after_us {
            let forgotten_us = time.batch_time_us.saturating_add(us);
            let column = TimestampMicrosecondArray::from_value(forgotten_us, rows.num_rows());
            columns.push(Arc::new(column.with_data_type(instant())));
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.store.spec().schema), columns)?)
    }

    /// Filed rows as input rows.
    fn to_input(&self, rows: &RecordBatch) -> Result<RecordBatch, OperatorError> {
        let columns = self.to_input.iter().map(|column| Arc::clone(rows.column(*column))).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.input), columns)?)
    }

    /// A shard to read and change.
    ///
    /// # Errors
    /// If a block is missing or damaged.
    pub(super) fn shard(
        &self,
        number: u8,
        time: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<PortShard<'_>, OperatorError> {
        Ok(PortShard { port: self, rows: self.store.shard(number, time, committed)? })
    }
}

/// The rows of one port and shard, locked for a task.
pub(super) struct PortShard<'a> {
    port: &'a Port,
    rows: MutexGuard<'a, Shard>,
}

/// Rows with their positions: partition by partition, oldest first within each.
pub(super) struct StoredRows {
    pub(super) positions: Vec<u32>,
    pub(super) rows: RecordBatch,
}

impl PortShard<'_> {
    /// The rows of these partitions.
    pub(super) fn of_keys(&self, keys: &[u128]) -> Result<StoredRows, OperatorError> {
        self.at(keys.iter().flat_map(|key| self.rows.find(*key)).collect())
    }

    /// Bytes of the rows of these partitions, and of those that are due.
    pub(super) fn bytes(&self, keys: &[u128], time: &EpochTime) -> Result<usize, OperatorError> {
        let mut positions = self.rows.due(time);
        positions.extend(keys.iter().flat_map(|key| self.rows.find(*key)));
        Ok(self.rows.sizes(&positions)?.into_iter().sum())
    }

    /// The rows that are due.
    pub(super) fn due(&self, time: &EpochTime) -> Result<StoredRows, OperatorError> {
        self.at(self.rows.due(time))
    }

    fn at(&self, positions: Vec<u32>) -> Result<StoredRows, OperatorError> {
        let rows = self.port.to_input(&self.rows.gather(&positions)?)?;
        Ok(StoredRows { positions, rows })
    }

    /// Files input rows with the hashes of their keys.
    pub(super) fn add(&mut self, rows: &RecordBatch, keys: &[u128], time: &EpochTime) -> Result<(), OperatorError> {
        self.rows.insert(&self.port.to_state(rows, time)?, keys)?;
        Ok(())
    }

    /// Files the rows of these partitions anew, if rows are evicted some time after they came: all of a partition are at once,
    /// so long after the last.
    pub(super) fn renew(&mut self, keys: &[u128], time: &EpochTime) -> Result<(), OperatorError> {
        if self.port.forgotten_after_us.is_none() {
            return Ok(());
        }
        let found = keys.iter().flat_map(|key| self.rows.find(*key).map(|position| (position, *key)));
        let (positions, keys): (Vec<u32>, Vec<u128>) = found.unzip();
        let old = self.at(positions)?;
        old.positions.into_iter().for_each(|position| self.rows.remove(position));
        self.add(&old.rows, &keys, time)
    }

    /// Removes one row for each of `counts`, the oldest of equal ones; returns the rows that stay and how many were removed.
    pub(super) fn retract(
        &mut self,
        stored: StoredRows,
        counts: &mut ByHash<u32>,
    ) -> Result<(StoredRows, usize), OperatorError> {
        let is_retracted = take_out(counts, &row_hashes(&stored.rows)?);
        let retracted = is_retracted.iter().filter(|is_retracted| **is_retracted).count();
        let stays: Vec<bool> = is_retracted.into_iter().map(|is_retracted| !is_retracted).collect();
        Ok((self.keep(stored, &stays)?, retracted))
    }

    /// Removes the rows that do not stay.
    pub(super) fn keep(&mut self, stored: StoredRows, stays: &[bool]) -> Result<StoredRows, OperatorError> {
        if !stays.contains(&false) {
            return Ok(stored);
        }
        let mut positions = Vec::with_capacity(stored.positions.len());
        for (position, stays) in stored.positions.into_iter().zip(stays) {
            match stays {
                true => positions.push(position),
                false => self.rows.remove(position),
            }
        }
        let stays: BooleanArray = stays.iter().copied().map(Some).collect();
        Ok(StoredRows { positions, rows: filter_record_batch(&stored.rows, &stays)? })
    }

    /// Evicts the rows that are due.
    pub(super) fn evict(&mut self, time: &EpochTime) {
        self.rows.evict(time);
    }
}
