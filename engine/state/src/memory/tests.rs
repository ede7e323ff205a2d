//! What only memory has: clones, no disk, names that repeat. What it shares with the disk is in `store/tests.rs` and `checkpoint/tests.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use crate::fixture::{commit, key, operator, put, run};
use crate::{Checkpoint, StateChanges};

#[test]
fn a_clone_is_the_same_store() {
    let memory = MemoryStore::new();
    let first = Checkpoint::open_in_memory(&memory.clone(), "shop").unwrap();
    run(&first, 0, put(key(60, 0, 0), 3_000));
    assert!(Checkpoint::open_in_memory(&memory, "shop").is_err(), "one owner, however many clones");
    drop(first);
    let again = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    assert_eq!(again.newest_commit().unwrap(), Some(commit(0)));
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
    assert_eq!(other.newest_commit().unwrap(), None);
    // The same names from run to run, and others for another job.
    assert_eq!(one.job_id(), other.job_id());
    let third = Checkpoint::open_in_memory(&MemoryStore::new(), "b").unwrap();
    assert_ne!(third.job_id(), one.job_id());
}

#[test]
fn a_write_beside_a_cursor_copies_no_block() {
    let memory = MemoryStore::new();
    let checkpoint = Checkpoint::open_in_memory(&memory, "shop").unwrap();
    run(&checkpoint, 0, put(key(60, 0, 0), 1 << 20));
    let mut blocks = checkpoint.blocks(operator(), 60).unwrap();
    let block = |memory: &MemoryStore| {
        let entries = Arc::clone(&memory.content.families.read().unwrap()[Family::Blocks as usize]);
        entries[key(60, 0, 0).to_bytes().as_slice()].as_ptr()
    };
    let before = block(&memory);
    run(&checkpoint, 1, put(key(60, 1, 0), 10));
    assert_eq!(block(&memory), before);
    assert_eq!(blocks.next().unwrap().unwrap().0, key(60, 0, 0));
    assert!(blocks.next().is_none(), "it began before the second epoch");
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
