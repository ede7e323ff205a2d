//! The record of an epoch: its commit, with the plan that it was run from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::accounting::{CountedRows, RowCounts};
use crate::clocks::Clocks;
use crate::definition::{Definition, Earlier, in_force};
use crate::follow::{SinkLink, Touch};
use crate::identity::{CommitId, EpochId, Owner};
use crate::splits::{PerSplit, Position, Positions, Ranges, Split, SplitIdentities, SplitRange};
use crate::watermark::WatermarkState;

/// Version of the records' format. A reader refuses a newer one. In format 1 a plan was stored before its epoch was read, and a
/// commit had neither an id nor sinks.
pub const FORMAT: u32 = 2;

/// What an epoch reads and what time it is for it. Running it again gives the same rows. It is in memory until the epoch is
/// committed: an epoch that did not commit is planned afresh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Format of this record, [`FORMAT`].
    pub format: u32,
    /// The epoch planned.
    pub epoch: EpochId,
    /// `current_timestamp` of the epoch, microseconds since 1970 UTC.
    pub batch_time_us: i64,
    /// Windows that end at or before it are complete; microseconds since 1970 UTC, `None` until a row was seen.
    pub watermark_us: Option<i64>,
    /// Rows whose last window ends at or before it are late: the watermark of the epoch before (Spark, SPARK-40925).
    pub late_watermark_us: Option<i64>,
    /// Watermarks by source, for the sources that have one. Each table takes those of the sources that it reads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub times: BTreeMap<String, SourceTime>,
    /// Number of lanes that compute side by side; part of the plan because it decides the order of merging.
    pub lanes: u32,
    /// Ranges per source name.
    pub sources: BTreeMap<String, SourcePlan>,
    /// Version of each static table by its name: when the epoch is run again, it sees the same rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statics: BTreeMap<String, String>,
    /// What the clocks showed that nobody can set.
    #[serde(default, skip_serializing_if = "Clocks::are_unread")]
    pub clocks: Clocks,
}

/// What time it is for one source in one epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTime {
    /// The watermark, microseconds since 1970 UTC; `None` until a row was seen.
    pub watermark_us: Option<i64>,
    /// The watermark of the epoch before.
    pub late_us: Option<i64>,
}

/// What an epoch reads of one source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SourcePlan {
    /// What is read. Splits without new records stand here with a range that does not move, so that positions are never lost.
    pub ranges: Ranges,
    /// Where each split ended when the epoch was planned; the lag is counted from it.
    pub latest: Positions,
    /// Records known to be gone that the job file says to go on without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<DataGap>,
    /// What the splits were that these positions are in, so that the next plan can say whether they still are.
    #[serde(default, skip_serializing_if = "PerSplit::is_empty")]
    pub identity: SplitIdentities,
}

/// Records that the source no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataGap {
    /// Stream of the lost records. (Records on disk call it by Kafka's word.)
    #[serde(rename = "topic")]
    pub stream: String,
    /// Partition of the lost records.
    pub partition: i32,
    /// First position lost.
    pub from: Position,
    /// First position that is there again; before `from` if the stream was cut back or made anew.
    pub until: Position,
    /// What happened, for the reader.
    pub reason: String,
}

/// An epoch that happened. Stored with the state changes in one synced write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// The plan it was run from.
    pub plan: Plan,
    /// The drawn part of its [`id`](Commit::id).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nonce: u64,
    /// Who made it.
    #[serde(default, skip_serializing_if = "is_nobody")]
    pub owner: Owner,
    /// Names that sources had in the commit before, by the names that they have now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub renamed: BTreeMap<String, String>,
    /// Positions of sources that the job no longer has, kept for when they come back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set_aside: BTreeMap<String, Positions>,
    /// What the splits were that those positions are in, for those of which that is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set_aside_identities: BTreeMap<String, SplitIdentities>,
    /// Every sink that ever got anything of the job, and where it stands in the chain of its commits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sinks: BTreeMap<String, SinkLink>,
    /// The definition that each table of the job had, by table name; none of an engine that did not note them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub definitions: BTreeMap<String, Definition>,
    /// What each table gained and lost, by table name.
    pub tables: BTreeMap<String, TableCommit>,
    /// Event-time clocks per source after this epoch.
    pub watermarks: BTreeMap<String, WatermarkState>,
    /// Watermark for the next epoch; microseconds since 1970 UTC.
    pub next_watermark_us: Option<i64>,
    /// Records read and rejected per source.
    pub sources: BTreeMap<String, RowCounts>,
    /// Records that were found gone while reading, per source, if the job goes on without them. Those found while planning stand in the plan.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gaps: BTreeMap<String, Vec<DataGap>>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_nobody(owner: &Owner) -> bool {
    *owner == Owner::default()
}

