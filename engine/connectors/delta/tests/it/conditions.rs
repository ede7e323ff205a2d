//! Stores that ignore the conditions of puts: with them two engines could overwrite each other's commits.

use std::sync::Arc;

use async_trait::async_trait;
use connector::{AsOf, Catalog, SinkError};
use delta::{Table, Warehouse};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use storage::faults::{Fault, FaultyStore, Operation, Rule};
use url::Url;

use crate::fixture::{NAME, owner, schema};

/// A store that puts whatever it is told to put.
#[derive(Debug)]
struct Heedless(InMemory);

impl std::fmt::Display for Heedless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} without conditions", self.0)
    }
}

#[async_trait]
impl ObjectStore for Heedless {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, PutOptions { mode: PutMode::Overwrite, ..opts }).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

fn at_s3(store: Arc<dyn ObjectStore>) -> Warehouse {
    Warehouse::with_store(Url::parse("s3://bucket/lake").unwrap(), store)
}

async fn objects(store: &dyn ObjectStore) -> Vec<String> {
    let objects: Vec<_> = store.list(None).try_collect().await.unwrap();
    objects.into_iter().map(|object| object.location.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_ignores_conditional_puts_is_refused_by_name() {
    let store = Arc::new(Heedless(InMemory::new()));
    // The second time the probe is there already.
    for _ in 0..2 {
        let warehouse = at_s3(Arc::<Heedless>::clone(&store));
        let answer = Table::open(&warehouse, NAME, schema(), "shop", "1a2b").await;
        assert!(
            matches!(&answer, Err(SinkError::Settings(text))
                if ["s3://bucket/lake", "If-None-Match", "MinIO"].iter().all(|part| text.as_str().contains(part))),
            "{answer:?}"
        );
    }
    assert_eq!(objects(store.as_ref()).await, ["lake/_engine/probe"], "no table was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_heeds_conditions_is_probed_once() {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let probes = || store.take_log().into_iter().filter(|(_, path)| path == "lake/_engine/probe").count();
    let warehouse = at_s3(Arc::new(store.clone()));
    for (table, expected) in [("gold.counts", 2), ("gold.other", 0)] {
        let table = Table::open(&warehouse.clone(), table, schema(), "shop", "1a2b").await.unwrap();
        table.define(owner()).await.unwrap();
        assert_eq!(probes(), expected);
    }
    Table::open(&at_s3(Arc::new(store.clone())), NAME, schema(), "shop", "1a2b").await.unwrap();
    assert_eq!(probes(), 1, "it is there already");
    // It is neither a pointer nor a table.
    assert_eq!(warehouse.pointers().await.unwrap(), []);
    assert_eq!(warehouse.tables(AsOf::Published, None).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_survives_lost_answers_and_a_failing_store() {
    for fault in [Fault::Fail, Fault::ApplyThenFail] {
        for skipped in 0..2 {
            let store = FaultyStore::new(Arc::new(InMemory::new()));
            store.add(Rule::next(Operation::Put, "_engine/probe", fault).after(skipped));
            let opened = Table::open(&at_s3(Arc::new(store.clone())), NAME, schema(), "shop", "1a2b").await;
            assert!(opened.is_ok(), "{fault:?} {skipped}: {opened:?}");
        }
    }
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    store.add(Rule::next(Operation::Put, "_engine/probe", Fault::Fail).times(1000));
    let warehouse = at_s3(Arc::new(store.clone()));
    let away = Table::open(&warehouse, NAME, schema(), "shop", "1a2b").await;
    assert!(matches!(&away, Err(SinkError::Unavailable(_))), "{away:?}");
    // What was not found out is asked again.
    store.heal();
    Table::open(&warehouse, NAME, schema(), "shop", "1a2b").await.unwrap();
}
