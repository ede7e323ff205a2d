//! Every single fault at every single request of a run: the tables end as if nothing had happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{AsOf, Catalog, Pointer, SinkError, WriterId};
use delta::{Table, Warehouse, write_pointer};
use epoch::{Commit, EpochId, Owner, TableCommit};
use object_store::memory::InMemory;
use storage::faults::{Fault, FaultyStore, Operation, Rule};

use crate::fixture::{
    NAME, added, commit, data_files, in_store, newest, open, owner_of, replaced, schema, stage, try_stage,
};

const EPOCHS: u64 = 3;

/// The run's own memory, as its checkpoint would hold it: what each committed epoch staged.
#[derive(Default)]
struct Checkpoint {
    committed: Vec<Commit>,
}

impl Checkpoint {
    /// What the last epoch did to the table.
    fn last_change(&self) -> Option<&TableCommit> {
        self.committed.last()?.tables.get(NAME)
    }

    /// Names of the files that its commits put into the table: all of them, or those that are still in it.
    fn files(&self, is_replaced_too: bool) -> Vec<String> {
        let changes = || self.committed.iter().filter_map(|commit| commit.tables.get(NAME));
        let mut names: Vec<_> = changes().flat_map(|change| &change.added).map(|file| file.path.clone()).collect();
        let gone: Vec<_> = changes().flat_map(|change| &change.removed).map(|file| &file.path).collect();
        names.retain(|name| is_replaced_too || !gone.contains(&name));
        names.sort();
        names
    }
}

/// One life of the process: recovers, then runs the epochs that are left.
async fn live(store: &FaultyStore, checkpoint: &mut Checkpoint, owner: Owner) -> Result<(), SinkError> {
    let warehouse = in_store(Arc::new(store.clone()));
    let table = Table::open(&warehouse, NAME, schema(), "shop", "1a2b").await?;
    let holds = table.position().await?.accepted;
    // What it holds, too: whether its epoch was marked is not known.
    for owed in checkpoint.committed.iter().filter(|commit| Some(commit.id()) >= holds) {
        publish(&warehouse, &table, owner, owed).await?;
    }
    table.define(owner).await?;
    table.sweep(owner, checkpoint.committed.last().map(|commit| commit.plan.epoch)).await?;
    for epoch in checkpoint.committed.len() as u64..EPOCHS {
        let value = epoch.cast_signed();
        let closed = try_stage(&table, epoch, 0, &[(100 + value, value)]).await?;
        let open = try_stage(&table, epoch, 1, &[(1, value), (2, value)]).await?;
        let change = match checkpoint.last_change() {
            Some(before) => replaced(&[&before.added[1]], &[&closed, &open]),
            None => added(&[&closed, &open]),
        };
        let before = checkpoint.committed.last().map(Commit::id);
        let commit = Commit { owner, ..commit(NAME, before, epoch, &change) };
        checkpoint.committed.push(commit.clone());
        publish(&warehouse, &table, owner, &commit).await?;
    }
    Ok(())
}

async fn publish(warehouse: &Warehouse, table: &Table, owner: Owner, commit: &Commit) -> Result<(), SinkError> {
    let version = table.publish(owner, commit).await?;
    let writer = WriterId { job: "shop".to_string(), job_id: "1a2b".to_string() };
    let versions = BTreeMap::from([(NAME.to_string(), version)]);
    write_pointer(warehouse, &Pointer::of(&writer, owner, commit, &versions)).await
}

/// Runs with `rule` over files of an attempt that was never committed; a life that ends with an error is followed by another. Returns
/// the number of lives.
async fn run(rule: Option<Rule>) -> (FaultyStore, Checkpoint, u64) {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let warehouse = in_store(Arc::new(store.clone()));
    let table = Table::open(&warehouse, NAME, schema(), "shop", "1a2b").await.unwrap();
    for number in 0..2 {
        stage(&table, 0, number, &[(7, 7)]).await;
    }
    if let Some(rule) = rule {
        store.add(rule);
    }
    let mut checkpoint = Checkpoint::default();
    for life in 1..15 {
        match live(&store, &mut checkpoint, Owner::after(life, life)).await {
            Ok(()) => return (store, checkpoint, life),
            Err(SinkError::Unavailable(_)) => {}
            Err(error) => panic!("life {life}: {error}"),
        }
    }
    panic!("the run did not end, {} faults left", store.left())
}

/// The table is what the checkpoint says, to a file, and nothing is left of what was not committed.
async fn check(store: &FaultyStore, checkpoint: &Checkpoint, which: &str) {
    let warehouse = in_store(Arc::new(store.clone()));
    assert_eq!(newest(&warehouse).await, [(1, 2), (2, 2), (100, 0), (101, 1), (102, 2)], "{which}");
    let mut held = warehouse.tables(AsOf::Published, None).await.unwrap().remove(0);
    held.files.sort();
    assert_eq!((held.info.epoch, held.files), (Some(EpochId(EPOCHS - 1)), checkpoint.files(false)), "{which}");
    open(&warehouse).await.sweep(owner_of(1_000), Some(EpochId(EPOCHS - 1))).await.unwrap();
    assert_eq!(data_files(store).await, checkpoint.files(true), "{which}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_single_fault_changes_a_table() {
    let (store, checkpoint, lives) = run(None).await;
    assert_eq!(lives, 1);
    check(&store, &checkpoint, "undisturbed").await;
    let mut series = Vec::new();
    for operation in [Operation::Put, Operation::Get, Operation::List, Operation::Delete] {
        for fault in [Fault::Fail, Fault::ApplyThenFail] {
            // One failure is retried; ten in a row end the process, at whatever request that is.
            for times in [1, 10] {
                series.push(tokio::spawn(at_every_request(Rule::next(operation, "", fault).times(times))));
            }
        }
    }
    let mut struck = 0;
    for one in series {
        struck += one.await.unwrap();
    }
    assert!(struck > 60, "{struck} faults struck");
}

/// Lets the fault strike at the first, the second, … request until there is none left. Returns how often it struck.
async fn at_every_request(rule: Rule) -> u32 {
    for request in 0.. {
        let rule = rule.clone().after(request);
        let (store, checkpoint, lives) = run(Some(rule.clone())).await;
        if store.fired() == 0 {
            return request;
        }
        store.heal();
        check(&store, &checkpoint, &format!("{rule:?}, {lives} lives")).await;
    }
    unreachable!("every run ends")
}
