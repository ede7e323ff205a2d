//! A log that others have summarised and cleaned up while a job held the table open: there is room at every old version, where no
//! reader would ever see what is put.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use connector::SinkError;
use delta::{Table, Warehouse};
use epoch::EpochId;
use storage::faults::{Fault, FaultyStore, Operation, Rule};

use crate::fixture::{
    NAME, added, at, id, newest, open, open_as, owner_of, publish, publish_after, schema, stage, try_open,
};

/// Epochs of another job that bring the log past its first summary.
const OTHERS: u64 = 102;

fn entry(folder: &Path, version: i64) -> std::path::PathBuf {
    folder.join(format!("gold/counts/_delta_log/{version:020}.json"))
}

/// Another job commits until the log is summarised, and what is behind the summary is cleaned up.
async fn others_go_on_and_clean_up(folder: &Path, theirs: &Table) {
    for epoch in 0..OTHERS {
        let change = added(&[&stage(theirs, epoch, 0, &[(1_000 + epoch.cast_signed(), 0)]).await]);
        publish(theirs, epoch, &change).await.unwrap();
    }
    theirs.wait_idle().await;
    assert!(entry(folder, 100).with_extension("checkpoint.parquet").is_file());
    for version in 0..100 {
        std::fs::remove_file(entry(folder, version)).unwrap();
    }
}

/// The table's columns and one more.
fn wider() -> SchemaRef {
    let label = Arc::new(Field::new("label", DataType::Utf8, true));
    Arc::new(Schema::new(schema().fields().iter().cloned().chain([label]).collect::<Vec<_>>()))
}

