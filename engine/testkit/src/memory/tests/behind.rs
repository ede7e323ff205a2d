//! A warehouse that is slow: the job reads no further than a few epochs ahead of it, and says why.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use connector::{
    AsOf, Capabilities, Catalog, Pointer, Sink, SinkError, SinkTable, TableDefinition, TableSnapshot, Tables,
    Warehouse, WarehouseConnector, WriterId,
};
use datafusion::prelude::SessionContext;
use epoch::{Commit, Owner};
use runtime::{Backends, EpochProgress, ProgressListener, SetClock, SubmitOptions, submit};

use super::{click, job};
use crate::MemoryOptions;
use crate::memory::place::MemoryPlace;

/// A door that is shut until somebody opens it.
#[derive(Default)]
struct Door {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Door {
    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        drop(self.opened.wait_while(self.is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
    }
}

/// Tables in memory, that publish nothing while the door is shut.
#[derive(Clone, Default)]
struct Slow {
    tables: ::memory::MemorySink,
    door: Arc<Door>,
}

#[async_trait]
impl WarehouseConnector for Slow {
    fn opens(&self, _: &str) -> bool {
        true
    }

    fn capabilities(&self) -> Capabilities {
        Sink::capabilities(&self.tables)
    }

    async fn open(&self, _: &str) -> Result<Arc<dyn Warehouse>, SinkError> {
        Ok(Arc::new(self.clone()))
    }

    fn table_schema(&self, schema: &Schema) -> Result<SchemaRef, SinkError> {
        self.tables.table_schema(schema)
    }
}

#[async_trait]
impl Sink for Slow {
    fn title(&self) -> &'static str {
        "Slow"
    }

    fn capabilities(&self) -> Capabilities {
        Sink::capabilities(&self.tables)
    }

    async fn open_table(
        &self,
        definition: &TableDefinition,
        writer: &WriterId,
    ) -> Result<Arc<dyn SinkTable>, SinkError> {
        self.tables.open_table(definition, writer).await
    }

    async fn find_table(&self, name: &str, writer: &WriterId) -> Result<Option<Arc<dyn SinkTable>>, SinkError> {
        self.tables.find_table(name, writer).await
    }

    async fn publish(
        &self,
        writer: &WriterId,
        owner: Owner,
        tables: &Tables,
        commit: &Commit,
    ) -> Result<BTreeMap<String, i64>, SinkError> {
        self.door.pass();
        self.tables.publish(writer, owner, tables, commit).await
    }

    async fn mark_published(
        &self,
        writer: &WriterId,
        owner: Owner,
        commit: &Commit,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        self.tables.mark_published(writer, owner, commit, versions).await
    }
}

#[async_trait]
impl Catalog for Slow {
    fn location(&self) -> String {
        self.tables.location()
    }

    async fn pointers(&self) -> Result<Vec<Pointer>, SinkError> {
        self.tables.pointers().await
    }

    async fn tables(&self, as_of: AsOf, file_column: Option<&str>) -> Result<Vec<TableSnapshot>, SinkError> {
        self.tables.tables(as_of, file_column).await
    }

    fn prepare(&self, context: &SessionContext) -> Result<(), SinkError> {
        self.tables.prepare(context)
    }

    async fn remove_all(&self) -> Result<usize, SinkError> {
        self.tables.remove_all().await
    }
}

/// Passes on what a run reports.
struct Listener {
    waits: Sender<String>,
    planned: Sender<u64>,
    epochs: Sender<EpochProgress>,
}

impl ProgressListener for Listener {
    fn planned(&mut self, epoch: u64) {
        self.planned.send(epoch).unwrap();
    }

    fn epoch(&mut self, progress: &EpochProgress) {
        self.epochs.send(progress.clone()).unwrap();
    }

    fn waiting(&mut self, reason: &str) {
        self.waits.send(reason.to_string()).unwrap();
    }
}

/// The job with eight records, one an epoch.
fn backends(slow: &Slow) -> (job::Job, Backends) {
    let mut job = job("[table.bronze.clicks]\nsql = \"SELECT * FROM clicks\"\n");
    job.sources.get_mut("clicks").unwrap().records_per_epoch_max = Some(1);
    let place = MemoryPlace::new(BTreeMap::new()).unwrap();
    place.add_topics(&job);
    place.topic("clicks").unwrap().append(0, (0..8).map(|second| click("ann", second, 1.0)));
    let registry = connector::Registry::new(Arc::new(slow.clone())).with_source(Arc::new(place.topics.clone()));
    let backends = place.backends(&MemoryOptions::default(), &Arc::new(SetClock::at(0)));
    (job, Backends { registry, ..backends })
}

fn soon<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(Duration::from_secs(60)).expect("the run says it")
}

#[test]
fn a_job_waits_for_a_slow_warehouse_and_says_so_while_it_does_and_in_the_next_report() {
    let slow = Slow::default();
    let (job, backends) = backends(&slow);
    let ((waits, waiting), (planned, plans), (epochs, reports)) = (channel(), channel(), channel());
    let options = SubmitOptions {
        available_now: true,
        stop: Arc::default(),
        listener: Box::new(Listener { waits, planned, epochs }),
        fault: None,
        accepted: Default::default(),
        abandoned: Default::default(),
        replayed: None,
    };
    let running = std::thread::spawn(move || submit(job, options, &backends).unwrap());
    let reason = soon(&waiting);
    assert!(reason.starts_with("4 epochs (0 to 3, "), "{reason}");
    assert!(reason.contains("nothing more is read until one is. Epoch 0 has waited for"), "{reason}");
    assert_eq!(plans.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3], "no more is read");
    assert!(reports.try_recv().is_err(), "nothing is published");

    slow.door.open();
    let summary = running.join().unwrap();
    let reports: Vec<EpochProgress> = reports.iter().collect();
    assert_eq!(reports.iter().map(|report| report.epoch).collect::<Vec<_>>(), (0..summary.epochs).collect::<Vec<_>>());
    assert_eq!(summary.rows_read, 8);
    assert!(reports[..4].iter().all(|report| report.waited.is_none()));
    let waited = reports[4].waited.clone().unwrap();
    assert!(waited.ms >= 1_000 && waited.reason.starts_with("4 epochs (0 to 3, "), "{waited:?}");
}

#[test]
fn a_job_reads_nothing_while_less_is_free_on_the_disk_than_is_held_back_for_commits() {
    let slow = Slow::default();
    slow.door.open();
    let (mut job, backends) = backends(&slow);
    let folder = tempfile::tempdir().unwrap();
    job.checkpoint = folder.path().to_str().unwrap().to_owned();
    job.free_bytes_min = u64::MAX;
    let ((waits, waiting), (planned, plans), (epochs, reports)) = (channel(), channel(), channel());
    let stop = Arc::default();
    let options = SubmitOptions {
        available_now: true,
        stop: Arc::clone(&stop),
        listener: Box::new(Listener { waits, planned, epochs }),
        fault: None,
        accepted: Default::default(),
        abandoned: Default::default(),
        replayed: None,
    };
    let running = std::thread::spawn(move || submit(job, options, &backends).unwrap());
    let reason = soon(&waiting);
    assert!(reason.contains("are held back for commits (min_free_space in [job])"), "{reason}");
    stop.store(true, std::sync::atomic::Ordering::Release);
    let summary = running.join().unwrap();
    assert_eq!((summary.epochs, plans.try_iter().count(), reports.try_iter().count()), (0, 0, 0));
}
