//! One table of a job: opened or created, staged into, cleaned of what a crash left.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use connector::{SinkError, SinkPosition};
use deltalake_core::DeltaTable;
use deltalake_core::logstore::LogStoreRef;
use epoch::{ArtifactId, Owner, paths};
use object_store::{ObjectStore, ObjectStoreExt};
use storage::{Patience, patiently, retried};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::ahead::NextEntry;
use crate::definition::{Looked, Wanted, check_unchanged, define, load, look};
use crate::entry::{entry_path, read_entry};
use crate::error::delta_error;
use crate::head::{ABSENT, Head};
use crate::record::Applications;
use crate::rules::Rules;
use crate::schema::table_schema;
use crate::stage::{DataFileWriter, Target};
use crate::upkeep::Upkeep;
use crate::warehouse::Warehouse;

/// One Delta table of a job. Cheap to clone; clones are the same table.
#[derive(Clone)]
pub struct Table {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub name: String,
    /// The applications of our transactions.
    pub apps: Applications,
    pub job_id: String,
    pub schema: SchemaRef,
    pub rules: Arc<Rules>,
    /// What is wanted of the table's definition.
    pub wanted: Wanted,
    /// Paths begin at the table's folder.
    pub store: Arc<dyn ObjectStore>,
    pub log: LogStoreRef,
    pub folder: Option<PathBuf>,
    pub in_memory: bool,
    pub runtime: Handle,
    pub head: Mutex<Head>,
    /// What is already written of the entry that comes next.
    pub next_entry: NextEntry,
    pub upkeep: Upkeep,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.shared.name)
            .field("app", &self.shared.apps.epoch)
            .finish_non_exhaustive()
    }
}

