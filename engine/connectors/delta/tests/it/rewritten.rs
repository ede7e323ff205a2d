//! Tables that another program has rewritten and cleaned since the job's last epoch: the Python client's OPTIMIZE, VACUUM and checkpoint.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use connector::{AsOf, Catalog, Pointer, WriterId, register_tables};
use datafusion::prelude::SessionContext;
use delta::{Table, Warehouse, write_pointer};
use epoch::EpochId;

use crate::filters::{commit, owner, staged};
use crate::fixture::{NAME, rows, schema};

const COMPACT_AND_VACUUM: &str = "
table = deltalake.DeltaTable(path)
assert table.optimize.compact()['numFilesRemoved'] > 1
assert len(table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)) > 1
";

fn python(script: &str, folder: &Path) {
    let python = std::env::var("ENGINE_TEST_PYTHON").unwrap_or_else(|_| {
        panic!("ENGINE_TEST_PYTHON is not set: run scripts/test, or point it to a Python with the packages of scripts/test-requirements.txt")
    });
    let path = folder.join("gold/counts");
    let script = format!("import deltalake\npath = '{}'\n{script}", path.display());
    let output =
        Command::new(&python).args(["-c", &script]).output().unwrap_or_else(|error| panic!("{python}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Epochs 0 to 2 in the table, the pointer at the last of them.
async fn published(folder: &Path) -> (Warehouse, Table) {
    let warehouse = Warehouse::open(folder.to_str().unwrap()).await.unwrap();
    let table = Table::open(&warehouse, NAME, schema(), "shop", "1a2b3c4d").await.unwrap();
    table.define(owner()).await.unwrap();
    for epoch in 0..3 {
        let pointer = publish(&table, epoch).await;
        write_pointer(&warehouse, &pointer).await.unwrap();
    }
    (warehouse, table)
}

/// Publishes the one row of an epoch, and returns what points at it.
async fn publish(table: &Table, epoch: u64) -> Pointer {
    let change = staged(table, epoch, rows(&[(epoch.cast_signed(), 10)]), None).await;
    let commit = commit(table, epoch, change);
    let version = table.publish(owner(), &commit).await.unwrap();
    let writer = WriterId { job: "shop".to_string(), job_id: "1a2b3c4d".to_string() };
    Pointer::of(&writer, owner(), &commit, &BTreeMap::from([(NAME.to_string(), version)]))
}

/// The keys as of the published epoch, that epoch, and the version that was read.
async fn keys(warehouse: &Warehouse) -> (Vec<i64>, Option<EpochId>, i64) {
    use arrow::array::AsArray;
    let context = SessionContext::new();
    let tables = register_tables(&context, warehouse, AsOf::Published).await.unwrap();
    assert_eq!(tables[0].damage, None);
    let batches = batch::rows(&context, "SELECT key FROM gold.counts ORDER BY key").await.unwrap();
    let keys = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec());
    (keys.collect(), tables[0].epoch, tables[0].version)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_whose_files_were_vacuumed_is_read_where_it_lies_now() {
    let folder = tempfile::tempdir().unwrap();
    let (warehouse, table) = published(folder.path()).await;
    assert_eq!(keys(&warehouse).await, (vec![0, 1, 2], Some(EpochId(2)), 3));
    python(COMPACT_AND_VACUUM, folder.path());
    let (rows, epoch, version) = keys(&warehouse).await;
    assert_eq!((rows, epoch), (vec![0, 1, 2], Some(EpochId(2))));
    assert!(version > 3, "{version}");
    // The next epoch is in the table, and not pointed at yet: it is not shown.
    publish(&table, 3).await;
    assert_eq!(keys(&warehouse).await, (vec![0, 1, 2], Some(EpochId(2)), version));
    let newest = warehouse.tables(AsOf::Latest, None).await.unwrap();
    assert_eq!(newest[0].info.rows, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_still_there_is_read_whatever_others_did_since() {
    let folder = tempfile::tempdir().unwrap();
    let (warehouse, _) = published(folder.path()).await;
    python("deltalake.DeltaTable(path).delete('key = 1')", folder.path());
    assert_eq!(keys(&warehouse).await, (vec![0, 1, 2], Some(EpochId(2)), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_whose_log_entries_were_cleaned_away_is_read_at_a_later_version() {
    let folder = tempfile::tempdir().unwrap();
    let (warehouse, _) = published(folder.path()).await;
    python(&format!("{COMPACT_AND_VACUUM}\ndeltalake.DeltaTable(path).create_checkpoint()"), folder.path());
    let log = folder.path().join("gold/counts/_delta_log");
    for version in 0..=3 {
        std::fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    let (rows, epoch, _) = keys(&warehouse).await;
    assert_eq!((rows, epoch), (vec![0, 1, 2], Some(EpochId(2))));
    // The table's own record says which epoch it holds,
    std::fs::remove_file(log.join(format!("{:020}.json", 4))).unwrap();
    let (rows, epoch, _) = keys(&warehouse).await;
    assert_eq!((rows, epoch), (vec![0, 1, 2], Some(EpochId(2))));
    // but not whose, if the pointer is of an engine that did not say.
    let pointer = warehouse.pointers().await.unwrap().remove(0);
    write_pointer(&warehouse, &Pointer { job_id: String::new(), ..pointer }).await.unwrap();
    let tables = warehouse.tables(AsOf::Published, None).await.unwrap();
    let damage = tables[0].info.damage.clone().unwrap();
    assert!(damage.contains(NAME) && damage.contains("run the job"), "{damage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_table_keeps_nobody_from_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (warehouse, _) = published(folder.path()).await;
    let other = Table::open(&warehouse, "silver.items", schema(), "shop", "1a2b3c4d").await.unwrap();
    other.define(owner()).await.unwrap();
    let entry = folder.path().join("silver/items/_delta_log/00000000000000000000.json");
    std::fs::write(entry, "{\"metaData\":").unwrap();
    for as_of in [AsOf::Latest, AsOf::Published] {
        let tables = warehouse.tables(as_of, None).await.unwrap();
        let damaged: Vec<bool> = tables.iter().map(|table| table.info.damage.is_some()).collect();
        assert_eq!(damaged, [false, true], "{as_of:?}");
        assert!(tables[1].info.damage.as_ref().unwrap().contains("silver.items"));
        // Whoever reads it nevertheless does not find an empty table.
        let context = SessionContext::new();
        warehouse.prepare(&context).unwrap();
        let frame = context.read_table(std::sync::Arc::clone(&tables[1].provider)).unwrap();
        assert!(frame.collect().await.unwrap_err().to_string().contains("silver.items"));
    }
    assert_eq!(keys(&warehouse).await.0, [0, 1, 2]);
}
