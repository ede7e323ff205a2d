//! A model of everything that outlives an engine: a checkpoint, copies of it, and places that hold rows and their own record.

use std::collections::BTreeMap;

use super::*;
use crate::identity::ArtifactId;
use crate::identity::EpochId;
use crate::paths;

/// A commit as the model needs it: its id, and what it says about the sinks.
#[derive(Debug, Clone, PartialEq)]
struct Record {
    id: CommitId,
    touched: Vec<String>,
    sinks: BTreeMap<String, SinkLink>,
}

/// A checkpoint: its commits that are kept, and for the oracle all that it ever had.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checkpoint {
    kept: Vec<Record>,
    all: Vec<Record>,
    term: u64,
}

/// A place: its record, and the commits whose rows it shows.
#[derive(Debug, Clone, Default)]
struct Place {
    holds: Option<CommitId>,
    owner: Owner,
    shows: Vec<CommitId>,
}

/// An engine that has the checkpoint open.
#[derive(Debug, Clone)]
pub struct Engine {
    pub owner: Owner,
    newest: Option<Record>,
    attempts: u32,
}

/// Checkpoint and places, and what is drawn.
pub struct Model {
    checkpoint: Checkpoint,
    places: BTreeMap<String, Place>,
    drawn: u64,
    /// Commits that are kept beyond those that a follower needs.
    pub keep: usize,
    replays: usize,
}

impl Model {
    pub fn new() -> Model {
        Model { checkpoint: Checkpoint::default(), places: BTreeMap::new(), drawn: 0, keep: 1_000, replays: 0 }
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        // SplitMix64: numbers that do not repeat.
        let mut mixed = self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
    }

    pub fn copy(&self) -> Checkpoint {
        self.checkpoint.clone()
    }

    pub fn restore(&mut self, copy: Checkpoint) {
        self.checkpoint = copy;
    }

    pub fn open(&mut self) -> Engine {
        let random = self.draw();
        let in_places = self.places.values().map(|place| place.owner.term).max().unwrap_or(0);
        let owner = Owner::after(self.checkpoint.term.max(in_places), random);
        self.checkpoint.term = owner.term;
        Engine { owner, newest: self.checkpoint.kept.last().cloned(), attempts: 0 }
    }

    /// Names of what an attempt stages; it does not commit.
    pub fn attempt(&mut self, engine: &mut Engine, sinks: &[&str]) -> Vec<String> {
        engine.attempts += 1;
        let epoch = engine.newest.as_ref().map_or(EpochId(0), |record| record.id.epoch.next());
        let name = |number| {
            let artifact = ArtifactId { epoch, owner: engine.owner, attempt: engine.attempts, number };
            paths::data_file("00c0ffee", &artifact)
        };
        (0..u32::try_from(sinks.len()).unwrap()).map(name).collect()
    }

    pub fn commit(&mut self, engine: &mut Engine, sinks: &[&str]) {
        self.attempt(engine, sinks);
        let epoch = engine.newest.as_ref().map_or(EpochId(0), |record| record.id.epoch.next());
        let id = CommitId::new(epoch, self.draw());
        let mut links = engine.newest.as_ref().map(|record| record.sinks.clone()).unwrap_or_default();
        for sink in sinks {
            links.insert((*sink).to_string(), SinkLink::touched(links.get(*sink), id, None));
        }
        for (sink, link) in &mut links {
            // What the place is known to hold may be older than what it holds.
            let known = self.places.get(sink).and_then(|place| place.holds);
            link.seen = link.seen.max(known.filter(|known| known.epoch <= epoch));
        }
        let record = Record { id, touched: sinks.iter().map(|sink| (*sink).to_string()).collect(), sinks: links };
        self.checkpoint.kept.push(record.clone());
        self.checkpoint.all.push(record.clone());
        engine.newest = Some(record);
    }

