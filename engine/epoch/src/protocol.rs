//! The eight steps of an epoch, and what a restart concludes from the records it finds.
//!
//! ```text
//!  1 Plan     offset ranges, watermark, batch time        RocksDB, synced, before anything is read
//!  2 Read     exactly those ranges                        repeatable
//!  3 Decode   bytes -> rows and rejects                   repeatable
//!  4 Compute  SQL graph + state(N-1)                      deterministic
//!  5 Stage    data files that no reader sees              idempotent: same names
//!  6 COMMIT   state changes + epoch record, one synced    the only commit point
//!             write batch
//!  7 Publish  one table-format commit per table           idempotent by (job, table, epoch), replayed
//!  8 Retire   old epochs, orphan files                    never before 7
//! ```
//! A crash before 6: the epoch never happened and runs again from the same plan. A crash after 6: it did, and
//! publishing is replayed. There is no third case.

use serde::{Deserialize, Serialize};

use crate::record::{Commit, Plan};

/// Number of an epoch: 0 for the first, one more for each that follows. It is also the version of the table transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpochId(pub u64);

impl EpochId {
    /// The epoch that follows this one.
    pub fn next(self) -> EpochId {
        EpochId(self.0 + 1)
    }
}

impl std::fmt::Display for EpochId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A step of the protocol, in the order in which an epoch takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Choose and store what the epoch reads.
    Plan,
    /// Fetch exactly the planned ranges.
    Read,
    /// Turn bytes into rows and rejects.
    Decode,
    /// Run the SQL graph over the rows and the state.
    Compute,
    /// Write data files that no reader sees yet.
    Stage,
    /// Store state changes and the epoch record at once.
    Commit,
    /// Make the epoch visible in every table.
    Publish,
    /// Remove what no restart can need.
    Retire,
}

impl Step {
    /// All steps in protocol order.
    pub const ALL: [Step; 8] =
        [Step::Plan, Step::Read, Step::Decode, Step::Compute, Step::Stage, Step::Commit, Step::Publish, Step::Retire];

    /// The step's name as it stands in logs, fail points and progress records.
    pub fn name(self) -> &'static str {
        match self {
            Step::Plan => "plan",
            Step::Read => "read",
            Step::Decode => "decode",
            Step::Compute => "compute",
            Step::Stage => "stage",
            Step::Commit => "commit",
            Step::Publish => "publish",
            Step::Retire => "retire",
        }
    }

    /// The step of that name.
    pub fn from_name(name: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// What a restart found in the checkpoint: the newest record of each kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewestRecords {
    /// The newest plan, if any epoch was ever planned.
    pub plan: Option<Plan>,
    /// The newest commit, if any epoch was ever committed.
    pub commit: Option<Commit>,
}

/// What a restart has to do, in this order: publish again, then run.
#[derive(Debug, Clone, PartialEq)]
pub enum Recovery {
    /// Nothing was ever planned: epoch 0 is planned anew.
    Fresh,
    /// The planned epoch has no commit: run it from exactly this plan, after publishing the commit before it again.
    Redo {
        /// The plan to run again.
        plan: Plan,
        /// The commit of the epoch before, whose publishing may be unfinished.
        republish: Option<Commit>,
    },
    /// The newest plan is committed: publish it again, then plan the next epoch.
    Next {
        /// The newest commit, whose publishing may be unfinished.
        republish: Commit,
    },
    /// The records contradict each other; nothing may run.
    Refuse(Contradiction),
}

/// A checkpoint whose records cannot all be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contradiction {
    /// A commit without the plan that must have been stored before it.
    CommitWithoutPlan(EpochId),
    /// The newest plan is not the commit's epoch nor the one after it.
    PlanOutOfOrder {
        /// Epoch of the newest plan.
        plan: EpochId,
        /// Epoch of the newest commit, if there is one.
        commit: Option<EpochId>,
    },
    /// The plan does not begin where the commit before it ended.
    OffsetsDoNotJoin(String),
    /// The commit of an epoch was made from another plan than the one stored.
    CommitOfAnotherPlan(EpochId),
}

impl std::fmt::Display for Contradiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Contradiction::CommitWithoutPlan(epoch) => write!(f, "epoch {epoch} is committed but was never planned"),
            Contradiction::PlanOutOfOrder { plan, commit: Some(commit) } => {
                write!(f, "the newest plan is of epoch {plan}, the newest commit of epoch {commit}")
            }
            Contradiction::PlanOutOfOrder { plan, commit: None } => {
                write!(f, "the newest plan is of epoch {plan}, but no epoch was committed before it")
            }
            Contradiction::OffsetsDoNotJoin(place) => write!(f, "offsets do not join: {place}"),
            Contradiction::CommitOfAnotherPlan(epoch) => {
                write!(f, "epoch {epoch} was committed from another plan than the one stored")
            }
        }
    }
}

/// Concludes from the newest records what a restart has to do.
///
/// Pure: the same records always give the same answer, and running it again after acting on the answer changes nothing.
pub fn recover(found: NewestRecords) -> Recovery {
    match (found.plan, found.commit) {
        (None, None) => Recovery::Fresh,
        (None, Some(commit)) => Recovery::Refuse(Contradiction::CommitWithoutPlan(commit.plan.epoch)),
        (Some(plan), None) if plan.epoch == EpochId(0) => Recovery::Redo { plan, republish: None },
        (Some(plan), None) => Recovery::Refuse(Contradiction::PlanOutOfOrder { plan: plan.epoch, commit: None }),
        (Some(plan), Some(commit)) if plan.epoch == commit.plan.epoch => {
            if plan == commit.plan {
                Recovery::Next { republish: commit }
            } else {
                Recovery::Refuse(Contradiction::CommitOfAnotherPlan(plan.epoch))
            }
        }
        (Some(plan), Some(commit)) if plan.epoch == commit.plan.epoch.next() => match plan.joins(&commit.plan) {
            Ok(()) => Recovery::Redo { plan, republish: Some(commit) },
            Err(place) => Recovery::Refuse(Contradiction::OffsetsDoNotJoin(place)),
        },
        (Some(plan), Some(commit)) => {
            Recovery::Refuse(Contradiction::PlanOutOfOrder { plan: plan.epoch, commit: Some(commit.plan.epoch) })
        }
    }
}

/// The right to publish an epoch. It exists only for a commit that is durable, so an uncommitted epoch cannot be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Permit {
    commit: Commit,
}

impl Permit {
    /// The caller vouches that `commit` was synced to the checkpoint, or read back from it.
    pub fn for_durable(commit: Commit) -> Permit {
        Permit { commit }
    }

    /// The durable commit.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Gives the commit back once it is published.
    pub fn into_commit(self) -> Commit {
        self.commit
    }
}

#[cfg(test)]
mod tests;
