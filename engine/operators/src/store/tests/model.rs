//! Random epochs against a plain list of rows: restarts, epochs run again, memory too small for anything, blocks merged early.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fixture::{Row, epoch_time, hashes, keys, rows, spec, values};
use crate::block_changes::BlockChanges;
use crate::epoch_time::EpochTime;
use crate::keyed::SHARDS;
use crate::memory_blocks::MemoryBlocks;
use crate::store::limits::Limits;
use crate::store::state_rows::read_rows;
use crate::store::{Budget, Store, StoreSpec};

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A row that lives, as the model has it.
#[derive(Debug, Clone)]
struct ModelRow {
    row: Row,
    is_marked: bool,
    since: u64,
    marked_in: Option<u64>,
}

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<Row>),
    Remove(Row),
    Mark(Row),
    Evict,
}

/// What one epoch does, shard by shard, in one or two passes.
struct Epoch {
    time: EpochTime,
    passes: Vec<BTreeMap<u8, Vec<Step>>>,
    is_small: bool,
}

#[derive(Default)]
struct Model {
    shards: BTreeMap<u8, Vec<ModelRow>>,
    next_value: i64,
    updated: u64,
    removed: u64,
}

impl Model {
    fn rows(&self) -> impl Iterator<Item = &ModelRow> {
        self.shards.values().flatten()
    }

    fn plan(&mut self, random: &mut Random, time: EpochTime) -> Epoch {
        let passes = (0..1 + random.below(2)).map(|_| self.pass(random, &time)).collect();
        Epoch { time, passes, is_small: random.below(3) > 0 }
    }

    /// Plans one pass over some shards, and does it.
    fn pass(&mut self, random: &mut Random, time: &EpochTime) -> BTreeMap<u8, Vec<Step>> {
        let mut steps: BTreeMap<u8, Vec<Step>> = BTreeMap::new();
        let mut inserted: BTreeMap<u8, Vec<Row>> = BTreeMap::new();
        for _ in 0..random.below(12) {
            self.next_value += 1;
            let mut expiry = || random.one_in(2).then(|| time.batch_time_us + random.below(60) as i64 - 5);
            let row = Row { key: 0, value: self.next_value, expires: expiry(), expires_at: expiry() };
            let row = Row { key: random.below(20) as i64, ..row };
            inserted.entry(row.shard()).or_default().push(row);
        }
        for (shard, rows) in inserted {
            let kept =
                |row: &Row| ModelRow { row: row.clone(), is_marked: false, since: time.epoch.0, marked_in: None };
            self.shards.entry(shard).or_default().extend(rows.iter().map(kept));
            steps.entry(shard).or_default().push(Step::Insert(rows));
        }
        for (shard, rows) in &mut self.shards {
            for at in (0..rows.len()).rev() {
                if random.one_in(6) {
                    let kept = rows.remove(at);
                    self.removed += u64::from(kept.since < time.epoch.0);
                    steps.entry(*shard).or_default().push(Step::Remove(kept.row));
                } else if random.one_in(6) {
                    let kept = &mut rows[at];
                    if !kept.is_marked {
                        (kept.is_marked, kept.marked_in) = (true, Some(time.epoch.0));
                    }
                    steps.entry(*shard).or_default().push(Step::Mark(kept.row.clone()));
                }
            }
            if random.one_in(2) {
                steps.entry(*shard).or_default().push(Step::Evict);
            }
        }
        steps.iter().filter(|(_, steps)| steps.iter().any(|step| matches!(step, Step::Evict))).for_each(
            |(shard, _)| {
                evict(&mut self.shards, *shard, time, &mut self.removed);
            },
        );
        steps
    }

    fn prepare_commit(&mut self, time: &EpochTime) {
        for shard in 0..SHARDS {
            evict(&mut self.shards, shard, time, &mut self.removed);
        }
        let epoch = time.epoch.0;
        self.updated = self.rows().filter(|kept| kept.since == epoch || kept.marked_in == Some(epoch)).count() as u64;
    }
}

fn is_due(row: &Row, time: &EpochTime) -> bool {
    row.expires.is_some_and(|us| time.watermark_us.is_some_and(|watermark_us| us <= watermark_us))
        || row.expires_at.is_some_and(|us| us <= time.batch_time_us)
}

