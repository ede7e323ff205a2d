//! Epochs that were committed to a place and that it never got: published to it, or dropped by word, never in silence.

use std::collections::BTreeSet;

use epoch::{Commit, CommitId, EpochId};
use state::Checkpoint;

use crate::error::RunError;

/// Epochs that a place lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unpublished {
    /// The commits that touch it, oldest first.
    commits: Vec<CommitId>,
    /// Rows that they add.
    rows: u64,
}

impl Unpublished {
    /// What was committed to a place since a commit that it holds; `None`: from the beginning on, as far as it is kept.
    pub fn since(
        checkpoint: &Checkpoint,
        last: &Commit,
        name: &str,
        held: Option<CommitId>,
    ) -> Result<Unpublished, RunError> {
        let mut unpublished = Unpublished::default();
        let first = held.map_or(EpochId(0), |held| held.epoch.next());
        for commit in checkpoint.commits(first..=last.plan.epoch)? {
            unpublished.take_in(&commit?, name);
        }
        // A commit of an old format is linked only when it is read.
        if unpublished.commits.last() != Some(&last.id()) && held != Some(last.id()) {
            unpublished.take_in(last, name);
        }
        Ok(unpublished)
    }

    fn take_in(&mut self, commit: &Commit, name: &str) {
        let (Some(touch), Some(change)) = (commit.touch(name), commit.tables.get(name)) else { return };
        self.commits.push(touch.id);
        self.rows += change.added.iter().map(|file| file.rows).sum::<u64>();
    }

    /// True if it lacks nothing.
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }
}

impl std::fmt::Display for Unpublished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Unpublished { commits, rows } = self;
        match commits.as_slice() {
            [] => write!(f, "no epoch"),
            [one] => write!(f, "1 epoch ({}, {rows} rows)", one.epoch),
            [first, .., last] => write!(f, "{} epochs ({} to {}, {rows} rows)", commits.len(), first.epoch, last.epoch),
        }
    }
}

/// A table that left the job and the warehouse with epochs that it never got.
pub(super) fn left(name: &str, lacks: &Unpublished) -> RunError {
    RunError::StateMismatch(format!(
        "{name} is neither in the job nor in the warehouse any more, and {lacks} were committed to it that it never got. Nothing was written.\n  \
         put it back into the job, or the warehouse back where it was, until they are published; to drop them: engine submit … --abandon {name}"
    ).into())
}

/// A table that has nothing of what was committed to it: gone on with, it would lack what it never got, too.
pub(super) fn moved(name: &str, lacks: &Unpublished) -> RunError {
    RunError::StateMismatch(format!(
        "{name} has no record of this job, and {lacks} were committed to it that it never got, besides what it had. Nothing was written.\n  \
         bring back the warehouse in which it lay until they are published; to drop them: engine submit … --abandon {name}"
    ).into())
}

/// Rows that are replaced stand in files that the state knows: a table that lacks some of them would show old rows for ever.
pub(super) fn cannot_be(name: &str, lacks: &Unpublished) -> RunError {
    RunError::StateMismatch(format!(
        "{name} lacks {lacks}, which cannot be abandoned: its rows are replaced (mode \"update\" or \"complete\"), and later epochs build on \
         these. Nothing was written. Take the table out of the job to abandon it, or give it another name"
    ).into())
}

/// What somebody has decided to drop and what there is to drop, for people: a word that means nothing must not pass for one that does.
pub(super) fn unused(words: &BTreeSet<String>, dropped: &BTreeSet<String>) -> Vec<String> {
    let unused = words.difference(dropped);
    unused
        .map(|name| format!("--abandon {name}: nothing that was committed to it is unpublished; the word does nothing"))
        .collect()
}
