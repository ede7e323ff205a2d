//! Where a run in memory lies: it outlives the run, so that a job can end and begin again.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::memory::{MemoryConnector, MemoryStatics, MemoryTopic};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use connector::{Capabilities, Registry, SinkError, StaticRows, Warehouse, WarehouseConnector};
use job::Job;
use runtime::{Backends, Checkpoints, Clock, RunError, SetClock};
use state::{Checkpoint, MemoryStore, StateError};

use super::MemoryOptions;

/// Where a run in memory lies. Clones are the same place.
#[derive(Clone)]
pub struct MemoryPlace {
    /// The topics of its sources.
    pub topics: MemoryConnector,
    /// Static tables that do not lie at their path.
    pub statics: MemoryStatics,
    /// Holds the tables: Delta, in an object store in memory.
    pub warehouse: delta::Warehouse,
    /// Holds the checkpoint.
    checkpoint: MemoryStore,
}

impl MemoryPlace {
    /// A new place with rows for some static tables.
    ///
    /// # Errors
    /// Never in practice.
    pub fn new(statics: BTreeMap<String, StaticRows>) -> Result<MemoryPlace, RunError> {
        Ok(MemoryPlace {
            topics: MemoryConnector::default(),
            statics: MemoryStatics::new(statics),
            warehouse: delta::Warehouse::in_memory()?,
            checkpoint: MemoryStore::new(),
        })
    }

    /// The topic of a source.
    ///
    /// # Errors
    /// If the job has no such source.
    pub fn topic(&self, source: &str) -> Result<MemoryTopic, RunError> {
        self.topics.topic(source).ok_or_else(|| RunError::Plan(format!("the job has no source {source}")))
    }

    /// Makes a topic for each source that has none yet, with the name that it has in the job file.
    pub fn add_topics(&self, job: &Job) {
        for source in job.sources.values() {
            self.topics.topic_or_new(&source.name, source.settings.stream().unwrap_or(&source.name));
        }
    }

    /// What a run stands on here. It goes by the time that is set.
    pub fn backends(&self, options: &MemoryOptions, clock: &Arc<SetClock>) -> Backends {
        let warehouse = Arc::new(self.warehouse.clone());
        let registry = Registry::new(Arc::new(Opened(warehouse)))
            .with_source(Arc::new(self.topics.clone()))
            .with_static(Arc::new(self.statics.clone()))
            .with_static(Arc::new(delta::DeltaStatics))
            .with_static(Arc::new(files::FilesStatics));
        Backends {
            clock: Clock::Set(Arc::clone(clock)),
            lanes: options.lanes.max(1),
            lanes_span_min: options.lanes_span_min,
            registry,
            checkpoints: Arc::new(self.clone()),
            plans_ahead: false,
            counts_state_rows: true,
        }
    }
}

impl Checkpoints for MemoryPlace {
    fn open(&self, job: &Job) -> Result<Checkpoint, StateError> {
        Checkpoint::open_in_memory(&self.checkpoint, &job.name)
    }
}

/// The warehouse of the place, whatever location the job file names.
struct Opened(Arc<dyn Warehouse>);

#[async_trait]
impl WarehouseConnector for Opened {
    async fn open(&self, _location: &str) -> Result<Arc<dyn Warehouse>, SinkError> {
        Ok(Arc::clone(&self.0))
    }

    fn opens(&self, _location: &str) -> bool {
        true
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn table_schema(&self, schema: &Schema) -> Result<SchemaRef, SinkError> {
        delta::table_schema(schema)
    }
}
