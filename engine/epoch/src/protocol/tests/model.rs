//! A simulation small enough to try every fault in: a source, a checkpoint, a warehouse of two tables, and engines that die.
//!
//! `bronze` takes every record (append). `gold` holds one row, the sum of all records (update: each epoch replaces it).
//! The source grows with every look at it, so a second plan for an epoch would differ from the first one.

use std::collections::{BTreeMap, BTreeSet};

use crate::offsets::OffsetRange;
use crate::paths;
use crate::protocol::{EpochId, NewestRecords, Permit, Recovery, Step, recover};
use crate::record::{Commit, FORMAT, Plan, SourcePlan, StagedFile, TableCommit};
use crate::splits::Split;

/// Epochs that every history must bring to an end.
pub const EPOCHS: u64 = 3;

const TABLES: [&str; 2] = ["bronze", "gold"];
const JOB_ID: &str = "00c0ffee";

/// What happens to one entry of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before the step does anything.
    Before,
    /// The process dies after the step is done.
    After,
    /// The step is done, but the engine gets the answer that it failed.
    AnswerLost,
    /// Part of the step is done when the process dies.
    Torn,
}

/// A fault at a place. It fires once, the first time an engine that is not a zombie comes there.
pub type Planned = (EpochId, Step, Fault);

/// Everything that outlives a process.
#[derive(Default)]
pub struct Simulation {
    ahead: bool,
    looks: i64,
    owner: u32,
    plans: BTreeMap<EpochId, Plan>,
    commits: BTreeMap<EpochId, Commit>,
    /// The sum of all committed records, written with the commit.
    state: i64,
    /// Data files: their rows.
    files: BTreeMap<(String, String), Vec<i64>>,
    tables: BTreeMap<String, Table>,
    pub faults: Vec<Planned>,
    pub fired: Vec<Planned>,
    pub restarts: usize,
    pub zombie_acts: usize,
}

/// A table as its readers see it.
#[derive(Default, Clone, PartialEq)]
struct Table {
    /// Newest epoch published, as the table's own log has it.
    version: Option<EpochId>,
    live: BTreeSet<String>,
}

/// What a process knows and the simulation does not.
#[derive(Clone)]
struct Memory {
    owner: u32,
    epoch: EpochId,
    plan: Option<Plan>,
    state: i64,
    rows: Vec<i64>,
    permit: Option<Permit>,
    /// The zombie was about to commit, or to plan, when it was cut off.
    wanted: Option<Step>,
}

/// The end of a process before its work was done.
struct Death;

/// How an entered step ends for the engine.
enum Entered {
    Completed,
    /// Completed, but reported as failed: the engine may only rely on the step being repeatable.
    Unknown,
}

impl Simulation {
    /// A new simulation in which these faults will happen. With `ahead`, the engines plan an epoch as soon as the one before
    /// is committed, before that one is published.
    pub fn with(faults: &[Planned], ahead: bool) -> Simulation {
        Simulation { faults: faults.to_vec(), ahead, ..Simulation::default() }
    }

    /// Runs engines one after the other until all epochs are done. With `takeover`, a process that died was only cut off:
    /// it comes back as a zombie before every step of its successor, and tries to go on.
    pub fn run_to_the_end(&mut self, takeover: bool) {
        let mut zombies: Vec<Memory> = Vec::new();
        loop {
            self.owner += 1;
            let mut memory = Memory::new(self.owner, EpochId(0), self.state);
            let ended = self.process(&mut memory, &zombies);
            self.check_no_third_case();
            match ended {
                Ok(()) => break,
                Err(Death) if takeover => zombies.push(memory),
                Err(Death) => {}
            }
            self.restarts += 1;
            assert!(self.restarts <= 4, "two faults cause at most a few restarts");
        }
        self.check_exactly_once();
    }