impl Commit {
    /// A commit that read nothing and changed nothing: what the laws of sinks, and tests, begin with.
    pub fn bare(id: CommitId) -> Commit {
        let plan = Plan {
            format: FORMAT,
            epoch: id.epoch,
            batch_time_us: 0,
            watermark_us: None,
            late_watermark_us: None,
            times: BTreeMap::new(),
            lanes: 1,
            sources: BTreeMap::new(),
            statics: BTreeMap::new(),
            clocks: Clocks::default(),
        };
        Commit {
            plan,
            nonce: id.nonce,
            owner: Owner::default(),
            renamed: BTreeMap::new(),
            set_aside: BTreeMap::new(),
            set_aside_identities: BTreeMap::new(),
            sinks: BTreeMap::new(),
            definitions: BTreeMap::new(),
            tables: BTreeMap::new(),
            watermarks: BTreeMap::new(),
            next_watermark_us: None,
            sources: BTreeMap::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// The commit with changes of tables, each of which must hold `before`.
    #[must_use]
    pub fn with_tables(mut self, before: Option<CommitId>, tables: BTreeMap<String, TableCommit>) -> Commit {
        let link = SinkLink { began: before.unwrap_or(self.id()), before, last: self.id(), seen: None, rows: None };
        let touched = tables.iter().filter(|(_, change)| change.changes_rows());
        self.sinks = touched.map(|(name, _)| (name.clone(), link)).collect();
        self.tables = tables;
        self
    }

    /// Which commit it is.
    pub fn id(&self) -> CommitId {
        CommitId { epoch: self.plan.epoch, nonce: self.nonce }
    }

    /// Its place in the chain of a sink; `None` if it does not touch it.
    pub fn touch(&self, sink: &str) -> Option<Touch> {
        let link = self.sinks.get(sink).filter(|link| link.last == self.id())?;
        Some(Touch { id: link.last, before: link.before })
    }

    /// Checks that this commit begins where the one before ended: for every source its splits, or their positions set aside.
    /// `before`: that commit [as its sources are named now](Commit::as_named_now).
    ///
    /// # Errors
    /// Names the first source and split that does not join.
    pub fn joins(&self, before: &Commit) -> Result<(), String> {
        for (source, positions) in
            before.set_aside.iter().filter(|(source, _)| !self.plan.sources.contains_key(*source))
        {
            if self.set_aside.get(source) != Some(positions) {
                return Err(format!("the positions of source {source}, which is not in the job, are lost"));
            }
        }
        for source in before.set_aside.keys().filter(|source| self.set_aside.contains_key(*source)) {
            if self.identity(source) != before.identity(source) {
                return Err(format!("what source {source}, which is not in the job, had read from is lost"));
            }
        }
        for source in before.plan.sources.keys().filter(|source| !self.plan.sources.contains_key(*source)) {
            if self.set_aside.get(source) != Some(&before.plan.end_positions(source)) {
                return Err(format!(
                    "source {source} is neither in the plan of epoch {} nor set aside",
                    self.plan.epoch
                ));
            }
        }
        self.plan.joins(&before.plan)
    }

    /// The commit before this one, with the names that its sources have in this one.
    pub fn as_named_now<'a>(&self, before: &'a Commit) -> Cow<'a, Commit> {
        if self.renamed.is_empty() {
            return Cow::Borrowed(before);
        }
        let mut before = before.clone();
        self.renamed.iter().for_each(|(now, was)| before.rename_source(was, now));
        Cow::Owned(before)
    }

