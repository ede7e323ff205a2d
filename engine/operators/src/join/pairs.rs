//! What arriving rows match of the rows that the other side keeps.

use std::ops::Range;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take};

use super::side::Side;
use super::spec::JoinSpec;
use crate::OperatorError;
use crate::cut::{RowBytes, runs};
use crate::pairs::{CHUNK_PAIRS, PairChunks, Pairs, RowsByKey};
use crate::store::Shard;

/// Rows of one side that arrive, without those that no condition lets in.
pub(super) struct Arriving {
    pub(super) rows: RecordBatch,
    pub(super) keys: Vec<u128>,
    /// True for rows that can match nothing for a null in their key; empty if there is none.
    pub(super) has_null: Vec<bool>,
}

/// Looks up the rows that arrive, pair by pair.
pub(super) struct Candidates<'a> {
    arriving: &'a Arriving,
    /// Of a row that is asked for one match, and for nothing but the key, one pair is enough.
    pairs_max: usize,
    chunks: PairChunks,
    chain: Chain,
}

/// The positions that were found for the row that was looked up last.
#[derive(Default)]
struct Chain {
    row: Option<usize>,
    positions: Vec<u32>,
}

impl<'a> Candidates<'a> {
    /// `first_match_only` says that one match says all that is asked of an arriving row, `keys_only` that key equality is all there
    /// is to a match.
    pub(super) fn new(arriving: &'a Arriving, first_match_only: bool, keys_only: bool) -> Candidates<'a> {
        let pairs_max = if first_match_only && keys_only { 1 } else { usize::MAX };
        let chunks = PairChunks::new(arriving.keys.len(), first_match_only);
        Candidates { arriving, pairs_max, chunks, chain: Chain::default() }
    }

    /// The next pairs; `None` if there are no more. `matched` says which of the arriving rows have matched so far. Rows of the shard
    /// may be removed between two calls: those of a row that was looked up are as they were then.
    pub(super) fn next_chunk(&mut self, shard: &Shard, matched: &[bool]) -> Option<Pairs> {
        let Candidates { arriving, pairs_max, chunks, chain } = self;
        chunks.next(&mut ShardRows { arriving, pairs_max: *pairs_max, chain, shard }, matched)
    }
}

/// The rows of a shard, by the keys of arriving rows.
struct ShardRows<'a> {
    arriving: &'a Arriving,
    pairs_max: usize,
    chain: &'a mut Chain,
    shard: &'a Shard,
}

impl RowsByKey for ShardRows<'_> {
    fn rows_of(&mut self, row: usize) -> &[u32] {
        if self.chain.row != Some(row) {
            self.chain.row = Some(row);
            self.chain.positions.clear();
            if !self.arriving.has_null.get(row).is_some_and(|has_null| *has_null) {
                self.chain.positions.extend(self.shard.find(self.arriving.keys[row]).take(self.pairs_max));
            }
        }
        &self.chain.positions
    }
}

/// Pairs that match, with what is to be emitted of them.
pub(super) struct Matches {
    pub(super) pairs: Pairs,
    /// The rows that are kept, pair by pair, columns as in their side's input; `None` if nobody asked for them.
    pub(super) stored: Option<RecordBatch>,
}

/// Pairs in portions whose rows can be put together: the same large row may be in many pairs. Rows of a semi or anti join that are
/// removed between two portions are still there to be read.
pub(super) fn cut_pairs(pairs: Pairs, arriving: &RowBytes, shard: &Shard) -> Result<Vec<Pairs>, OperatorError> {
    let stored = shard.sizes(&pairs.stored)?;
    let sizes = pairs.arriving.iter().zip(stored).map(|(row, stored)| arriving.of(*row as usize) + stored);
    let runs = runs(sizes, usize::MAX);
    if runs.len() <= 1 {
        return Ok(vec![pairs]);
    }
    let part = |run: Range<usize>| Pairs {
        arriving: pairs.arriving[run.clone()].to_vec(),
        stored: pairs.stored[run].to_vec(),
    };
    Ok(runs.into_iter().map(part).collect())
}

impl JoinSpec {
    /// As [`JoinSpec::gather`], positions that are all different, in parts that are small enough to be put together.
    pub(super) fn gather_parts(
        &self,
        side: Side,
        shard: &Shard,
        positions: &[u32],
    ) -> Result<Vec<RecordBatch>, OperatorError> {
        let parts = shard.gather_parts(positions, CHUNK_PAIRS)?;
        parts.into_iter().map(|rows| Ok(rows.project(&self.side(side).stored_at)?)).collect()
    }

    /// The rows of a side's state at these positions, columns as in the side's input.
    pub(super) fn gather(&self, side: Side, shard: &Shard, positions: &[u32]) -> Result<RecordBatch, OperatorError> {
        Ok(shard.gather(positions)?.project(&self.side(side).stored_at)?)
    }

    /// Those of the pairs for which the residual condition holds. `side` is that of the rows that arrive.
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
        let pairs = pairs.filter(&mask);
        let stored = match self.kind().emits_pairs() {
            true => Some(filter_record_batch(&stored, &mask)?),
            false => None,
        };
        Ok(Matches { pairs, stored })
    }
}