    /// One process: recover, then run epochs.
    fn process(&mut self, memory: &mut Memory, zombies: &[Memory]) -> Result<(), Death> {
        let found = self.newest_records();
        let recovery = recover(found.clone());
        assert_eq!(recover(found), recovery, "the same records give the same answer");
        let (mut redo, republish) = match recovery.clone() {
            Recovery::Fresh => (None, None),
            Recovery::Redo { plan, republish } => (Some(plan), republish),
            Recovery::Next { republish } => (None, Some(republish)),
            Recovery::Refuse(contradiction) => panic!("a history of faults alone was refused: {contradiction}"),
        };
        if let Some(commit) = republish {
            memory.epoch = commit.plan.epoch;
            memory.permit = Some(Permit::for_durable(commit));
            self.publish(memory, zombies)?;
            self.retire(memory, zombies)?;
        }
        assert_eq!(recover(self.newest_records()), recovery, "acting on a recovery does not change it");
        loop {
            let done = self.commits.keys().next_back().map_or(0, |epoch| epoch.0 + 1);
            if done == EPOCHS {
                return Ok(());
            }
            *memory = Memory::new(memory.owner, EpochId(done), self.state);
            redo = self.epoch(memory, redo.take(), zombies)?;
        }
    }

    /// The eight steps of one epoch. Returns the plan of the next one, if it was made ahead.
    fn epoch(&mut self, memory: &mut Memory, redo: Option<Plan>, zombies: &[Memory]) -> Result<Option<Plan>, Death> {
        self.plan(memory, redo, zombies)?;
        for step in [Step::Read, Step::Decode, Step::Compute] {
            self.repeat(memory, step, zombies, Simulation::compute, |_, _| {})?;
        }
        self.stage(memory, zombies)?;
        self.commit(memory, zombies)?;
        let mut next = Memory::new(memory.owner, memory.epoch.next(), self.state);
        if self.ahead && next.epoch < EpochId(EPOCHS) {
            self.plan(&mut next, None, zombies)?;
        }
        self.publish(memory, zombies)?;
        self.retire(memory, zombies)?;
        Ok(next.plan)
    }

    fn plan(&mut self, memory: &mut Memory, redo: Option<Plan>, zombies: &[Memory]) -> Result<(), Death> {
        if let Some(plan) = redo {
            memory.plan = Some(plan);
            return Ok(());
        }
        let plan = self.look(memory.epoch);
        let store = |simulation: &mut Simulation, memory: &mut Memory| {
            memory.wanted = Some(Step::Plan);
            simulation.store_plan(memory.owner, &plan).expect("the owner may plan");
        };
        match self.enter(memory, Step::Plan, zombies, store, |_, _| {})? {
            Entered::Completed => memory.plan = Some(plan),
            // Nobody knows whether it is stored: the checkpoint is closed, and the next process will see.
            Entered::Unknown => return Err(Death),
        }
        memory.wanted = None;
        Ok(())
    }

    fn stage(&mut self, memory: &mut Memory, zombies: &[Memory]) -> Result<(), Death> {
        let first = |simulation: &mut Simulation, memory: &mut Memory| simulation.write_file(memory, TABLES[0]);
        let all = |simulation: &mut Simulation, memory: &mut Memory| {
            TABLES.iter().for_each(|table| simulation.write_file(memory, table))
        };
        self.repeat(memory, Step::Stage, zombies, all, first)
    }

    fn commit(&mut self, memory: &mut Memory, zombies: &[Memory]) -> Result<(), Death> {
        memory.wanted = Some(Step::Commit);
        let store = |simulation: &mut Simulation, memory: &mut Memory| {
            let commit = memory.commit();
            simulation.store_commit(memory.owner, &commit, memory.state_after()).expect("the owner may commit");
        };
        match self.enter(memory, Step::Commit, zombies, store, |_, _| {})? {
            Entered::Completed => memory.permit = Some(Permit::for_durable(memory.commit())),
            // As with the plan. There is no permit, so nothing can be published on a guess.
            Entered::Unknown => return Err(Death),
        }
        memory.wanted = None;
        Ok(())
    }

    fn publish(&mut self, memory: &mut Memory, zombies: &[Memory]) -> Result<(), Death> {
        let first = |simulation: &mut Simulation, memory: &mut Memory| simulation.publish_table(memory, TABLES[0]);
        let all = |simulation: &mut Simulation, memory: &mut Memory| {
            TABLES.iter().for_each(|t| simulation.publish_table(memory, t))
        };
        self.repeat(memory, Step::Publish, zombies, all, first)?;
        for table in TABLES {
            assert!(self.tables[table].version >= Some(memory.epoch), "{table} does not show the epoch published");
        }
        Ok(())
    }

