//! A table with epochs in it, for the tests of what reads tables.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use epoch::{ArtifactId, Commit, CommitId, EpochId, Owner, TableCommit};

use crate::{Table, Warehouse};

/// A table of a warehouse in a folder, made.
pub async fn defined(folder: &std::path::Path, name: &str, schema: SchemaRef) -> Table {
    let warehouse = Warehouse::open(folder.to_str().unwrap()).await.unwrap();
    let table = Table::open(&warehouse, name, schema, "shop", "1a2b").await.unwrap();
    table.define(Owner::after(0, 40)).await.unwrap();
    table
}

/// Stages a batch and publishes it as an epoch, after whatever the table holds.
pub async fn publish(table: &Table, epoch: u64, batch: &RecordBatch) {
    let (owner, epoch) = (Owner::after(0, 40), EpochId(epoch));
    let (staging, batch) = (table.clone(), batch.clone());
    let staged = tokio::task::spawn_blocking(move || {
        let mut writer = staging.stage(ArtifactId { epoch, owner, attempt: 0, number: 0 }, None).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap().unwrap()
    });
    let change = TableCommit { added: vec![staged.await.unwrap()], ..TableCommit::default() };
    let before = table.position().await.unwrap().accepted;
    let tables = BTreeMap::from([(table.name().to_string(), change)]);
    let commit = Commit::bare(CommitId::new(epoch, epoch.0 + 1_000)).with_tables(before, tables);
    table.publish(owner, &Commit { owner, ..commit }).await.unwrap();
}
