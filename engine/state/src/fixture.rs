//! Records and blocks for the tests, and the test binary run again as another process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use epoch::{
    ArtifactId, Commit, CommitId, CountedRows, EpochId, Owner, Plan, RowCounts, SinkLink, SourcePlan, Split,
    SplitRange, StagedFile, TableCommit, WatermarkState,
};

use tempfile::TempDir;

use crate::rocksdb::RocksStore;
use crate::store::Store;
use crate::{BlockKey, Checkpoint, CheckpointSettings, MemoryStore, OperatorId, StateChanges, StateError};

/// Small memory, so that flushes and compactions happen in tests too.
pub const SMALL: CheckpointSettings = CheckpointSettings { memory_bytes: 16 << 20 };

/// Names the folder to a child process.
pub const FOLDER: &str = "STATE_TEST_FOLDER";

/// Where the checkpoint of a test lies. It outlives the checkpoint, so that one can be opened again.
pub enum Site {
    Disk(TempDir),
    Memory(MemoryStore),
}

impl Site {
    pub fn on_disk() -> Site {
        Site::Disk(tempfile::tempdir().unwrap())
    }

    pub fn in_memory() -> Site {
        Site::Memory(MemoryStore::new())
    }

    /// An empty one of the same kind.
    pub fn another(&self) -> Site {
        match self {
            Site::Disk(_) => Site::on_disk(),
            Site::Memory(_) => Site::in_memory(),
        }
    }

    /// Opens the checkpoint of a job.
    pub fn open_for(&self, job: &str) -> Result<Checkpoint, StateError> {
        match self {
            Site::Disk(folder) => Checkpoint::open(folder.path(), job, &SMALL),
            Site::Memory(memory) => Checkpoint::open_in_memory(memory, job),
        }
    }

    pub fn open(&self) -> Checkpoint {
        self.open_for("shop").unwrap()
    }

    /// Opens the store alone, without the checkpoint's checks.
    pub fn open_store(&self) -> Result<Box<dyn Store>, StateError> {
        Ok(match self {
            Site::Disk(folder) => Box::new(RocksStore::open(folder.path(), SMALL.memory_bytes)?),
            Site::Memory(memory) => Box::new(memory.open()?),
        })
    }

    pub fn store(&self) -> Box<dyn Store> {
        self.open_store().unwrap()
    }
}

/// Makes two tests of each case, a function of a [`Site`]: `on_disk::case` and `in_memory::case`.
macro_rules! over_every_store {
    ($($case:ident),* $(,)?) => {
        mod on_disk {
            $(#[test] fn $case() { super::$case(&crate::fixture::Site::on_disk()); })*
        }
        mod in_memory {
            $(#[test] fn $case() { super::$case(&crate::fixture::Site::in_memory()); })*
        }
    };
}
pub(crate) use over_every_store;

pub fn open(folder: &Path) -> Checkpoint {
    Checkpoint::open(folder, "shop", &SMALL).unwrap()
}

/// The plan of an epoch of ten records in each of two partitions.
pub fn plan(epoch: u64) -> Plan {
    let from = i64::try_from(epoch).unwrap() * 10;
    let mut events = SourcePlan::default();
    for partition in 0..2 {
        events.ranges.insert(Split::new("t", partition), SplitRange { from: from.into(), until: (from + 10).into() });
        events.latest.insert(Split::new("t", partition), (from + 10).into());
    }
    Plan {
        format: epoch::record::FORMAT,
        epoch: EpochId(epoch),
        batch_time_us: from * 1000,
        watermark_us: (epoch > 0).then_some(from),
        late_watermark_us: (epoch > 1).then_some(from - 10),
        times: std::collections::BTreeMap::new(),
        lanes: 2,
        sources: BTreeMap::from([("events".to_string(), events)]),
        statics: BTreeMap::new(),
        clocks: Default::default(),
    }
}

/// The commit of [`plan`].
pub fn commit(epoch: u64) -> Commit {
    let owner = Owner { term: 1, run: 0xbeef };
    let artifact = ArtifactId { epoch: EpochId(epoch), owner, attempt: 0, number: 0 };
    let file = StagedFile {
        path: epoch::paths::data_file("00c0ffee", &artifact),
        bytes: 1000,
        rows: 20,
        bucket: None,
        stats: String::new(),
        effect: Default::default(),
    };
    let counts = RowCounts { read: 20, emitted: 17, rejected: 1, late: 1, filtered: 1, written: 20 };
    let watermark_us = Some(i64::try_from(epoch + 1).unwrap() * 10);
    let id = |epoch: u64| CommitId::new(EpochId(epoch), epoch + 70);
    let rows = Some(CountedRows { rows: (epoch + 1) * file.rows, since: None });
    let link = SinkLink { began: id(0), before: epoch.checked_sub(1).map(id), last: id(epoch), seen: None, rows };
    Commit {
        nonce: id(epoch).nonce,
        owner,
        renamed: BTreeMap::new(),
        set_aside: BTreeMap::new(),
        set_aside_identities: BTreeMap::new(),
        sinks: BTreeMap::from([("gold.t".to_string(), link)]),
        definitions: BTreeMap::new(),
        gaps: std::collections::BTreeMap::new(),
        plan: plan(epoch),
        tables: BTreeMap::from([(
            "gold.t".to_string(),
            TableCommit { added: vec![file], removed: Vec::new(), counts },
        )]),
        watermarks: BTreeMap::from([(
            "events".to_string(),
            WatermarkState { watermark_us, ..WatermarkState::default() },
        )]),
        next_watermark_us: watermark_us,
        sources: BTreeMap::from([("events".to_string(), counts)]),
    }
}

/// Commits one epoch.
pub fn run(checkpoint: &Checkpoint, epoch: u64, changes: StateChanges) {
    checkpoint.commit(&commit(epoch), changes).unwrap();
}

pub fn operator() -> OperatorId {
    OperatorId::of("gold.t/window")
}

pub fn key(bucket: i64, epoch: u64, sequence: u16) -> BlockKey {
    BlockKey { operator: operator(), bucket, section: 1, epoch: EpochId(epoch), writer: 0, sequence }
}

/// Bytes that only this key has, not compressible.
pub fn block(at: &BlockKey, bytes: usize) -> Vec<u8> {
    noise(xxhash_rust::xxh3::xxh3_64(&at.to_bytes()), bytes)
}

/// Bytes that only this seed has, not compressible.
pub fn noise(mut seed: u64, bytes: usize) -> Vec<u8> {
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

pub fn put(at: BlockKey, bytes: usize) -> StateChanges {
    StateChanges { puts: vec![(at, block(&at, bytes))], ..StateChanges::default() }
}

/// Another real process of this test binary, running one ignored test on a folder.
pub struct Other {
    pub child: Child,
    pub lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Other {
    pub fn start(test: &str, folder: &Path) -> Other {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Other { child, lines }
    }

    /// Waits for the next line that the child marked as its own.
    pub fn line(&mut self) -> String {
        loop {
            let line = self.lines.next().expect("the child says more").unwrap();
            if let Some((_, said)) = line.split_once("said:") {
                return said.to_string();
            }
        }
    }

    /// SIGKILL, as `Child::kill` sends it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Says a line to the parent.
pub fn say(line: impl std::fmt::Display) {
    use std::io::Write;
    // libtest writes "test … " without a newline before a test's output, so the mark need not stand at the start.
    let mut out = std::io::stdout().lock();
    writeln!(out, "said:{line}").unwrap();
    out.flush().unwrap();
}
