//! One table of a job: opened or created, staged into, cleaned of what a crash left.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use connector::SinkError;
use deltalake_core::DeltaTable;
use deltalake_core::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake_core::kernel::{MetadataExt, StructType, new_metadata};
use deltalake_core::logstore::LogStoreRef;
use epoch::{EpochId, paths};
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use storage::{Patience, retried, store_error};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::entry::{columns_entry, create_entry, entry_path, epoch_number};
use crate::error::delta_error;
use crate::publish::{Head, log_time_ms};
use crate::schema::{added_columns, table_schema};
use crate::stage::{DataFileWriter, Target};
use crate::warehouse::Warehouse;

/// How long entries of a table's log are kept once a checkpoint covers them; a trigger of one second makes 600,000 a week.
const LOG_RETENTION: (&str, &str) = ("delta.logRetentionDuration", "interval 7 days");

const NO_PARTITIONS: [&str; 0] = [];

/// One Delta table of a job. Cheap to clone; clones are the same table.
#[derive(Clone)]
pub struct Table {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub name: String,
    /// The application of our table transactions.
    pub app: String,
    pub job_id: String,
    pub schema: SchemaRef,
    /// Paths begin at the table's folder.
    pub store: Arc<dyn ObjectStore>,
    pub log: LogStoreRef,
    pub folder: Option<PathBuf>,
    pub in_memory: bool,
    pub runtime: Handle,
    pub head: Mutex<Head>,
    pub upkeep: std::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.shared.name).field("app", &self.shared.app).finish_non_exhaustive()
    }
}

impl Table {
    /// Opens the table `name` (`schema.table`), or creates it. New columns are added to an existing table.
    ///
    /// `job_id` is the checkpoint's: two jobs of one name but different checkpoints do not take each other's epochs for their own.
    /// Must be called on a tokio runtime, which then also carries uploads of staged files.
    ///
    /// # Errors
    /// `Refused` if the columns do not fit, saying which; `Data` if the table is damaged or needs what we do not do; `Unavailable`; `Settings`.
    pub async fn open(
        warehouse: &Warehouse,
        name: &str,
        schema: SchemaRef,
        job: &str,
        job_id: &str,
    ) -> Result<Table, SinkError> {
        let wanted = table_schema(&schema).map_err(|error| error.of_table(name))?;
        let log = warehouse.log_store(name)?;
        let store = warehouse.table_store(name);
        let app = format!("engine-{job}-{job_id}");
        let (schema, head) = match ensure_schema(&log, store.as_ref(), name, &wanted).await? {
            EnsuredTable::Created(schema) => (schema, Head::new(0, None, HashSet::new())),
            EnsuredTable::Loaded(table) => columns_and_head(&table, &log, name, &app, job_id).await?,
        };
        Ok(Table {
            shared: Arc::new(Shared {
                name: name.to_string(),
                app,
                job_id: job_id.to_string(),
                schema,
                store,
                log,
                folder: warehouse.table_folder(name),
                in_memory: warehouse.is_in_memory(),
                runtime: Handle::current(),
                head: Mutex::new(head),
                upkeep: std::sync::Mutex::new(None),
            }),
        })
    }

    /// The table's name, `schema.table`.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The table's columns: those asked for, and in the order of the table.
    pub fn schema(&self) -> &SchemaRef {
        &self.shared.schema
    }

    /// The newest version known, and the job's last epoch in it.
    pub async fn position(&self) -> (i64, Option<EpochId>) {
        self.shared.head.lock().await.position()
    }

    /// The same after a look into the log: what other processes have put there is taken in.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`, `Data`; `Refused` if another program changed the table's columns.
    pub async fn read_position(&self) -> Result<(i64, Option<EpochId>), SinkError> {
        let mut head = self.shared.head.lock().await;
        self.catch_up(&mut head).await?;
        Ok(head.position())
    }