    /// The compare-and-set of a place.
    fn put(&mut self, owner: Owner, sink: &str, id: CommitId, before: Option<CommitId>) -> Result<(), Contradiction> {
        let place = self.places.entry(sink.to_string()).or_default();
        if owner.is_fenced_by(&place.owner) && place.owner != Owner::default() {
            return Err(Contradiction::Fenced { sink: sink.into(), by: place.owner, own: owner });
        }
        if place.holds == Some(id) {
            return Ok(());
        }
        if place.holds != before {
            return Err(Contradiction::NotBefore { sink: sink.into(), commit: id, before, place: place.holds });
        }
        place.owner = owner;
        place.holds = Some(id);
        place.shows.push(id);
        Ok(())
    }

    /// Publishes the newest commit to one sink.
    pub fn publish(&mut self, engine: &mut Engine, sink: &str) -> Result<(), Contradiction> {
        let record = engine.newest.clone().expect("a commit");
        let link = record.sinks[sink];
        self.put(engine.owner, sink, link.last, link.before)
    }

    /// A zombie's next commit, which no checkpoint has.
    pub fn publish_stale(&mut self, engine: &mut Engine, sink: &str) -> Result<(), Contradiction> {
        let before = engine.newest.as_ref().map(|record| record.id);
        let id = CommitId::new(before.map_or(EpochId(0), |id| id.epoch.next()), self.draw());
        self.put(engine.owner, sink, id, before)
    }

    fn chain(&self, sink: &str) -> Vec<Touch> {
        let of = |record: &Record| {
            let link = record.sinks.get(sink)?;
            record.touched.iter().any(|name| name == sink).then_some(Touch { id: record.id, before: link.before })
        };
        self.checkpoint.kept.iter().filter_map(of).collect()
    }

    /// Brings a sink up to date, as a run does that has just been opened.
    pub fn follow(&mut self, engine: &mut Engine, sink: &str) -> Result<(), Contradiction> {
        let newest = engine.newest.clone();
        let holds = self.places.get(sink).and_then(|place| place.holds);
        let link = newest.as_ref().and_then(|record| record.sinks.get(sink));
        let kept = self.chain(sink);
        let ids = owed(sink, link, newest.as_ref().map(|record| record.id), &kept, holds)?;
        self.replays += ids.len();
        ids.into_iter().try_for_each(|id| {
            let before = kept.iter().find(|touch| touch.id == id).and_then(|touch| touch.before);
            self.put(engine.owner, sink, id, before)
        })
    }

    pub fn follow_all(&mut self, engine: &mut Engine) -> Result<(), Contradiction> {
        let sinks: Vec<String> = engine.newest.iter().flat_map(|record| record.sinks.keys().cloned()).collect();
        sinks.iter().try_for_each(|sink| self.follow(engine, sink))?;
        self.retire();
        Ok(())
    }

    /// Removes what every follower has, but for the newest few.
    pub fn retire(&mut self) {
        let Some(newest) = self.checkpoint.kept.last().cloned() else { return };
        let needed = newest
            .sinks
            .iter()
            .filter(|(sink, link)| self.places.get(*sink).and_then(|place| place.holds) != Some(link.last));
        let needed: Vec<String> = needed.map(|(sink, _)| sink.clone()).collect();
        let spare = self.checkpoint.kept.len().saturating_sub(self.keep);
        let held =
            self.checkpoint.kept.iter().position(|record| needed.iter().any(|sink| record.touched.contains(sink)));
        let gone = spare.min(held.unwrap_or(usize::MAX)).min(self.checkpoint.kept.len() - 1);
        self.checkpoint.kept.drain(..gone);
    }

    /// A place goes back to the first `count` commits that it got: rows and record together.
    pub fn roll_back(&mut self, sink: &str, count: usize) {
        let Some(place) = self.places.get_mut(sink) else { return };
        place.shows.truncate(count);
        place.holds = place.shows.last().copied();
    }

