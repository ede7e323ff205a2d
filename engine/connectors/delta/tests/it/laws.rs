//! The laws of sinks over Delta tables: on a local disk, on a real S3 server, with a fault at every request; and sinks that break them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use connector::laws::sink::{self, SinkUnderTest};
use connector::{
    Capabilities, Content, Registry, Sink, SinkError, SinkPosition, SinkTable, StageWriter, TableDefinition, WriterId,
};
use delta::{DeltaConnector, Warehouse};
use epoch::{EpochId, TableCommit};
use storage::faults::{Fault, FaultyStore, Operation, Rule};

use crate::fixture::faulty;
use crate::s3;

/// A warehouse at a location, whose log entries' answers can be lost.
struct AtLocation {
    location: String,
    store: FaultyStore,
}

impl AtLocation {
    async fn new(location: &str) -> AtLocation {
        let mut store = None;
        let _opened = Warehouse::open(location).await.unwrap().wrapped(|inner| {
            store = Some(FaultyStore::new(Arc::clone(&inner)));
            inner
        });
        AtLocation { location: location.to_string(), store: store.unwrap() }
    }
}

#[async_trait]
impl SinkUnderTest for AtLocation {
    async fn open(&self) -> Result<Arc<dyn Sink>, SinkError> {
        let opened = Warehouse::open(&self.location).await?;
        Ok(Arc::new(opened.wrapped(|_| Arc::new(self.store.clone()))))
    }

    fn lose_next_answer(&self) -> bool {
        self.store.add(Rule::next(Operation::Put, "_delta_log", Fault::ApplyThenFail));
        true
    }

