//! What happened to a partition since the job was there, decided from what is known of it then and now. No broker is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use connector::log::{Available, LogPosition};
use epoch::{DataGap, PerSplit, Split};

use crate::topic_identity::PartitionIdentity;

/// What happened to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// Nothing that matters: it goes on where the job stands.
    Continued,
    /// Retention removed records that the job has not read.
    Trimmed,
    /// Its log was cut back to before where the job stands, and written anew from there: a leader without the newest records was
    /// elected.
    CutBack {
        /// First offset that is not what the job has read.
        to: i64,
    },
    /// Its topic was deleted and made anew.
    MadeAnew,
    /// Cut back or made anew: the checkpoint does not know what it was.
    Shorter,
}

/// How the report begins that a topic is another one. It is read again in [`reported`]: the topic's id can refute it.
const MADE_ANEW: &str = "the topic was deleted and made anew";

/// What the broker says of a partition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    /// How far it reaches.
    pub(super) reach: Available,
    /// What it is.
    pub(super) identity: PartitionIdentity,
    /// Where the records end that were written until the job came where it stands, if that is before it.
    pub(super) cut_to: Option<i64>,
}

/// What happened to a partition at which the job stands at `from`, and which it knew as `known` then.
pub(super) fn history(from: i64, known: &PartitionIdentity, now: &Standing) -> History {
    let reach = now.reach;
    if is_made_anew(known, &now.identity) {
        return History::MadeAnew;
    }
    if let Some(to) = now.cut_to.filter(|to| *to < from) {
        return History::CutBack { to };
    }
    match from {
        from if from > reach.high && is_same_topic(known, &now.identity) => History::CutBack { to: reach.high },
        from if from > reach.high => History::Shorter,
        from if from < reach.low => History::Trimmed,
        _ => History::Continued,
    }
}

/// Topics that have ids tell it. The epoch of a leader only grows, so a smaller one is another topic's, if there are no ids.
fn is_made_anew(known: &PartitionIdentity, now: &PartitionIdentity) -> bool {
    match (&known.topic_id, &now.topic_id) {
        (Some(known), Some(now)) => known != now,
        _ => known.leader_epoch.zip(now.leader_epoch).is_some_and(|(known, now)| now < known),
    }
}

/// True if it is the topic that it was: a topic made anew has another id, or its leader's epochs begin anew.
fn is_same_topic(known: &PartitionIdentity, now: &PartitionIdentity) -> bool {
    match (&known.topic_id, &now.topic_id) {
        (Some(known), Some(now)) => known == now,
        _ => known.leader_epoch.zip(now.leader_epoch).is_some_and(|(known, now)| known <= now && known > 0),
    }
}

impl History {
    /// Where the job goes on; a log that was cut back is read from where it was, so that nothing is read twice.
    pub(super) fn next(self, from: i64, reach: Available) -> i64 {
        match self {
            History::Continued => from,
            History::Trimmed | History::MadeAnew => reach.low,
            History::CutBack { to } => to.clamp(reach.low, reach.high),
            History::Shorter => reach.high,
        }
    }

    /// What is missing, for the reader and for the plan; `None` if nothing is.
    pub(super) fn gap(self, at: &Split, from: i64, reach: Available) -> Option<DataGap> {
        let (next, Available { low, high }) = (self.next(from, reach), reach);
        let reason = match self {
            History::Continued => return None,
            // Nothing of the topic was read, so nothing can be missing or come twice.
            History::MadeAnew if from == low => return None,
            History::Trimmed => format!("the broker now begins at {low}: retention removed the records"),
            History::CutBack { .. } => format!(
                "the log was cut back to {next} (a leader without the newest records was elected): offsets {next} to {} were read \
                 and are gone from the broker; what is written there now is other records, and is read as new",
                from - 1
            ),
            History::MadeAnew => format!(
                "{MADE_ANEW}: what it held from {from} on is lost, and the new one, which holds {low} to \
                 {high}, is read from its beginning"
            ),
            History::Shorter => format!(
                "the broker ends at {high}: the log was cut back or the topic was made anew, and the checkpoint does not know which; \
                 offsets before {high} are taken for read, so that no record is read twice"
            ),
        };
        Some(DataGap {
            stream: at.stream.clone(),
            partition: at.partition,
            from: from.into(),
            until: next.into(),
            reason,
        })
    }
}

