//! What is written while a commit is being made durable: seen by nobody before the epoch is published, and taken by it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connector::{Catalog, Sink, SinkTable, Tables, WriterId};
use delta::{Table, Warehouse};
use epoch::{Commit, CommitId, EpochId, TableCommit};

use crate::fixture::{NAME, added, commit, newest, open, owner, stage};

/// A warehouse on the disk with a table that holds one epoch.
struct Bed {
    folder: tempfile::TempDir,
    warehouse: Warehouse,
    table: Table,
    tables: Tables,
}

fn writer() -> WriterId {
    WriterId { job: "shop".to_string(), job_id: "1a2b".to_string() }
}

impl Bed {
    async fn new() -> Bed {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
        let table = open(&warehouse).await;
        let tables = Tables::from([(NAME.to_string(), Arc::new(table.clone()) as Arc<dyn SinkTable>)]);
        let bed = Bed { folder, warehouse, table, tables };
        let first = bed.staged(0, None, &[(1, 10)]).await;
        bed.publish(&first).await;
        bed
    }

    /// The commit of an epoch that adds rows behind the one before.
    async fn staged(&self, epoch: u64, before: Option<&Commit>, pairs: &[(i64, i64)]) -> Commit {
        let change: TableCommit = added(&[&stage(&self.table, epoch, 0, pairs).await]);
        commit(NAME, before.map(Commit::id), epoch, &change)
    }

    /// The same with another id: an attempt at the same epoch.
    async fn staged_as(&self, nonce: u64, epoch: u64, before: &Commit, pairs: &[(i64, i64)]) -> Commit {
        let Commit { tables, owner, .. } = self.staged(epoch, Some(before), pairs).await;
        let bare = Commit::bare(CommitId::new(EpochId(epoch), nonce));
        Commit { owner, ..bare.with_tables(Some(before.id()), tables) }
    }

    fn prepare(&self, commit: &Commit) {
        self.warehouse.prepare_publish(&writer(), owner(), &self.tables, commit);
    }

    async fn publish(&self, commit: &Commit) -> BTreeMap<String, i64> {
        self.warehouse.publish(&writer(), owner(), &self.tables, commit).await.unwrap()
    }

    fn asides(&self) -> Vec<u64> {
        let log = self.folder.path().join("gold/counts/_delta_log");
        let mut inodes: Vec<u64> =
            [log, self.folder.path().join("_engine")].iter().flat_map(|at| asides_in(at)).collect();
        inodes.sort_unstable();
        inodes
    }

    /// Waits until so many files lie aside.
    async fn asides_are(&self, count: usize) -> Vec<u64> {
        for _ in 0..1_000 {
            if self.asides().len() == count {
                return self.asides();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} files lie aside, not {count}", self.asides().len());
    }

    fn inode(&self, path: &str) -> u64 {
        std::fs::metadata(self.folder.path().join(path)).unwrap().ino()
    }

    fn entry(&self, version: i64) -> String {
        std::fs::read_to_string(self.folder.path().join(entry(version))).unwrap()
    }

    async fn pointed(&self) -> (u64, i64) {
        let pointer = self.warehouse.pointers().await.unwrap().remove(0);
        (pointer.epoch.0, pointer.versions[NAME])
    }
}

fn entry(version: i64) -> String {
    format!("gold/counts/_delta_log/{version:020}.json")
}

fn asides_in(folder: &Path) -> Vec<u64> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let asides = entries.filter(|entry| entry.file_name().to_str().unwrap().contains('#'));
    asides.map(|entry| entry.metadata().unwrap().ino()).collect()
}

fn before(epoch: u64) -> Commit {
    commit(NAME, None, epoch, &TableCommit::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_the_commit_is_seen_once_it_is_published_and_not_written_again() {
    let bed = Bed::new().await;
    let second = bed.staged(1, Some(&before(0)), &[(2, 20)]).await;
    bed.prepare(&second);
    let mut aside = bed.asides_are(2).await;
    assert_eq!((newest(&bed.warehouse).await, bed.pointed().await), (vec![(1, 10)], (0, 1)), "nobody sees it");
    assert_eq!(bed.publish(&second).await, BTreeMap::from([(NAME.to_string(), 2)]));
    let mut named = vec![bed.inode(&entry(2)), bed.inode("_engine/shop.json")];
    aside.sort_unstable();
    named.sort_unstable();
    assert_eq!(named, aside, "the same files have their names now");
    assert_eq!((bed.asides(), bed.pointed().await), (vec![], (1, 2)));
    assert_eq!(newest(&bed.warehouse).await, [(1, 10), (2, 20)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_came_leaves_nothing_and_hinders_no_other() {
    let bed = Bed::new().await;
    let never = bed.staged(1, Some(&before(0)), &[(7, 70)]).await;
    bed.prepare(&never);
    bed.asides_are(2).await;
    let second = bed.staged_as(never.nonce + 1, 1, &before(0), &[(2, 20)]).await;
    bed.prepare(&second);
    bed.publish(&second).await;
    bed.asides_are(0).await;
    assert_eq!(newest(&bed.warehouse).await, [(1, 10), (2, 20)]);
    // One more that never comes, and the next that was not prepared at all.
    bed.prepare(&bed.staged(2, Some(&second), &[(8, 80)]).await);
    let third = bed.staged_as(5, 2, &second, &[(3, 30)]).await;
    bed.publish(&third).await;
    bed.asides_are(0).await;
    assert_eq!(newest(&bed.warehouse).await, [(1, 10), (2, 20), (3, 30)]);
    assert_eq!(bed.pointed().await, (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_another_program_was_quicker_with_is_written_anew_behind_it() {
    let bed = Bed::new().await;
    let second = bed.staged(1, Some(&before(0)), &[(2, 20)]).await;
    bed.prepare(&second);
    bed.asides_are(2).await;
    let theirs = r#"{"commitInfo":{"timestamp":0,"operation":"OPTIMIZE"}}"#;
    std::fs::write(bed.folder.path().join(entry(2)), theirs).unwrap();
    assert_eq!(bed.publish(&second).await, BTreeMap::from([(NAME.to_string(), 3)]));
    assert!(bed.entry(3).contains(r#""readVersion":2"#), "{}", bed.entry(3));
    assert_eq!(bed.entry(2), theirs);
    assert_eq!((newest(&bed.warehouse).await, bed.pointed().await), (vec![(1, 10), (2, 20)], (1, 3)));
    bed.asides_are(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_has_left_aside_goes_with_the_next_start() {
    let bed = Bed::new().await;
    for left in ["gold/counts/_delta_log/00000000000000000002.json#10000000000", "_engine/shop.json#10000000000"] {
        std::fs::write(bed.folder.path().join(left), "half").unwrap();
    }
    let warehouse = Warehouse::open(bed.folder.path().to_str().unwrap()).await.unwrap();
    let table = open(&warehouse).await;
    assert_eq!(bed.asides().len(), 2);
    let tables = Tables::from([(NAME.to_string(), Arc::new(table) as Arc<dyn SinkTable>)]);
    let again = Bed { warehouse, tables, ..bed };
    let second = again.staged(1, Some(&before(0)), &[(2, 20)]).await;
    again.prepare(&second);
    again.publish(&second).await;
    again.asides_are(0).await;
    assert_eq!(newest(&again.warehouse).await, [(1, 10), (2, 20)]);
}