    fn answers_lost(&self) -> u32 {
        self.store.fired()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_laws_hold_on_the_local_disk() {
    let folder = tempfile::tempdir().unwrap();
    let place = AtLocation::new(folder.path().to_str().unwrap()).await;
    sink::all(&place).await.unwrap();
    assert_eq!(place.store.left(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_laws_hold_on_s3() {
    let place = AtLocation::new(&s3::location()).await;
    sink::all(&place).await.unwrap();
    assert_eq!(place.store.left(), 0);
}

#[tokio::test]
async fn the_laws_hold_on_a_runtime_of_one_thread() {
    let folder = tempfile::tempdir().unwrap();
    sink::all(&AtLocation::new(folder.path().to_str().unwrap()).await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connector_opens_what_the_laws_are_about() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(Arc::new(DeltaConnector));
    let warehouse = registry.warehouse(folder.path().to_str().unwrap()).await.unwrap();
    assert!(warehouse.location().starts_with("file:///"));
    assert!(matches!(registry.warehouse("gs://x").await, Err(SinkError::Settings(_))));
    assert_eq!(warehouse.remove_all().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_laws_hold_with_a_fault_at_every_request() {
    // An upload that fails ends the epoch, which is run again: `every_fault` tries those. Reading is most of what the laws do,
    // and one request like the other: every fifth is enough.
    let requests = [
        (Operation::Put, "_delta_log", 1),
        (Operation::Put, "_engine", 1),
        (Operation::Delete, "", 1),
        (Operation::Get, "", 5),
        (Operation::List, "", 5),
    ];
    let mut series = Vec::new();
    for (operation, path, stride) in requests {
        for fault in [Fault::Fail, Fault::ApplyThenFail] {
            series.push(tokio::spawn(at_every_request(Rule::next(operation, path, fault), stride)));
        }
    }
    let mut struck = 0;
    for one in series {
        struck += one.await.unwrap();
    }
    assert!(struck > 80, "{struck} faults struck");
}

/// Lets the fault strike at every request, or one in `stride`, until there is none left. Returns how often it struck.
async fn at_every_request(rule: Rule, stride: u32) -> u32 {
    for run in 0.. {
        let (warehouse, store) = faulty();
        let rule = rule.clone().after(run * stride);
        store.add(rule.clone());
        let place = Disturbed { warehouse, sabotage: None, publications: Arc::default() };
        sink::all(&place).await.unwrap_or_else(|broken| panic!("{rule:?}: {broken}"));
        if store.fired() == 0 {
            return run;
        }
    }
    unreachable!("every run ends")
}

/// What a bad sink does wrong.
#[derive(Clone, Copy, Debug)]
enum Sabotage {
    /// It publishes an epoch again as if it were another.
    ForgetsEpochs,
    /// It does not know what it has published.
    ForgetsPosition,
    /// It leaves the rows that are replaced.
    KeepsReplaced,
}

/// A warehouse whose store fails by script, or that does one thing wrong itself.
#[derive(Clone)]
struct Disturbed {
    warehouse: Warehouse,
    sabotage: Option<Sabotage>,
    publications: Arc<AtomicU64>,
}

struct DisturbedTable {
    inner: Arc<dyn SinkTable>,
    place: Disturbed,
}

#[async_trait]
impl SinkUnderTest for Disturbed {
    async fn open(&self) -> Result<Arc<dyn Sink>, SinkError> {
        Ok(Arc::new(self.clone()))
    }

    /// The script loses answers; another rule beside it would strike at another time.
    fn lose_next_answer(&self) -> bool {
        false
    }

    fn answers_lost(&self) -> u32 {
        0
    }
}

#[async_trait]
impl Sink for Disturbed {
    fn title(&self) -> &'static str {
        self.warehouse.title()
    }

    fn capabilities(&self) -> Capabilities {
        self.warehouse.capabilities()
    }

    /// A job that cannot open its table is started again.
    async fn open_table(
        &self,
        definition: &TableDefinition,
        writer: &WriterId,
    ) -> Result<Arc<dyn SinkTable>, SinkError> {
        let inner = match self.warehouse.open_table(definition, writer).await {
            Err(error) if error.is_transient() => self.warehouse.open_table(definition, writer).await?,
            opened => opened?,
        };
        Ok(Arc::new(DisturbedTable { inner, place: self.clone() }))
    }

    async fn mark_published(
        &self,
        writer: &WriterId,
        epoch: EpochId,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        self.warehouse.mark_published(writer, epoch, versions).await
    }
}

#[async_trait]
impl SinkTable for DisturbedTable {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn schema(&self) -> &SchemaRef {
        self.inner.schema()
    }

    fn stage(&self, epoch: EpochId, number: u32, content: Content) -> Result<Box<dyn StageWriter>, SinkError> {
        self.inner.stage(epoch, number, content)
    }

    async fn publish(&self, epoch: EpochId, change: &TableCommit) -> Result<i64, SinkError> {
        match self.place.sabotage {
            Some(Sabotage::ForgetsEpochs) => {
                let another = self.place.publications.fetch_add(1, Ordering::Relaxed);
                self.inner.publish(EpochId(another), change).await
            }
            Some(Sabotage::KeepsReplaced) => {
                let added = TableCommit { removed: Vec::new(), ..change.clone() };
                self.inner.publish(epoch, &added).await
            }
            Some(Sabotage::ForgetsPosition) | None => self.inner.publish(epoch, change).await,
        }
    }

    async fn position(&self) -> Result<SinkPosition, SinkError> {
        match self.place.sabotage {
            Some(Sabotage::ForgetsPosition) => Ok(SinkPosition::default()),
            _ => self.inner.position().await,
        }
    }

    async fn discard(&self, epoch: EpochId) -> Result<(), SinkError> {
        self.inner.discard(epoch).await
    }

    async fn rows(&self) -> Result<Vec<RecordBatch>, SinkError> {
        self.inner.rows().await
    }

    async fn wait_idle(&self) {
        self.inner.wait_idle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_does_one_thing_wrong_breaks_the_law_about_it() {
    let laws = [
        (Sabotage::ForgetsEpochs, "a published epoch is seen once"),
        (Sabotage::ForgetsPosition, "the position is the place's own"),
        (Sabotage::KeepsReplaced, "a bucket is replaced whole"),
    ];
    for (sabotage, law) in laws {
        let warehouse = Warehouse::in_memory().unwrap();
        let place = Disturbed { warehouse, sabotage: Some(sabotage), publications: Arc::default() };
        let broken = sink::all(&place).await.unwrap_err();
        assert!(broken.law.starts_with(law), "{sabotage:?}: {broken}");
    }
}
