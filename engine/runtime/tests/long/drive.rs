//! Runs a job for many epochs over steady input, and writes down what it keeps.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use runtime::TableStateMetrics;
use testkit::{MemoryOptions, MemoryRecord, MemoryRun};

use crate::meter::live_bytes;
use crate::shapes::{Shape, job_text, table};

/// Seconds by which event time moves on from one round of input to the next, and the clock with it.
pub const STEP_S: i64 = 10;
/// 2026-01-01T00:00:00Z.
const BEGIN_S: i64 = 1_767_225_600;
/// Epochs between two looks at the state.
const LOOK_EVERY: u64 = 20;
/// Versions of a table's log that stay, more than lie between two of its checkpoints.
const VERSIONS_KEPT: u64 = 250;

/// What is kept, at its most, in one quarter of a run.
#[derive(Debug, Clone, Default)]
pub struct Quarter {
    /// By table.
    pub state: Vec<TableStateMetrics>,
    /// Files that may be replaced, by table.
    pub files: Vec<usize>,
    /// Blocks in the checkpoint, and bytes of them, those of lists of files included.
    pub stored: (u64, u64),
    /// Records of epochs in the checkpoint.
    pub records: u64,
    /// Bytes of all keys and values in the checkpoint, records and index included.
    pub file_bytes: u64,
    /// Bytes allocated, without those of the tables.
    pub allocated: i64,
    /// Rows written, by table.
    pub written: BTreeMap<String, u64>,
    /// Rows that were late for a table.
    pub late: u64,
    /// How long it took.
    pub took: Duration,
}

/// A run with its input.
pub struct Long {
    run: MemoryRun,
    tables: Vec<String>,
    round: i64,
    /// Objects that take no more than their size.
    exact: HashSet<Path>,
}

