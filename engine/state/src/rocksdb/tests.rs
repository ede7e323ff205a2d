//! RocksDB's own files: damage is found, a torn end is not damage, memory is bounded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};

use epoch::EpochId;

use super::*;
use crate::fixture::{SMALL, block, commit, key, open, operator, put, run};
use crate::{Checkpoint, StateChanges};

/// Files of the database with this ending, oldest first.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join(paths::DATABASE)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    paths
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// Where in a file these bytes stand.
fn position(path: &Path, part: &[u8]) -> Option<usize> {
    std::fs::read(path).unwrap().windows(part.len()).position(|window| window == part)
}

#[test]
fn a_flipped_byte_in_the_log_is_found_at_opening() {
    // In the middle, and in the last record of all: neither may be taken for a write that was cut short.
    for epoch in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = open(folder.path());
        (0..4).for_each(|epoch| run(&checkpoint, epoch, put(key(1, epoch, 0), 500)));
        drop(checkpoint);
        let log = files(folder.path(), "log").pop().unwrap();
        let at = position(&log, &block(&key(1, epoch, 0), 500)[..100]).unwrap();
        flip(&log, at);
        let error = Checkpoint::open(folder.path(), "shop", &SMALL).err().unwrap();
        assert!(matches!(error, StateError::Corrupt { .. }), "epoch {epoch}: {error:?}");
        assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_log_cut_short_inside_its_last_write_loses_only_that_write() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = open(folder.path());
    run(&checkpoint, 0, put(key(1, 0, 0), 500));
    let log = files(folder.path(), "log").pop().unwrap();
    let before = std::fs::metadata(&log).unwrap().len();
    checkpoint.commit(&commit(1), put(key(1, 1, 0), 500)).unwrap();
    let after = std::fs::metadata(&log).unwrap().len();
    // As a kill in the middle of the write leaves it; the copy of the folder is what the process never came back from.
    drop(checkpoint);
    let whole = std::fs::read(&log).unwrap();
    for length in [before, before + 1, before + 300, after - 1] {
        let copy = tempfile::tempdir().unwrap();
        let status = std::process::Command::new("cp").arg("-a").arg(folder.path().join(".")).arg(copy.path()).status();
        assert!(status.unwrap().success());
        let log = copy.path().join(paths::DATABASE).join(log.file_name().unwrap());
        std::fs::write(&log, &whole[..usize::try_from(length).unwrap()]).unwrap();
        let checkpoint = open(copy.path());
        assert_eq!(checkpoint.newest_commit().unwrap(), Some(commit(0)), "{length}");
        assert_eq!(checkpoint.bucket_index(operator()).unwrap().count(), 1);
        assert!(checkpoint.verify().unwrap().problems.is_empty());
    }
    assert_eq!(open(folder.path()).newest_commit().unwrap(), Some(commit(1)));
}

#[test]
fn a_flipped_byte_in_a_table_file_is_found_when_the_block_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = open(folder.path());
    run(&checkpoint, 0, put(key(1, 0, 0), 100_000));
    checkpoint.compact().unwrap();
    drop(checkpoint);
    let part = &block(&key(1, 0, 0), 100_000)[50_000..50_100];
    let tables = files(folder.path(), "sst");
    let hits: Vec<_> = tables.iter().filter_map(|path| Some((path, position(path, part)?))).collect();
    let [(path, at)] = hits[..] else { panic!("{hits:?}") };
    flip(path, at);
    let checkpoint = open(folder.path());
    match checkpoint.read_block(&key(1, 0, 0)) {
        Err(StateError::Corrupt { place, .. }) => assert!(place.contains("bucket 1, section 1, epoch 0"), "{place}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(checkpoint.blocks(operator(), 1).unwrap().next(), Some(Err(StateError::Corrupt { .. }))));
    assert_eq!(
        checkpoint.bucket_index(operator()).unwrap().filter(Result::is_ok).count(),
        1,
        "the index reads no block"
    );
    let problems = checkpoint.verify().unwrap().problems;
    assert!(problems.iter().any(|what| what.contains("corrupt")), "{problems:?}");
}

#[test]
fn a_missing_log_is_found_at_opening() {
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoint = open(folder.path());
    // More than the log may hold: an older log is closed, and its length noted, until what it holds is in table files.
    for epoch in 0..60 {
        let puts = (0..3).map(|s| key(1, epoch, s)).map(|at| (at, block(&at, 1 << 20))).collect();
        run(&checkpoint, epoch, StateChanges { puts, ..StateChanges::default() });
        if files(folder.path(), "log").len() < 2 {
            continue;
        }
        drop(checkpoint);
        // Closing may just have dropped the older one.
        if let [oldest, _, ..] = &files(folder.path(), "log")[..] {
            std::fs::remove_file(oldest).unwrap();
            let error = Checkpoint::open(folder.path(), "shop", &SMALL).err().unwrap();
            assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
            return;
        }
        checkpoint = open(folder.path());
    }
    panic!("the log never rolled over");
}

#[test]
fn memory_stays_near_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = open(folder.path());
    let mut most = 0;
    for epoch in 0..40 {
        run(&checkpoint, epoch, put(key(1, epoch, 0), 3 << 20));
        checkpoint.blocks(operator(), 1).unwrap().for_each(|entry| drop(entry.unwrap()));
        most = most.max(checkpoint.memory_bytes());
    }
    // 120 MB of state were written and read again and again.
    assert!(most <= SMALL.memory_bytes + (4 << 20), "{most} bytes");
}

/// RocksDB took a database whose CURRENT was lost for an empty folder, and wrote a new beginning over it.
#[test]
fn fault_a_database_that_lost_its_beginning_is_not_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    run(&open(folder.path()), 0, put(key(1, 0, 0), 1 << 10));
    let database = folder.path().join(paths::DATABASE);
    let beginning = database.join("CURRENT");
    let saved = std::fs::read(&beginning).unwrap();
    let names = || {
        let entries = std::fs::read_dir(&database).unwrap().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).filter(|name| *name != "LOG").collect();
        names.sort();
        names
    };
    std::fs::remove_file(&beginning).unwrap();
    let before = names();
    for opened in
        [Checkpoint::open(folder.path(), "shop", &SMALL).err(), Checkpoint::open_read_only(folder.path()).err()]
    {
        let error = opened.unwrap();
        assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
        assert!(error.to_string().contains("restore the checkpoint from a copy"), "{error}");
    }
    assert_eq!(names(), before, "nothing was written");
    std::fs::write(&beginning, saved).unwrap();
    assert_eq!(open(folder.path()).newest_commit().unwrap().unwrap().plan.epoch, EpochId(0));
}
