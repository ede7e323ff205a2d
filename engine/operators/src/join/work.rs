//! What a join does with one shard in one epoch.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::output::Output;
use super::pairs::{Arriving, Candidates, Matches, cut_pairs};
use super::side::Side;
use super::spec::JoinSpec;
use crate::OperatorError;
use crate::change::Sign;
use crate::cut::RowBytes;
use crate::epoch_time::EpochTime;
use crate::keyed::ShardInput;
use crate::store::Shard;

/// One shard of both sides, while an epoch's rows go through it.
pub(super) struct ShardWork<'a, 's> {
    pub(super) spec: &'a JoinSpec,
    pub(super) left: &'a mut Shard,
    pub(super) right: &'a mut Shard,
    pub(super) output: &'a mut Output<'s>,
}

impl ShardWork<'_, '_> {
    /// Joins rows that arrive on a side with what the other side keeps, and keeps them.
    ///
    /// # Errors
    /// If a condition fails on a row.
    pub(super) fn take_in(&mut self, side: Side, part: &ShardInput<'_>) -> Result<(), OperatorError> {
        let arriving = self.admit(side, part)?;
        if arriving.keys.is_empty() {
            return Ok(());
        }
        let matched = self.look_up(side, part.sign, &arriving)?;
        match part.sign {
            Sign::Retract => self.retract(side, &arriving),
            Sign::Add | Sign::Replace { .. } => self.keep(side, arriving, &matched),
        }
    }

