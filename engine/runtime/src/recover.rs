//! After a start: look at the checkpoint, ask every place where it stands, let the protocol conclude what follows, obey.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{SinkPosition, SinkTable, Tables, Warehouse, WriterId};
use epoch::{Commit, CommitId, Contradiction, EpochId, Owed, Owner, SinkLink, Step, Touch, follow};
use futures::future::try_join_all;
use state::Checkpoint;
use tokio::runtime::Handle;

use crate::error::RunError;
use crate::step::Steps;

/// What is known of every sink, by name.
pub type Links = BTreeMap<String, SinkLink>;

/// What a run goes on from.
pub struct Recovered {
    /// The newest commit, with what the places were found to hold.
    pub last: Option<Commit>,
    /// What is known of every sink.
    pub links: Links,
    /// Who this run is.
    pub owner: Owner,
    /// Records that the attempt before this run was to read, if it did not commit.
    pub attempted_records: Option<u64>,
}

/// Brings a checkpoint and its places together again.
pub struct Recovery<'a> {
    /// The checkpoint.
    checkpoint: &'a Checkpoint,
    /// Where the tables are.
    warehouse: &'a Arc<dyn Warehouse>,
    /// Who writes.
    writer: &'a WriterId,
    /// The job's tables.
    tables: &'a Tables,
    /// The words of the contradictions that somebody has decided to go on in spite of.
    accepted: &'a BTreeSet<String>,
    /// Publishing what is owed is the same step as publishing what was just committed.
    steps: &'a Steps,
    /// What async calls run on.
    runtime: &'a Handle,
}

/// A place, and where it stands.
struct Place {
    table: Arc<dyn SinkTable>,
    position: SinkPosition,
}

type Places = BTreeMap<String, Place>;

impl<'a> Recovery<'a> {
    /// Of a checkpoint; `places`: the warehouse, who writes there, the job's tables.
    pub fn new(
        checkpoint: &'a Checkpoint,
        (warehouse, writer, tables): (&'a Arc<dyn Warehouse>, &'a WriterId, &'a Tables),
        accepted: &'a BTreeSet<String>,
        (steps, runtime): (&'a Steps, &'a Handle),
    ) -> Recovery<'a> {
        Recovery { checkpoint, warehouse, writer, tables, accepted, steps, runtime }
    }

    /// Publishes what the places still have to get, then defines the tables as the job wants them.
    ///
    /// # Errors
    /// `Contradiction` if checkpoint and places cannot both be right; the places' errors.
    pub fn run(&self, note: &mut dyn FnMut(&str)) -> Result<Recovered, RunError> {
        let mut last = self.checkpoint.newest_commit()?;
        let attempt = self.checkpoint.attempt()?;
        let places = self.places(last.as_ref())?;
        let pointed = if last.is_none() { self.check_other_checkpoints(&places, note)? } else { 0 };
        let highest = places.values().map(|place| place.position.owner.term).max().unwrap_or(0).max(pointed);
        let owner = self.checkpoint.claim(highest)?;
        let links = match &mut last {
            Some(last) => {
                link_old_format(last, &places);
                self.follow_up(last, &places, owner, note)?;
                last.sinks.clone()
            }
            None => self.check_empty(&places, note)?,
        };
        self.runtime.block_on(try_join_all(self.tables.values().map(|table| table.define())))?;
        if attempt.is_some() {
            self.sweep(last.as_ref(), owner)?;
        }
        Ok(Recovered { last, links, owner, attempted_records: attempt.and_then(|attempt| attempt.records) })
    }

    /// What the attempt before this run has staged is taken away. First the places are claimed: should the run of that attempt still be
    /// alive, on a copy of the checkpoint, it must not publish files that are gone.
    fn sweep(&self, last: Option<&Commit>, owner: Owner) -> Result<(), RunError> {
        let newest = last.map(|commit| commit.plan.epoch);
        let swept = self.tables.iter().map(|(name, table)| async move {
            if let Some(link) = last.and_then(|commit| commit.sinks.get(name)) {
                table.adopt(owner, link.last).await?;
            }
            table.sweep(newest).await
        });
        self.runtime.block_on(try_join_all(swept))?;
        Ok(())
    }

