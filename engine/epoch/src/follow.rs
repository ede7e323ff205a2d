//! Followers: what a place that is written to still has to get, and which of its answers contradict the checkpoint.
//!
//! COMMIT is the only truth. A commit names, for each sink that it touches, the commit that this sink must hold before it, so the
//! commits of a sink are a chain: a place that holds a link of it gets what follows, and a place that holds anything else is of
//! another history. Pure; the rules and their histories stand in ARCHITECTURE.md, "The epoch protocol".

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::accounting::CountedRows;
use crate::identity::{CommitId, Owner};

/// What the newest commit says about a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkLink {
    /// The first commit that touched it.
    pub began: CommitId,
    /// The commit that it must hold before `last`; `None` if `last` is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<CommitId>,
    /// The last commit that touched it.
    pub last: CommitId,
    /// The newest commit that the place was seen to hold when this was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<CommitId>,
    /// How many rows it holds with `last`; `None` if nobody has counted them (an engine of before, a sink that cannot say what it
    /// held when it was found).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<CountedRows>,
}

impl SinkLink {
    /// The link of a sink that a commit touches, after the one that it had; `rows` are what it holds then.
    pub fn touched(earlier: Option<&SinkLink>, by: CommitId, rows: Option<CountedRows>) -> SinkLink {
        match earlier {
            None => SinkLink { began: by, before: None, last: by, seen: None, rows },
            Some(link) => SinkLink { began: link.began, before: Some(link.last), last: by, seen: link.seen, rows },
        }
    }

    /// The link of a sink that a place was found to follow, though no commit on record says so.
    pub fn found(at: CommitId) -> SinkLink {
        SinkLink { began: at, before: None, last: at, seen: Some(at), rows: None }
    }
}

/// One commit of a sink's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The commit.
    pub id: CommitId,
    /// What the sink must hold before it.
    pub before: Option<CommitId>,
}

/// Concludes which commits a sink still has to get, in this order. `link`: what the newest commit says of it; `newest`: that commit; `kept`: the commits of the
/// sink's chain that are still on record, oldest first; `holds`: what the place itself says.
///
/// # Errors
/// What the place says cannot be true if the checkpoint is.
pub fn owed(
    sink: &str,
    link: Option<&SinkLink>,
    newest: Option<CommitId>,
    kept: &[Touch],
    holds: Option<CommitId>,
) -> Result<Vec<CommitId>, Contradiction> {
    debug_assert!(kept.is_sorted_by_key(|touch| touch.id.epoch), "the chain of {sink} is out of order: {kept:?}");
    let sink = || sink.to_string();
    let Some(link) = link else {
        return match holds {
            None => Ok(Vec::new()),
            Some(place) => Err(Contradiction::Ahead { sink: sink(), place, newest }),
        };
    };
    if holds == Some(link.last) {
        return Ok(Vec::new());
    }
    let next = match holds {
        None => kept.iter().position(|touch| touch.before.is_none()),
        Some(_) => kept.iter().position(|touch| touch.before == holds),
    };
    match (next, holds) {
        // A place that had something of ours and has nothing now lost more than its place in the chain.
        (_, None) if link.seen.is_some() => Err(Contradiction::RecordLost { sink: sink(), seen: link.seen }),
        (Some(next), _) => Ok(kept[next..].iter().map(|touch| touch.id).collect()),
        (None, Some(place)) if Some(place.epoch) > newest.map(|newest| newest.epoch) => {
            Err(Contradiction::Ahead { sink: sink(), place, newest })
        }
        (None, Some(place)) if is_rolled_back(link, place, kept) => {
            Err(Contradiction::RolledBack { sink: sink(), place, last: link.last })
        }
        (None, Some(place)) => Err(Contradiction::OtherHistory { sink: sink(), place, checkpoint: link.last }),
        (None, None) => Err(Contradiction::RecordLost { sink: sink(), seen: None }),
    }
}

/// True if a place holds a commit that is older than all that are kept: it may be ours, but what follows it is gone.
fn is_rolled_back(link: &SinkLink, place: CommitId, kept: &[Touch]) -> bool {
    let oldest = kept.first().map_or(link.last, |touch| touch.before.unwrap_or(touch.id));
    place.epoch < oldest.epoch
}

/// Something that cannot be true beside something else. Nothing is written until a person has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contradiction {
    /// The place has epochs that the checkpoint does not know: the checkpoint is an old copy.
    Ahead {
        /// The sink.
        sink: String,
        /// What it holds.
        place: CommitId,
        /// The newest commit of the checkpoint.
        newest: Option<CommitId>,
    },
    /// The place has another epoch of that number: it went on with another copy of the checkpoint.
    OtherHistory {
        /// The sink.
        sink: String,
        /// What it holds.
        place: CommitId,
        /// What it should hold.
        checkpoint: CommitId,
    },
    /// The place is at an epoch whose successors are no longer kept.
    RolledBack {
        /// The sink.
        sink: String,
        /// What it holds.
        place: CommitId,
        /// What it should hold.
        last: CommitId,
    },
    /// Rows went back and the record stayed: another program restored an older version of the table.
    Restored {
        /// The sink.
        sink: String,
        /// The version that did it, as the sink counts.
        version: i64,
    },
    /// The place had something of this job, and has no record of it now.
    RecordLost {
        /// The sink.
        sink: String,
        /// What it was last seen to hold; `None`: the first commits that it has to get are no longer kept.
        seen: Option<CommitId>,
    },
    /// The place has rows that were written with another checkpoint, of this job or another one.
    OtherCheckpoint {
        /// The sink.
        sink: String,
        /// That checkpoint: the job and its id.
        writer: String,
        /// True if it can be rebuilt from what its tables hold: the job keeps no state.
        can_be_rebuilt: bool,
    },
    /// The place is written by an owner that came later.
    Fenced {
        /// The sink.
        sink: String,
        /// Who owns it now.
        by: Owner,
        /// Who wanted to write.
        own: Owner,
    },
    /// The place does not hold what it must hold before a commit.
    NotBefore {
        /// The sink.
        sink: String,
        /// The commit that was to be published.
        commit: CommitId,
        /// What must stand there.
        before: Option<CommitId>,
        /// What stands there.
        place: Option<CommitId>,
    },
    /// An artifact that a commit names is not there, or not what was staged.
    ArtifactMissing {
        /// The sink.
        sink: String,
        /// The commit.
        commit: CommitId,
        /// The artifact, and what is wrong with it.
        artifact: String,
    },
}