    fn retire(&mut self, memory: &mut Memory, zombies: &[Memory]) -> Result<(), Death> {
        let first = |simulation: &mut Simulation, memory: &mut Memory| simulation.remove_files(memory, TABLES[0]);
        let all = |simulation: &mut Simulation, memory: &mut Memory| {
            TABLES.iter().for_each(|table| simulation.remove_files(memory, table));
            simulation.remove_records(memory).expect("the owner may retire");
        };
        self.repeat(memory, Step::Retire, zombies, all, first)
    }

    /// Enters a repeatable step until it is known to be done: the same process tries again when the answer was lost.
    fn repeat(
        &mut self,
        memory: &mut Memory,
        step: Step,
        zombies: &[Memory],
        done: impl Fn(&mut Simulation, &mut Memory),
        torn: impl Fn(&mut Simulation, &mut Memory),
    ) -> Result<(), Death> {
        while let Entered::Unknown = self.enter(memory, step, zombies, &done, &torn)? {}
        Ok(())
    }

    /// The one door into a step: zombies come first, then the fault planned for this place, if there is one.
    fn enter(
        &mut self,
        memory: &mut Memory,
        step: Step,
        zombies: &[Memory],
        done: impl Fn(&mut Simulation, &mut Memory),
        torn: impl Fn(&mut Simulation, &mut Memory),
    ) -> Result<Entered, Death> {
        zombies.iter().for_each(|zombie| self.zombie_acts(zombie));
        let at = self.faults.iter().position(|(epoch, at, _)| (*epoch, *at) == (memory.epoch, step));
        let fault = at.map(|at| self.faults.remove(at));
        self.fired.extend(fault);
        match fault.map(|(_, _, fault)| fault) {
            None => done(self, memory),
            Some(Fault::Before) => return Err(Death),
            Some(Fault::Torn) => {
                torn(self, memory);
                return Err(Death);
            }
            Some(Fault::After) => {
                done(self, memory);
                self.check_whole_epochs();
                return Err(Death);
            }
            Some(Fault::AnswerLost) => {
                done(self, memory);
                return Ok(Entered::Unknown);
            }
        }
        self.check_whole_epochs();
        Ok(Entered::Completed)
    }

    /// A process that was cut off tries everything it still believes it may do.
    fn zombie_acts(&mut self, zombie: &Memory) {
        self.zombie_acts += 1;
        let mut zombie = zombie.clone();
        match zombie.wanted {
            Some(Step::Plan) => {
                let plan = self.look(zombie.epoch);
                self.store_plan(zombie.owner, &plan).expect_err("a zombie cannot plan");
            }
            Some(Step::Commit) => {
                let (commit, state) = (zombie.commit(), zombie.state_after());
                self.store_commit(zombie.owner, &commit, state).expect_err("a zombie cannot commit");
            }
            _ => {}
        }
        if zombie.plan.is_some() && !zombie.rows.is_empty() {
            TABLES.iter().for_each(|table| self.write_file(&zombie, table));
        }
        if zombie.permit.is_some() {
            TABLES.iter().for_each(|table| self.publish_table(&mut zombie, table));
            TABLES.iter().for_each(|table| self.remove_files(&zombie, table));
            self.remove_records(&zombie).expect_err("a zombie cannot touch the checkpoint");
        }
        self.check_whole_epochs();
    }
}

/// What the parts of the simulation do.
impl Simulation {
    /// Looks at the source, which has grown since the last look, and plans an epoch.
    fn look(&mut self, epoch: EpochId) -> Plan {
        self.looks += 1;
        let before = self.commits.values().next_back().map(|commit| commit.plan.end_positions("events"));
        let mut events = SourcePlan::default();
        for partition in 0..2 {
            let at = Split::new("t", partition);
            let from = before.as_ref().and_then(|ends| ends.get(&at)?.offset()).unwrap_or(0);
            events
                .ranges
                .insert(at, OffsetRange { from, until: from + 1 + (self.looks + i64::from(partition)) % 3 }.into());
        }
        Plan {
            format: FORMAT,
            epoch,
            batch_time_us: self.looks,
            watermark_us: None,
            late_watermark_us: None,
            times: std::collections::BTreeMap::new(),
            lanes: 1,
            sources: BTreeMap::from([("events".to_string(), events)]),
            statics: BTreeMap::new(),
        }
    }