    /// A writer for data file `number` of an epoch. Call it from plain threads: it may wait for an upload.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`, `Settings` if the file cannot be made.
    pub fn stage(&self, epoch: EpochId, number: u32, bucket: Option<i64>) -> Result<DataFileWriter, SinkError> {
        let shared = &self.shared;
        let name = paths::data_file(&shared.job_id, epoch, number);
        let target = match &shared.folder {
            Some(folder) => Target::disk(folder.join(&name))
                .map_err(|error| SinkError::file(&format!("data file {name} of table {}", shared.name), &error))?,
            None if shared.in_memory => Target::Memory {
                store: Arc::clone(&shared.store),
                path: object_store::path::Path::from(name.as_str()),
                bytes: Vec::new(),
            },
            None => Target::store(Arc::clone(&shared.store), &name, shared.runtime.clone()),
        };
        DataFileWriter::new(name, &shared.name, bucket, Arc::clone(&shared.schema), target)
    }

    /// Deletes the data files that an epoch staged before a crash, if it was never published. Call it before the epoch is run again.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`.
    pub async fn discard(&self, epoch: EpochId) -> Result<(), SinkError> {
        let shared = &self.shared;
        let mut head = shared.head.lock().await;
        self.catch_up(&mut head).await?;
        if head.epoch >= Some(epoch_number(epoch)?) {
            return Ok(());
        }
        let prefix = paths::data_file_prefix(&shared.job_id, epoch);
        let place = format!("staged files {prefix}* of table {}", shared.name);
        // Everything before the prefix, the log above all, need not be listed where the store can skip it.
        let offset = object_store::path::Path::from(prefix.as_str());
        let found = retried(&place, || {
            shared.store.list_with_offset(None, &offset).map_ok(|object| object.location).try_collect::<Vec<_>>()
        })
        .await?;
        for path in found.into_iter().filter(|path| path.as_ref().starts_with(&prefix)) {
            retried(&place, || async {
                match shared.store.delete(&path).await {
                    Err(object_store::Error::NotFound { .. }) => Ok(()),
                    done => done,
                }
            })
            .await?;
        }
        Ok(())
    }
}

/// Columns of a table that was there before, and where the job stands in its log.
async fn columns_and_head(
    table: &DeltaTable,
    log: &LogStoreRef,
    name: &str,
    app: &str,
    job_id: &str,
) -> Result<(SchemaRef, Head), SinkError> {
    let place = format!("table {name}");
    let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
    let epoch = state.transaction_version(log.as_ref(), app).await.map_err(|error| delta_error(&place, &error))?;
    let own = format!("part-{job_id}-");
    let live: HashSet<String> =
        state.log_data().iter().map(|file| file.path().into_owned()).filter(|path| path.starts_with(&own)).collect();
    let schema = table_schema(&state.snapshot().arrow_schema()).map_err(|error| error.of_table(name))?;
    Ok((schema, Head::new(state.version().cast_signed(), epoch, live)))
}

/// A table that has the wanted columns.
enum EnsuredTable {
    /// Just made by us: it is at version 0, without rows. Its columns as a reader of the log finds them.
    Created(SchemaRef),
    /// It was there.
    Loaded(Box<DeltaTable>),
}

/// Loads the table once it exists and has the wanted columns. Whoever creates or changes it at the same moment, one of us wins and the other sees it.
async fn ensure_schema(
    log: &LogStoreRef,
    store: &dyn ObjectStore,
    name: &str,
    wanted: &SchemaRef,
) -> Result<EnsuredTable, SinkError> {
    let mut patience = Patience::default();
    loop {
        let step = match load(log, name).await {
            Ok(Some(table)) => match add_missing(&table, store, name, wanted).await {
                Ok(true) => return Ok(EnsuredTable::Loaded(Box::new(table))),
                done => done,
            },
            Ok(None) => match create(store, name, wanted).await {
                Ok(Some(schema)) => return Ok(EnsuredTable::Created(schema)),
                done => done.map(|_| false),
            },
            Err(error) => Err(error),
        };
        if let Err(error) = step {
            patience.wait_after(error).await?;
        }
    }
}

async fn load(log: &LogStoreRef, name: &str) -> Result<Option<DeltaTable>, SinkError> {
    let place = format!("table {name}");
    if !log.is_delta_table_location().await.map_err(|error| delta_error(&place, &error))? {
        return Ok(None);
    }
    let mut table = DeltaTable::new(Arc::clone(log));
    table.load().await.map_err(|error| delta_error(&place, &error))?;
    Ok(Some(table))
}

