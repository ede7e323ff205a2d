//! Rows that are retracted: each removes the oldest equal row of its side's state.

use arrow::array::{ArrayRef, RecordBatch};

use super::pairs::Arriving;
use super::side::Side;
use super::work::ShardWork;
use crate::OperatorError;
use crate::by_hash::ByHash;
use crate::keyed::hash::hash_keys;
use crate::multiset::{count, take_out};

impl ShardWork<'_, '_> {
    /// Removes the oldest equal row for each of these. A row that is not there was due and is evicted already.
    ///
    /// # Errors
    /// If a column has a type that has no row encoding.
    pub(super) fn retract(&mut self, side: Side, arriving: &Arriving) -> Result<(), OperatorError> {
        let mut counts = count(self.identities(side, &arriving.rows)?);
        let mut seen = ByHash::default();
        let keys = arriving.keys.iter().filter(|key| seen.insert(**key, ()).is_none());
        let positions: Vec<u32> = keys.flat_map(|key| self.shard(side).find(*key)).collect();
        let parts = self.spec.gather_parts(side, self.shard(side), &positions)?;
        let mut rest = positions.as_slice();
        for rows in parts {
            let positions;
            (positions, rest) = rest.split_at(rows.num_rows());
            let is_retracted = take_out(&mut counts, &self.identities(side, &rows)?);
            let retracted = positions.iter().zip(is_retracted).filter(|(_, is_retracted)| *is_retracted);
            retracted.for_each(|(position, _)| self.shard_mut(side).remove(*position));
        }
        Ok(())
    }

    /// What stands for whole rows. The time at which a row is evicted by the epochs' time says when it came, not what it is.
    fn identities(&self, side: Side, rows: &RecordBatch) -> Result<Vec<u128>, OperatorError> {
        let arrived = self.spec.side(side).side.expires_at_batch_time;
        let columns = rows.columns().iter().enumerate().filter(|(column, _)| Some(*column) != arrived);
        let columns: Vec<ArrayRef> = columns.map(|(_, column)| ArrayRef::clone(column)).collect();
        Ok(hash_keys(&columns, rows.num_rows())?.keys)
    }
}
