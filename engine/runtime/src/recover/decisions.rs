//! What was concluded for each place at a start: what it has to get, or a contradiction that somebody has accepted.

use std::collections::{BTreeMap, BTreeSet};

use epoch::{CommitId, Contradiction, EpochId, SinkLink};

use super::abandoned::{self, Unpublished};
use crate::error::RunError;

/// What is known of every sink, by name.
pub type Links = BTreeMap<String, SinkLink>;

/// The conclusions, all made before anything is written.
pub(super) struct Decisions<'a> {
    words: &'a BTreeSet<String>,
    /// Tables whose unpublished epochs are to be dropped.
    abandoned: &'a BTreeSet<String>,
    /// Tables whose rows are replaced.
    replaced: &'a BTreeSet<String>,
    owed: BTreeMap<EpochId, Vec<String>>,
    accepted: BTreeMap<String, (Contradiction, Option<CommitId>)>,
    /// What is dropped, by the place that lacks it.
    dropped: BTreeMap<String, Unpublished>,
}

impl<'a> Decisions<'a> {
    /// None yet.
    pub fn new(
        (words, abandoned): (&'a BTreeSet<String>, &'a BTreeSet<String>),
        replaced: &'a BTreeSet<String>,
    ) -> Decisions<'a> {
        Decisions {
            words,
            abandoned,
            replaced,
            owed: BTreeMap::new(),
            accepted: BTreeMap::new(),
            dropped: BTreeMap::new(),
        }
    }

    /// Takes in what was concluded for a place that holds a commit, or none.
    ///
    /// # Errors
    /// A contradiction that nobody has accepted, or that cannot be accepted for this table.
    pub fn add(
        &mut self,
        name: &str,
        holds: Option<CommitId>,
        found: Result<Vec<CommitId>, Contradiction>,
    ) -> Result<(), RunError> {
        match found {
            Ok(commits) => {
                commits.into_iter().for_each(|id| self.owed.entry(id.epoch).or_default().push(name.to_string()));
            }
            Err(what) if self.replaced.contains(name) => return Err(self.refusal(name, what)),
            Err(what) if !what.word().is_some_and(|word| self.words.contains(word)) => {
                return Err(self.refusal(name, what));
            }
            Err(what) => {
                self.accepted.insert(name.to_string(), (what, holds));
            }
        }
        Ok(())
    }

    /// True if what a place lacks is to be dropped.
    pub fn abandons(&self, name: &str) -> bool {
        self.abandoned.contains(name)
    }

    /// Drops what a place lacks.
    ///
    /// # Errors
    /// If the rows of the table are replaced, and it is still in the job.
    pub fn drop_unpublished(&mut self, name: &str, lacks: Unpublished) -> Result<(), RunError> {
        if self.replaced.contains(name) {
            return Err(abandoned::cannot_be(name, &lacks));
        }
        self.dropped.insert(name.to_string(), lacks);
        Ok(())
    }

    /// What is dropped, by place.
    pub fn dropped(&self) -> &BTreeMap<String, Unpublished> {
        &self.dropped
    }

    /// Words that have nothing to drop, for people.
    pub fn unused(&self) -> Vec<String> {
        abandoned::unused(self.abandoned, &self.dropped.keys().cloned().collect())
    }

    /// The commits that places lack, oldest first, with the places.
    pub fn owed(&self) -> &BTreeMap<EpochId, Vec<String>> {
        &self.owed
    }

    /// The places with a contradiction that was accepted.
    pub fn accepted(&self) -> impl Iterator<Item = (&String, &Contradiction)> {
        self.accepted.iter().map(|(name, (what, _))| (name, what))
    }

    /// True if a contradiction that comes up while publishing was accepted, and can be for this table.
    pub fn accepts(&self, name: &str, what: &Contradiction) -> bool {
        what.word().is_some_and(|word| self.words.contains(word)) && !self.replaced.contains(name)
    }

    /// A contradiction that is not accepted, with the word by which it can be, if it can for this table.
    pub fn refusal(&self, name: &str, what: Contradiction) -> RunError {
        match self.replaced.contains(name) && what.word().is_some() {
            true => RunError::StateMismatch(cannot_be_accepted(name, &what).into()),
            false => RunError::Contradiction(what),
        }
    }

    /// What the first commit of a checkpoint follows: a place that holds something of it is gone on from there.
    pub fn first_links(&self, note: &mut dyn FnMut(&str)) -> Links {
        let mut links = Links::new();
        for (name, (what, holds)) in &self.accepted {
            note(&format!("accepted: {}", what.in_short()));
            links.extend(holds.map(|held| (name.clone(), SinkLink::found(held))));
        }
        links
    }
}

/// Rows that are replaced stand in files that the checkpoint knows: other files beside them would show keys twice, or old rows for ever.
fn cannot_be_accepted(name: &str, what: &Contradiction) -> String {
    format!(
        "{}\n  this cannot be accepted: the rows of {name} are replaced (mode \"update\" or \"complete\"), and what it holds is not what \
         the state in the checkpoint says. Nothing was written. Bring back what belongs together, or give the table another name, or \
         start with a new checkpoint and warehouse",
        what.without_word()
    )
}
