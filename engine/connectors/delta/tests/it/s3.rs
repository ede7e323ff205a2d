//! The same against a real S3 server (MinIO).

use std::sync::Arc;

use connector::{Catalog, SinkError};
use delta::{DeltaFolder, Table, Warehouse, write_pointer};
use epoch::{Contradiction, EpochId};
use object_store::ObjectStore;
use storage::Place;
use storage::faults::{Fault, FaultyStore, Operation, Rule};

use crate::fixture::{
    NAME, added, at, commit, id, newest, open, open_as, owner_of, pointer, publish, publish_after, replaced, schema,
    stage,
};

/// A place of its own in the bucket that `scripts/services` makes.
pub fn location() -> String {
    assert!(
        std::env::var("AWS_ENDPOINT_URL").is_ok(),
        "AWS_ENDPOINT_URL is not set: run scripts/test, or eval \"$(scripts/services start minio)\""
    );
    format!("s3://warehouse/sink-{}", uuid::Uuid::new_v4())
}

async fn warehouse() -> Warehouse {
    Warehouse::open(&location()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn epochs_are_published_replaced_and_swept_on_s3() {
    let warehouse = warehouse().await;
    let table = open(&warehouse).await;
    let first = stage(&table, 0, 0, &[(1, 10), (2, 20)]).await;
    assert_eq!(newest(&warehouse).await, []);
    assert_eq!(publish(&table, 0, &added(&[&first])).await.unwrap(), 1);
    let orphan = stage(&table, 1, 3, &[(7, 7)]).await;
    let table = open(&warehouse).await;
    assert_eq!(at(&table).await, (1, Some(EpochId(0))));
    table.sweep(owner_of(1), Some(EpochId(0))).await.unwrap();
    let second = stage(&table, 1, 0, &[(1, 11), (2, 20)]).await;
    let change = replaced(&[&first], &[&second]);
    assert_eq!(publish(&table, 1, &change).await.unwrap(), 2);
    assert_eq!(publish(&table, 1, &change).await.unwrap(), 2);
    assert_eq!(newest(&warehouse).await, [(1, 11), (2, 20)]);
    let lost = table.publish(owner_of(2), &commit(NAME, Some(id(1)), 2, &added(&[&orphan]))).await;
    assert!(matches!(&lost, Err(SinkError::Contradiction(Contradiction::ArtifactMissing { .. }))), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pointer_is_put_on_condition_on_s3() {
    let location = location();
    let (ours, theirs) = (Warehouse::open(&location).await.unwrap(), Warehouse::open(&location).await.unwrap());
    for epoch in 0..3 {
        write_pointer(&ours, &pointer("shop", owner_of(1), epoch, &[])).await.unwrap();
    }
    let later = pointer("shop", owner_of(2), 1, &[]);
    write_pointer(&theirs, &later).await.unwrap();
    let answer = write_pointer(&ours, &pointer("shop", owner_of(1), 3, &[])).await;
    assert!(matches!(&answer, Err(SinkError::Contradiction(Contradiction::Fenced { .. }))), "{answer:?}");
    assert_eq!(ours.pointers().await.unwrap(), [later]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_and_a_failing_server_on_s3() {
    let mut faults = None;
    let warehouse = warehouse().await.wrapped(|store: Arc<dyn ObjectStore>| {
        let faulty = FaultyStore::new(store);
        faults = Some(faulty.clone());
        Arc::new(faulty)
    });
    let faults = faults.unwrap();
    let table = open(&warehouse).await;
    for (epoch, fault) in [(0_u64, Fault::ApplyThenFail), (1, Fault::Fail)] {
        let file = stage(&table, epoch, 0, &[(epoch.cast_signed(), 1)]).await;
        faults.add(Rule::next(Operation::Put, "_delta_log", fault));
        let version = publish_after(&table, epoch.checked_sub(1), epoch, &added(&[&file])).await.unwrap();
        assert_eq!(version, epoch.cast_signed() + 1);
    }
    assert_eq!((faults.fired(), faults.left()), (2, 0));
    assert_eq!(newest(&warehouse).await, [(0, 1), (1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_moment_on_s3() {
    let warehouse = warehouse().await;
    open(&warehouse).await;
    let writers = (0..6_i64).map(|who| {
        let warehouse = warehouse.clone();
        tokio::spawn(async move {
            let table = open_as(&warehouse, "job", &format!("{who}")).await;
            for epoch in 0..3_u64 {
                let change = added(&[&stage(&table, epoch, 0, &[(who, epoch.cast_signed())]).await]);
                publish_after(&table, epoch.checked_sub(1), epoch, &change).await.unwrap();
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let expected: Vec<_> = (0..6).flat_map(|who| (0..3).map(move |epoch| (who, epoch))).collect();
    assert_eq!(newest(&warehouse).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_reported() {
    warehouse().await;
    let missing = Warehouse::open("s3://no-such-bucket-here/x").await.unwrap();
    let answer = Table::open(&missing, NAME, schema(), "shop", "1a2b").await;
    assert!(
        matches!(&answer, Err(SinkError::Settings(text)) if text.as_str().contains("bucket does not exist")),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_wrote_is_read_from_s3() {
    let mut store = None;
    let warehouse = warehouse().await.wrapped(|inner: Arc<dyn ObjectStore>| {
        store = Some(Arc::clone(&inner));
        inner
    });
    let (store, folder) = (store.unwrap(), warehouse.url().to_string());
    let table = open(&warehouse).await;
    let first = stage(&table, 0, 0, &[(1, 10), (2, 20)]).await;
    publish(&table, 0, &added(&[&first])).await.unwrap();
    let delta = DeltaFolder::new(Place::open(&format!("{folder}gold/counts")).unwrap());
    assert!(delta.is_table().await.unwrap());
    assert_eq!((delta.newest_version(None).await.unwrap(), delta.newest_version(Some(0)).await.unwrap()), (1, 1));
    let (_, batches) = delta.rows(1).await.unwrap();
    assert_eq!(batches.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 2);

    let root = warehouse.url().path().trim_matches('/').to_string();
    for (name, text) in [("b.csv", "2"), ("a.csv", "1"), ("_hidden", "0")] {
        let path = object_store::path::Path::from(format!("{root}/files/{name}"));
        store.put_opts(&path, text.into(), Default::default()).await.unwrap();
    }
    let place = Place::open(&format!("{folder}files")).unwrap();
    assert!(!place.has_folder("_delta_log").await.unwrap());
    let files = place.files().await.unwrap();
    assert_eq!(files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["a.csv", "b.csv"]);
    assert_eq!(place.read(&files[1]).await.unwrap(), "2");
    let one = Place::open(&format!("{folder}files/a.csv")).unwrap().files().await.unwrap();
    assert_eq!(one.len(), 1);
    let path = object_store::path::Path::from(format!("{root}/files/a.csv"));
    store.put_opts(&path, "3".into(), Default::default()).await.unwrap();
    assert_ne!(place.files().await.unwrap(), files, "same length, another content");
    assert!(Place::open(&format!("{folder}nothing")).unwrap().files().await.unwrap().is_empty());
}