    /// Gives a source another name in all that the next epoch goes on from: what was planned of it, its times and clocks, its
    /// watermark, positions that were set aside. What the commit counted of it (`sources`, `gaps`) keeps the name that it had then.
    pub fn rename_source(&mut self, was: &str, now: &str) {
        fn rename<T>(all: &mut BTreeMap<String, T>, was: &str, now: &str) {
            if let Some(one) = all.remove(was) {
                all.insert(now.to_string(), one);
            }
        }
        rename(&mut self.plan.sources, was, now);
        rename(&mut self.plan.times, was, now);
        rename(&mut self.plan.clocks.sources, was, now);
        rename(&mut self.watermarks, was, now);
        rename(&mut self.set_aside, was, now);
        rename(&mut self.set_aside_identities, was, now);
    }

    /// Where the job stands in a source, be it in the job now or set aside.
    pub fn position(&self, source: &str) -> Option<Positions> {
        match self.plan.sources.contains_key(source) {
            true => Some(self.plan.end_positions(source)),
            false => self.set_aside.get(source).cloned(),
        }
    }

    /// What the splits of a source were that the job stands in, be it in the job now or set aside; `None` if nothing is known of it.
    pub fn identity(&self, source: &str) -> Option<&SplitIdentities> {
        let identity = match self.plan.sources.get(source) {
            Some(planned) => Some(&planned.identity),
            None => self.set_aside_identities.get(source),
        };
        identity.filter(|identity| !identity.is_empty())
    }

    /// Every source that the job has or had: where it stands in it is known.
    pub fn known_sources(&self) -> impl Iterator<Item = &String> {
        let gone = self.set_aside.keys().filter(|source| !self.plan.sources.contains_key(*source));
        self.plan.sources.keys().chain(gone)
    }

    /// The definitions of a job's tables that it is made by, given the commit before.
    pub fn define(&mut self, fingerprints: &BTreeMap<String, String>, before: Option<&Commit>) {
        let got_rows = |table: &str| before.is_some_and(|before| before.sinks.contains_key(table));
        let earlier = before.map(|before| Earlier { definitions: &before.definitions, got_rows: &got_rows });
        self.definitions = in_force(fingerprints, earlier, self.plan.epoch);
    }

    /// What it says about every sink, given what was known of them before: those that it touches get a new link, all others keep theirs.
    /// `unlinked`: rows that sinks without a link were found with, `None` where that is not known; a sink that is not named is new.
    pub fn link(&mut self, earlier: BTreeMap<String, SinkLink>, unlinked: &BTreeMap<String, Option<u64>>) {
        let id = self.id();
        let link = |(sink, change): (&String, &TableCommit)| {
            let before = match (earlier.get(sink), unlinked.get(sink)) {
                (Some(link), _) => link.rows,
                (None, None) => Some(CountedRows::default()),
                (None, Some(found)) => found.map(|rows| CountedRows::taken(rows, id.epoch)),
            };
            let rows = before.zip(change.rows_moved()).and_then(|(before, moved)| before.moved(moved));
            (sink.clone(), SinkLink::touched(earlier.get(sink), id, rows))
        };
        let touched = self.tables.iter().filter(|(_, change)| change.changes_rows());
        let touched: Vec<_> = touched.map(link).collect();
        self.sinks = earlier;
        self.sinks.extend(touched);
    }
}

/// What one epoch does to one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableCommit {
    /// Staged files that become visible.
    pub added: Vec<StagedFile>,
    /// Files that they replace, relative to the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<StagedFile>,
    /// The table's books.
    pub counts: RowCounts,
}

impl TableCommit {
    /// True if there is anything to publish.
    pub fn changes_rows(&self) -> bool {
        !(self.added.is_empty() && self.removed.is_empty())
    }

    /// Rows that the table has more once it is published, or fewer. `None` if that depends on the keys that are in it.
    pub fn rows_moved(&self) -> Option<i64> {
        let rows = |files: &[StagedFile]| files.iter().map(|file| file.rows.cast_signed()).sum::<i64>();
        let is_plain = self.added.iter().all(|file| file.effect.is_add());
        is_plain.then(|| rows(&self.added) - rows(&self.removed))
    }
}

