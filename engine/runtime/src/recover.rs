//! After a start: look at the checkpoint, ask every place where it stands, let the protocol conclude what follows, obey.
//!
//! First everything is looked at, and nothing is written while a contradiction stands that nobody has accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{Pointer, SinkPosition, SinkTable, Tables, Warehouse, WriterId};
use epoch::{Commit, CommitId, Contradiction, EpochId, Owner, SinkLink, Step, Touch, follow};
use futures::future::try_join_all;
use plan::{Graph, NodeKind};
use state::{Attempt, Checkpoint};
use tokio::runtime::Handle;

use crate::error::RunError;
use crate::files::OpenFiles;
use crate::follower::PublishedEpoch;
use crate::step::Steps;

mod abandoned;
mod counting;
mod decisions;
mod old_format;
mod set_back;

use abandoned::Unpublished;
pub use counting::Unlinked;
use decisions::Decisions;
pub use decisions::Links;

/// What a run goes on from.
pub struct Recovered {
    /// The newest commit, with what the places were found to hold.
    pub last: Option<Commit>,
    /// What is known of every sink.
    pub links: Links,
    /// Rows of the tables that were found and that no commit has touched.
    pub unlinked: Unlinked,
    /// Who this run is.
    pub owner: Owner,
    /// The attempt before this run, if it did not commit.
    pub attempt: Option<Attempt>,
    /// Epochs that all places have by now and that no run has reported as published, oldest first.
    pub unreported: Vec<PublishedEpoch>,
}

/// The job's tables in the warehouse.
pub struct JobTables<'a> {
    /// Where they are.
    pub warehouse: &'a Arc<dyn Warehouse>,
    /// Who writes.
    pub writer: &'a WriterId,
    /// All of them, rejected and late ones included.
    pub tables: &'a Tables,
    /// Those whose rows are replaced: what they hold must be what the state says.
    pub replaced: BTreeSet<String>,
    /// True if any of them comes of state, which is in the checkpoint and nowhere else.
    pub keeps_state: bool,
    /// The files of those that later epochs replace.
    pub files: &'a BTreeMap<String, OpenFiles>,
}

impl<'a> JobTables<'a> {
    /// Those of a job. `files`: those that later epochs replace, of each table whose rows are replaced.
    pub fn of(
        graph: &Graph,
        (warehouse, writer, tables): (&'a Arc<dyn Warehouse>, &'a WriterId, &'a Tables),
        files: &'a BTreeMap<String, OpenFiles>,
    ) -> JobTables<'a> {
        let replaced = files.keys().cloned().collect();
        let keeps_state = graph.nodes.iter().any(|node| matches!(node.kind, NodeKind::Operator(_)));
        JobTables { warehouse, writer, tables, replaced, keeps_state, files }
    }
}

