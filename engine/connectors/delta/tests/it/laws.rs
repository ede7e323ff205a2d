//! The laws of sinks over Delta tables: on a local disk, on a real S3 server, with a fault at every request; and sinks that break them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use bytes::Bytes;
use connector::laws::sink::{self, SinkUnderTest};
use connector::{
    Capabilities, Content, Registry, Sink, SinkError, SinkPosition, SinkTable, StageWriter, TableDefinition, WriterId,
};
use delta::{DeltaConnector, Warehouse};
use epoch::{ArtifactId, Commit, CommitId, EpochId, Owner, TableCommit, paths};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use storage::faults::{Fault, FaultyStore, Operation, Rule};
use storage::store_error;

use crate::fixture::in_store;
use crate::s3;

/// Every operation that a place can be kept from.
const OPERATIONS: [Operation; 5] =
    [Operation::Put, Operation::Get, Operation::List, Operation::Delete, Operation::Copy];

/// A warehouse as whoever looks after it sees it: objects, without faults.
struct Objects {
    store: Arc<dyn ObjectStore>,
    copy: Mutex<Vec<(Path, Bytes)>>,
}

impl Objects {
    fn new(store: Arc<dyn ObjectStore>) -> Arc<Objects> {
        Arc::new(Objects { store, copy: Mutex::default() })
    }

    async fn paths(&self) -> Result<Vec<Path>, SinkError> {
        let all = self.store.list(None).map_ok(|object| object.location);
        all.try_collect().await.map_err(|error| store_error("the warehouse's objects", &error))
    }

    async fn back_up(&self) -> Result<(), SinkError> {
        let mut copy = Vec::new();
        for path in self.paths().await? {
            let bytes = async { self.store.get(&path).await?.bytes().await }.await;
            copy.push((path, bytes.map_err(|error| store_error("backing the warehouse up", &error))?));
        }
        *self.copy.lock().unwrap() = copy;
        Ok(())
    }

    async fn restore(&self) -> Result<(), SinkError> {
        for path in self.paths().await? {
            self.delete(&path).await?;
        }
        let copy = self.copy.lock().unwrap().clone();
        for (path, bytes) in copy {
            let put = self.store.put(&path, bytes.into()).await;
            put.map_err(|error| store_error("restoring the warehouse", &error))?;
        }
        Ok(())
    }

    async fn lose_artifact(&self, table: &str, path: &str) -> Result<(), SinkError> {
        self.delete(&Path::from(format!("{}/{path}", paths::table_folder(table)))).await
    }

    async fn delete(&self, path: &Path) -> Result<(), SinkError> {
        self.store.delete(path).await.map_err(|error| store_error("deleting behind the sink's back", &error))
    }
}

/// A warehouse at a location, whose log entries' answers can be lost, and which can be taken away.
struct AtLocation {
    location: String,
    store: FaultyStore,
    objects: Arc<Objects>,
}

impl AtLocation {
    async fn new(location: &str) -> AtLocation {
        let mut store = None;
        let opened = Warehouse::open(location).await.unwrap().wrapped(|inner| {
            store = Some(FaultyStore::new(Arc::clone(&inner)));
            inner
        });
        AtLocation { location: location.to_string(), store: store.unwrap(), objects: Objects::new(opened.store()) }
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

    fn set_away(&self, is_away: bool) -> bool {
        if is_away {
            OPERATIONS.into_iter().for_each(|operation| {
                self.store.add(Rule::next(operation, "", Fault::Fail).times(10_000));
            });
        } else {
            self.store.heal();
        }
        true
    }

    async fn back_up(&self) -> Result<(), SinkError> {
        self.objects.back_up().await
    }

    async fn restore(&self) -> Result<(), SinkError> {
        self.objects.restore().await
    }

    async fn lose_artifact(&self, table: &str, path: &str) -> Result<(), SinkError> {
        self.objects.lose_artifact(table, path).await
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
        let inner = Arc::new(InMemory::new());
        let store = FaultyStore::new(Arc::<InMemory>::clone(&inner));
        let rule = rule.clone().after(run * stride);
        store.add(rule.clone());
        let place = Disturbed {
            warehouse: in_store(Arc::new(store.clone())),
            objects: Objects::new(in_store(inner).store()),
            sabotage: None,
            publications: Arc::default(),
        };
        sink::all(&place).await.unwrap_or_else(|broken| panic!("{rule:?}: {broken}"));
        if store.fired() == 0 {
            return run;
        }
    }
    unreachable!("every run ends")
}

/// What a bad sink does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sabotage {
    /// It publishes an epoch again as if it were another.
    ForgetsEpochs,
    /// It does not know what it has published.
    ForgetsPosition,
    /// It leaves the rows that are replaced.
    KeepsReplaced,
    /// It takes every commit as if it followed what it holds.
    IgnoresBefore,
    /// It lets owners publish that were replaced.
    NoFence,
    /// It lets owners claim it that were replaced.
    ClaimsAnyhow,
    /// It lets owners sweep that were replaced.
    SweepsAnyhow,
    /// It lets owners mark that were replaced.
    MarksAnyhow,
}

