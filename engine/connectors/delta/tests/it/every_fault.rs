//! Every single fault at every single request of a run: the tables end as if nothing had happened.

use std::collections::BTreeMap;

use connector::SinkError;
use delta::{Table, Warehouse, write_pointer};
use epoch::{EpochId, TableCommit};
use storage::faults::{Fault, FaultyStore, Operation, Rule};

use crate::fixture::{NAME, added, data_files, faulty, newest, replaced, schema, try_stage};

const EPOCHS: u64 = 3;

/// The run's own memory, as its checkpoint would hold it: what each committed epoch staged.
#[derive(Default)]
struct Checkpoint {
    committed: Vec<TableCommit>,
}

/// One life of the process: recovers, then runs the epochs that are left.
async fn live(warehouse: &Warehouse, checkpoint: &mut Checkpoint) -> Result<(), SinkError> {
    let table = Table::open(warehouse, NAME, schema(), "shop", "1a2b").await?;
    if let Some(last) = checkpoint.committed.last() {
        publish(warehouse, &table, checkpoint.committed.len() as u64 - 1, last).await?;
    }
    for epoch in checkpoint.committed.len() as u64..EPOCHS {
        table.discard(EpochId(epoch)).await?;
        let value = epoch.cast_signed();
        let closed = try_stage(&table, epoch, 0, &[(100 + value, value)]).await?;
        let open = try_stage(&table, epoch, 1, &[(1, value), (2, value)]).await?;
        let before = checkpoint.committed.last().map(|commit| commit.added[1].clone());
        let change = match &before {
            Some(before) => replaced(&[before], &[&closed, &open]),
            None => added(&[&closed, &open]),
        };
        checkpoint.committed.push(change.clone());
        publish(warehouse, &table, epoch, &change).await?;
    }
    Ok(())
}

async fn publish(warehouse: &Warehouse, table: &Table, epoch: u64, change: &TableCommit) -> Result<(), SinkError> {
    let version = table.publish(EpochId(epoch), change).await?;
    write_pointer(warehouse, "shop", EpochId(epoch), &BTreeMap::from([(NAME.to_string(), version)])).await
}

/// Runs with `rule`; a life that ends with an error is followed by another. Returns the number of lives.
async fn run(rule: Option<Rule>) -> (Warehouse, FaultyStore, u32) {
    let (warehouse, store) = faulty();
    if let Some(rule) = rule {
        store.add(rule);
    }
    let mut checkpoint = Checkpoint::default();
    for life in 1..15 {
        match live(&warehouse, &mut checkpoint).await {
            Ok(()) => return (warehouse, store, life),
            Err(SinkError::Unavailable(_)) => {}
            Err(error) => panic!("life {life}: {error}"),
        }
    }
    panic!("the run did not end, {} faults left", store.left())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_single_fault_changes_a_table() {
    let (warehouse, store, _) = run(None).await;
    let (expected_rows, expected_files) = (newest(&warehouse).await, data_files(&store).await);
    assert_eq!(expected_rows, [(1, 2), (2, 2), (100, 0), (101, 1), (102, 2)]);
    let mut series = Vec::new();
    for operation in [Operation::Put, Operation::Get, Operation::List, Operation::Delete] {
        for fault in [Fault::Fail, Fault::ApplyThenFail] {
            // One failure is retried; ten in a row end the process, at whatever request that is.
            for times in [1, 10] {
                let rule = Rule::next(operation, "", fault).times(times);
                series.push(tokio::spawn(at_every_request(rule, expected_rows.clone(), expected_files.clone())));
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
async fn at_every_request(rule: Rule, rows: Vec<(i64, i64)>, files: Vec<String>) -> u32 {
    for request in 0.. {
        let rule = rule.clone().after(request);
        let (warehouse, store, lives) = run(Some(rule.clone())).await;
        if store.fired() == 0 {
            return request;
        }
        store.heal();
        assert_eq!(newest(&warehouse).await, rows, "{rule:?}, {lives} lives");
        assert_eq!(data_files(&store).await, files, "{rule:?}, {lives} lives");
    }
    unreachable!("every run ends")
}