/// Brings a checkpoint and its places together again.
pub struct Recovery<'a> {
    checkpoint: &'a Checkpoint,
    places: JobTables<'a>,
    /// The words of the contradictions that somebody has decided to go on in spite of.
    accepted: &'a BTreeSet<String>,
    /// The tables whose unpublished epochs somebody has decided to drop.
    abandoned: &'a BTreeSet<String>,
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
    /// Of a checkpoint and the tables of its job.
    pub fn new(
        checkpoint: &'a Checkpoint,
        places: JobTables<'a>,
        (accepted, abandoned): (&'a BTreeSet<String>, &'a BTreeSet<String>),
        (steps, runtime): (&'a Steps, &'a Handle),
    ) -> Recovery<'a> {
        Recovery { checkpoint, places, accepted, abandoned, steps, runtime }
    }

    /// Publishes what the places still have to get, then defines the tables as the job wants them.
    ///
    /// # Errors
    /// `Contradiction` if checkpoint and places cannot both be right; the places' errors.
    pub fn run(&self, note: &mut dyn FnMut(&str)) -> Result<Recovered, RunError> {
        let mut last = self.checkpoint.newest_commit()?;
        let attempt = self.checkpoint.attempt()?;
        let places = self.ask(last.as_ref())?;
        let pointer = self.pointer()?;
        if let Some(last) = &mut last {
            self.note_seen(last)?;
            old_format::link(last, places.iter().map(|(name, place)| (name, place.position.published)));
        }
        if let Some(text) = last.as_ref().and_then(|last| set_back::in_words(last, &places)) {
            note(&text);
        }
        let decisions = self
            .decide(last.as_ref(), &places, pointer.as_ref())
            .map_err(|error| set_back::offered(error, last.as_ref(), &places, &self.places.replaced))?;
        let of_places = places.values().map(|place| place.position.owner.term);
        let highest = of_places.chain(pointer.iter().map(|pointer| pointer.owner.term)).max().unwrap_or(0);
        let owner = self.checkpoint.claim(highest)?;
        let (mut links, unreported) = match &mut last {
            Some(last) => {
                self.follow_up(last, &places, owner, &decisions, note)?;
                let versions = self.mark(last, &places, owner, pointer)?;
                (last.sinks.clone(), self.unreported(last, versions)?)
            }
            None => (decisions.first_links(note), Vec::new()),
        };
        let asked = places.iter().map(|(name, place)| (name, &place.table));
        let next = last.as_ref().map_or(EpochId(0), |last| last.plan.epoch.next());
        let unlinked = self.runtime.block_on(counting::count(&mut links, asked, next))?;
        self.runtime.block_on(try_join_all(self.places.tables.values().map(|table| table.define(owner))))?;
        if attempt.is_some() {
            self.sweep(last.as_ref(), owner)?;
        }
        Ok(Recovered { last, links, unlinked, owner, attempt, unreported })
    }

    /// The job's tables, and those that it no longer has but that may lack a commit.
    fn ask(&self, last: Option<&Commit>) -> Result<Places, RunError> {
        let JobTables { warehouse, writer, tables, .. } = &self.places;
        let gone: Vec<&String> =
            last.into_iter().flat_map(old_format::unseen).filter(|name| !tables.contains_key(*name)).collect();
        let found = try_join_all(gone.iter().map(|name| warehouse.find_table(name, writer)));
        let mut asked: Tables = (*tables).clone();
        for (name, table) in gone.iter().zip(self.runtime.block_on(found)?) {
            asked.extend(table.map(|table| ((*name).clone(), table)));
        }
        let asked = asked.into_iter().map(|(name, table)| async move {
            let position = table.position().await?;
            Ok::<_, RunError>((name, Place { table, position }))
        });
        Ok(self.runtime.block_on(try_join_all(asked))?.into_iter().collect())
    }

    /// The job's pointer. One that is damaged is found out here, before anything is written.
    fn pointer(&self) -> Result<Option<Pointer>, RunError> {
        let pointers = self.runtime.block_on(self.places.warehouse.pointers())?;
        Ok(pointers.into_iter().find(|pointer| pointer.job == self.places.writer.job))
    }

    /// What was marked as published was seen in every table by then, though no later commit says so.
    fn note_seen(&self, last: &mut Commit) -> Result<(), RunError> {
        let Some(published) = self.checkpoint.published()? else { return Ok(()) };
        for link in last.sinks.values_mut().filter(|link| link.last.epoch <= published.epoch) {
            link.seen = Some(link.last);
        }
        Ok(())
    }

    /// What each place has to get, and which contradictions were accepted. Nothing is written yet.
    fn decide(
        &self,
        last: Option<&Commit>,
        places: &Places,
        pointer: Option<&Pointer>,
    ) -> Result<Decisions<'_>, RunError> {
        let mut decisions = Decisions::new((self.accepted, self.abandoned), &self.places.replaced);
        let mut refused: Option<RunError> = None;
        for (name, place) in places {
            let found = match (self.foreign(name, place, last, pointer), last) {
                (Some(foreign), _) => Err(foreign),
                (None, Some(last)) => self.owed_to(name, last, &place.position)?,
                (None, None) => match place.position.published {
                    Some(held) => Err(Contradiction::Ahead { sink: name.clone(), place: held, newest: None }),
                    None => Ok(Vec::new()),
                },
            };
            match (&found, last) {
                (Ok(owed), Some(last)) if !owed.is_empty() && decisions.abandons(name) => {
                    let lacks = Unpublished::since(self.checkpoint, last, name, place.position.published)?;
                    decisions.drop_unpublished(name, lacks)?;
                }
                _ => match decisions.add(name, place.position.published, found) {
                    // A word is offered only if no other table stands in its way.
                    Err(RunError::Contradiction(what)) => {
                        refused.get_or_insert(RunError::Contradiction(what));
                    }
                    decided => decided?,
                },
            }
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        if let Some(last) = last {
            self.decide_lost(last, places, &mut decisions)?;
        }
        self.check_replaceable(places, &decisions)?;
        Ok(decisions)
    }

    /// What later epochs replace must be there before one of them is committed. A table that still has to get a commit lacks what that
    /// one brings.
    fn check_replaceable(&self, places: &Places, decisions: &Decisions<'_>) -> Result<(), RunError> {
        let is_owed = |name: &String| decisions.owed().values().any(|names| names.contains(name));
        let asked = self.places.files.iter().filter(|(name, _)| !is_owed(name));
        let asked = asked.filter_map(|(name, files)| Some((places.get(name)?, files)));
        let asked = asked.map(|(place, files)| async move { place.table.check_replaceable(&files.all()).await });
        self.runtime.block_on(try_join_all(asked))?;
        Ok(())
    }

    /// What was committed to places that are gone, or have nothing of it, and that they never got, is not dropped without a word.
    fn decide_lost(&self, last: &Commit, places: &Places, decisions: &mut Decisions<'_>) -> Result<(), RunError> {
        let is_lost = |name: &String| match decisions.accepted().find(|(accepted, _)| *accepted == name) {
            Some((_, what)) => matches!(what, Contradiction::RecordLost { .. }),
            None => !places.contains_key(name),
        };
        let lost = last.sinks.iter().filter(|(_, link)| link.seen != Some(link.last));
        let lost: Vec<_> = lost.filter(|(name, _)| is_lost(name)).collect();
        for (name, link) in lost {
            let lacks = Unpublished::since(self.checkpoint, last, name, link.seen)?;
            match (decisions.abandons(name), places.contains_key(name)) {
                _ if lacks.is_empty() => {}
                (true, _) => decisions.drop_unpublished(name, lacks)?,
                (false, true) => return Err(abandoned::moved(name, &lacks)),
                (false, false) => return Err(abandoned::left(name, &lacks)),
            }
        }
        Ok(())
    }

    /// Rows that this checkpoint knows nothing of: reading the sources would double them, or add rows of another job's.
    fn foreign(
        &self,
        name: &str,
        place: &Place,
        last: Option<&Commit>,
        pointer: Option<&Pointer>,
    ) -> Option<Contradiction> {
        let is_known = last.is_some_and(|last| last.sinks.contains_key(name)) || place.position.published.is_some();
        if is_known || place.position.version == 0 {
            return None;
        }
        let own = &self.places.writer.job_id;
        let pointed = pointer.filter(|pointer| pointer.versions.contains_key(name) && pointer.job_id != *own);
        let pointed = pointed.map(|pointer| format!("{}, {}", pointer.job, pointer.job_id));
        let writer = place.position.other_checkpoint.clone().or(pointed)?;
        let can_be_rebuilt = !self.places.keeps_state;
        Some(Contradiction::OtherCheckpoint { sink: name.to_string(), writer, can_be_rebuilt })
    }

    fn owed_to(
        &self,
        name: &str,
        last: &Commit,
        position: &SinkPosition,
    ) -> Result<Result<Vec<CommitId>, Contradiction>, RunError> {
        if let Some(version) = position.restored {
            return Ok(Err(Contradiction::Restored { sink: name.to_string(), version }));
        }
        let (link, holds) = (last.sinks.get(name), position.published);
        if link.is_some_and(|link| holds == Some(link.last)) {
            return Ok(Ok(Vec::new()));
        }
        let mut kept: Vec<Touch> = Vec::new();
        for commit in self.checkpoint.commits(EpochId(0)..=last.plan.epoch)? {
            kept.extend(commit?.touch(name));
        }
        // The newest may be linked only here, if it is of an old format.
        if kept.last().map(|touch| touch.id) != Some(last.id()) {
            kept.extend(last.touch(name));
        }
        Ok(follow::owed(name, link, Some(last.id()), &kept, holds))
    }

    /// Each place gets the commits that it lacks, epoch by epoch; one whose contradiction was accepted goes on from where the
    /// checkpoint stands.
    fn follow_up(
        &self,
        last: &mut Commit,
        places: &Places,
        owner: Owner,
        decisions: &Decisions,
        note: &mut dyn FnMut(&str),
    ) -> Result<(), RunError> {
        for (name, what) in decisions.accepted() {
            self.adopt(name, what, last, places, owner, note)?;
        }
        decisions.unused().iter().for_each(|unused| note(unused));
        for (name, lacks) in decisions.dropped() {
            note(&format!("abandoned: {lacks} were committed to {name} and are not published to it"));
            if decisions.accepted().all(|(accepted, _)| accepted != name) {
                self.stand(name, last, places, owner, note)?;
            }
        }
        for (epoch, names) in decisions.owed() {
            let commit = match *epoch == last.plan.epoch {
                true => last.clone(),
                false => self.checkpoint.commit_of(*epoch)?.ok_or_else(|| {
                    RunError::Internal(
                        format!("epoch {epoch} is owed to {} and not on record", names.join(", ")).into(),
                    )
                })?,
            };
            note(&format!("epoch {epoch} is committed and not yet in {}: publishing it", names.join(", ")));
            let tables = names.iter().filter_map(|name| places.get(name));
            let publish = tables.map(|place| {
                let publish = place.table.publish(owner, &commit);
                async move { (place, publish.await) }
            });
            let publish = futures::future::join_all(publish);
            let answers = self.steps.at(Step::Publish, *epoch, || self.runtime.block_on(publish));
            for (place, answer) in answers {
                match answer.map_err(RunError::from) {
                    Ok(_) => {}
                    Err(RunError::Contradiction(what)) if decisions.accepts(place.table.name(), &what) => {
                        note(&format!("accepted: {}; its rows of epoch {epoch} are lost", what.in_short()));
                        self.runtime.block_on(place.table.adopt(owner, commit.id()))?;
                        // They were counted when they were committed, so what is there is counted anew.
                        if let Some(link) = last.sinks.get_mut(place.table.name()) {
                            link.rows = None;
                        }
                    }
                    Err(RunError::Contradiction(what)) => return Err(decisions.refusal(place.table.name(), what)),
                    Err(error) => return Err(error),
                }
            }
        }
        for link in last.sinks.values_mut() {
            link.seen = Some(link.last);
        }
        Ok(())
    }

    /// Sets the record of a place to where the checkpoint stands.
    fn adopt(
        &self,
        name: &str,
        what: &Contradiction,
        last: &mut Commit,
        places: &Places,
        owner: Owner,
        note: &mut dyn FnMut(&str),
    ) -> Result<(), RunError> {
        note(&format!("accepted: {}", what.in_short()));
        if matches!(what, Contradiction::OtherCheckpoint { .. }) {
            // It has no record of this writer, and gets its first with the first commit.
            return Ok(());
        }
        self.stand(name, last, places, owner, note)
    }

    /// Sets the record of a place, whatever it is, to where the checkpoint stands.
    fn stand(
        &self,
        name: &str,
        last: &mut Commit,
        places: &Places,
        owner: Owner,
        note: &mut dyn FnMut(&str),
    ) -> Result<(), RunError> {
        let Some(place) = places.get(name) else { return Ok(()) };
        let at = last.sinks.get(name).map_or(last.id(), |link| link.last);
        note(&format!("{name} goes on from {at} with what it holds"));
        self.runtime.block_on(async {
            place.table.define(owner).await?;
            place.table.adopt(owner, at).await
        })?;
        last.sinks.insert(name.to_string(), SinkLink::found(at));
        Ok(())
    }

    /// The mark is put once more if it is not there, or of an earlier epoch. The versions that it names.
    fn mark(
        &self,
        last: &Commit,
        places: &Places,
        owner: Owner,
        pointer: Option<Pointer>,
    ) -> Result<BTreeMap<String, i64>, RunError> {
        let is_of_last = |pointer: &Pointer| {
            (pointer.epoch, pointer.nonce) == (last.plan.epoch, last.nonce) && pointer.format == Pointer::FORMAT
        };
        if let Some(pointer) = pointer.filter(is_of_last) {
            return Ok(pointer.versions);
        }
        let JobTables { warehouse, writer, tables, .. } = &self.places;
        let asked = places.iter().filter(|(name, _)| tables.contains_key(*name)).map(|(name, place)| async move {
            let position = place.table.position().await?;
            Ok::<_, RunError>((name.clone(), position.version))
        });
        let versions = self.runtime.block_on(try_join_all(asked))?.into_iter().collect();
        self.runtime.block_on(warehouse.mark_published(writer, owner, last, &versions))?;
        Ok(versions)
    }

    /// What all places have by now, and nobody has heard of: its run was killed, or gave up, before it could say so.
    fn unreported(&self, last: &Commit, versions: BTreeMap<String, i64>) -> Result<Vec<PublishedEpoch>, RunError> {
        let first = self.checkpoint.published()?.map_or(EpochId(0), |published| published.epoch.next());
        if first > last.plan.epoch {
            return Ok(Vec::new());
        }
        let mut unreported = Vec::new();
        for commit in self.checkpoint.commits(first..=last.plan.epoch)? {
            unreported.push(PublishedEpoch { commit: Arc::new(commit?), versions: BTreeMap::new(), spent_us: 0 });
        }
        if let Some(newest) = unreported.last_mut() {
            newest.versions = versions;
        }
        Ok(unreported)
    }

    /// What the attempt before this run has staged is taken away. First the places are claimed: should the run of that attempt still be
    /// alive, on a copy of the checkpoint, it must not publish files that are gone.
    fn sweep(&self, last: Option<&Commit>, owner: Owner) -> Result<(), RunError> {
        let newest = last.map(|commit| commit.plan.epoch);
        let swept = self.places.tables.iter().map(|(name, table)| async move {
            if let Some(link) = last.and_then(|commit| commit.sinks.get(name)) {
                table.adopt(owner, link.last).await?;
            }
            table.sweep(owner, newest).await
        });
        self.runtime.block_on(try_join_all(swept))?;
        Ok(())
    }
}
