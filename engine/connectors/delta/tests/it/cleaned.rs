//! A log that others have summarised and cleaned up while a job held the table open: there is room at every old version, where no
//! reader would ever see what is put.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use connector::SinkError;
use delta::{Table, Warehouse};
use epoch::EpochId;

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
    let label = Arc::new(Field::new("label", DataType::Utf8, true));
    let wider = Arc::new(Schema::new(schema().fields().iter().cloned().chain([label]).collect::<Vec<_>>()));
    let widening = Table::open(&warehouse, NAME, Arc::clone(&wider), "shop", "1a2b").await.unwrap();
    others_go_on_and_clean_up(folder.path(), &open_as(&warehouse, "other", "9f").await).await;
    ours.adopt(owner_of(2), id(7)).await.unwrap();
    assert!(!entry(folder.path(), 2).exists(), "nothing lands where nobody looks");
    let again = open(&warehouse).await.position().await.unwrap();
    assert_eq!((again.accepted, again.owner), (Some(id(7)), owner_of(2)));
    // It may also say that it must be started again.
    let defined = widening.define().await;
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
    let label = Arc::new(Field::new("label", DataType::Utf8, true));
    let wider = Arc::new(Schema::new(schema().fields().iter().cloned().chain([label]).collect::<Vec<_>>()));
    let theirs = try_open(&warehouse, NAME, wider, ("other", "9f")).await.unwrap();
    others_go_on_and_clean_up(folder.path(), &theirs).await;
    let change = added(&[&stage(&ours, 1, 0, &[(2, 20)]).await]);
    let answer = publish_after(&ours, Some(0), 1, &change).await;
    assert!(matches!(&answer, Err(SinkError::Refused(text)) if text.contains(NAME)), "{answer:?}");
    assert_eq!(newest(&warehouse).await, with_others(vec![(1, 10)]));
}
