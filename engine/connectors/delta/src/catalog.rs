//! Reading: the warehouse's tables as SQL tables, all of a job as of one epoch.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::SinkError;
use datafusion::catalog::{MemorySchemaProvider, TableProvider};
use datafusion::prelude::SessionContext;
use deltalake_core::DeltaTable;
use epoch::EpochId;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use storage::retried;

use crate::error::{delta_error, reading_error};
use crate::pointer::read_pointers;
use crate::provider::DeltaRows;
use crate::warehouse::Warehouse;

/// Tables opened side by side.
const OPEN_AT_ONCE: usize = 8;

/// Which version of each table to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// The newest, table by table.
    Latest,
    /// The last published epoch of the job that writes the table; the newest for tables that no job points at.
    Published,
}

/// A table as registered.
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
}

/// Finds all tables of the warehouse (`schema/table/_delta_log`) and registers each as `schema.table`. Sorted by name.
///
/// # Errors
/// `Data` if a table is damaged or lacks the version pointed at; `Unavailable`; `Settings`.
pub async fn register_tables(
    context: &SessionContext,
    warehouse: &Warehouse,
    as_of: AsOf,
) -> Result<Vec<TableInfo>, SinkError> {
    let pinned = match as_of {
        AsOf::Latest => BTreeMap::new(),
        AsOf::Published => pinned_versions(warehouse).await?,
    };
    let names = find_tables(warehouse).await?;
    let opened: Vec<(TableInfo, DeltaTable)> = stream::iter(names.into_iter().map(|name| {
        let pin = pinned.get(&name).copied();
        async move { open(warehouse, name, pin).await }
    }))
    .buffered(OPEN_AT_ONCE)
    .try_collect()
    .await?;
    let mut infos = Vec::with_capacity(opened.len());
    for (info, table) in opened {
        register(context, &info.name, &table)?;
        infos.push(info);
    }
    Ok(infos)
}

/// Version and epoch per table. A table that two jobs write stands at the newer of the two.
async fn pinned_versions(warehouse: &Warehouse) -> Result<BTreeMap<String, (i64, EpochId)>, SinkError> {
    let mut pinned: BTreeMap<String, (i64, EpochId)> = BTreeMap::new();
    for pointer in read_pointers(warehouse).await? {
        for (table, version) in pointer.versions {
            let place = pinned.entry(table).or_insert((version, pointer.epoch));
            *place = (*place).max((version, pointer.epoch));
        }
    }
    Ok(pinned)
}

/// Names of all tables, sorted. Folders that begin with `_` or `.` are not schemas.
async fn find_tables(warehouse: &Warehouse) -> Result<Vec<String>, SinkError> {
    let store = warehouse.store();
    let mut names = Vec::new();
    for schema in folders(store.as_ref(), None, warehouse).await? {
        for table in folders(store.as_ref(), Some(&Path::from(schema.as_str())), warehouse).await? {
            let log = Path::from_iter([schema.as_str(), table.as_str(), "_delta_log"]);
            let place = format!("log of table {schema}.{table}");
            // One entry is enough: a table has at least its first.
            let first = retried(&place, || store.list(Some(&log)).take(1).try_collect::<Vec<_>>()).await?;
            if !first.is_empty() {
                names.push(format!("{schema}.{table}"));
            }
        }
    }
    names.sort();
    Ok(names)
}

async fn folders(
    store: &dyn ObjectStore,
    within: Option<&Path>,
    warehouse: &Warehouse,
) -> Result<Vec<String>, SinkError> {
    let place = format!("folders of {}", warehouse.url());
    let found = retried(&place, || store.list_with_delimiter(within)).await?;
    let names = found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_string));
    Ok(names.filter(|name| !name.starts_with(['_', '.'])).collect())
}

async fn open(
    warehouse: &Warehouse,
    name: String,
    pin: Option<(i64, EpochId)>,
) -> Result<(TableInfo, DeltaTable), SinkError> {
    let mut table = DeltaTable::new(warehouse.log_store(&name)?);
    let (loaded, place) = match pin {
        Some((version, epoch)) => (
            table.load_version(version.cast_unsigned()).await,
            format!("table {name} at version {version} (epoch {epoch})"),
        ),
        None => (table.load().await, format!("table {name}")),
    };
    loaded.map_err(|error| reading_error(&place, &error))?;
    let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
    let mut info = TableInfo {
        name,
        version: state.version().cast_signed(),
        epoch: pin.map(|(_, epoch)| epoch),
        rows: Some(0),
        files: 0,
        bytes: 0,
    };
    for file in state.log_data().iter() {
        info.files += 1;
        info.bytes += u64::try_from(file.size()).unwrap_or(0);
        info.rows = info.rows.zip(file.num_records()).map(|(all, some)| all + some as u64);
    }
    Ok((info, table))
}

/// A table at its newest version, with the data file of each row as a further column.
pub struct Snapshot {
    /// What it is.
    pub info: TableInfo,
    /// Names of its data files, relative to the table's folder.
    pub files: Vec<String>,
    /// Its rows; a session must be [made ready](Snapshot::make_ready) for them.
    pub rows: Arc<dyn TableProvider>,
    delta: Arc<DeltaRows>,
}

impl Snapshot {
    /// Lets a session read the table's files.
    ///
    /// # Errors
    /// Never.
    pub fn make_ready(&self, context: &SessionContext) -> Result<(), SinkError> {
        self.delta.make_ready(&context.runtime_env());
        Ok(())
    }
}

/// All tables of a warehouse at their newest versions, by name; `file_column` is the name of the column with the data file.
///
/// # Errors
/// `Data` if a table is damaged; `Unavailable`; `Settings`.
pub async fn snapshots(warehouse: &Warehouse, file_column: &str) -> Result<BTreeMap<String, Snapshot>, SinkError> {
    let mut snapshots = BTreeMap::new();
    for name in find_tables(warehouse).await? {
        let (info, table) = open(warehouse, name.clone(), None).await?;
        let state = table.snapshot().map_err(|error| delta_error(&name, &error))?;
        let files = state.log_data().iter().map(|file| file.path().to_string()).collect();
        let delta = Arc::new(DeltaRows::new(&table, &format!("table {name}"), Some(file_column))?);
        let rows: Arc<dyn TableProvider> = Arc::<DeltaRows>::clone(&delta);
        snapshots.insert(name, Snapshot { info, files, rows, delta });
    }
    Ok(snapshots)
}

fn register(context: &SessionContext, name: &str, table: &DeltaTable) -> Result<(), SinkError> {
    let internal = |error: &dyn std::fmt::Display| SinkError::Internal(format!("registering table {name}: {error}"));
    let (schema, table_name) = name.split_once('.').ok_or_else(|| internal(&"its name has no schema"))?;
    let catalog = context.state().config().options().catalog.default_catalog.clone();
    let catalog = context.catalog(&catalog).ok_or_else(|| internal(&"the session has no catalog"))?;
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
    let rows = DeltaRows::new(table, &format!("table {name}"), None)?;
    rows.make_ready(&context.runtime_env());
    // A second call replaces the table by its newer version.
    schema_provider.deregister_table(table_name).map_err(|error| internal(&error))?;
    schema_provider.register_table(table_name.to_string(), Arc::new(rows)).map_err(|error| internal(&error))?;
    Ok(())
}
