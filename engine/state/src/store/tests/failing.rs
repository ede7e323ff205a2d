//! A store that fails on demand: what the checkpoint says then, and what it refuses afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use epoch::EpochId;

use super::*;
use crate::fixture::{commit, key, operator, put};
use crate::memory::{MemoryStore, OpenMemory};
use crate::{Checkpoint, StateChanges};

/// Memory, of which writes or steps of cursors fail while a flag is up, and which counts the looks for a newest record.
struct Failing {
    store: OpenMemory,
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Faults {
    writes: AtomicBool,
    reads: AtomicBool,
    looks: AtomicU32,
}

struct FailingCursor<'a> {
    cursor: Box<dyn Cursor + 'a>,
    faults: &'a Faults,
}

fn refused(place: Place<'_>) -> StateError {
    StateError::Io { action: "read", place: "memory".into(), detail: format!("{}: out of order", place()).into() }
}

impl Cursor for FailingCursor<'_> {
    fn first(&mut self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        self.cursor.first(place)
    }

    fn last(&mut self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        self.faults.looks.fetch_add(1, Ordering::Relaxed);
        self.cursor.last(place)
    }

    fn next(&mut self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        match self.faults.reads.load(Ordering::Relaxed) {
            true => Err(refused(place)),
            false => self.cursor.next(place),
        }
    }
}

impl Store for Failing {
    fn folder(&self) -> &Path {
        self.store.folder()
    }

    fn get(&self, family: Family, key: &[u8], place: Place<'_>) -> Result<Option<Vec<u8>>, StateError> {
        self.store.get(family, key, place)
    }

    fn iterate(&self, family: Family, from: Vec<u8>, until: Vec<u8>) -> Result<Box<dyn Cursor + '_>, StateError> {
        Ok(Box::new(FailingCursor { cursor: self.store.iterate(family, from, until)?, faults: &self.faults }))
    }

    fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), epoch::Message> {
        match self.faults.writes.load(Ordering::Relaxed) {
            true => Err("the device is gone".into()),
            false => self.store.write(batch, sync),
        }
    }

    fn flush(&self) -> Result<(), StateError> {
        self.store.flush()
    }

    fn compact(&self) -> Result<(), StateError> {
        self.store.compact()
    }

    fn memory_bytes(&self) -> usize {
        self.store.memory_bytes()
    }

    fn file_bytes(&self) -> Result<u64, StateError> {
        self.store.file_bytes()
    }

    fn disk_bytes(&self) -> Result<u64, StateError> {
        self.store.disk_bytes()
    }
}

fn open(memory: &MemoryStore) -> (Checkpoint, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let store = Failing { store: memory.open().unwrap(), faults: Arc::clone(&faults) };
    (Checkpoint::of(Box::new(store), "shop", None).unwrap(), faults)
}

#[test]
fn a_failed_write_closes_the_checkpoint_until_it_is_opened_again() {
    let memory = MemoryStore::new();
    let (checkpoint, faults) = open(&memory);
    faults.writes.store(true, Ordering::Relaxed);
    let error = checkpoint.commit(&commit(0), put(key(0, 0, 0), 10)).unwrap_err();
    assert_eq!(error.to_string(), "cannot commit to memory: the device is gone; see to that, then start the job again");
    // The device is back, but whether the commit is on it is not known: only an opening can say.
    faults.writes.store(false, Ordering::Relaxed);
    let poisoned = |result: Result<(), StateError>| match result {
        Err(error @ StateError::Poisoned { .. }) => {
            assert!(error.to_string().contains("the device is gone"), "{error}")
        }
        other => panic!("{other:?}"),
    };
    poisoned(checkpoint.commit(&commit(0), StateChanges::default()).map(|_| ()));
    poisoned(checkpoint.claim(0).map(|_| ()));
    poisoned(checkpoint.set_published(EpochId(0), &BTreeMap::new()));
    poisoned(checkpoint.retire(2, None));
    poisoned(checkpoint.compact());
    poisoned(checkpoint.newest_commit().map(|_| ()));
    poisoned(checkpoint.manifest().map(|_| ()));
    poisoned(checkpoint.bucket_index(operator()).map(|_| ()));
    poisoned(checkpoint.close());
    let again = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    assert_eq!(again.newest_commit().unwrap(), None);
    again.commit(&commit(0), StateChanges::default()).unwrap();
}

#[test]
fn an_error_in_the_middle_of_a_range_is_not_its_end() {
    let memory = MemoryStore::new();
    let (checkpoint, faults) = open(&memory);
    let puts = [key(0, 0, 0), key(0, 0, 1)].map(|at| (at, b"rows".to_vec())).into();
    checkpoint.commit(&commit(0), StateChanges { puts, ..StateChanges::default() }).unwrap();
    faults.reads.store(true, Ordering::Relaxed);
    let found: Vec<_> = checkpoint.blocks(operator(), 0).unwrap().collect();
    let [Ok((first, _)), Err(error)] = &found[..] else { panic!("{found:?}") };
    assert!(error.to_string().contains(&format!("what follows the block of {first}: out of order")), "{error}");
    let index =
        checkpoint.bucket_index(operator()).and_then(|mut entries| entries.try_for_each(|entry| entry.map(drop)));
    assert!(index.is_err());
}

/// Each read decodes the whole commit, which may list thousands of files.
#[test]
fn the_owner_reads_the_newest_commit_once_and_remembers_those_that_it_makes() {
    let memory = MemoryStore::new();
    for (first, expected) in [(0, 1), (5, 1)] {
        let (checkpoint, faults) = open(&memory);
        let before = faults.looks.load(Ordering::Relaxed);
        for epoch in first..first + 5 {
            checkpoint.commit(&commit(epoch), StateChanges::default()).unwrap();
            checkpoint.retire(2, None).unwrap();
        }
        assert_eq!(faults.looks.load(Ordering::Relaxed) - before, expected, "from epoch {first} on");
    }
    // What it remembers is what it wrote.
    let again = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    assert_eq!(again.newest_commit().unwrap(), Some(commit(9)));
    let kept = again.commits(EpochId(0)..=EpochId(99)).unwrap().map(|kept| kept.unwrap().plan.epoch.0);
    assert_eq!(kept.collect::<Vec<_>>(), [8, 9]);
}
