//! Commits of format 1, which said nothing of sinks.

use epoch::{Commit, CommitId, SinkLink};

/// The format whose commits have neither ids nor sinks.
const WITHOUT_SINKS: u32 = 1;

/// Sinks that may lack a commit. One of format 1 names what it touched itself, and nothing else.
pub(super) fn unseen(last: &Commit) -> Vec<&String> {
    match last.plan.format {
        WITHOUT_SINKS => last.tables.keys().collect(),
        _ => last.sinks.iter().filter(|(_, link)| link.seen != Some(link.last)).map(|(name, _)| name).collect(),
    }
}

/// Links the sinks of such a commit: what it touched goes on from what the places hold, all others are where they are.
pub(super) fn link<'a>(last: &mut Commit, places: impl Iterator<Item = (&'a String, Option<CommitId>)>) {
    if last.plan.format > WITHOUT_SINKS || !last.sinks.is_empty() {
        return;
    }
    let id = last.id();
    for (name, held) in places {
        let held = held.filter(|held| held.epoch <= id.epoch);
        let is_touched = last.tables.get(name).is_some_and(|change| change.changes_rows());
        let link = match (is_touched, held) {
            (true, Some(held)) if held.epoch == id.epoch => Some(SinkLink::found(held)),
            (true, held) => {
                Some(SinkLink { began: held.unwrap_or(id), before: held, last: id, seen: held, rows: None })
            }
            (false, held) => held.map(SinkLink::found),
        };
        last.sinks.extend(link.map(|link| (name.clone(), link)));
    }
}
