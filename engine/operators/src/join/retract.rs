//! Rows that are taken back: each takes the oldest equal row out of its side's state.

use std::collections::{HashMap, HashSet, VecDeque};

use arrow::array::{ArrayRef, RecordBatch};

use super::pairs::{Arriving, CHUNK_PAIRS};
use super::side::Side;
use super::work::ShardWork;
use crate::OperatorError;
use crate::keyed::hash::hash_keys;

impl ShardWork<'_, '_> {
    /// Removes the oldest equal row for each of these. A row that is not there was due and has gone by itself.
    ///
    /// # Errors
    /// If a column has a type that has no row encoding.
    pub(super) fn retract(&mut self, side: Side, arriving: &Arriving) -> Result<(), OperatorError> {
        let wanted = self.identities(side, &arriving.rows)?;
        let mut equal: HashMap<u128, VecDeque<u32>> = wanted.iter().map(|row| (*row, VecDeque::new())).collect();
        let mut seen = HashSet::new();
        let keys = arriving.keys.iter().filter(|key| seen.insert(**key));
        let positions: Vec<u32> = keys.flat_map(|key| self.shard(side).find(*key)).collect();
        for positions in positions.chunks(CHUNK_PAIRS) {
            let rows = self.spec.gather(side, self.shard(side), positions)?;
            for (position, row) in positions.iter().zip(self.identities(side, &rows)?) {
                if let Some(places) = equal.get_mut(&row) {
                    places.push_back(*position);
                }
            }
        }
        for row in &wanted {
            if let Some(position) = equal.get_mut(row).and_then(VecDeque::pop_front) {
                self.shard_mut(side).remove(position);
            }
        }
        Ok(())
    }

    /// What stands for whole rows. The time at which a row goes by the epochs' time tells when it came, not what it is.
    fn identities(&self, side: Side, rows: &RecordBatch) -> Result<Vec<u128>, OperatorError> {
        let arrived = self.spec.side(side).side.expires_at_batch_time;
        let columns = rows.columns().iter().enumerate().filter(|(column, _)| Some(*column) != arrived);
        let columns: Vec<ArrayRef> = columns.map(|(_, column)| ArrayRef::clone(column)).collect();
        Ok(hash_keys(&columns, rows.num_rows())?.keys)
    }
}