    fn newest_records(&self) -> NewestRecords {
        NewestRecords {
            plan: self.plans.values().next_back().cloned(),
            commit: self.commits.values().next_back().cloned(),
        }
    }

    fn store_plan(&mut self, owner: u32, plan: &Plan) -> Result<(), &'static str> {
        self.owned_by(owner)?;
        assert!(self.plans.insert(plan.epoch, plan.clone()).is_none(), "epoch {} is planned twice", plan.epoch);
        Ok(())
    }

    fn store_commit(&mut self, owner: u32, commit: &Commit, state: i64) -> Result<(), &'static str> {
        self.owned_by(owner)?;
        let epoch = commit.plan.epoch;
        assert_eq!(self.plans.get(&epoch), Some(&commit.plan), "committed from the stored plan");
        assert!(self.commits.insert(epoch, commit.clone()).is_none(), "epoch {epoch} is committed twice");
        self.state = state;
        Ok(())
    }

    fn remove_records(&mut self, memory: &Memory) -> Result<(), &'static str> {
        self.owned_by(memory.owner)?;
        let kept = EpochId(memory.epoch.0.saturating_sub(1));
        self.plans.retain(|epoch, _| *epoch >= kept);
        self.commits.retain(|epoch, _| *epoch >= kept);
        Ok(())
    }

    fn owned_by(&self, owner: u32) -> Result<(), &'static str> {
        if owner == self.owner { Ok(()) } else { Err("another engine holds the checkpoint") }
    }

    /// Read, decode and compute in one: deterministic from plan and state.
    fn compute(&mut self, memory: &mut Memory) {
        let plan = memory.plan.as_ref().expect("planned before it is read");
        memory.rows = records_of(plan);
    }

    fn write_file(&mut self, memory: &Memory, table: &str) {
        let rows = if table == "bronze" { memory.rows.clone() } else { vec![memory.state_after()] };
        let path = paths::data_file(JOB_ID, memory.epoch, 0);
        let before = self.files.insert((table.to_string(), path.clone()), rows.clone());
        assert!(before.is_none_or(|before| before == rows), "{table}/{path} was staged again with other rows");
    }

    /// One commit of the table's own log: atomic, and idempotent by epoch.
    fn publish_table(&mut self, memory: &mut Memory, name: &str) {
        let commit = memory.permit.as_ref().expect("only a durable commit is published").commit();
        let table = self.tables.entry(name.to_string()).or_default();
        if table.version >= Some(commit.plan.epoch) {
            return;
        }
        assert_eq!(table.version.map_or(EpochId(0), EpochId::next), commit.plan.epoch, "{name} skips an epoch");
        let change = &commit.tables[name];
        for file in &change.removed {
            assert!(table.live.remove(&file.path), "{name} removes {} which it does not have", file.path);
        }
        for file in &change.added {
            assert!(self.files.contains_key(&(name.to_string(), file.path.clone())), "{name}/{} is gone", file.path);
            assert!(table.live.insert(file.path.clone()), "{name} adds {} twice", file.path);
        }
        table.version = Some(commit.plan.epoch);
    }

    /// Files of epochs up to this one that no reader sees and no epoch can bring back.
    fn remove_files(&mut self, memory: &Memory, name: &str) {
        let live = self.tables.get(name).map(|table| table.live.clone()).unwrap_or_default();
        let last = paths::data_file(JOB_ID, memory.epoch, u32::MAX);
        self.files.retain(|(table, path), _| table != name || live.contains(path) || *path > last);
    }
}

