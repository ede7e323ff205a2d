//! The part of a join that has memory: a store for each side.

use std::sync::Arc;

use super::kind::JoinMode;
use super::output::Output;
use super::side::Side;
use super::spec::JoinSpec;
use super::work::ShardWork;
use crate::OperatorError;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::change::{Change, Sign};
use crate::epoch_time::EpochTime;
use crate::keyed::{KeyedInput, ShardInput};
use crate::metrics::StateMetrics;
use crate::operator::{LanePart, Operator, OperatorSpec, Task};
use crate::store::Store;
use crate::stored::Stored;

/// A join with the rows that both sides keep.
pub struct Join {
    spec: Arc<JoinSpec>,
    input: KeyedInput,
    left: Store,
    right: Store,
}

impl Join {
    /// The join with what the checkpoint has for it.
    pub fn open(spec: Arc<JoinSpec>, stored: Stored) -> Join {
        let Stored { mut blocks, budget, .. } = stored;
        blocks.resize_with(2, Vec::new);
        let mut blocks = blocks.into_iter();
        let mut store = |side| Store::open(spec.store(side), blocks.next().unwrap_or_default(), Arc::clone(&budget));
        let (left, right) = (store(Side::Left), store(Side::Right));
        Join { spec, input: KeyedInput::default(), left, right }
    }

    /// Metrics of one side's state after the last epoch.
    pub fn side_metrics(&self, side: Side) -> StateMetrics {
        match side {
            Side::Left => self.left.metrics(),
            Side::Right => self.right.metrics(),
        }
    }

    fn run_shard(
        &self,
        shard: u8,
        time: &EpochTime,
        committed: &dyn BlockSource,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        let parts: Vec<ShardInput<'_>> = self.input.of_shard(shard).collect();
        if parts.is_empty() && !self.left.is_due(shard, time) && !self.right.is_due(shard, time) {
            return Ok(());
        }
        self.check_signs(&parts)?;
        let mut left = self.left.shard(shard, time, committed)?;
        let mut right = self.right.shard(shard, time, committed)?;
        let mut work = ShardWork { spec: &self.spec, left: &mut left, right: &mut right, output };
        for (port, side) in Side::BOTH.into_iter().enumerate() {
            // A row may be retracted in the epoch that adds it: what is added comes first.
            for sign in [Sign::Add, Sign::Retract] {
                for part in parts.iter().filter(|part| part.port == port && part.sign == sign) {
                    work.take_in(side, part)?;
                }
            }
        }
        Side::BOTH.into_iter().try_for_each(|side| work.evict(side, time))
    }

    fn check_signs(&self, parts: &[ShardInput<'_>]) -> Result<(), OperatorError> {
        let retracts = self.spec.mode() == JoinMode::Changes;
        let is_wrong = |sign: &Sign| !(*sign == Sign::Add || retracts && *sign == Sign::Retract);
        let Some(sign) = parts.iter().map(|part| part.sign).find(is_wrong) else { return Ok(()) };
        let what = format!("{sign:?} came to a join in mode {:?}", self.spec.mode());
        Err(OperatorError::fault(self.spec.name(), what))
    }
}

impl Operator for Join {
    fn absorb(&mut self, _: &EpochTime, part: LanePart, _: u16) -> Result<(), OperatorError> {
        self.input.absorb(part)
    }

    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError> {
        Ok(self.input.tasks(self.has_pending_output(time)))
    }

    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let shards = KeyedInput::shards_of(task);
        let mut output = Output::new(&self.spec);
        for shard in shards.clone() {
            self.run_shard(shard, time, committed, &mut output)?;
        }
        self.left.finish(shards.clone(), time)?;
        self.right.finish(shards, time)?;
        output.finish()
    }

    fn prepare_commit(&mut self, time: &EpochTime, committed: &dyn BlockSource) -> Result<BlockChanges, OperatorError> {
        self.input.clear();
        let mut changes = self.left.prepare_commit(time, committed)?;
        changes.extend(self.right.prepare_commit(time, committed)?);
        Ok(changes)
    }

    fn committed(&mut self) {
        self.left.committed();
        self.right.committed();
    }

    fn has_pending_output(&self, next: &EpochTime) -> bool {
        self.left.any_due(next) || self.right.any_due(next)
    }

    fn count_rows(&self, committed: &dyn BlockSource) -> Result<u64, OperatorError> {
        Ok(self.left.count_rows(committed)? + self.right.count_rows(committed)?)
    }

    fn metrics(&self) -> StateMetrics {
        self.left.metrics().and(self.right.metrics())
    }
}