impl Contradiction {
    /// The word by which it can be accepted on the command line; `None` if it cannot be.
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Contradiction::Ahead { .. } => Some("ahead"),
            Contradiction::OtherHistory { .. } => Some("other-history"),
            Contradiction::RolledBack { .. } => Some("rolled-back"),
            Contradiction::RecordLost { .. } => Some("record-lost"),
            Contradiction::OtherCheckpoint { .. } => Some("other-checkpoint"),
            Contradiction::Restored { .. } => Some("restored"),
            Contradiction::ArtifactMissing { .. } => Some("artifact-missing"),
            Contradiction::Fenced { .. } | Contradiction::NotBefore { .. } => None,
        }
    }

    /// All words that [`Contradiction::word`] gives.
    pub const WORDS: [&'static str; 7] =
        ["ahead", "other-history", "rolled-back", "record-lost", "other-checkpoint", "restored", "artifact-missing"];

    /// What was found and what to do, without the word by which it is accepted.
    pub fn without_word(&self) -> String {
        let text = self.to_string();
        text.split_once(WORD_LINE).map_or(text.clone(), |(advice, _)| advice.to_string())
    }

    /// What was found, without what to do.
    pub fn in_short(&self) -> String {
        let text = self.to_string();
        text.split_once(". ").map_or(text.clone(), |(first, _)| first.to_string())
    }
}

/// How the line with the word begins by which a contradiction is accepted.
const WORD_LINE: &str = "\n  to go on all the same and keep what is there: ";

/// What a person reads for a commit that may be none.
fn or_nothing(id: Option<CommitId>) -> String {
    id.map_or_else(|| "nothing of this job".to_string(), |id| id.to_string())
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contradiction::Ahead { sink, place, newest } => write!(
                f,
                "{sink} is ahead of the checkpoint: it holds {place}, the checkpoint's newest is {}. The checkpoint is an older copy. \
                 Bring the newer one back; with this one the epochs in between would be counted twice or lost",
                or_nothing(*newest)
            ),
            Contradiction::OtherHistory { sink, place, checkpoint } => write!(
                f,
                "{sink} has another history than the checkpoint: it holds {place}, the checkpoint says {checkpoint}. Another copy of \
                 the checkpoint was gone on with. Bring that one back, or restore the table as it was when this copy was made"
            ),
            Contradiction::RolledBack { sink, place, last } => write!(
                f,
                "{sink} was set back: it holds {place}, it should hold {last}, and the epochs in between are no longer kept. Restore the \
                 table as it was, or the checkpoint that belongs to it"
            ),
            Contradiction::Restored { sink, version } => write!(
                f,
                "{sink} was set back: version {version} of it restored an older one, so rows that were published are no longer in it. \
                 Restore the version before that"
            ),
            Contradiction::RecordLost { sink, seen } => write!(
                f,
                "{sink} has no record of this job any more; it held {}. It was deleted, or made anew. Restore it, or start with a \
                 new checkpoint and warehouse",
                seen.map_or_else(|| "epochs that are no longer kept".to_string(), |id| id.to_string())
            ),
            Contradiction::OtherCheckpoint { sink, writer, can_be_rebuilt } => write!(
                f,
                "{sink} already has rows, written with another checkpoint ({writer}); this one knows nothing of them and would \
                 write every record again. Run with that checkpoint, {}or use a new warehouse too",
                if *can_be_rebuilt { "or rebuild it (`engine checkpoint rebuild`), " } else { "" }
            ),
            Contradiction::Fenced { sink, by, own } => write!(
                f,
                "{sink} has a newer owner: {by}; this is {own}. Another engine runs this job on a copy of the checkpoint. Stop one of them"
            ),
            Contradiction::NotBefore { sink, commit, before, place } => write!(
                f,
                "{sink} cannot take {commit}: it must hold {} before, and holds {}. Another engine wrote to it since this one was \
                 started. Stop it, and start this one again to see which of them is right",
                or_nothing(*before),
                or_nothing(*place)
            ),
            Contradiction::ArtifactMissing { sink, commit, artifact } => write!(
                f,
                "{artifact} of {sink} is missing, and {commit} names it. It was deleted or changed before it was published, or the \
                 warehouse was set back or is another one. Restore it; a job without state can also `engine checkpoint rebuild`"
            ),
        }?;
        match self.word() {
            Some(word) => {
                write!(f, "{WORD_LINE}engine submit … --accept {word}")
            }
            None => Ok(()),
        }
    }
}

impl std::error::Error for Contradiction {}

#[cfg(test)]
mod tests;
