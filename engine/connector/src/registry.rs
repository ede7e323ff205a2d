//! Which connectors there are. Filled where the binary is put together; everybody else asks it by the names of the job file.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use job::{Job, Source as SourceSettings, StaticTable as StaticSettings};

use crate::capabilities::Capabilities;
use crate::catalog::Catalog;
use crate::error::{SinkError, SourceError, StaticError, named};
use crate::sink::Sink;
use crate::source::Source;
use crate::statics::{OneOf, StaticTable};

/// A kind of source.
pub trait SourceConnector: Send + Sync {
    /// True if sources with this `connector` in the job file are its own.
    fn reads(&self, connector: &str) -> bool;

    /// The source of a job. Nothing is asked of it yet.
    ///
    /// # Errors
    /// Settings that the client does not take.
    fn open(&self, source: &SourceSettings, job: &Job) -> Result<Arc<dyn Source>, SourceError>;
}

/// A place with the tables of jobs, to write and to read.
pub trait Warehouse: Sink + Catalog {}

impl<T: Sink + Catalog> Warehouse for T {}

/// A kind of warehouse.
#[async_trait]
pub trait WarehouseConnector: Send + Sync {
    /// True if a location is one of its own. The one that the registry was made with is not asked: it takes what the others leave.
    fn opens(&self, location: &str) -> bool;

    /// What such a warehouse can take.
    fn capabilities(&self) -> Capabilities;

    /// Opens the warehouse at a location, and makes it if it is not there.
    ///
    /// # Errors
    /// `Settings` if the location means nothing or a variable is missing; `DiskFull`; `Unavailable`.
    async fn open(&self, location: &str) -> Result<Arc<dyn Warehouse>, SinkError>;

    /// The columns of a table as such a warehouse holds them. Nothing is opened for it.
    ///
    /// # Errors
    /// `Refused` with the column if its name or type cannot be held, and what to write instead.
    fn table_schema(&self, schema: &Schema) -> Result<SchemaRef, SinkError>;
}

/// A kind of static table.
#[async_trait]
pub trait StaticConnector: Send + Sync {
    /// The static table of a job; `None` if the job file names another kind. Nothing is read yet.
    ///
    /// # Errors
    /// `Settings` if its path means nothing, or a variable is missing.
    fn open(&self, table: &StaticSettings) -> Result<Option<Arc<dyn StaticTable>>, StaticError>;
}

/// The connectors of a binary, or of a test.
#[derive(Clone)]
pub struct Registry {
    sources: Vec<Arc<dyn SourceConnector>>,
    /// Asked in this order, then `warehouse`.
    warehouses: Vec<Arc<dyn WarehouseConnector>>,
    warehouse: Arc<dyn WarehouseConnector>,
    statics: Vec<Arc<dyn StaticConnector>>,
}

impl Registry {
    /// A registry with the kind of warehouse that takes every location which no other does, and nothing else yet.
    pub fn new(warehouse: Arc<dyn WarehouseConnector>) -> Registry {
        Registry { sources: Vec::new(), warehouses: Vec::new(), warehouse, statics: Vec::new() }
    }

    /// Adds a kind of warehouse.
    #[must_use]
    pub fn with_warehouse(mut self, connector: Arc<dyn WarehouseConnector>) -> Registry {
        self.warehouses.push(connector);
        self
    }

    /// Adds a kind of source.
    #[must_use]
    pub fn with_source(mut self, connector: Arc<dyn SourceConnector>) -> Registry {
        self.sources.push(connector);
        self
    }

    /// Adds a kind of static table. Where the job file leaves the kind open, they are asked in this order, and the last takes what
    /// the others leave.
    #[must_use]
    pub fn with_static(mut self, connector: Arc<dyn StaticConnector>) -> Registry {
        self.statics.push(connector);
        self
    }

    /// A source of a job.
    ///
    /// # Errors
    /// `Settings` if no connector reads such sources; the connector's.
    pub fn source(&self, source: &SourceSettings, job: &Job) -> Result<Arc<dyn Source>, SourceError> {
        let connector = self.sources.iter().find(|connector| connector.reads(&source.connector));
        let connector = connector.ok_or_else(|| SourceError::Settings {
            source: source.name.clone(),
            what: format!("this engine has no connector \"{}\"", source.connector).into(),
            remedy: "`engine check` names those that there are".to_string(),
        })?;
        connector.open(source, job)
    }

    /// The warehouse at a location.
    ///
    /// # Errors
    /// The connector's.
    pub async fn warehouse(&self, location: &str) -> Result<Arc<dyn Warehouse>, SinkError> {
        self.of_location(location).open(location).await
    }

    /// What the warehouse at a location can take. Nothing is opened for it.
    pub fn capabilities(&self, location: &str) -> Capabilities {
        self.of_location(location).capabilities()
    }

    /// The columns of a table as the warehouse at a location holds them. Nothing is opened for it.
    ///
    /// # Errors
    /// As [`WarehouseConnector::table_schema`].
    pub fn table_schema(&self, location: &str, schema: &Schema) -> Result<SchemaRef, SinkError> {
        self.of_location(location).table_schema(schema)
    }

    fn of_location(&self, location: &str) -> &Arc<dyn WarehouseConnector> {
        self.warehouses.iter().find(|connector| connector.opens(location)).unwrap_or(&self.warehouse)
    }

    /// A static table of a job.
    ///
    /// # Errors
    /// `Settings` if no connector takes it; the connector's.
    pub fn static_table(&self, table: &StaticSettings) -> Result<Arc<dyn StaticTable>, StaticError> {
        let opened = self.statics.iter().map(|connector| connector.open(table));
        let mut kinds = opened.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect::<Vec<_>>();
        match kinds.len() {
            0 => {
                let text = "no connector reads what lies at its path; correct `path` or `format`";
                Err(StaticError::Settings(named(&table.name, text).into()))
            }
            1 => Ok(kinds.remove(0)),
            _ => Ok(Arc::new(OneOf { kinds })),
        }
    }
}
