//! Sources that come, go and are renamed between runs: where each goes on, and what is refused because it would read a topic twice.

use std::collections::{BTreeMap, BTreeSet};

use epoch::{Commit, Positions, SourcePlan};
use job::Job;

use crate::error::RunError;

/// What `was` says of a source that only reads what one that left has read.
const ANOTHER_SOURCE: &str = "none";

/// Gives the sources of the newest commit the names that they have in the job now, and says which have left it. Returns the names that
/// the renamed ones had.
///
/// # Errors
/// `StateMismatch` if `was` names a source that the checkpoint does not know.
pub fn go_on(job: &Job, last: &mut Commit) -> Result<BTreeMap<String, String>, RunError> {
    let mut renamed = BTreeMap::new();
    for (now, source) in &job.sources {
        let Some(was) =
            source.was.as_ref().filter(|was| was.as_str() != ANOTHER_SOURCE && !job.sources.contains_key(*was))
        else {
            continue;
        };
        if last.position(now).is_some() {
            continue;
        }
        if last.position(was).is_none() {
            let known: Vec<&str> = names(last).map(String::as_str).collect();
            return Err(RunError::StateMismatch(
                format!(
                    "source {now}: was = \"{was}\", but the checkpoint has no source of that name; it has {}",
                    known.join(", ")
                )
                .into(),
            ));
        }
        last.rename_source(was, now);
        tracing::warn!(source = now, was, "the source goes on under its new name");
        renamed.insert(now.clone(), was.clone());
    }
    for source in last.plan.sources.keys().filter(|source| !job.sources.contains_key(*source)) {
        tracing::warn!(source, "the source is no longer in the job; its offsets are kept aside for when it comes back");
    }
    Ok(renamed)
}

/// What is kept by source, under the names that the sources have now. `renamed`: the names that they had, by those.
pub fn as_named_now<T>(mut kept: BTreeMap<String, T>, renamed: &BTreeMap<String, String>) -> BTreeMap<String, T> {
    for (now, was) in renamed {
        if let Some(one) = kept.remove(was) {
            kept.insert(now.clone(), one);
        }
    }
    kept
}

/// Refuses to begin a new source in what a source that left the job had read: most likely it is the same under another name.
///
/// # Errors
/// `StateMismatch` with what to write.
pub fn refuse_rereading(job: &Job, name: &str, planned: &SourcePlan, last: &Commit) -> Result<(), RunError> {
    if job.sources.get(name).is_some_and(|source| source.was.is_some()) {
        return Ok(());
    }
    let streams: BTreeSet<&String> = planned.ranges.0.keys().collect();
    for gone in names(last).filter(|gone| !job.sources.contains_key(*gone)) {
        let Some(positions) = last.position(gone) else { continue };
        if let Some(stream) = positions.0.keys().find(|stream| streams.contains(*stream)) {
            return Err(RunError::StateMismatch(format!(
                "source {name} is new and reads {stream}, which source {gone}, no longer in the job, has read up to {}\n  if it is the same \
                 under another name, write was = \"{gone}\" in [source.{name}], and it goes on from there; if all of it shall be read \
                 again, write was = \"none\"",
                shown(&positions)
            ).into()));
        }
    }
    Ok(())
}

fn names(last: &Commit) -> impl Iterator<Item = &String> {
    last.known_sources()
}

fn shown(positions: &Positions) -> String {
    let one = |(split, position): (epoch::Split, &epoch::Position)| format!("{split} {position}");
    positions.iter().take(4).map(one).collect::<Vec<_>>().join(", ")
}