fn evict(shards: &mut BTreeMap<u8, Vec<ModelRow>>, shard: u8, time: &EpochTime, removed: &mut u64) {
    if let Some(rows) = shards.get_mut(&shard) {
        *removed += rows.iter().filter(|kept| is_due(&kept.row, time) && kept.since < time.epoch.0).count() as u64;
        rows.retain(|kept| !is_due(&kept.row, time));
    }
}

/// Runs an epoch on the store.
fn run(store: &mut Store, blocks: &MemoryBlocks, epoch: &Epoch) -> BlockChanges {
    for pass in &epoch.passes {
        for (shard, steps) in pass {
            let mut shard = store.shard(*shard, &epoch.time, blocks).unwrap();
            for step in steps {
                let position = |row: &Row| {
                    let found = shard.find(keys(std::slice::from_ref(row))[0]);
                    let found: Vec<u32> = found.collect();
                    let at = values(&shard.gather(&found).unwrap()).iter().position(|(_, value)| *value == row.value);
                    found[at.unwrap_or_else(|| panic!("{row:?} is not there"))]
                };
                match step {
                    Step::Insert(inserted) => drop(shard.insert(&rows(inserted), &hashes(inserted).keys).unwrap()),
                    Step::Remove(row) => {
                        let position = position(row);
                        shard.remove(position);
                    }
                    Step::Mark(row) => {
                        let position = position(row);
                        shard.mark(position);
                        assert!(shard.is_marked(position));
                    }
                    Step::Evict => shard.evict(&epoch.time),
                }
            }
            drop(shard);
        }
        match epoch.is_small {
            true => store.finish(0..SHARDS, &epoch.time).unwrap(),
            false => (0..SHARDS).for_each(|shard| store.finish(shard..shard + 1, &epoch.time).unwrap()),
        }
    }
    store.prepare_commit(&epoch.time, blocks).unwrap()
}

fn open(blocks: &MemoryBlocks, random: &mut Random, limits: Limits) -> Store {
    let cap_bytes = [0, 2_000, usize::MAX][random.below(3) as usize];
    let mut store = Store::open(spec(), blocks.list(), Arc::new(Budget::new(cap_bytes)));
    store.limits = limits;
    store
}

fn check(store: &Store, blocks: &MemoryBlocks, model: &Model, next: &EpochTime) {
    let metrics = store.metrics();
    assert_eq!(metrics.rows, model.rows().count() as u64);
    assert_eq!((metrics.updated, metrics.removed), (model.updated, model.removed), "updated and removed");
    assert_eq!(metrics.blocks, blocks.map.len() as u64);
    assert_eq!(metrics.bytes, blocks.map.values().map(|bytes| bytes.len() as u64).sum::<u64>());
    assert_eq!(store.any_due(next), model.rows().any(|kept| is_due(&kept.row, next)));
}

fn check_rows(store: &Store, blocks: &MemoryBlocks, model: &Model, time: &EpochTime, spec: &StoreSpec) {
    let expected = |shard: u8| model.shards.get(&shard).into_iter().flatten();
    let pairs = |shard: u8| expected(shard).map(|kept| (kept.row.key, kept.row.value)).collect::<Vec<_>>();
    for number in 0..SHARDS {
        let shard = store.shard(number, time, blocks).unwrap();
        let positions: Vec<u32> = shard.positions().collect();
        assert_eq!(values(&shard.gather(&positions).unwrap()), pairs(number), "shard {number}");
        assert_eq!(shard.rows(), positions.len());
        let marked: Vec<bool> = positions.iter().map(|position| shard.is_marked(*position)).collect();
        assert_eq!(marked, expected(number).map(|kept| kept.is_marked).collect::<Vec<_>>());
    }
    let read = read_rows(spec, blocks.list(), blocks).unwrap();
    let all: Vec<(i64, i64)> = (0..SHARDS).flat_map(pairs).collect();
    assert_eq!(read.iter().flat_map(values).collect::<Vec<_>>(), all);
}

fn puts(changes: &BlockChanges) -> BTreeMap<state::BlockKey, Vec<u8>> {
    changes.puts.iter().map(|(key, bytes)| (*key, bytes.to_vec())).collect()
}

fn deletes(changes: &BlockChanges) -> BTreeSet<state::BlockKey> {
    changes.deletes.iter().copied().collect()
}

