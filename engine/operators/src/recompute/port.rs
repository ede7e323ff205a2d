//! One input of the operator: how its rows are filed, and what an epoch does to the rows of one shard.

use std::sync::{Arc, MutexGuard};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use expr::types::instants;

use super::difference::{ByHash, row_hashes, take_out};
use super::spec::RecomputePort;
use crate::OperatorError;
use crate::operator::{BlockSource, EpochTime};
use crate::store::{Shard, Store, StoreSpec};

/// Input rows by partition key.
#[derive(Debug)]
pub(super) struct Port {
    /// The rows: key columns, the other columns, and when they go if no column of the input is an instant of it.
    pub(super) store: Store,
    input: SchemaRef,
    /// Input column of each state column.
    to_state: Vec<usize>,
    /// State column of each input column.
    to_input: Vec<usize>,
    /// Input column, a window, from whose end a state column is made.
    ends: Option<usize>,
    /// Time after which a row goes if it is not filed anew, microseconds: a last state column says when.
    forgotten_after_us: Option<i64>,
}

impl Port {
    /// What is filed of a port, under this name.
    pub(super) fn store_spec(port: &RecomputePort, is_forgotten: bool, name: String) -> StoreSpec {
        let to_state = state_order(port);
        let mut fields: Vec<Arc<Field>> =
            to_state.iter().map(|column| Arc::clone(&port.input.fields()[*column])).collect();
        let mut expires = port.expires.and_then(|column| to_state.iter().position(|other| *other == column));
        if ends(port).is_some() {
            expires = Some(fields.len());
            fields.push(Arc::new(Field::new("_expires", crate::aggregate::instant(), true)));
        }
        let forgotten = is_forgotten.then_some(fields.len());
        fields.extend(is_forgotten.then(|| Arc::new(Field::new("_forgotten", crate::aggregate::instant(), true))));
        StoreSpec {
            name,
            schema: Arc::new(Schema::new(fields)),
            keys: port.keys.len(),
            expires,
            expires_at_batch_time: forgotten,
            keeps_rows: true,
        }
    }

    pub(super) fn new(port: &RecomputePort, forgotten_after_us: Option<i64>, store: Store) -> Port {
        let to_state = state_order(port);
        let mut to_input = vec![0; to_state.len()];
        to_state.iter().enumerate().for_each(|(state, input)| to_input[*input] = state);
        Port { store, input: Arc::clone(&port.input), to_state, to_input, ends: ends(port), forgotten_after_us }
    }

    /// No rows of the input.
    pub(super) fn no_rows(&self) -> RecordBatch {
        RecordBatch::new_empty(Arc::clone(&self.input))
    }

    /// Input rows as they are filed at this moment.
    fn to_state(&self, rows: &RecordBatch, moment: &EpochTime) -> Result<RecordBatch, OperatorError> {
        let mut columns: Vec<ArrayRef> = self.to_state.iter().map(|column| Arc::clone(rows.column(*column))).collect();
        if let Some(window) = self.ends {
            columns.push(instants(rows.column(window))?);
        }
        if let Some(us) = self.forgotten_after_us {
            let forgotten_us = moment.batch_time_us.saturating_add(us);
            let column = TimestampMicrosecondArray::from_value(forgotten_us, rows.num_rows());
            columns.push(Arc::new(column.with_data_type(crate::aggregate::instant())));
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
        moment: &EpochTime,
        committed: &dyn BlockSource,
    ) -> Result<PortShard<'_>, OperatorError> {
        Ok(PortShard { port: self, rows: self.store.shard(number, moment, committed)? })
    }
}

fn state_order(port: &RecomputePort) -> Vec<usize> {
    let others = (0..port.input.fields().len()).filter(|column| !port.keys.contains(column));
    port.keys.iter().copied().chain(others).collect()
}

/// The column that tells when rows go, if it is a window.
fn ends(port: &RecomputePort) -> Option<usize> {
    port.expires.filter(|column| matches!(port.input.field(*column).data_type(), DataType::Struct(_)))
}

/// The rows of one port and shard, locked for a task.
pub(super) struct PortShard<'a> {
    port: &'a Port,
    rows: MutexGuard<'a, Shard>,
}

/// Rows with their positions: partition by partition, oldest first within each.
pub(super) struct Placed {
    pub(super) positions: Vec<u32>,
    pub(super) rows: RecordBatch,
}

impl PortShard<'_> {
    /// The rows of these partitions.
    pub(super) fn of_keys(&self, keys: &[u128]) -> Result<Placed, OperatorError> {
        self.at(keys.iter().flat_map(|key| self.rows.find(*key)).collect())
    }

    /// The rows that are due.
    pub(super) fn due(&self, moment: &EpochTime) -> Result<Placed, OperatorError> {
        self.at(self.rows.due(moment))
    }

    fn at(&self, positions: Vec<u32>) -> Result<Placed, OperatorError> {
        let rows = self.port.to_input(&self.rows.gather(&positions)?)?;
        Ok(Placed { positions, rows })
    }

    /// Files input rows with the hashes of their keys.
    pub(super) fn add(&mut self, rows: &RecordBatch, keys: &[u128], moment: &EpochTime) -> Result<(), OperatorError> {
        self.rows.insert(&self.port.to_state(rows, moment)?, keys)?;
        Ok(())
    }

    /// Files the rows of these partitions anew, if rows are forgotten: all of a partition go at once, some time after the last came.
    pub(super) fn renew(&mut self, keys: &[u128], moment: &EpochTime) -> Result<(), OperatorError> {
        if self.port.forgotten_after_us.is_none() {
            return Ok(());
        }
        let found = keys.iter().flat_map(|key| self.rows.find(*key).map(|position| (position, *key)));
        let (positions, keys): (Vec<u32>, Vec<u128>) = found.unzip();
        let old = self.at(positions)?;
        old.positions.into_iter().for_each(|position| self.rows.remove(position));
        self.add(&old.rows, &keys, moment)
    }

    /// Removes one row for each of `counts`, the oldest of equal ones; returns the rows that stay and how many were removed.
    pub(super) fn take_back(
        &mut self,
        placed: Placed,
        counts: &mut ByHash<u32>,
    ) -> Result<(Placed, usize), OperatorError> {
        let goes = take_out(counts, &row_hashes(&placed.rows)?);
        let gone = goes.iter().filter(|goes| **goes).count();
        let stays: Vec<bool> = goes.into_iter().map(|goes| !goes).collect();
        Ok((self.keep(placed, &stays)?, gone))
    }

    /// Removes the rows that do not stay.
    pub(super) fn keep(&mut self, placed: Placed, stays: &[bool]) -> Result<Placed, OperatorError> {
        if !stays.contains(&false) {
            return Ok(placed);
        }
        let mut positions = Vec::with_capacity(placed.positions.len());
        for (position, stays) in placed.positions.into_iter().zip(stays) {
            match stays {
                true => positions.push(position),
                false => self.rows.remove(position),
            }
        }
        let stays: BooleanArray = stays.iter().copied().map(Some).collect();
        Ok(Placed { positions, rows: filter_record_batch(&placed.rows, &stays)? })
    }

    /// Lets rows go that are due.
    pub(super) fn evict(&mut self, moment: &EpochTime) {
        self.rows.evict(moment);
    }
}
