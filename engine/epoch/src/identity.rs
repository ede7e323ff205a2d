//! Numbers of epochs; who made a commit, and which one it is: ids that two histories never share, and terms that fence an owner who was replaced.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of an epoch: 0 for the first, one more for each that follows. It is also the version of the table transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

/// Numbers that are drawn: 63 bits, so that a place which counts with signed numbers can hold them.
const DRAWN: u64 = i64::MAX as u64;

/// Which commit it is. Made at COMMIT, never changed: an epoch that is committed again in another history has another id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommitId {
    /// The epoch.
    pub epoch: EpochId,
    /// What was drawn when it was committed; 0 for a commit of an engine that drew nothing.
    pub nonce: u64,
}

impl CommitId {
    /// The id of an epoch's commit. `random` is any number; 63 bits of it are used, and never 0.
    pub fn new(epoch: EpochId, random: u64) -> CommitId {
        CommitId { epoch, nonce: (random & DRAWN).max(1) }
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nonce {
            0 => write!(f, "epoch {}", self.epoch),
            nonce => write!(f, "epoch {} ({nonce:016x})", self.epoch),
        }
    }
}

/// The owner of a checkpoint: a term that rises with every opening, and which of the runs it is that claims it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// One above the highest that was found in the checkpoint and in the places; 0 for an engine that had no terms.
    pub term: u64,
    /// Drawn when the checkpoint was opened: two copies of a machine have the same term, but not the same run.
    pub run: u64,
}

impl Owner {
    /// The owner that follows the highest term found.
    pub fn after(highest: u64, random: u64) -> Owner {
        Owner { term: highest + 1, run: (random & DRAWN).max(1) }
    }

    /// True if an owner found in a place ends this one: it is of a later term, or another run claims the same.
    pub fn is_fenced_by(&self, other: &Owner) -> bool {
        other.term > self.term || (other.term == self.term && other.run != self.run)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "term {} of run {:016x}", self.term, self.run)
    }
}

/// What an artifact is called: no two attempts at an epoch, of whatever run, share a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactId {
    /// The epoch that stages it.
    pub epoch: EpochId,
    /// Who stages it.
    pub owner: Owner,
    /// Number of the attempt, counted through the run.
    pub attempt: u32,
    /// Number of the artifact in the attempt.
    pub number: u32,
}
