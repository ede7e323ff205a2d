//! The way back: the tables of a warehouse for SQL, all of a job as of one epoch.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use epoch::{Commit, EpochId, Message, Owner, Positions, SplitIdentities};
use serde::{Deserialize, Serialize};

use crate::error::SinkError;
use crate::sink::WriterId;

/// A job's last published epoch: all of its tables at the versions that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// Format of this object.
    pub format: u32,
    /// Name of the job.
    pub job: String,
    /// The epoch.
    pub epoch: EpochId,
    /// Version per table name.
    pub versions: BTreeMap<String, i64>,
    /// Id of the checkpoint; empty in a pointer of format 1.
    #[serde(default)]
    pub job_id: String,
    /// The drawn part of the epoch's commit id.
    #[serde(default)]
    pub nonce: u64,
    /// Who published it.
    #[serde(default)]
    pub owner: Owner,
    /// What the job had read by then, per source: with it a lost checkpoint of a job without state can be rebuilt.
    #[serde(default)]
    pub positions: BTreeMap<String, Positions>,
    /// What the sources' splits were that these positions are in, for those of which that is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identities: BTreeMap<String, SplitIdentities>,
    /// The sources' watermarks by then, microseconds since 1970 UTC.
    #[serde(default)]
    pub watermarks_us: BTreeMap<String, i64>,
}

impl Pointer {
    /// Format of a new one.
    pub const FORMAT: u32 = 2;

    /// The pointer of a commit that all tables have.
    pub fn of(writer: &WriterId, owner: Owner, commit: &Commit, versions: &BTreeMap<String, i64>) -> Pointer {
        // Those that were set aside, too: where they stood is nowhere else once the checkpoint is lost.
        let positions = commit.known_sources().filter_map(|source| Some((source.clone(), commit.position(source)?)));
        let identities =
            commit.known_sources().filter_map(|source| Some((source.clone(), commit.identity(source)?.clone())));
        let watermarks = commit.watermarks.iter();
        Pointer {
            format: Pointer::FORMAT,
            job: writer.job.clone(),
            epoch: commit.plan.epoch,
            versions: versions.clone(),
            job_id: writer.job_id.clone(),
            nonce: commit.nonce,
            owner,
            positions: positions.collect(),
            identities: identities.collect(),
            watermarks_us: watermarks
                .filter_map(|(source, state)| Some((source.clone(), state.watermark_us?)))
                .collect(),
        }
    }

    /// True if this pointer may take the place of `other`, which is of the same job: pointers do not go back, except by the decision
    /// of an owner that came later.
    pub fn may_replace(&self, other: &Pointer) -> bool {
        self.owner.term > other.owner.term || (self.owner == other.owner && self.epoch >= other.epoch)
    }
}

/// Which version of each table to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// The newest, table by table.
    Latest,
    /// The last published epoch of the job that writes the table; the newest for tables that no job points at.
    Published,
}

/// What a table is at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// `schema.table`.
    pub name: String,
    /// Version read.
    pub version: i64,
    /// Epoch that version belongs to, if a job points at it.
    pub epoch: Option<EpochId>,
    /// Rows, if every file says.
    pub rows: Option<u64>,
    /// Data files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Why it cannot be read, if it cannot; version, rows, files and bytes say nothing then.
    pub damage: Option<String>,
}

/// A table at one version, to be read.
#[derive(Clone)]
pub struct TableSnapshot {
    /// What it is.
    pub info: TableInfo,
    /// Names of its data files, relative to the table.
    pub files: Vec<String>,
    /// Its rows. A session must be [prepared](Catalog::prepare) for them.
    pub provider: Arc<dyn TableProvider>,
}

/// Reads a warehouse.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Where it is, without any key.
    fn location(&self) -> String;

    /// The last published epoch of every job that writes to it, by job.
    ///
    /// # Errors
    /// `Data` if one cannot be read, `Unavailable`, `Settings`.
    async fn pointers(&self) -> Result<Vec<Pointer>, SinkError>;

    /// All tables, by name. `file_column`: the name of a further column with the data file of each row. A table that is damaged, or
    /// that nothing here can read, is among them ([`TableSnapshot::damaged`]): it must not keep anybody from the others.
    ///
    /// # Errors
    /// `Data` if the place itself is damaged; `Unavailable`; `Settings`.
    async fn tables(&self, as_of: AsOf, file_column: Option<&str>) -> Result<Vec<TableSnapshot>, SinkError>;

    /// Lets a session read the tables' files.
    ///
    /// # Errors
    /// `Internal` if the session refuses their store.
    fn prepare(&self, context: &SessionContext) -> Result<(), SinkError>;

    /// Deletes everything in it, for scratch places of tests and drills. Returns how many objects there were.
    ///
    /// # Errors
    /// If the place refuses; some objects may be gone by then.
    async fn remove_all(&self) -> Result<usize, SinkError>;
}

impl TableSnapshot {
    /// A table that cannot be read, and why. It has no columns, and reading it fails.
    pub fn damaged(name: String, reason: String) -> TableSnapshot {
        let provider = Arc::new(DamagedTable { reason: reason.clone() });
        let info = TableInfo { name, version: 0, epoch: None, rows: None, files: 0, bytes: 0, damage: Some(reason) };
        TableSnapshot { info, files: Vec::new(), provider }
    }
}

/// Stands where a table cannot be read: whoever passes over the damage must not find a table without rows.
#[derive(Debug)]
struct DamagedTable {
    reason: String,
}

#[async_trait]
impl TableProvider for DamagedTable {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::empty())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
        Err(DataFusionError::External(Box::new(SinkError::Data(self.reason.clone().into()))))
    }
}

/// Registers all tables of a warehouse as `schema.table`; those of an earlier call are replaced. Sorted by name. Damaged ones are
/// only named.
///
/// # Errors
/// As [`Catalog::tables`].
pub async fn register_tables(
    context: &SessionContext,
    catalog: &dyn Catalog,
    as_of: AsOf,
) -> Result<Vec<TableInfo>, SinkError> {
    catalog.prepare(context)?;
    let tables = catalog.tables(as_of, None).await?;
    tables.into_iter().map(|table| register(context, table)).collect()
}

fn register(context: &SessionContext, table: TableSnapshot) -> Result<TableInfo, SinkError> {
    let name = &table.info.name;
    let internal = |error: &(dyn std::error::Error + 'static)| {
        SinkError::Internal(Message::caused_by(format!("registering table {name}: {error}"), error))
    };
    let missing = |what: &str| SinkError::Internal(format!("registering table {name}: {what}").into());
    let (schema, table_name) = name.split_once('.').ok_or_else(|| missing("its name has no schema"))?;
    let catalog = context.state().config().options().catalog.default_catalog.clone();
    let catalog = context.catalog(&catalog).ok_or_else(|| missing("the session has no catalog"))?;
    let schema_provider = match catalog.schema(schema) {
        Some(schema) => schema,
        None => {
            let made: Arc<MemorySchemaProvider> = Arc::new(MemorySchemaProvider::new());
            catalog
                .register_schema(schema, Arc::<MemorySchemaProvider>::clone(&made))
                .map_err(|error| internal(&error))?;
            made
        }
    };
    schema_provider.deregister_table(table_name).map_err(|error| internal(&error))?;
    if table.info.damage.is_some() {
        return Ok(table.info);
    }
    schema_provider.register_table(table_name.to_string(), table.provider.clone()).map_err(|error| internal(&error))?;
    Ok(table.info)
}