/// A warehouse whose store fails by script, or that does one thing wrong itself.
#[derive(Clone)]
struct Disturbed {
    warehouse: Warehouse,
    objects: Arc<Objects>,
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

    /// Its script is one fault; healing it would leave nothing to be tested.
    fn set_away(&self, _is_away: bool) -> bool {
        false
    }

    async fn back_up(&self) -> Result<(), SinkError> {
        self.objects.back_up().await
    }

    async fn restore(&self) -> Result<(), SinkError> {
        self.objects.restore().await
    }

    async fn lose_artifact(&self, table: &str, path: &str) -> Result<(), SinkError> {
        self.objects.lose_artifact(table, path).await
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

    async fn find_table(&self, name: &str, writer: &WriterId) -> Result<Option<Arc<dyn SinkTable>>, SinkError> {
        let found = self.warehouse.find_table(name, writer).await?;
        Ok(found.map(|inner| Arc::new(DisturbedTable { inner, place: self.clone() }) as Arc<dyn SinkTable>))
    }

    async fn mark_published(
        &self,
        writer: &WriterId,
        owner: Owner,
        commit: &Commit,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        match self.sabotage {
            Some(Sabotage::MarksAnyhow) => Ok(()),
            _ => self.warehouse.mark_published(writer, owner, commit, versions).await,
        }
    }
}

impl Disturbed {
    /// An owner that nobody fences off in the place of another, if the place does that wrong.
    fn unfenced(&self, owner: Owner, wrong: Sabotage) -> Owner {
        if self.sabotage == Some(wrong) { Owner { term: 1_000, run: 1 } } else { owner }
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

    async fn define(&self, owner: Owner) -> Result<(), SinkError> {
        self.inner.define(owner).await
    }

    fn stage(&self, artifact: ArtifactId, content: Content) -> Result<Box<dyn StageWriter>, SinkError> {
        self.inner.stage(artifact, content)
    }

    async fn publish(&self, owner: Owner, commit: &Commit) -> Result<i64, SinkError> {
        let Some(sabotage) = self.place.sabotage else { return self.inner.publish(owner, commit).await };
        let held = self.inner.position().await?;
        match sabotage {
            Sabotage::ForgetsEpochs => {
                let random = 1_000_000 + self.place.publications.fetch_add(1, Ordering::Relaxed);
                let another = Commit { nonce: CommitId::new(commit.plan.epoch, random).nonce, ..commit.clone() };
                let another = another.with_tables(held.accepted, commit.tables.clone());
                self.inner.publish(owner, &another).await
            }
            Sabotage::IgnoresBefore if held.accepted != Some(commit.id()) => {
                let anyhow = commit.clone().with_tables(held.accepted, commit.tables.clone());
                self.inner.publish(owner, &anyhow).await
            }
            Sabotage::KeepsReplaced => {
                let without = |change: &TableCommit| TableCommit { removed: Vec::new(), ..change.clone() };
                let tables = commit.tables.iter().map(|(name, change)| (name.clone(), without(change))).collect();
                self.inner.publish(owner, &Commit { tables, ..commit.clone() }).await
            }
            Sabotage::NoFence if owner.is_fenced_by(&held.owner) => self.inner.publish(held.owner, commit).await,
            Sabotage::IgnoresBefore
            | Sabotage::NoFence
            | Sabotage::ForgetsPosition
            | Sabotage::ClaimsAnyhow
            | Sabotage::SweepsAnyhow
            | Sabotage::MarksAnyhow => self.inner.publish(owner, commit).await,
        }
    }

    async fn adopt(&self, owner: Owner, commit: CommitId) -> Result<(), SinkError> {
        let owner = self.place.unfenced(owner, Sabotage::ClaimsAnyhow);
        self.inner.adopt(owner, commit).await
    }

    async fn position(&self) -> Result<SinkPosition, SinkError> {
        match self.place.sabotage {
            Some(Sabotage::ForgetsPosition) => Ok(SinkPosition::default()),
            _ => self.inner.position().await,
        }
    }

    async fn sweep(&self, owner: Owner, newest: Option<EpochId>) -> Result<(), SinkError> {
        let owner = self.place.unfenced(owner, Sabotage::SweepsAnyhow);
        self.inner.sweep(owner, newest).await
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
        (Sabotage::IgnoresBefore, "a commit is taken by a place that holds the one before it"),
        (Sabotage::NoFence, "an owner that came later fences off the earlier ones"),
        (Sabotage::ClaimsAnyhow, "an owner that was replaced neither claims"),
        (Sabotage::SweepsAnyhow, "an owner that was replaced neither claims, nor defines, nor sweeps"),
        (Sabotage::MarksAnyhow, "an epoch is marked by no owner that was replaced"),
    ];
    for (sabotage, law) in laws {
        let warehouse = Warehouse::in_memory().unwrap();
        let objects = Objects::new(warehouse.store());
        let place = Disturbed { warehouse, objects, sabotage: Some(sabotage), publications: Arc::default() };
        let broken = sink::all(&place).await.unwrap_err();
        assert!(broken.law.starts_with(law), "{sabotage:?}: {broken}");
    }
}