/// What must hold.
impl Simulation {
    /// Every table shows whole epochs, only committed ones, and no two tables are more than one epoch apart.
    fn check_whole_epochs(&self) {
        let committed = self.commits.keys().next_back().copied();
        let versions: Vec<_> = TABLES.map(|name| self.tables.get(name).and_then(|table| table.version)).into();
        assert!(versions.iter().all(|version| *version <= committed), "{versions:?} shown, {committed:?} committed");
        let steps = |version: &Option<EpochId>| version.map_or(0, |epoch| epoch.0 + 1);
        let behind = versions.iter().map(steps).max().unwrap_or(0) - versions.iter().map(steps).min().unwrap_or(0);
        assert!(behind <= 1, "{versions:?}");
        for name in TABLES {
            let Some(table) = self.tables.get(name) else { continue };
            let epochs = steps(&table.version);
            let shown = if name == "bronze" { 0..epochs } else { epochs.saturating_sub(1)..epochs };
            let expected: BTreeSet<_> = shown.map(|epoch| paths::data_file(JOB_ID, EpochId(epoch), 0)).collect();
            assert_eq!(table.live, expected, "{name} shows other files than those of whole epochs");
        }
    }

    /// At a restart: an epoch happened, with all its state, or it did not, with none.
    fn check_no_third_case(&self) {
        let ends =
            self.commits.values().next_back().map(|commit| commit.plan.end_positions("events")).unwrap_or_default();
        let committed: i64 = crate::offsets::offsets(&ends)
            .iter()
            .flat_map(|(at, end)| (0..*end).map(move |offset| record(&at, offset)))
            .sum();
        assert_eq!(self.state, committed, "the state is that of the committed epochs");
        self.check_whole_epochs();
    }

    /// At the end: each record once in `bronze`, once in the sum of `gold`, and nothing else anywhere.
    fn check_exactly_once(&self) {
        let last = &self.commits[&EpochId(EPOCHS - 1)];
        let ends = last.plan.end_positions("events");
        let mut expected: Vec<i64> = crate::offsets::offsets(&ends)
            .iter()
            .flat_map(|(at, end)| (0..*end).map(move |offset| record(&at, offset)))
            .collect();
        expected.sort_unstable();
        let shown = |name: &str| -> Vec<i64> {
            let live = &self.tables[name].live;
            live.iter().flat_map(|path| self.files[&(name.to_string(), path.clone())].clone()).collect()
        };
        let mut bronze = shown("bronze");
        bronze.sort_unstable();
        assert_eq!(bronze, expected, "each record once");
        assert_eq!(shown("gold"), [expected.iter().sum::<i64>()], "each record counted once");
        let live: usize = self.tables.values().map(|table| table.live.len()).sum();
        assert_eq!(self.files.len(), live, "files are left over");
        assert_eq!(self.plans.len(), 2, "old plans are left over");
    }
}

impl Memory {
    fn new(owner: u32, epoch: EpochId, state: i64) -> Memory {
        Memory { owner, epoch, plan: None, state, rows: Vec::new(), permit: None, wanted: None }
    }

    fn state_after(&self) -> i64 {
        self.state + self.rows.iter().sum::<i64>()
    }

    fn commit(&self) -> Commit {
        let staged = |epoch, rows| StagedFile {
            path: paths::data_file(JOB_ID, epoch, 0),
            bytes: 0,
            rows,
            bucket: None,
            stats: String::new(),
            effect: Default::default(),
        };
        let rows = self.rows.len() as u64;
        let bronze = TableCommit { added: vec![staged(self.epoch, rows)], ..TableCommit::default() };
        let removed = self.epoch.0.checked_sub(1).map(|before| staged(EpochId(before), 1)).into_iter().collect();
        let gold = TableCommit { added: vec![staged(self.epoch, 1)], removed, ..TableCommit::default() };
        Commit {
            gaps: std::collections::BTreeMap::new(),
            plan: self.plan.clone().expect("planned before it is committed"),
            tables: BTreeMap::from([("bronze".to_string(), bronze), ("gold".to_string(), gold)]),
            watermarks: BTreeMap::new(),
            next_watermark_us: None,
            sources: BTreeMap::new(),
        }
    }
}

/// The value of a record: no two sums of different records agree in these small worlds.
fn record(at: &Split, offset: i64) -> i64 {
    1 << (offset * 2 + i64::from(at.partition))
}

fn records_of(plan: &Plan) -> Vec<i64> {
    let ranges = plan.sources["events"].ranges.iter();
    ranges
        .filter_map(|(at, range)| Some((at, range.offsets()?)))
        .flat_map(|(at, range)| (range.from..range.until).map(move |offset| record(&at, offset)))
        .collect()
}
