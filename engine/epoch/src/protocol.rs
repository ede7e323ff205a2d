//! The eight steps of an epoch, in the order in which it takes them.
//!
//! ```text
//!  1 Plan     ranges, watermark, batch time                in memory
//!  2 Read     exactly those ranges
//!  3 Decode   bytes -> rows and rejects
//!  4 Compute  SQL graph + state(N-1)
//!  5 Stage    artifacts that no reader sees                names never used before
//!  6 COMMIT   state changes + epoch record, one synced     the only commit point, the only truth
//!             write batch
//!  7 Publish  every sink follows, in order                 compare-and-set by commit id, beside the reading of N+1
//!  8 Retire   old epochs                                   only what every follower has
//! ```
//! A crash before 6: the epoch never happened, and another is planned in its place. A crash after 6: it did, and each follower
//! is brought up from where it stands ([`crate::follow`]). There is no third case.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::record::Commit;

/// A step of the protocol, in the order in which an epoch takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Choose what the epoch reads.
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

/// The right to publish an epoch. It exists only for a commit that is durable, so an uncommitted epoch cannot be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Permit {
    commit: Arc<Commit>,
}

impl Permit {
    /// The caller vouches that `commit` was synced to the checkpoint, or read back from it.
    pub fn for_durable(commit: impl Into<Arc<Commit>>) -> Permit {
        Permit { commit: commit.into() }
    }

    /// The durable commit.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// The durable commit, to keep: it can list thousands of files, and is not copied for each who looks at it.
    pub fn shared(&self) -> Arc<Commit> {
        Arc::clone(&self.commit)
    }
}

#[cfg(test)]
mod tests;
