//! Where the tables of a warehouse lie, and that no key is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

#[test]
fn keys_are_not_printed() {
    let url = Url::parse("s3://bucket/lake").unwrap();
    let store = object_store::aws::AmazonS3Builder::new()
        .with_bucket_name("bucket")
        .with_access_key_id("AKIDEXAMPLE")
        .with_secret_access_key("hush-hush");
    let warehouse = Warehouse::with_store(url, Arc::new(store.build().unwrap()));
    let shown = format!("{warehouse:?}");
    assert!(shown.contains("s3://bucket/lake/"), "{shown}");
    assert!(!shown.contains("hush") && !shown.contains("AKID"), "{shown}");
    assert_eq!(warehouse.table_prefix("gold.counts").as_ref(), "lake/gold/counts");
}

#[tokio::test]
async fn a_table_has_its_folder_on_the_local_disk() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    assert_eq!(warehouse.table_folder("a.b").unwrap(), folder.path().canonicalize().unwrap().join("a/b"));
}