impl Table {
    /// Opens the table `name` (`schema.table`). Nothing is made or changed: that is what [`Table::define`] does.
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
        warehouse.check_conditional_puts(name).await?;
        let log = warehouse.log_store(name)?;
        let apps = Applications::of(job, job_id);
        let (schema, rules, wanted, head) = match look(&log, name, &wanted).await? {
            Looked::Absent(schema, wanted) => {
                let rules = Rules::of_new(&schema);
                (schema, rules, wanted, Head::absent())
            }
            Looked::There(table, schema, rules, wanted) => {
                let head = head_of(&table, &log, warehouse.table_store(name).as_ref(), &apps, name, job_id).await?;
                (schema, rules, wanted, head)
            }
        };
        Ok(Table::of(warehouse, name, job_id, (log, apps), (schema, rules, wanted), head))
    }

    /// Opens a table as it is; `None` if there is none.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub async fn find(warehouse: &Warehouse, name: &str, job: &str, job_id: &str) -> Result<Option<Table>, SinkError> {
        let log = warehouse.log_store(name)?;
        let Some(table) = load(&log, name).await? else { return Ok(None) };
        let place = format!("table {name}");
        let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
        let schema = table_schema(&state.snapshot().arrow_schema()).map_err(|error| error.of_table(name))?;
        let rules = Rules::of(state, state.metadata());
        let apps = Applications::of(job, job_id);
        let head = head_of(&table, &log, warehouse.table_store(name).as_ref(), &apps, name, job_id).await?;
        Ok(Some(Table::of(warehouse, name, job_id, (log, apps), (schema, rules, Wanted::Nothing), head)))
    }

    fn of(
        warehouse: &Warehouse,
        name: &str,
        job_id: &str,
        (log, apps): (LogStoreRef, Applications),
        (schema, rules, wanted): (SchemaRef, Arc<Rules>, Wanted),
        head: Head,
    ) -> Table {
        let store = warehouse.table_store(name);
        Table {
            shared: Arc::new(Shared {
                name: name.to_string(),
                apps,
                job_id: job_id.to_string(),
                schema,
                rules,
                wanted,
                upkeep: Upkeep::of(name, (&log, &store), head.version, Handle::current()),
                store,
                log,
                folder: warehouse.table_folder(name),
                in_memory: warehouse.is_in_memory(),
                runtime: Handle::current(),
                head: Mutex::new(head),
                next_entry: NextEntry::default(),
            }),
        }
    }

    /// Makes the table, or adds the columns that it lacks. May be repeated. A log that earlier runs have left without a summary for long gets it.
    ///
    /// # Errors
    /// `Unavailable`, also if another program made or changed it since it was opened: it must be opened again; `DiskFull`, `Settings`;
    /// `Refused` if that shows only once the log is read anew, because its entries were cleaned up; `Contradiction` if there is something
    /// to change and an owner that came later has published.
    pub async fn define(&self, owner: Owner) -> Result<(), SinkError> {
        let mut head = self.shared.head.lock().await;
        loop {
            if self.shared.wanted.is_change_of(&head) {
                self.stands(&mut head).await?;
                // Whoever came later may have published since the log was read.
                self.catch_up(&mut head).await?;
                head.fence(&self.shared.name, owner)?;
            }
            let before = head.version;
            define(&self.shared, &mut head).await?;
            if before == ABSENT || head.version == before || self.stands_at(&mut head, before).await? {
                self.shared.upkeep.catch_up(head.version).await;
                return Ok(());
            }
        }
    }

    /// Waits until no upkeep of the log is running.
    pub async fn wait_idle(&self) {
        self.shared.upkeep.wait_idle().await;
    }

    /// [`Table::check_log`], tried again.
    async fn stands(&self, head: &mut Head) -> Result<(), SinkError> {
        let version = head.version;
        self.stands_at(head, version).await.map(|_| ())
    }

    async fn stands_at(&self, head: &mut Head, version: i64) -> Result<bool, SinkError> {
        let mut patience = Patience::default();
        loop {
            match self.check_log(head, version).await {
                Ok(stands) => return Ok(stands),
                Err(error) => patience.wait_after(error).await?,
            }
        }
    }

    /// The table's name, `schema.table`.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The table's columns: those asked for, and in the order of the table.
    pub fn schema(&self) -> &SchemaRef {
        &self.shared.schema
    }

    /// Where the table stands, after a look into the log: what other processes have put there is taken in.
    ///
    /// # Errors
    /// `Unavailable`, also if another program changed the table's definition: it must be opened again; `Settings`, `Data`.
    pub async fn position(&self) -> Result<SinkPosition, SinkError> {
        let mut head = self.shared.head.lock().await;
        if head.version != ABSENT {
            self.catch_up(&mut head).await?;
        }
        let published = head.record.map(|record| record.commit);
        let other_checkpoint = match head.record {
            Some(_) => None,
            None => self.other_checkpoint(head.version).await?,
        };
        Ok(SinkPosition {
            // Rows that are accepted are seen: a table holds none back.
            accepted: published,
            published,
            owner: head.record.map(|record| record.owner).unwrap_or_default(),
            other_checkpoint,
            restored: if head.record.is_some() { self.restored(head.version).await? } else { None },
            version: head.version.max(0),
        })
    }

    /// Reads the whole table's log anew. `is_defined`: as the head that was known says.
    pub(crate) async fn read_head(&self, is_defined: bool) -> Result<Head, SinkError> {
        let Shared { name, log, store, apps, job_id, schema, wanted, .. } = self.shared.as_ref();
        let Some(table) = load(log, name).await? else { return Ok(Head::absent()) };
        check_unchanged(&table, name, schema, is_defined || !matches!(wanted, Wanted::Change(..)))?;
        let head = head_of(&table, log, store.as_ref(), apps, name, job_id).await?;
        Ok(Head { is_defined, ..head })
    }

    /// A writer for a data file. Call it from plain threads: it may wait for an upload.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`, `Settings` if the file cannot be made; `Refused` if the table's definition lets nothing be replaced.
    pub fn stage(&self, artifact: ArtifactId, bucket: Option<i64>) -> Result<DataFileWriter, SinkError> {
        let shared = &self.shared;
        if bucket.is_some() {
            shared.rules.check_replacing(&shared.name)?;
        }
        let name = paths::data_file(&shared.job_id, &artifact);
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
        DataFileWriter::new(name, &shared.name, bucket, Arc::clone(&shared.schema), Arc::clone(&shared.rules), target)
    }
}

/// A table as it was loaded, and where the job stands in its log.
async fn head_of(
    table: &DeltaTable,
    log: &LogStoreRef,
    store: &dyn ObjectStore,
    apps: &Applications,
    name: &str,
    job_id: &str,
) -> Result<Head, SinkError> {
    let place = format!("table {name}");
    let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
    let version = state.version().cast_signed();
    let newest = retried(&place, || async {
        match store.get(&entry_path(version)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            found => found?.bytes().await.map(Some),
        }
    });
    // Almost always the newest entry is ours. Otherwise the library looks through the log, once for each application.
    let record = newest.await?.and_then(|bytes| apps.find(&read_entry(&bytes).ok()?.transactions));
    let record = match record {
        Some(record) => Some(record),
        None => {
            let mut found = Vec::new();
            for app in [apps.epoch.clone(), apps.commit(), apps.term(), apps.run()] {
                let version = patiently(|| async {
                    let version = state.transaction_version(log.as_ref(), app.clone()).await;
                    version.map_err(|error| delta_error(&place, &error))
                });
                let Some(version) = version.await? else { break };
                found.push((app, version));
            }
            apps.find(&found)
        }
    };
    let own = paths::data_files_prefix(job_id);
    let files = state.log_data();
    let live = files.iter().map(|file| file.path().into_owned()).filter(|path| path.starts_with(&own)).collect();
    Ok(Head::new(version, record, live))
}
