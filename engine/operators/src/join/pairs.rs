//! Pairs of rows that come and rows that are kept with equal keys, in chunks, and those of them for which the condition holds.

use std::iter::repeat_n;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take};

use super::side::Side;
use super::spec::JoinSpec;
use crate::OperatorError;
use crate::store::Shard;

/// Pairs that are looked at together: enough to make a column worth its while, few enough to forget a frequent key's pairs.
pub(super) const CHUNK_PAIRS: usize = 65_536;

/// Rows of one side that come, without those that no condition lets in.
pub(super) struct Arriving {
    pub(super) rows: RecordBatch,
    pub(super) keys: Vec<u128>,
    /// True for rows that can match nothing for a null in their key; empty if there is none.
    pub(super) has_null: Vec<bool>,
}

/// Pairs of rows.
#[derive(Default)]
pub(super) struct Pairs {
    /// Rows that come, ascending.
    pub(super) arriving: Vec<u32>,
    /// Positions of rows that are kept.
    pub(super) stored: Vec<u32>,
}

/// Looks up the rows that come, pair by pair.
pub(super) struct Candidates<'a> {
    arriving: &'a Arriving,
    /// True if one match tells all that is asked of a row that comes.
    first_match_only: bool,
    /// True if key equality is all there is to a match.
    keys_only: bool,
    /// The next row to look up; `chain` is of the one before.
    row: usize,
    chain: Vec<u32>,
    used: usize,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(arriving: &'a Arriving, first_match_only: bool, keys_only: bool) -> Candidates<'a> {
        Candidates { arriving, first_match_only, keys_only, row: 0, chain: Vec::new(), used: 0 }
    }

    /// The next pairs; `None` if there are no more. `matched` tells which of the rows that come have matched so far.
    pub(super) fn next_chunk(&mut self, shard: &Shard, matched: &[bool]) -> Option<Pairs> {
        let mut pairs = Pairs::default();
        loop {
            if self.first_match_only && self.row > 0 && matched[self.row - 1] {
                self.used = self.chain.len();
            }
            let rest = &self.chain[self.used..];
            let count = rest.len().min(CHUNK_PAIRS - pairs.stored.len());
            pairs.arriving.extend(repeat_n(self.row.saturating_sub(1) as u32, count));
            pairs.stored.extend_from_slice(&rest[..count]);
            self.used += count;
            if pairs.stored.len() == CHUNK_PAIRS {
                return Some(pairs);
            }
            if self.row == self.arriving.keys.len() {
                return (!pairs.stored.is_empty()).then_some(pairs);
            }
            self.look_up(shard);
        }
    }

    fn look_up(&mut self, shard: &Shard) {
        self.chain.clear();
        self.used = 0;
        if !self.arriving.has_null.get(self.row).is_some_and(|has_null| *has_null) {
            let most = if self.first_match_only && self.keys_only { 1 } else { usize::MAX };
            self.chain.extend(shard.find(self.arriving.keys[self.row]).take(most));
        }
        self.row += 1;
    }
}

/// Pairs that match, with what is to be put out of them.
pub(super) struct Matches {
    pub(super) pairs: Pairs,
    /// The rows that are kept, pair by pair, columns as in their side's input; `None` if nobody asked for them.
    pub(super) stored: Option<RecordBatch>,
}

impl JoinSpec {
    /// The rows of a side's state at these positions, columns as in the side's input.
    pub(super) fn gather(&self, side: Side, shard: &Shard, positions: &[u32]) -> Result<RecordBatch, OperatorError> {
        Ok(shard.gather(positions)?.project(&self.side(side).stored_at)?)
    }

    /// Those of the pairs for which the residual condition holds. `side` is that of the rows that come.
    pub(super) fn matches(
        &self,
        side: Side,
        arriving: &RecordBatch,
        shard: &Shard,
        pairs: Pairs,
    ) -> Result<Matches, OperatorError> {
        let Some(residual) = self.residual() else {
            let stored = match self.kind().emits_pairs() {
                true => Some(self.gather(side.other(), shard, &pairs.stored)?),
                false => None,
            };
            return Ok(Matches { pairs, stored });
        };
        let stored = self.gather(side.other(), shard, &pairs.stored)?;
        let at = UInt32Array::from(pairs.arriving.clone());
        let columns = residual.columns().iter().map(|column| {
            let (of, column) = self.column_of_pair(*column);
            Ok(if of == side {
                take(arriving.column(column), &at, None)?
            } else {
                ArrayRef::clone(stored.column(column))
            })
        });
        let columns = columns.collect::<Result<Vec<_>, OperatorError>>()?;
        let mask = residual.holds(columns, at.len())?;
        if mask.true_count() == mask.len() {
            return Ok(Matches { pairs, stored: Some(stored) });
        }
        let pairs = Pairs { arriving: picked(&pairs.arriving, &mask), stored: picked(&pairs.stored, &mask) };
        let stored = match self.kind().emits_pairs() {
            true => Some(filter_record_batch(&stored, &mask)?),
            false => None,
        };
        Ok(Matches { pairs, stored })
    }
}

fn picked(values: &[u32], mask: &BooleanArray) -> Vec<u32> {
    values.iter().zip(mask.values()).filter_map(|(value, holds)| holds.then_some(*value)).collect()
}
