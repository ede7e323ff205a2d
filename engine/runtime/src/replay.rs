//! The epochs of another checkpoint, run again from the plans that its commits carry.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use connector::DataLoss;
use epoch::{Commit, EpochId, Plan};
use job::Job;
use state::{Checkpoint, CheckpointReader, StateError};

use crate::error::RunError;
use crate::planner::Planner;

/// The plans of a checkpoint's commits.
pub struct Replay {
    plans: VecDeque<Plan>,
    /// True once its sources were asked whether they still are what they were.
    is_checked: bool,
    /// The checkpoint, which holds copies of the static tables that the plans name.
    pub copies: Arc<CheckpointReader>,
}

impl Replay {
    /// The commits of a checkpoint, which may be in use.
    ///
    /// # Errors
    /// The checkpoint's; `Plan` if its first epochs are no longer on record: the state that they left is not, either; or if they read a
    /// source that the job has no more.
    pub fn of(folder: &Path, job: &Job) -> Result<Replay, RunError> {
        let reader = Checkpoint::open_read_only(folder)?;
        let commits = reader.commits(EpochId(0)..=EpochId(u64::MAX))?;
        let plans =
            commits.map(|commit| commit.map(|commit| commit.plan)).collect::<Result<VecDeque<_>, StateError>>()?;
        plans.iter().try_for_each(|plan| refuse_unknown_sources(plan, job))?;
        match plans.front() {
            Some(first) if first.epoch == EpochId(0) => {
                Ok(Replay { plans, is_checked: false, copies: Arc::new(reader) })
            }
            Some(first) => Err(RunError::Plan(format!(
                "the commits before epoch {} are no longer on record in {}, so its epochs cannot be run again from the first; \
                 set retain_epochs in [job] to more than the epochs that a replay shall cover",
                first.epoch,
                folder.display()
            ))),
            None => Err(RunError::Plan(format!(
                "no epoch is committed in {}; there is nothing to run again",
                folder.display()
            ))),
        }
    }

    /// Checks that the sources still are what the first and the last epoch have read.
    ///
    /// # Errors
    /// As [`Planner::check_reads_again`].
    pub fn check_is_there(&mut self, planner: &mut Planner) -> Result<(), RunError> {
        if !std::mem::replace(&mut self.is_checked, true) {
            let ends = [self.plans.front(), self.plans.back()];
            ends.into_iter().flatten().try_for_each(|plan| planner.check_reads_again(plan))?;
        }
        Ok(())
    }

    /// The plan after an epoch; `None` once all are done.
    pub fn next(&mut self, last: Option<&Commit>) -> Option<Plan> {
        let done = last.map(|commit| commit.plan.epoch);
        while self.plans.front().is_some_and(|plan| Some(plan.epoch) <= done) {
            self.plans.pop_front();
        }
        self.plans.front().cloned()
    }
}

/// Why records that a replay must read are not there, in the words of one who can only bring them back.
pub fn lost(loss: &DataLoss) -> RunError {
    let DataLoss { source, stream, partition, from, reason, .. } = loss;
    RunError::Plan(format!(
        "the epochs cannot be run again: source {source} no longer has in {stream} [{partition}] at offset {from} what they have read: {reason}\n  \
         a replay reads the same records once more: bring the topic back as it was, or replay only jobs whose topics still have their \
         first records"
    ))
}

/// What such a source gave is in the tables, and nobody would read it again.
fn refuse_unknown_sources(plan: &Plan, job: &Job) -> Result<(), RunError> {
    let mut read = plan.sources.iter().filter(|(_, planned)| planned.has_records());
    match read.find(|(name, _)| !job.sources.contains_key(*name)) {
        None => Ok(()),
        Some((name, _)) => Err(RunError::Plan(format!(
            "epoch {} read source {name}, which the job does not have, so it cannot be run again; run it again by the job file of then, or \
             with the source and its tables put back",
            plan.epoch
        ))),
    }
}

#[cfg(test)]
mod tests;