/// Rows of the other job, behind those of ours.
fn with_others(mut ours: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    ours.extend((0..OTHERS).map(|epoch| (1_000 + epoch.cast_signed(), 0)));
    ours
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_after_others_cleaned_up_the_log_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let ours = open(&warehouse).await;
    publish(&ours, 0, &added(&[&stage(&ours, 0, 0, &[(1, 10)]).await])).await.unwrap();
    others_go_on_and_clean_up(folder.path(), &open_as(&warehouse, "other", "9f").await).await;
    let newest_version = 1 + OTHERS.cast_signed();
    assert!(entry(folder.path(), newest_version).is_file());
    let change = added(&[&stage(&ours, 1, 0, &[(2, 20)]).await]);
    assert_eq!(publish_after(&ours, Some(0), 1, &change).await.unwrap(), newest_version + 1);
    assert!(!entry(folder.path(), 2).exists(), "nothing lands where nobody looks");
    assert_eq!(newest(&warehouse).await, with_others(vec![(1, 10), (2, 20)]));
    // And on from there, by this process and the next.
    assert_eq!(publish_after(&ours, Some(0), 1, &change).await.unwrap(), newest_version + 1);
    assert_eq!(at(&open(&warehouse).await).await, (newest_version + 1, Some(EpochId(1))));
    publish_after(&ours, Some(1), 2, &added(&[&stage(&ours, 2, 0, &[(3, 30)]).await])).await.unwrap();
    assert_eq!(newest(&warehouse).await, with_others(vec![(1, 10), (2, 20), (3, 30)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_published_before_others_cleaned_up_the_log_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let (ours, stale) = (open(&warehouse).await, open(&warehouse).await);
    let change = added(&[&stage(&ours, 0, 0, &[(1, 10)]).await]);
    publish(&ours, 0, &change).await.unwrap();
    others_go_on_and_clean_up(folder.path(), &open_as(&warehouse, "other", "9f").await).await;
    // Its answer was lost, or it was another process; what is left of the log is the summary.
    let newest_version = 1 + OTHERS.cast_signed();
    assert_eq!(publish_after(&stale, None, 0, &change).await.unwrap(), newest_version);
    assert_eq!(newest(&warehouse).await, with_others(vec![(1, 10)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_adopted_and_columns_are_added_at_the_end_of_a_log_that_was_cleaned_up() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let ours = open(&warehouse).await;
    publish(&ours, 0, &added(&[&stage(&ours, 0, 0, &[(1, 10)]).await])).await.unwrap();
    let wider = wider();
    let widening = Table::open(&warehouse, NAME, Arc::clone(&wider), "shop", "1a2b").await.unwrap();
    others_go_on_and_clean_up(folder.path(), &open_as(&warehouse, "other", "9f").await).await;
    ours.adopt(owner_of(2), id(7)).await.unwrap();
    assert!(!entry(folder.path(), 2).exists(), "nothing lands where nobody looks");
    let again = open(&warehouse).await.position().await.unwrap();
    assert_eq!((again.accepted, again.owner), (Some(id(7)), owner_of(2)));
    // It may also say that it must be started again.
    let defined = widening.define(owner_of(2)).await;
    assert!(!entry(folder.path(), 2).exists(), "nothing lands where nobody looks");
    assert!(defined.is_ok() || defined.as_ref().is_err_and(SinkError::is_transient), "{defined:?}");
    try_open(&warehouse, NAME, wider, ("shop", "1a2b")).await.unwrap();
    assert_eq!(newest(&warehouse).await, with_others(vec![(1, 10)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_redefined_before_others_cleaned_up_the_log_stops_the_job() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let ours = open(&warehouse).await;
    publish(&ours, 0, &added(&[&stage(&ours, 0, 0, &[(1, 10)]).await])).await.unwrap();
    let wider = wider();
    let theirs = try_open(&warehouse, NAME, wider, ("other", "9f")).await.unwrap();
    others_go_on_and_clean_up(folder.path(), &theirs).await;
    let change = added(&[&stage(&ours, 1, 0, &[(2, 20)]).await]);
    let answer = publish_after(&ours, Some(0), 1, &change).await;
    assert!(matches!(&answer, Err(SinkError::Refused(text)) if text.as_str().contains(NAME)), "{answer:?}");
    assert_eq!(newest(&warehouse).await, with_others(vec![(1, 10)]));
}

/// The log is looked at before the entry is put, and cleaned up between the two: nobody would ever have seen the commit.
#[tokio::test(flavor = "multi_thread")]
async fn fault_a_log_that_is_cleaned_up_between_the_look_and_the_put_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let location = folder.path().to_str().unwrap();
    let warehouse = Warehouse::open(location).await.unwrap();
    let mut store = None;
    let watched = Warehouse::open(location).await.unwrap().wrapped(|inner| {
        let faulty = FaultyStore::new(inner);
        store = Some(faulty.clone());
        Arc::new(faulty)
    });
    let store = store.unwrap();
    let ours = open(&watched).await;
    publish(&ours, 0, &added(&[&stage(&ours, 0, 0, &[(1, 10)]).await])).await.unwrap();
    let change = added(&[&stage(&ours, 1, 0, &[(2, 20)]).await]);
    let theirs = open_as(&warehouse, "other", "9f").await;
    for epoch in 0..OTHERS {
        let change = added(&[&stage(&theirs, epoch, 0, &[(1_000 + epoch.cast_signed(), 0)]).await]);
        publish(&theirs, epoch, &change).await.unwrap();
    }
    theirs.wait_idle().await;
    // The put of version 2 has begun, so the log was looked at; it is done once the log is cleaned up.
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::DelayMs(3_000)));
    store.take_log();
    let publishing = tokio::spawn({
        let ours = ours.clone();
        async move { publish_after(&ours, Some(0), 1, &change).await }
    });
    while !store.take_log().iter().any(|(operation, path)| *operation == Operation::Put && path.contains("_delta_log"))
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for version in 0..100 {
        std::fs::remove_file(entry(folder.path(), version)).unwrap();
    }
    let newest_version = 1 + OTHERS.cast_signed();
    assert_eq!(publishing.await.unwrap().unwrap(), newest_version + 1);
    assert_eq!((store.fired(), store.left()), (1, 0));
    assert_eq!(newest(&warehouse).await, with_others(vec![(1, 10), (2, 20)]));
    assert_eq!(at(&open(&warehouse).await).await, (newest_version + 1, Some(EpochId(1))));
}

/// Only the 64 newest entries were looked through: behind them another checkpoint's rows were nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn fault_another_checkpoint_behind_many_foreign_commits_is_seen() {
    for is_cleaned_up in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
        let lost = open_as(&warehouse, "shop", "0badcafe").await;
        publish(&lost, 0, &added(&[&stage(&lost, 0, 0, &[(1, 10)]).await])).await.unwrap();
        // `9f` is no id of a checkpoint: to us these are a foreign program's.
        let theirs = open_as(&warehouse, "other", "9f").await;
        match is_cleaned_up {
            true => others_go_on_and_clean_up(folder.path(), &theirs).await,
            false => {
                for epoch in 0..70 {
                    let change = added(&[&stage(&theirs, epoch, 0, &[(2, 0)]).await]);
                    publish(&theirs, epoch, &change).await.unwrap();
                }
            }
        }
        let anew = open_as(&warehouse, "shop", "00c0ffee").await.position().await.unwrap();
        assert_eq!(anew.other_checkpoint.as_deref(), Some("shop, 0badcafe"), "cleaned up: {is_cleaned_up}");
        let own = open_as(&warehouse, "shop", "0badcafe").await.position().await.unwrap();
        assert_eq!(own.other_checkpoint, None);
    }
}