    /// The job's tables, and those that it no longer has but that may lack a commit.
    fn places(&self, last: Option<&Commit>) -> Result<Places, RunError> {
        let gone = last.into_iter().flat_map(|commit| &commit.sinks);
        let gone = gone.filter(|(name, link)| !self.tables.contains_key(*name) && link.seen != Some(link.last));
        let gone: Vec<&String> = gone.map(|(name, _)| name).collect();
        let found = try_join_all(gone.iter().map(|name| self.warehouse.find_table(name, self.writer)));
        let mut tables = self.tables.clone();
        for (name, table) in gone.iter().zip(self.runtime.block_on(found)?) {
            if let Some(table) = table {
                tables.insert((*name).clone(), table);
            }
        }
        let asked = tables.into_iter().map(|(name, table)| async move {
            let position = table.position().await?;
            Ok::<_, RunError>((name, Place { table, position }))
        });
        Ok(self.runtime.block_on(try_join_all(asked))?.into_iter().collect())
    }

    /// Each place gets the commits that it lacks, epoch by epoch.
    fn follow_up(
        &self,
        last: &mut Commit,
        places: &Places,
        owner: Owner,
        note: &mut dyn FnMut(&str),
    ) -> Result<(), RunError> {
        let mut owed: BTreeMap<EpochId, Vec<String>> = BTreeMap::new();
        for (name, place) in places {
            let commits = match self.owed_to(name, last, place.position.published) {
                Ok(commits) => commits,
                Err(RunError::Contradiction(what)) => {
                    self.accept(name, &what, last, place, owner, note)?;
                    Vec::new()
                }
                Err(error) => return Err(error),
            };
            commits.into_iter().for_each(|id| owed.entry(id.epoch).or_default().push(name.clone()));
        }
        for (epoch, names) in &owed {
            let commit = match *epoch == last.plan.epoch {
                true => last.clone(),
                false => self.checkpoint.commit_of(*epoch)?.ok_or_else(|| {
                    RunError::Internal(format!("epoch {epoch} is owed to {} and not on record", names.join(", ")))
                })?,
            };
            note(&format!("epoch {epoch} is committed and not yet in {}: publishing it", names.join(", ")));
            let publish =
                names.iter().filter_map(|name| places.get(name)).map(|place| place.table.publish(owner, &commit));
            let publish = try_join_all(publish);
            self.steps.at(Step::Publish, *epoch, || self.runtime.block_on(publish))?;
        }
        for (name, link) in &mut last.sinks {
            if places.contains_key(name) {
                link.seen = Some(link.last);
            }
        }
        self.mark(last, places, owner, !owed.is_empty())
    }

    fn owed_to(&self, name: &str, last: &Commit, holds: Option<CommitId>) -> Result<Vec<CommitId>, RunError> {
        let link = last.sinks.get(name);
        if link.is_some_and(|link| holds == Some(link.last)) {
            return Ok(Vec::new());
        }
        let mut kept: Vec<Touch> = Vec::new();
        for commit in self.checkpoint.commits(EpochId(0)..=last.plan.epoch)? {
            kept.extend(commit?.touch(name));
        }
        // The newest may be linked only here, if it is of an old format.
        if kept.last().map(|touch| touch.id) != Some(last.id()) {
            kept.extend(last.touch(name));
        }
        match follow::owed(name, link, Some(last.id()), &kept, holds) {
            Ok(Owed::Nothing) => Ok(Vec::new()),
            Ok(Owed::Commits(commits)) => Ok(commits),
            Err(what) => Err(RunError::Contradiction(what)),
        }
    }

    /// Goes on in spite of a contradiction, if somebody said so: the place keeps its rows, and its record is set to what the
    /// checkpoint says.
    fn accept(
        &self,
        name: &str,
        what: &Contradiction,
        last: &mut Commit,
        place: &Place,
        owner: Owner,
        note: &mut dyn FnMut(&str),
    ) -> Result<(), RunError> {
        if !what.word().is_some_and(|word| self.accepted.contains(word)) {
            return Err(RunError::Contradiction(what.clone()));
        }
        let at = last.sinks.get(name).map_or(last.id(), |link| link.last);
        note(&format!("accepted: {what}"));
        note(&format!("{name} keeps its rows and goes on from {at}"));
        self.runtime.block_on(async {
            place.table.define().await?;
            place.table.adopt(owner, at).await
        })?;
        last.sinks.insert(name.to_string(), SinkLink::found(at));
        Ok(())
    }

