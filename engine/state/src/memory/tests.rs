//! A checkpoint in memory keeps what one on a disk keeps, and says no to the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use epoch::EpochId;

use super::MemoryStore;
use crate::fixture::{block, commit, key, operator, plan, put, run};
use crate::{Checkpoint, StateChanges, StateError};

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let memory = MemoryStore::new();
    let first = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    let id = first.job_id().to_string();
    run(&first, 0, put(key(60, 0, 0), 3_000));
    run(&first, 1, put(key(60, 1, 0), 5_000));
    first.write_plan(&plan(2)).unwrap();
    // Dropped, not closed: as if the process had ended.
    drop(first);

    let again = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    assert_eq!(again.job_id(), id);
    let found = again.newest_records().unwrap();
    assert_eq!((found.plan, found.commit), (Some(plan(2)), Some(commit(1))));
    let blocks: Vec<_> = again.blocks(operator(), 60).unwrap().map(Result::unwrap).collect();
    let expected: Vec<_> =
        [(key(60, 0, 0), 3_000), (key(60, 1, 0), 5_000)].map(|(at, size)| (at, block(&at, size))).into();
    assert_eq!(blocks, expected);
    again.close().unwrap();
    let closed = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    assert_eq!(closed.blocks(operator(), 60).unwrap().count(), 2);
}

#[test]
fn nothing_is_made_on_the_disk() {
    let list = || {
        let mut names: Vec<_> = std::fs::read_dir(".").unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = list();
    let checkpoint = Checkpoint::open_in_memory(&MemoryStore::new(), "shop").unwrap();
    run(&checkpoint, 0, put(key(60, 0, 0), 4 << 20));
    checkpoint.compact().unwrap();
    assert_eq!(list(), before);
}

#[test]
fn each_store_is_its_own() {
    let (one, other) = (MemoryStore::new(), MemoryStore::new());
    let (one, other) =
        (Checkpoint::open_in_memory(&one, "a").unwrap(), Checkpoint::open_in_memory(&other, "a").unwrap());
    run(&one, 0, StateChanges::default());
    assert_eq!(other.newest_records().unwrap(), epoch::protocol::NewestRecords::default());
    // The same names from run to run, and others for another job.
    assert_eq!(one.job_id(), other.job_id());
    let third = Checkpoint::open_in_memory(&MemoryStore::new(), "b").unwrap();
    assert_ne!(third.job_id(), one.job_id());
}

#[test]
fn a_second_owner_another_job_and_a_wrong_epoch_are_refused() {
    let memory = MemoryStore::new();
    let first = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    assert!(matches!(Checkpoint::open_in_memory(&memory, "shop"), Err(StateError::Io { .. })));
    assert!(matches!(first.commit(&commit(3), StateChanges::default()), Err(StateError::Protocol(_))));
    drop(first);
    assert!(matches!(Checkpoint::open_in_memory(&memory, "other"), Err(StateError::Mismatch { .. })));
}

#[test]
fn forty_megabytes_come_back_as_they_were() {
    let memory = MemoryStore::new();
    let checkpoint = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    for number in 0..40 {
        run(&checkpoint, number, put(key(60, number, 0), 1 << 20));
    }
    drop(checkpoint);
    let again = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    for entry in again.blocks(operator(), 60).unwrap() {
        let (at, bytes) = entry.unwrap();
        assert_eq!(bytes, block(&at, 1 << 20), "{at}");
    }
    assert_eq!(again.newest_records().unwrap().commit.unwrap().plan.epoch, EpochId(39));
}

/// `cargo test -- --ignored opening_costs --nocapture`
#[test]
#[ignore = "a measurement"]
fn opening_costs() {
    let started = std::time::Instant::now();
    for number in 0..300 {
        let memory = MemoryStore::new();
        let checkpoint = Checkpoint::open_in_memory(&memory, "shop").unwrap();
        for epoch in 0..10 {
            run(&checkpoint, epoch, put(key(60, epoch, 0), 3_000));
        }
        drop(checkpoint);
        let rss = std::fs::read_to_string("/proc/self/statm").unwrap();
        if number % 100 == 99 {
            println!("{number}: {:?} each, {rss}", started.elapsed() / (number + 1));
        }
    }
    let memory = MemoryStore::new();
    let started = std::time::Instant::now();
    for _ in 0..100 {
        drop(Checkpoint::open_in_memory(&memory, "shop").unwrap());
    }
    println!("open and drop: {:?}", started.elapsed() / 100);
}
