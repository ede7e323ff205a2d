//! One table of a job: opened or created, staged into, cleaned of what a crash left.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use connector::SinkError;
use deltalake_core::DeltaTable;
use deltalake_core::logstore::LogStoreRef;
use epoch::{EpochId, paths};
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use storage::retried;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::definition::{EnsuredTable, ensure_schema};
use crate::entry::epoch_number;
use crate::error::delta_error;
use crate::head::Head;
use crate::schema::table_schema;
use crate::stage::{DataFileWriter, Target};
use crate::warehouse::Warehouse;

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

    /// The newest version read, and the job's last epoch in it.
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
        // Its files are the table's rows.
        if head.epoch >= Some(epoch_number(epoch)?) {
            return Ok(());
        }
        let prefix = paths::data_file_prefix(&shared.job_id, epoch);
        let place = format!("staged files {prefix}* of table {}", shared.name);
        // Everything before the prefix, the log above all, need not be listed where the store can skip it.
        let offset = object_store::path::Path::from(prefix.as_str());
        let paths = retried(&place, || {
            shared.store.list_with_offset(None, &offset).map_ok(|object| object.location).try_collect::<Vec<_>>()
        })
        .await?;
        for path in paths.into_iter().filter(|path| path.as_ref().starts_with(&prefix)) {
            retried(&place, || async {
                match shared.store.delete(&path).await {
                    Err(object_store::Error::NotFound { .. }) => Ok(()),
                    deleted => deleted,
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