    /// Evicts the rows of a side that are due; emits those of them that are preserved and matched nothing.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(super) fn evict(&mut self, side: Side, time: &EpochTime) -> Result<(), OperatorError> {
        let due = self.shard(side).due(time);
        if due.is_empty() {
            return Ok(());
        }
        if self.spec.kind().preserves(side) {
            let shard = self.shard(side);
            let alone: Vec<u32> = due.into_iter().filter(|position| !shard.is_marked(*position)).collect();
            for rows in self.spec.gather_parts(side, self.shard(side), &alone)? {
                self.output.alone(side, &rows)?;
            }
        }
        self.shard_mut(side).evict(time);
        Ok(())
    }

    pub(super) fn shard(&self, side: Side) -> &Shard {
        match side {
            Side::Left => self.left,
            Side::Right => self.right,
        }
    }

    pub(super) fn shard_mut(&mut self, side: Side) -> &mut Shard {
        match side {
            Side::Left => self.left,
            Side::Right => self.right,
        }
    }

    /// The rows that may match or must be kept. Rows that can match nothing are emitted at once if their side is preserved, but
    /// those with a null key wait for the watermark like any other (Spark).
    fn admit(&mut self, side: Side, part: &ShardInput<'_>) -> Result<Arriving, OperatorError> {
        let preserved = self.spec.kind().preserves(side);
        let plan = self.spec.side(side);
        let can_match = plan.only_if.as_ref().map(|condition| condition.holds_for(&part.rows)).transpose()?;
        let can_match = can_match.filter(|mask| mask.true_count() < mask.len());
        if let Some(mask) = can_match.as_ref().filter(|_| preserved) {
            self.output.alone(side, &filter_record_batch(&part.rows, &arrow::compute::not(mask)?)?)?;
        }
        let drops_nulls = !preserved && part.has_null.contains(&true);
        if can_match.is_none() && !drops_nulls {
            return Ok(Arriving {
                rows: part.rows.clone(),
                keys: part.keys.to_vec(),
                has_null: part.has_null.to_vec(),
            });
        }
        let kept = (0..part.keys.len())
            .map(|row| can_match.as_ref().is_none_or(|mask| mask.value(row)) && !(drops_nulls && part.has_null[row]))
            .collect::<Vec<bool>>();
        let picked = |row: &usize| kept[*row];
        let keys = (0..kept.len()).filter(picked).map(|row| part.keys[row]).collect();
        let has_null = (0..part.has_null.len()).filter(picked).map(|row| part.has_null[row]).collect();
        Ok(Arriving { rows: filter_record_batch(&part.rows, &BooleanArray::from(kept))?, keys, has_null })
    }

    /// Emits what arriving rows match; says which of them matched.
    fn look_up(&mut self, side: Side, sign: Sign, arriving: &Arriving) -> Result<Vec<bool>, OperatorError> {
        let emits_pairs = self.spec.kind().emits_pairs();
        let first_match_only = !emits_pairs && side == Side::Left;
        let mut matched = vec![false; arriving.keys.len()];
        let mut removed = HashSet::new();
        let mut candidates = Candidates::new(arriving, first_match_only, self.spec.residual().is_none());
        let sizes = RowBytes::new(&arriving.rows);
        while let Some(pairs) = candidates.next_chunk(self.shard(side.other()), &matched) {
            for pairs in cut_pairs(pairs, &sizes, self.shard(side.other()))? {
                let found = self.spec.matches(side, &arriving.rows, self.shard(side.other()), pairs)?;
                found.pairs.arriving.iter().for_each(|row| matched[*row as usize] = true);
                match side {
                    _ if emits_pairs => self.emit_pairs(side, sign, arriving, &found)?,
                    Side::Left => {}
                    Side::Right => self.remove_matched(&found, &mut removed)?,
                }
            }
        }
        if first_match_only && !self.spec.kind().preserves(Side::Left) {
            let rows = filter_record_batch(&arriving.rows, &BooleanArray::from(matched.clone()))?;
            self.output.alone(Side::Left, &rows)?;
        }
        Ok(matched)
    }

    fn emit_pairs(
        &mut self,
        side: Side,
        sign: Sign,
        arriving: &Arriving,
        found: &Matches,
    ) -> Result<(), OperatorError> {
        if let Some(stored) = &found.stored {
            self.output.pairs(sign, side, &arriving.rows, &found.pairs, stored)?;
        }
        if self.spec.kind().preserves(side.other()) {
            let shard = self.shard_mut(side.other());
            for position in &found.pairs.stored {
                if !shard.is_marked(*position) {
                    shard.mark(*position);
                }
            }
        }
        Ok(())
    }

    /// Left rows of a semi or anti join that matched: they are not needed any more. `removed` are those that were removed before.
    fn remove_matched(&mut self, found: &Matches, removed: &mut HashSet<u32>) -> Result<(), OperatorError> {
        let first: Vec<u32> = found.pairs.stored.iter().copied().filter(|position| removed.insert(*position)).collect();
        if !self.spec.kind().preserves(Side::Left) {
            let rows = self.spec.gather(Side::Left, self.left, &first)?;
            self.output.alone(Side::Left, &rows)?;
        }
        first.into_iter().for_each(|position| self.left.remove(position));
        Ok(())
    }

    fn keep(&mut self, side: Side, arriving: Arriving, matched: &[bool]) -> Result<(), OperatorError> {
        let Arriving { mut rows, mut keys, .. } = arriving;
        debug_assert_eq!(matched.len(), keys.len(), "every arriving row has matched or not");
        let kind = self.spec.kind();
        let is_done_when_matched = side == Side::Left && !kind.emits_pairs();
        if is_done_when_matched && matched.contains(&true) {
            let kept: BooleanArray = matched.iter().map(|matched| Some(!matched)).collect();
            rows = filter_record_batch(&rows, &kept)?;
            keys = (0..keys.len()).filter(|row| !matched[*row]).map(|row| keys[row]).collect();
        }
        if keys.is_empty() {
            return Ok(());
        }
        let plan = self.spec.side(side);
        let columns = plan.layout().iter().map(|column| Arc::clone(rows.column(*column))).collect();
        let rows = RecordBatch::try_new(Arc::clone(&plan.stored), columns)?;
        let shard = self.shard_mut(side);
        let first = shard.insert(&rows, &keys)?;
        if kind.preserves(side) && !is_done_when_matched {
            let matched = (0..keys.len()).filter(|row| matched[*row]);
            matched.for_each(|row| shard.mark(first + row as u32));
        }
        Ok(())
    }
}