    /// The mark is put once more if it may be missing.
    fn mark(&self, last: &Commit, places: &Places, owner: Owner, is_changed: bool) -> Result<(), RunError> {
        let is_marked = self.checkpoint.published()?.is_some_and(|published| published.epoch == last.plan.epoch);
        if is_marked && !is_changed {
            return Ok(());
        }
        let asked = places.iter().filter(|(name, _)| self.tables.contains_key(*name));
        let asked = asked.map(|(name, place)| async move {
            let position = place.table.position().await?;
            Ok::<_, RunError>((name.clone(), position.version))
        });
        let versions = self.runtime.block_on(try_join_all(asked))?.into_iter().collect();
        self.runtime.block_on(self.warehouse.mark_published(self.writer, owner, last, &versions))?;
        Ok(self.checkpoint.set_published(last.plan.epoch, &versions)?)
    }

    /// A checkpoint without commits has nothing in any place. Where somebody goes on all the same, the first commit follows what is there.
    fn check_empty(&self, places: &Places, note: &mut dyn FnMut(&str)) -> Result<Links, RunError> {
        let mut links = Links::new();
        for (name, place) in places {
            let Some(held) = place.position.published else { continue };
            let what = Contradiction::Ahead { sink: name.clone(), place: held, newest: None };
            if !self.accepted.contains("ahead") {
                return Err(RunError::Contradiction(what));
            }
            note(&format!("accepted: {what}"));
            links.insert(name.clone(), SinkLink::found(held));
        }
        Ok(links)
    }

    /// A checkpoint that is new knows nothing of rows that are already in the tables: reading the sources again would double them.
    /// Returns the term of whoever pointed at them last.
    fn check_other_checkpoints(&self, places: &Places, note: &mut dyn FnMut(&str)) -> Result<u64, RunError> {
        if places.values().all(|place| place.position.version == 0) {
            return Ok(0);
        }
        let pointers = self.runtime.block_on(self.warehouse.pointers())?;
        let pointer = pointers.into_iter().find(|pointer| pointer.job == self.writer.job);
        for (name, place) in places {
            let pointed = pointer.as_ref().filter(|pointer| pointer.versions.contains_key(name));
            let pointed = pointed.filter(|pointer| pointer.job_id != self.writer.job_id);
            let other =
                place.position.other_checkpoint.clone().or_else(|| pointed.map(|pointer| pointer.job_id.clone()));
            let Some(job_id) = other.filter(|_| place.position.version > 0) else { continue };
            let what = Contradiction::OtherCheckpoint { sink: name.clone(), job_id };
            if !self.accepted.contains("other-checkpoint") {
                return Err(RunError::Contradiction(what));
            }
            note(&format!("accepted: {what}"));
        }
        Ok(pointer.map_or(0, |pointer| pointer.owner.term))
    }
}

/// A commit of format 1 says nothing of sinks: what it touched goes on from what the places hold, all others are where they are.
fn link_old_format(last: &mut Commit, places: &Places) {
    if last.plan.format > 1 || !last.sinks.is_empty() {
        return;
    }
    let id = last.id();
    for (name, place) in places {
        let held = place.position.published.filter(|held| held.epoch <= id.epoch);
        let is_touched = last.tables.get(name).is_some_and(|change| change.changes_rows());
        let link = match (is_touched, held) {
            (true, Some(held)) if held.epoch == id.epoch => Some(SinkLink::found(held)),
            (true, held) => Some(SinkLink { began: held.unwrap_or(id), before: held, last: id, seen: held }),
            (false, held) => held.map(SinkLink::found),
        };
        last.sinks.extend(link.map(|link| (name.clone(), link)));
    }
}