/// A run of some epochs. A failure names its seed.
fn play(seed: u64, epochs: u64) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let limits = match random.below(3) {
        0 => Limits::default(),
        1 => Limits { move_entries: 40, dead_entries: 4 },
        _ => Limits { move_entries: u64::MAX, dead_entries: 8 },
    };
    let (mut blocks, mut model) = (MemoryBlocks::default(), Model::default());
    let mut store = open(&blocks, &mut random, limits);
    let (mut watermark_us, mut time_us) = (0, 0);
    for number in 0..epochs {
        time_us += random.below(8) as i64;
        watermark_us = watermark_us.max(time_us - random.below(20) as i64);
        let now = epoch_time(number, (number > 2).then_some(watermark_us), time_us);
        (model.updated, model.removed) = (0, 0);
        let epoch = model.plan(&mut random, now);
        model.prepare_commit(&now);
        let mut changes = run(&mut store, &blocks, &epoch);
        if random.one_in(4) {
            // A crash before the commit: the epoch is run again by a process that knows only what is committed.
            store = open(&blocks, &mut random, limits);
            let again = run(&mut store, &blocks, &epoch);
            assert_eq!(
                (puts(&again), deletes(&again)),
                (puts(&changes), deletes(&changes)),
                "seed {seed}, epoch {number}"
            );
            changes = again;
        }
        blocks.apply(&changes);
        store.committed();
        let next = epoch_time(number + 1, Some(watermark_us + 3), time_us + 2);
        check(&store, &blocks, &model, &next);
        if random.one_in(5) {
            store = open(&blocks, &mut random, limits);
            check_rows(&store, &blocks, &model, &next, &spec());
        } else if random.one_in(3) {
            check_rows(&store, &blocks, &model, &next, &spec());
        }
    }
}

#[test]
fn random_epochs_are_as_a_plain_list() {
    for seed in 0..150 {
        let played = std::panic::catch_unwind(|| play(seed, 40));
        assert!(played.is_ok(), "seed {seed}");
    }
}

#[test]
fn long_runs_are_as_a_plain_list() {
    for seed in 1_000..1_006 {
        let played = std::panic::catch_unwind(|| play(seed, 700));
        assert!(played.is_ok(), "seed {seed}");
    }
}

#[test]
fn ten_thousand_epochs_leave_no_more_than_they_need() {
    let (mut blocks, mut random) = (MemoryBlocks::default(), Random(7));
    let budget = Arc::new(Budget::new(usize::MAX));
    let mut store = Store::open(spec(), Vec::new(), Arc::clone(&budget));
    let (mut bytes_max, mut blocks_max, mut memory_max) = ([0_u64; 2], [0_u64; 2], [0_usize; 2]);
    for number in 0..10_000_u64 {
        let now = epoch_time(number, Some(number as i64), number as i64);
        let time = number as i64 + 1 + random.below(50) as i64;
        let row = |key: u64| Row { key: key as i64, value: number as i64, expires: Some(time), expires_at: None };
        let inserted: Vec<Row> = (0..4).map(|_| row(random.below(1_000))).collect();
        for row in &inserted {
            let mut shard = store.shard(row.shard(), &now, &blocks).unwrap();
            // Half of the rows take the place of their key's rows before.
            let before: Vec<u32> = shard.find(keys(std::slice::from_ref(row))[0]).collect();
            before.iter().filter(|_| row.key % 2 == 0).for_each(|position| shard.remove(*position));
            shard.insert(&rows(std::slice::from_ref(row)), &keys(std::slice::from_ref(row))).unwrap();
        }
        store.finish(0..SHARDS, &now).unwrap();
        blocks.apply(&store.prepare_commit(&now, &blocks).unwrap());
        store.committed();
        let half = usize::from(number >= 5_000);
        bytes_max[half] = bytes_max[half].max(store.metrics().bytes);
        blocks_max[half] = blocks_max[half].max(store.metrics().blocks);
        memory_max[half] = memory_max[half].max(budget.used_bytes());
    }
    assert!(bytes_max[1] <= bytes_max[0] * 21 / 20, "bytes {bytes_max:?}");
    assert!(blocks_max[1] <= blocks_max[0] + 4, "blocks {blocks_max:?}");
    assert!(memory_max[1] <= memory_max[0] * 21 / 20, "memory {memory_max:?}");
    assert!(bytes_max[1] < 200_000 && blocks_max[1] < 200, "{bytes_max:?} {blocks_max:?}");
}
