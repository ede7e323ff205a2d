//! A warehouse that was set back as a whole: what is found is said of all its tables, and not of the first that shows it.

use std::collections::BTreeSet;

use epoch::{Commit, CommitId};

use super::Places;
use crate::error::RunError;

/// What to say if all tables that got something in the last epochs which they were seen to have lack it now, and there are several of them.
pub(super) fn in_words(last: &Commit, places: &Places) -> Option<String> {
    let seen = last.sinks.iter().filter(|(_, link)| link.seen == Some(link.last));
    let stands = |(name, link): (&String, &epoch::SinkLink)| {
        let holds = places.get(name).and_then(|place| place.position.published);
        (name.clone(), link.last, holds)
    };
    let seen: Vec<(String, CommitId, Option<CommitId>)> = seen.map(stands).collect();
    let newest = seen.iter().map(|(_, last, _)| last.epoch).max()?;
    let (behind, rest): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(_, last, holds)| is_behind(*last, *holds));
    // A table that got nothing lately lacks nothing of an earlier copy.
    let at = behind.iter().filter_map(|(_, _, holds)| *holds).map(|held| held.epoch).max();
    let is_whole = rest.iter().all(|(_, last, _)| at.is_none_or(|at| last.epoch <= at));
    if behind.len() < 2 || !is_whole {
        return None;
    }
    let tables = behind.iter().map(|(name, last, holds)| match holds {
        Some(held) => format!("{name} holds epoch {} and held epoch {}", held.epoch, last.epoch),
        None => format!("{name} holds nothing of this job and held epoch {}", last.epoch),
    });
    let tables: Vec<String> = tables.collect();
    Some(format!(
        "the warehouse was set back as a whole: all of it was published up to epoch {newest}, and now {}. Bring back the warehouse as it was, \
         or the checkpoint that belongs to it",
        tables.join(", ")
    ))
}

/// A refusal without its word, if a table whose rows are replaced was set back beside the one that it is about: no word is taken for that one.
pub(super) fn offered(
    error: RunError,
    last: Option<&Commit>,
    places: &Places,
    replaced: &BTreeSet<String>,
) -> RunError {
    let RunError::Contradiction(what) = error else { return error };
    let is_set_back = |name: &&String| {
        let link = last.and_then(|last| last.sinks.get(*name));
        let holds = places.get(*name).and_then(|place| place.position.published);
        link.is_some_and(|link| link.seen == Some(link.last) && is_behind(link.last, holds))
    };
    match replaced.iter().find(is_set_back) {
        Some(table) => RunError::StateMismatch(format!(
            "{}\n  {table} was set back, too, and its rows are replaced (mode \"update\" or \"complete\"): bring back the whole warehouse as it was",
            what.without_word()
        ).into()),
        None => RunError::Contradiction(what),
    }
}

fn is_behind(last: CommitId, holds: Option<CommitId>) -> bool {
    holds.is_none_or(|held| held.epoch < last.epoch)
}