    /// The epochs that a place shows, in the order in which it got them.
    pub fn rows(&self, sink: &str) -> Vec<u64> {
        self.places.get(sink).map(|place| place.shows.iter().map(|id| id.epoch.0).collect()).unwrap_or_default()
    }

    /// After everything was followed without contradiction, each sink shows exactly the checkpoint's history.
    fn check(&self) {
        let Some(newest) = self.checkpoint.all.last() else { return };
        for sink in newest.sinks.keys() {
            let touched = self.checkpoint.all.iter().filter(|record| record.touched.contains(sink));
            let expected: Vec<CommitId> = touched.map(|record| record.id).collect();
            assert_eq!(self.places[sink].shows, expected, "{sink} shows something else than the history");
        }
    }

    /// True if a place shows a beginning of the history and all that follows is kept: then nothing may be refused.
    fn can_follow(&self, sink: &str) -> bool {
        let touched = self.checkpoint.all.iter().filter(|record| record.touched.iter().any(|name| name == sink));
        let history: Vec<CommitId> = touched.map(|record| record.id).collect();
        let shows = self.places.get(sink).map(|place| place.shows.clone()).unwrap_or_default();
        let kept = self.chain(sink);
        let rest = history.len().saturating_sub(shows.len());
        history.starts_with(&shows) && kept.len() >= rest && !(shows.is_empty() && self.was_seen(sink))
    }

    fn was_seen(&self, sink: &str) -> bool {
        let newest = self.checkpoint.kept.last();
        newest.and_then(|record| record.sinks.get(sink)).is_some_and(|link| link.seen.is_some())
    }
}

/// One random history. Returns how often something was refused, and how many commits were replayed.
pub fn random_history(seed: u64) -> (usize, usize) {
    let mut model = Model::new();
    model.drawn = seed.wrapping_mul(1_000_003);
    model.keep = 2;
    let mut engine = model.open();
    let mut zombie: Option<Engine> = None;
    let mut copies: Vec<Checkpoint> = Vec::new();
    let mut refused = 0;
    for _ in 0..14 {
        let choice = model.draw() % 100;
        let sink = if model.draw().is_multiple_of(2) { A } else { B };
        match choice {
            0..35 => {
                let sinks: &[&str] = if choice < 20 { &[A, B] } else { &[sink] };
                model.commit(&mut engine, sinks);
            }
            35..55 if engine.newest.as_ref().is_some_and(|record| record.sinks.contains_key(sink)) => {
                refused += usize::from(model.follow(&mut engine, sink).is_err());
            }
            55..70 => {
                zombie = Some(engine.clone());
                engine = model.open();
            }
            70..78 => copies.push(model.copy()),
            78..84 if !copies.is_empty() => {
                let at = usize::try_from(model.draw()).unwrap_or(0) % copies.len();
                model.restore(copies[at].clone());
                zombie = Some(engine.clone());
                engine = model.open();
            }
            84..90 => {
                let count = usize::try_from(model.draw() % 4).unwrap_or(0);
                model.roll_back(sink, count.min(model.rows(sink).len()));
            }
            90..96 => {
                if let Some(zombie) = zombie.as_mut().filter(|zombie| zombie.newest.is_some()) {
                    let touches = zombie.newest.as_ref().is_some_and(|record| record.sinks.contains_key(sink));
                    refused += usize::from(touches && model.publish(zombie, sink).is_err());
                }
            }
            _ => model.retire(),
        }
    }
    // The end: a fresh owner brings everybody up to date, or says why not.
    let mut last = model.open();
    let sinks: Vec<String> = last.newest.iter().flat_map(|record| record.sinks.keys().cloned()).collect();
    let mut all = true;
    for sink in &sinks {
        let can = model.can_follow(sink);
        match model.follow(&mut last, sink) {
            Ok(()) => {}
            Err(why) => {
                assert!(!can, "seed {seed}: {sink} was refused though it can follow: {why}");
                refused += 1;
                all = false;
            }
        }
    }
    if all {
        model.check();
    }
    (refused, model.replays)
}
