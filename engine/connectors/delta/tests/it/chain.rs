//! What a table says of its writers: this one, other checkpoints of the job, engines of long ago, and those that came in between.

use connector::SinkError;
use delta::Table;
use epoch::{CommitId, Contradiction, EpochId, Owner};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::json;

use crate::fixture::{
    LOG, NAME, added, at, commit, entry_path, faulty, id, newest, open, open_as, owner, publish, publish_after,
    put_entry, schema, stage,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_others_published_of_the_job_is_looked_at_before_a_commit_is_refused() {
    let (warehouse, _) = faulty();
    let stale = [open(&warehouse).await, open(&warehouse).await, open(&warehouse).await];
    let fresh = open(&warehouse).await;
    let mut changes = Vec::new();
    for epoch in 0..3_u64 {
        let change = added(&[&stage(&fresh, epoch, 0, &[(epoch.cast_signed(), 0)]).await]);
        if epoch < 2 {
            publish_after(&fresh, epoch.checked_sub(1), epoch, &change).await.unwrap();
        }
        changes.push(change);
    }
    assert_eq!(publish_after(&stale[0], Some(0), 1, &changes[1]).await.unwrap(), 2, "it was published");
    assert_eq!(publish_after(&stale[1], Some(1), 2, &changes[2]).await.unwrap(), 3);
    let another = epoch::Commit { nonce: 77, ..commit(NAME, None, 0, &changes[0]) };
    let late =
        stale[2].publish(owner(), &another.with_tables(None, [(NAME.to_string(), changes[0].clone())].into())).await;
    assert!(matches!(&late, Err(SinkError::Contradiction(Contradiction::NotBefore { .. }))), "{late:?}");
    assert_eq!(newest(&warehouse).await, [(0, 0), (1, 0), (2, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_refused_with_both_sides() {
    let (warehouse, _) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 4, 0, &[(1, 0)]).await]);
    publish(&table, 4, &change).await.unwrap();
    let other = CommitId::new(EpochId(4), 77);
    let text = table.publish(owner(), &commit(NAME, Some(other), 5, &change)).await.unwrap_err().to_string();
    for side in [&id(5), &other, &id(4)] {
        assert!(text.contains(&side.to_string()), "{side}: {text}");
    }
    assert!(text.contains(NAME), "{text}");
    assert_eq!(newest(&warehouse).await, [(1, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_checkpoint_are_reported_whoever_wrote_them() {
    let (warehouse, _) = faulty();
    let before = open_as(&warehouse, "shop", "00c0ffee").await;
    assert_eq!(before.position().await.unwrap().other_checkpoint, None, "nobody has written");
    publish(&before, 0, &added(&[&stage(&before, 0, 0, &[(1, 10)]).await])).await.unwrap();
    // Somebody else has written since.
    let foreign = open_as(&warehouse, "sales", "000000aa").await;
    publish(&foreign, 0, &added(&[&stage(&foreign, 0, 0, &[(2, 20)]).await])).await.unwrap();
    let anew = open_as(&warehouse, "shop", "0badcafe").await;
    let position = anew.position().await.unwrap();
    assert_eq!((position.accepted, position.other_checkpoint), (None, Some("sales, 000000aa".to_string())));
    let own = open_as(&warehouse, "shop", "00c0ffee").await.position().await.unwrap();
    assert_eq!(own.other_checkpoint, None);
    // Once it was decided to go on, it has a record of its own.
    publish(&anew, 0, &added(&[&stage(&anew, 0, 0, &[(3, 30)]).await])).await.unwrap();
    assert_eq!(anew.position().await.unwrap().other_checkpoint, None);
}

/// An engine of format 1 wrote the epoch alone, and into its files' names neither owner nor attempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_an_older_engine_is_gone_on_with() {
    for is_newest in [true, false] {
        let (warehouse, store) = faulty();
        let staged = stage(&open(&warehouse).await, 4, 0, &[(1, 10)]).await;
        let folder = LOG.trim_end_matches("/_delta_log");
        let old = "part-1a2b-0000000004-00000.parquet";
        let (from, to) = (format!("{folder}/{}", staged.path), format!("{folder}/{old}"));
        store.rename(&Path::from(from), &Path::from(to)).await.unwrap();
        let entry = [
            json!({"commitInfo": {"timestamp": 0, "operation": "STREAMING UPDATE"}}),
            json!({"txn": {"appId": "engine-shop-1a2b", "version": 4, "lastUpdated": 0}}),
            json!({"add": {"path": old, "partitionValues": {}, "size": staged.bytes, "modificationTime": 0, "dataChange": true}}),
        ];
        put_entry(&store, 1, &entry).await;
        let mut rows = vec![(1, 10), (3, 30)];
        if !is_newest {
            let other = open_as(&warehouse, "other", "9f").await;
            publish(&other, 0, &added(&[&stage(&other, 0, 0, &[(2, 20)]).await])).await.unwrap();
            rows.insert(1, (2, 20));
        }
        let table = open(&warehouse).await;
        let position = table.position().await.unwrap();
        let held = CommitId { epoch: EpochId(4), nonce: 0 };
        assert_eq!((position.accepted, position.owner), (Some(held), Owner::default()), "{is_newest}");
        assert_eq!(position.other_checkpoint, None);
        let change = added(&[&stage(&table, 5, 0, &[(3, 30)]).await]);
        let version = table.publish(owner(), &commit(NAME, Some(held), 5, &change)).await.unwrap();
        assert_eq!(version, if is_newest { 2 } else { 3 });
        assert_eq!(at(&open(&warehouse).await).await, (version, Some(EpochId(5))));
        // What the table holds is not swept, whatever its name.
        open(&warehouse).await.sweep(owner(), None).await.unwrap();
        assert_eq!(newest(&warehouse).await, rows, "{is_newest}");
    }
}

/// A log without a first entry that defines the table is one that nobody can read, nor mend.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_deleted_gets_no_rows_before_it_is_defined_again() {
    for is_started in [false, true] {
        let (warehouse, store) = faulty();
        let table = open(&warehouse).await;
        let epoch = u64::from(is_started);
        if is_started {
            publish(&table, 0, &added(&[&stage(&table, 0, 0, &[(1, 10)]).await])).await.unwrap();
            store.delete(&entry_path(1)).await.unwrap();
        }
        store.delete(&entry_path(0)).await.unwrap();
        let change = added(&[&stage(&table, epoch, 0, &[(2, 20)]).await]);
        let answer = publish_after(&table, epoch.checked_sub(1), epoch, &change).await;
        if is_started {
            // It had something of this job, and has nothing now.
            let contradiction = |error: &SinkError| matches!(error, SinkError::Contradiction(_));
            assert!(answer.as_ref().is_err_and(contradiction), "{answer:?}");
            assert!(Table::find(&warehouse, NAME, "shop", "1a2b").await.unwrap().is_none());
        } else {
            assert!(answer.is_ok() || answer.as_ref().is_err_and(SinkError::is_transient), "{answer:?}");
            let again = Table::open(&warehouse, NAME, schema(), "shop", "1a2b").await.unwrap();
            again.define(owner()).await.unwrap();
            publish_after(&again, None, 0, &change).await.unwrap();
            assert_eq!(newest(&warehouse).await, [(2, 20)]);
        }
    }
}