/// Puts the first log entry and returns the columns; `None` if an entry is there already. The Delta library's own CREATE, having lost a race, commits its definition once more as version 1.
async fn create(store: &dyn ObjectStore, name: &str, wanted: &SchemaRef) -> Result<Option<SchemaRef>, SinkError> {
    let columns: StructType =
        wanted.as_ref().try_into_kernel().map_err(|error| SinkError::Refused(format!("table {name}: {error}")))?;
    let place = format!("creating table {name}");
    let metadata = new_metadata(&columns, NO_PARTITIONS, [LOG_RETENTION])
        .and_then(|metadata| metadata.with_name(name.to_string()))
        .map_err(|error| SinkError::Internal(format!("{place}: {error}")))?;
    let entry = create_entry(metadata, log_time_ms())?;
    match store.put_opts(&entry_path(0), entry.into(), PutMode::Create.into()).await {
        Ok(_) => {
            let columns: arrow::datatypes::Schema = (&columns)
                .try_into_arrow()
                .map_err(|error| SinkError::Internal(format!("{place}: its columns cannot be read back: {error}")))?;
            Ok(Some(table_schema(&columns).map_err(|error| error.of_table(name))?))
        }
        // Taken: by another creator, or by us when the answer was lost. The caller looks again.
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(None),
        Err(error) => Err(store_error(&place, &error)),
    }
}

/// True if the table has all columns; false if a version with them was written, or somebody else wrote one, and the table must be loaded again.
async fn add_missing(
    table: &DeltaTable,
    store: &dyn ObjectStore,
    name: &str,
    wanted: &SchemaRef,
) -> Result<bool, SinkError> {
    let place = format!("table {name}");
    let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
    check_protocol(table, name)?;
    let existing = table_schema(&state.snapshot().arrow_schema()).map_err(|error| error.of_table(name))?;
    let added = added_columns(&existing, wanted).map_err(|error| error.of_table(name))?;
    if added.is_empty() {
        return Ok(true);
    }
    let fields: Vec<_> = existing.fields().iter().cloned().chain(added).collect();
    let columns: StructType = (&arrow::datatypes::Schema::new(fields))
        .try_into_kernel()
        .map_err(|error| SinkError::Refused(format!("table {name}: {error}")))?;
    let metadata =
        state.metadata().clone().with_schema(&columns).map_err(|error| delta_error(&place, &error.into()))?;
    let version = state.version().cast_signed();
    let entry = columns_entry(metadata, version, log_time_ms())?;
    match store.put_opts(&entry_path(version + 1), entry.into(), PutMode::Create.into()).await {
        Ok(_) | Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
        Err(error) => Err(store_error(&place, &error)),
    }
}

/// Refuses tables that another program made with features that we would have to honour when writing.
fn check_protocol(table: &DeltaTable, name: &str) -> Result<(), SinkError> {
    let state = table.snapshot().map_err(|error| delta_error(&format!("table {name}"), &error))?;
    if !state.metadata().partition_columns().is_empty() {
        return Err(SinkError::Data(format!(
            "table {name} is partitioned; the engine writes tables that it made itself"
        )));
    }
    let protocol = serde_json::to_value(state.protocol()).unwrap_or_default();
    let writer = protocol["minWriterVersion"].as_i64().unwrap_or(0);
    let harmless = ["appendOnly", "invariants"];
    let features = protocol["writerFeatures"].as_array().cloned().unwrap_or_default();
    let unknown = features.iter().find(|feature| !feature.as_str().is_some_and(|feature| harmless.contains(&feature)));
    if let Some(feature) = unknown {
        return Err(SinkError::Data(format!(
            "table {name} needs the writer feature {feature}, which the engine does not have; write to another table"
        )));
    }
    if writer > 2 && features.is_empty() {
        return Err(SinkError::Data(format!(
            "table {name} needs writer version {writer}, the engine has 2; write to another table"
        )));
    }
    Ok(())
}