/// What publishing an artifact does with its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactEffect {
    /// They are added, or take the place of the files that the commit removes.
    #[default]
    Add,
    /// Each takes the place of the row with its key, if there is one.
    Upsert,
    /// The rows with their keys go.
    Delete,
}

impl ArtifactEffect {
    fn is_add(&self) -> bool {
        *self == ArtifactEffect::Add
    }
}

/// A data file written in step Stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Path relative to the table's folder.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// Update and complete tables: the bucket (window start in microseconds, or key hash) whose rows it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<i64>,
    /// Column statistics in the sink's own words (Delta's: JSON), or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stats: String,
    /// What publishing does with its rows.
    #[serde(default, skip_serializing_if = "ArtifactEffect::is_add")]
    pub effect: ArtifactEffect,
}

impl Plan {
    /// Checks that this plan begins where `before` ended, for every split of the sources that both have.
    ///
    /// # Errors
    /// Names the first source and split that does not join.
    pub fn joins(&self, before: &Plan) -> Result<(), String> {
        for (source, earlier) in &before.sources {
            let Some(later) = self.sources.get(source) else { continue };
            for (at, range) in earlier.ranges.iter() {
                later.joins_at(&at, range).map_err(|what| format!("source {source}, {at}: {what}"))?;
            }
        }
        Ok(())
    }

    /// What time it is for a source. Plans made before watermarks were kept by source have one for all.
    pub fn time_of(&self, source: &str) -> SourceTime {
        match self.times.get(source) {
            Some(time) => *time,
            None if self.times.is_empty() => {
                SourceTime { watermark_us: self.watermark_us, late_us: self.late_watermark_us }
            }
            None => SourceTime::default(),
        }
    }

    /// The time that a table's `state_ttl` counts on, microseconds since 1970 UTC. Plans once had the batch time for it.
    pub fn state_time_us(&self, table: &str) -> i64 {
        self.clocks.tables.get(table).copied().unwrap_or(self.batch_time_us)
    }

    /// The time that idleness in a source counts on, microseconds since 1970 UTC. Plans once had the batch time for it.
    pub fn answered_us(&self, source: &str) -> i64 {
        self.clocks.sources.get(source).copied().unwrap_or(self.batch_time_us)
    }

    /// Where each split of a source stands once the epoch is done.
    pub fn end_positions(&self, source: &str) -> Positions {
        let Some(plan) = self.sources.get(source) else { return Positions::default() };
        plan.ranges.iter().map(|(split, range)| (split, range.until.clone())).collect()
    }

    /// True if there is anything to read.
    pub fn has_records(&self) -> bool {
        self.sources.values().any(SourcePlan::has_records)
    }
}

impl SourcePlan {
    /// True if there is anything to read of the source.
    pub fn has_records(&self) -> bool {
        self.ranges.iter().any(|(_, range)| !range.is_unmoved())
    }

    /// True if something that was there is left for later epochs.
    pub fn is_cut(&self) -> bool {
        self.ranges.iter().any(|(split, range)| self.latest.get(&split).is_some_and(|latest| *latest != range.until))
    }

    /// True if a split had something to read, in this epoch or left for later ones.
    pub fn has_backlog(&self, split: &Split, range: &SplitRange) -> bool {
        self.latest.get(split).is_some_and(|latest| *latest != range.from)
    }

    fn joins_at(&self, split: &Split, earlier: &SplitRange) -> Result<(), String> {
        let Some(range) = self.ranges.get(split) else { return Err("missing".to_string()) };
        let is_bridged = self.gaps.iter().any(|gap| {
            gap.stream == split.stream
                && gap.partition == split.partition
                && gap.from == earlier.until
                && gap.until == range.from
        });
        if range.from == earlier.until || is_bridged {
            Ok(())
        } else {
            Err(format!("{} does not follow {}", range.from, earlier.until))
        }
    }
}

#[cfg(test)]
mod tests;