impl Long {
    pub fn open(shapes: &[Shape]) -> Long {
        let text = job_text(shapes);
        let job = job::parse("long.toml", &text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
            .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
        let options = MemoryOptions { time_us: BEGIN_S * 1_000_000, ..MemoryOptions::default() };
        let run = MemoryRun::open(job, &options).unwrap_or_else(|error| panic!("{error}"));
        Long { run, tables: shapes.iter().map(table).collect(), round: 0, exact: HashSet::new() }
    }

    /// Runs so many epochs in four quarters.
    pub fn quarters(&mut self, epochs: u64) -> Vec<Quarter> {
        let quarter = |number: u64| epochs * number / 4;
        (1..=4).map(|number| self.until(quarter(number))).collect()
    }

    fn until(&mut self, epochs: u64) -> Quarter {
        let (mut most, begun) = (Quarter::default(), Instant::now());
        let mut next_look = self.run.epochs_committed() + LOOK_EVERY;
        while self.run.epochs_committed() < epochs {
            self.feed();
            let epochs = self.run.step().unwrap_or_else(|error| panic!("round {}: {error}", self.round));
            most.late += epochs.iter().map(|epoch| epoch.late).sum::<u64>();
            for table in epochs.into_iter().flat_map(|epoch| epoch.tables) {
                *most.written.entry(table.name).or_default() += table.written;
            }
            if self.run.epochs_committed() >= next_look {
                next_look += LOOK_EVERY;
                self.look(&mut most);
            }
        }
        most.took = begun.elapsed();
        self.weigh(&mut most);
        most
    }

    /// Ten rows: six events and four clicks. Some ids come twice, some rows are out of order, some late.
    fn feed(&mut self) {
        let round = self.round;
        self.round += 1;
        let now = BEGIN_S + round * STEP_S;
        self.run.set_time(now * 1_000_000);
        let event = |id: i64, time: i64| {
            let (key, value) = (id % 7, id % 5);
            MemoryRecord::of(format!(r#"{{"id":"e{id}","k":"k{key}","v":{value},"t":{time},"c":{time}}}"#))
        };
        let first = round * 4;
        let events = [
            (0, event(first, now)),
            (1, event(first + 1, now + 5)),
            (0, event(first + 2, now - 15)),
            (1, event(first - 4, now - 5)),
            (0, event(first + 3, now - 40)),
            (1, event(first, if round % 10 == 9 { now - 300 } else { now })),
        ];
        let clicks = [
            (0, event(first, now)),
            (1, event(first + 1, now - 10)),
            (0, event(first - 9, now - 25)),
            (1, event(first, now)),
        ];
        for (partition, record) in events {
            self.run.append("events", partition, [record]).unwrap();
        }
        for (partition, record) in clicks {
            self.run.append("clicks", partition, [record]).unwrap();
        }
    }

    fn look(&mut self, most: &mut Quarter) {
        most.state.resize(self.tables.len(), TableStateMetrics::default());
        most.files.resize(self.tables.len(), 0);
        for (number, table) in self.tables.clone().iter().enumerate() {
            let now = self.run.metrics(table).unwrap();
            let state = &mut most.state[number];
            state.rows = state.rows.max(now.rows);
            state.blocks = state.blocks.max(now.blocks);
            state.bytes = state.bytes.max(now.bytes);
            most.files[number] = most.files[number].max(self.run.replaceable_files(table));
        }
        self.run.forget_past();
        let left = self.forget_files();
        most.allocated = most.allocated.max(live_bytes() - left);
    }

    /// Takes away data files, which nothing here reads again, and old entries of the logs. Returns the bytes that stay; each
    /// object that stays is put again, since whoever made it may have reserved more than it takes.
    fn forget_files(&mut self) -> i64 {
        let store = self.run.warehouse().store();
        let found: Vec<_> = futures::executor::block_on(store.list(None).try_collect()).unwrap();
        let newest = |folder: &str| {
            let versions = found.iter().filter_map(|object| version_of(object.location.as_ref(), folder));
            versions.max().unwrap_or(0)
        };
        let (mut gone, mut stays) = (Vec::new(), Vec::new());
        let mut folder = (String::new(), 0);
        for object in &found {
            let path = object.location.as_ref();
            let old = match path.split_once("/_delta_log/") {
                None => path.ends_with(".parquet"),
                Some((of, _)) => {
                    if folder.0 != of {
                        folder = (of.to_string(), newest(of));
                    }
                    version_of(path, of).is_some_and(|version| version + VERSIONS_KEPT < folder.1)
                }
            };
            match old {
                true => gone.push(Ok(object.location.clone())),
                false => stays.push(object),
            }
        }
        let gone = futures::stream::iter(gone).boxed();
        futures::executor::block_on(store.delete_stream(gone).try_collect::<Vec<_>>()).unwrap();
        for object in stays.iter().filter(|object| !self.exact.contains(&object.location)) {
            let bytes =
                futures::executor::block_on(async { store.get(&object.location).await?.bytes().await }).unwrap();
            let exact = bytes::Bytes::from(bytes.to_vec().into_boxed_slice());
            futures::executor::block_on(store.put(&object.location, exact.into())).unwrap();
        }
        self.exact = stays.iter().map(|object| object.location.clone()).collect();
        // The name and what else the store notes of an object.
        stays.iter().map(|object| object.size as i64 + object.location.as_ref().len() as i64 + 256).sum()
    }

    /// What the checkpoint holds, and that it is sound.
    fn weigh(&mut self, most: &mut Quarter) {
        let checkpoint = self.run.checkpoint().unwrap();
        let found = checkpoint.verify().unwrap();
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        most.stored = (found.blocks, found.block_bytes);
        most.records = found.commits;
        most.file_bytes = checkpoint.file_bytes().unwrap();
    }

    /// What is left by table once rows of far ahead have closed everything before them: their own, and nothing else.
    pub fn left(&mut self) -> Vec<(String, TableStateMetrics)> {
        for days in 1..=4 {
            let far = BEGIN_S + self.round * STEP_S + days * 86_400;
            self.run.set_time(far * 1_000_000);
            for source in ["events", "clicks"] {
                for partition in [0, 1] {
                    let last = format!(r#"{{"id":"last","k":"last","v":1,"t":{far},"c":{far}}}"#);
                    self.run.append(source, partition, [MemoryRecord::of(last)]).unwrap();
                }
            }
            self.run.run_all().unwrap();
        }
        let tables = self.tables.clone();
        tables.into_iter().map(|table| (table.clone(), self.run.metrics(&table).unwrap())).collect()
    }

    /// Epochs committed.
    pub fn epochs(&self) -> u64 {
        self.run.epochs_committed()
    }
}

/// The version that an object of a table's log is of.
fn version_of(path: &str, folder: &str) -> Option<u64> {
    let name = path.strip_prefix(folder)?.strip_prefix("/_delta_log/")?;
    name.split('.').next()?.parse().ok()
}
