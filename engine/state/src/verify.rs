//! `engine checkpoint verify`: walks everything stored and lists what cannot be true.

use std::collections::{BTreeMap, HashSet};

use epoch::{Commit, EpochId, SinkLink};

use crate::error::StateError;
use crate::key::{BlockKey, KEY_BYTES};
use crate::reader::CheckpointReader;
use crate::record::Kind;
use crate::store::Family;

/// What a walk through a checkpoint found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// What cannot be true, each with its place. Empty: the checkpoint is sound.
    pub problems: Vec<String>,
    /// Commits read.
    pub commits: u64,
    /// Data files that the commits added.
    pub files: u64,
    /// State blocks read.
    pub blocks: u64,
    /// Bytes in them.
    pub block_bytes: u64,
}

const ALL_EPOCHS: std::ops::RangeInclusive<EpochId> = EpochId(0)..=EpochId(u64::MAX);

impl CheckpointReader {
    /// Reads every record and block, checks each, and checks that they fit together.
    ///
    /// # Errors
    /// Only if the walk itself cannot be made; damage is a problem in the list.
    pub fn verify(&self) -> Result<Verification, StateError> {
        let mut walk = Walk { has_all_commits: true, ..Walk::default() };
        for commit in self.records::<Commit>(Kind::Commit, ALL_EPOCHS)? {
            walk.has_all_commits &= commit.is_ok();
            walk.note(commit, Walk::commit);
        }
        if let Err(error) = self.manifest() {
            walk.problem(error.to_string());
        }
        // Longer than any key, and of the highest bytes.
        let after_all = vec![0xff; KEY_BYTES + 1];
        for entry in self.lengths(Vec::new(), after_all.clone())? {
            walk.note(entry, Walk::length);
        }
        for entry in self.checked(Family::Blocks, Vec::new(), after_all)? {
            walk.note(entry, Walk::block);
        }
        for at in std::mem::take(&mut walk.lengths).into_keys() {
            walk.problem(format!("the block of {at} stands in the index but is not there"));
        }
        Ok(walk.result)
    }
}

/// The walk so far.
#[derive(Default)]
struct Walk {
    result: Verification,
    last_commit: Option<Commit>,
    /// False if one could not be read: then nobody knows which epochs were committed.
    has_all_commits: bool,
    files: HashSet<(String, String)>,
    lengths: BTreeMap<BlockKey, u64>,
}

impl Walk {
    fn problem(&mut self, what: String) {
        self.result.problems.push(what);
    }

    /// Takes an entry in, or its damage.
    fn note<T>(&mut self, entry: Result<T, StateError>, take: impl FnOnce(&mut Walk, T)) {
        match entry {
            Ok(entry) => take(self, entry),
            Err(error) => self.problem(error.to_string()),
        }
    }

    fn commit(&mut self, commit: Commit) {
        self.result.commits += 1;
        let epoch = commit.plan.epoch;
        if let Some(before) = self.last_commit.take() {
            self.follows(&before, &commit);
        }
        self.never_falls(
            &format!("the watermark after epoch {epoch}"),
            commit.plan.watermark_us,
            commit.next_watermark_us,
        );
        for (table, change) in &commit.tables {
            if let Err(breach) = change.counts.balance(table) {
                self.problem(format!("epoch {epoch}: {breach}"));
            }
            for file in &change.added {
                self.result.files += 1;
                if !self.files.insert((table.clone(), file.path.clone())) {
                    self.problem(format!("epoch {epoch}: {table} lists file {} a second time", file.path));
                }
            }
        }
        self.last_commit = Some(commit);
    }

    /// Two commits one after the other.
    fn follows(&mut self, before: &Commit, commit: &Commit) {
        let before = commit.as_named_now(before);
        let before = before.as_ref();
        let epoch = commit.plan.epoch;
        if epoch != before.plan.epoch.next() {
            self.problem(format!("the commit of epoch {epoch} follows that of epoch {}", before.plan.epoch));
        } else if let Err(what) = commit.joins(before) {
            self.problem(format!("the commit of epoch {epoch} does not join the one before: {what}"));
        }
        self.links(before, commit);
        let (was, is) = (before.plan.late_watermark_us, commit.plan.late_watermark_us);
        self.never_falls(&format!("the late watermark of epoch {epoch}"), was, is);
        self.never_falls(
            &format!("the watermark after epoch {epoch}"),
            before.next_watermark_us,
            commit.next_watermark_us,
        );
        self.never_falls(
            &format!("the watermark of epoch {epoch}"),
            before.next_watermark_us,
            commit.plan.watermark_us,
        );
        for (source, was) in &before.watermarks {
            let is = commit.watermarks.get(source).and_then(|state| state.watermark_us);
            self.never_falls(&format!("the watermark of source {source} after epoch {epoch}"), was.watermark_us, is);
        }
    }

    fn never_falls(&mut self, what: &str, was: Option<i64>, is: Option<i64>) {
        if is < was {
            let text = |us: Option<i64>| us.map_or("none".to_string(), |us| us.to_string());
            self.problem(format!("{what} falls from {} to {}", text(was), text(is)));
        }
    }

    /// The chain of each sink: a commit goes on where the one before stood.
    fn links(&mut self, before: &Commit, commit: &Commit) {
        let epoch = commit.plan.epoch;
        for (sink, earlier) in &before.sinks {
            match commit.sinks.get(sink) {
                None => self.problem(format!("epoch {epoch} no longer says where {sink} stands")),
                Some(link) if link.last == commit.id() && link.before != Some(earlier.last) => {
                    self.problem(format!("epoch {epoch}: {sink} does not go on from {}", earlier.last));
                }
                Some(link) if link.last != commit.id() && link.last != earlier.last => {
                    self.problem(format!(
                        "epoch {epoch}: {sink} stands at {}, it stood at {}",
                        link.last, earlier.last
                    ));
                }
                Some(link) => self.rows(commit, sink, earlier, link),
            }
        }
    }

    /// Rows of a sink are those of before and what the commit moved, as long as they are counted from the same epoch on.
    fn rows(&mut self, commit: &Commit, sink: &str, earlier: &SinkLink, link: &SinkLink) {
        let (Some(before), Some(counted)) = (earlier.rows, link.rows) else { return };
        let moved = match commit.touch(sink).and_then(|_| commit.tables.get(sink)) {
            Some(change) => change.rows_moved(),
            None => Some(0),
        };
        let Some(moved) = moved.filter(|_| before.since == counted.since) else { return };
        if before.moved(moved) != Some(counted) {
            self.problem(format!(
                "epoch {}: {sink} is said to hold {} rows; it held {}, and {moved} were moved into it",
                commit.plan.epoch, counted.rows, before.rows
            ));
        }
    }

    fn length(&mut self, (at, bytes): (BlockKey, u64)) {
        self.lengths.insert(at, bytes);
    }

    fn block(&mut self, (at, block): (BlockKey, Vec<u8>)) {
        let bytes = block.len() as u64;
        self.result.blocks += 1;
        self.result.block_bytes += bytes;
        match self.lengths.remove(&at) {
            Some(listed) if listed == bytes => {}
            Some(listed) => self.problem(format!("the block of {at} has {bytes} bytes, its index entry says {listed}")),
            None => self.problem(format!("the block of {at} does not stand in the index")),
        }
        let uncommitted = self.last_commit.as_ref().is_none_or(|commit| at.epoch > commit.plan.epoch);
        if uncommitted && self.has_all_commits {
            self.problem(format!("the block of {at} is of an epoch that is not committed"));
        }
    }
}

#[cfg(test)]
mod tests;