/// What becomes of records that the run before found to be lost and stopped for, where their partition shows nothing of it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reported {
    /// They are there, or the job has gone past them.
    Over,
    /// They are told again, and the job goes on from here: nobody knows better.
    Again {
        /// Where it goes on.
        next: i64,
    },
    /// A leader that came later knows.
    Ask {
        /// First offset behind them.
        until: i64,
        /// That offset, the leader under which it was there, the leader now: where do the records of the former end?
        question: (i64, i32, i32),
    },
}

/// A log that was cut back grows again, and then looks as it did before. What was found by a job that stood at `from` is in the gap: it
/// begins there and goes back if what the job had read was cut off, and lies ahead if what it was to read was.
pub(super) fn reported(gap: &DataGap, from: i64, known: &PartitionIdentity, now: &Standing) -> Reported {
    let (Some(lost), Some(until)) = (gap.from.offset(), gap.until.offset()) else { return Reported::Over };
    let is_same_id = known.topic_id.is_some() && known.topic_id == now.identity.topic_id;
    if gap.reason.starts_with(MADE_ANEW) && is_same_id {
        // Another cluster was asked, by mistake, that has a topic of this name. Going back to its beginning would read this one twice.
        return Reported::Over;
    }
    let later = known.leader_epoch.zip(now.identity.leader_epoch).filter(|(then, leader)| then < leader);
    match later {
        // Where the job stands, a later leader was asked already.
        Some(_) if until <= lost => Reported::Over,
        Some((then, leader)) if from < until => Reported::Ask { until, question: (until, then, leader) },
        None if until < lost && lost == from => Reported::Again { next: until.clamp(now.reach.low, now.reach.high) },
        None if lost < until && now.reach.high < until => Reported::Again { next: from },
        // What was away for a moment, a topic or a leader that lagged, is there again.
        _ => Reported::Over,
    }
}

/// What the broker says that the job knows better, perhaps: it is asked again before it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The partition is not there.
    Absent,
    /// It ends before where the job stands, or before where it ended.
    Shorter,
    /// It is another topic.
    Another,
}

impl Doubt {
    /// How long an answer must stand until it is believed. A broker that starts learns of its topics within seconds; a leader just
    /// elected may lag until its followers have answered (KAFKA-7703).
    pub(super) fn stands_after(self) -> Duration {
        match self {
            Doubt::Absent => Duration::from_secs(10),
            Doubt::Shorter => Duration::from_secs(3),
            Doubt::Another => Duration::from_secs(1),
        }
    }
}

/// The doubts about an answer, by partition. `position`: where the job stands. `ends`: where partitions ended before.
/// `gone`: partitions that are known to be gone.
pub(super) fn doubts(
    answer: &PerSplit<Standing>,
    position: &LogPosition,
    ends: &PerSplit<i64>,
    is_gone: impl Fn(&Split) -> bool,
) -> BTreeMap<Split, Doubt> {
    let mut doubts = BTreeMap::new();
    for (at, from) in position.offsets.iter() {
        let known = PartitionIdentity::of(position.identity.get(&at));
        let doubt = match answer.get(&at) {
            None if is_gone(&at) => None,
            None => Some(Doubt::Absent),
            Some(now) if is_made_anew(&known, &now.identity) => Some(Doubt::Another),
            Some(now) if now.reach.high < *from => Some(Doubt::Shorter),
            Some(_) => None,
        };
        doubts.extend(doubt.map(|doubt| (at, doubt)));
    }
    for (at, end) in ends.iter() {
        if answer.get(&at).is_some_and(|now| now.reach.high < *end) {
            doubts.entry(at).or_insert(Doubt::Shorter);
        }
    }
    doubts
}

#[cfg(test)]
mod tests;
