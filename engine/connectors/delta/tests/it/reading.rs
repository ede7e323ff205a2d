//! Reading back: all tables of a job as of one epoch.

use connector::{AsOf, Catalog, register_tables};
use datafusion::prelude::SessionContext;
use delta::{Warehouse, write_pointer};
use epoch::EpochId;

use crate::fixture::{NAME, added, faulty, open, owner, pointer, publish, schema, stage, try_open};

const OTHER: &str = "silver.items";

async fn count(context: &SessionContext, table: &str) -> i64 {
    use arrow::array::AsArray;
    let batches = batch::rows(context, &format!("SELECT count(*) FROM {table}")).await.unwrap();
    batches[0].column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0)
}

async fn publish_both(warehouse: &Warehouse, epochs: u64) {
    let first = open(warehouse).await;
    let second = try_open(warehouse, OTHER, schema(), ("shop", "1a2b")).await.unwrap();
    for epoch in 0..epochs {
        let file = stage(&first, epoch, 0, &[(epoch.cast_signed(), 1), (-1, 1)]).await;
        let version = publish(&first, epoch, &added(&[&file])).await.unwrap();
        let file = stage(&second, epoch, 0, &[(epoch.cast_signed(), 1)]).await;
        let other = publish(&second, epoch, &added(&[&file])).await.unwrap();
        let pointer = pointer("shop", owner(), epoch, &[(NAME, version), (OTHER, other)]);
        write_pointer(warehouse, &pointer).await.unwrap();
    }
    // A crash between the two tables of the next epoch.
    let file = stage(&first, epochs, 0, &[(99, 1)]).await;
    publish(&first, epochs, &added(&[&file])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_published_epoch_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let (in_memory, _) = faulty();
    for warehouse in [in_memory, Warehouse::open(folder.path().to_str().unwrap()).await.unwrap()] {
        publish_both(&warehouse, 3).await;
        let context = SessionContext::new();
        let tables = register_tables(&context, &warehouse, AsOf::Published).await.unwrap();
        assert_eq!((count(&context, NAME).await, count(&context, OTHER).await), (6, 3));
        assert_eq!(tables.len(), 2);
        assert_eq!((tables[0].name.as_str(), tables[0].version, tables[0].epoch), (NAME, 3, Some(EpochId(2))));
        assert_eq!((tables[0].rows, tables[0].files), (Some(6), 3));
        assert!(tables[0].bytes > 0);
        let newest = register_tables(&context, &warehouse, AsOf::Latest).await.unwrap();
        assert_eq!((newest[0].version, newest[0].epoch), (4, None));
        assert_eq!((count(&context, NAME).await, count(&context, OTHER).await), (7, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_jobs_each_have_their_epoch_and_tables_of_none_are_read_too() {
    let (warehouse, _) = faulty();
    publish_both(&warehouse, 2).await;
    let third = try_open(&warehouse, "gold.sales", schema(), ("books", "ff")).await.unwrap();
    let file = stage(&third, 0, 0, &[(1, 1)]).await;
    let version = publish(&third, 0, &added(&[&file])).await.unwrap();
    write_pointer(&warehouse, &pointer("books", owner(), 0, &[("gold.sales", version)])).await.unwrap();
    try_open(&warehouse, "bronze.loose", schema(), ("none", "aa")).await.unwrap();
    let context = SessionContext::new();
    let tables = register_tables(&context, &warehouse, AsOf::Published).await.unwrap();
    let shown: Vec<_> =
        tables.iter().map(|table| (table.name.as_str(), table.version, table.epoch.map(|epoch| epoch.0))).collect();
    assert_eq!(shown, [("bronze.loose", 0, None), (NAME, 2, Some(1)), ("gold.sales", 1, Some(0)), (OTHER, 2, Some(1))]);
    let pointers = warehouse.pointers().await.unwrap();
    assert_eq!(pointers.iter().map(|pointer| pointer.job.as_str()).collect::<Vec<_>>(), ["books", "shop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_skip_files_by_their_statistics() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    for epoch in 0..4_u64 {
        let from = epoch.cast_signed() * 100;
        let file = stage(&table, epoch, 0, &[(from, 1), (from + 99, 1)]).await;
        publish(&table, epoch, &added(&[&file])).await.unwrap();
    }
    let context = SessionContext::new();
    register_tables(&context, &warehouse, AsOf::Latest).await.unwrap();
    store.take_log();
    assert_eq!(count(&context, "gold.counts WHERE key BETWEEN 150 AND 250").await, 2);
    let read: std::collections::BTreeSet<_> =
        store.take_log().into_iter().map(|(_, path)| path).filter(|path| path.contains("part-")).collect();
    assert_eq!(read.len(), 2, "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_warehouse_has_no_tables_and_a_missing_version_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let context = SessionContext::new();
    assert_eq!(register_tables(&context, &warehouse, AsOf::Published).await.unwrap(), []);
    publish_both(&warehouse, 1).await;
    write_pointer(&warehouse, &pointer("shop", owner(), 9, &[(NAME, 40)])).await.unwrap();
    // It was published, and the table does not hold it any more: an older version in its place would be an answer, and wrong.
    let tables = register_tables(&context, &warehouse, AsOf::Published).await.unwrap();
    let damage = tables[0].damage.clone().unwrap_or_default();
    assert!(damage.contains("gold.counts at version 40 (epoch 9)"), "{damage}");
    assert_eq!(tables[1].damage, None, "the other table can be read");
}
