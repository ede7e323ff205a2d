//! One table of a job: opened or created, staged into, cleaned of what a crash left.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use connector::{ReadByThen, SinkError, SinkPosition};
use deltalake_core::DeltaTable;
use deltalake_core::logstore::LogStoreRef;
use epoch::{ArtifactId, EpochId, paths};
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use storage::{Patience, patiently, retried};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::definition::{Looked, Wanted, check_unchanged, define, load, look};
use crate::entry::{EntryActions, entry_path, read_entry};
use crate::error::delta_error;
use crate::head::{ABSENT, Head};
use crate::record::{Applications, ReadUpTo, writer_of};
use crate::rules::Rules;
use crate::schema::table_schema;
use crate::stage::{DataFileWriter, Target};
use crate::warehouse::Warehouse;

/// Entries of a log that are looked through for epochs of another checkpoint.
const ENTRIES_LOOKED_THROUGH: usize = 64;

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
    pub upkeep: std::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
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
        Table {
            shared: Arc::new(Shared {
                name: name.to_string(),
                apps,
                job_id: job_id.to_string(),
                schema,
                rules,
                wanted,
                store: warehouse.table_store(name),
                log,
                folder: warehouse.table_folder(name),
                in_memory: warehouse.is_in_memory(),
                runtime: Handle::current(),
                head: Mutex::new(head),
                upkeep: std::sync::Mutex::new(None),
            }),
        }
    }

    /// Makes the table, or adds the columns that it lacks. May be repeated.
    ///
    /// # Errors
    /// `Unavailable`, `DiskFull`, `Settings`; `Refused` if another program made or changed it since it was opened.
    pub async fn define(&self) -> Result<(), SinkError> {
        let mut head = self.shared.head.lock().await;
        let mut patience = Patience::default();
        while self.shared.wanted.is_change_of(&head) {
            match self.check_log(&mut head).await {
                Ok(()) => break,
                Err(error) => patience.wait_after(error).await?,
            }
        }
        define(&self.shared, &mut head).await
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
    /// `Unavailable`, `Settings`, `Data`; `Refused` if another program changed the table's columns.
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

    /// The newest entry of the log that is ours, and those of others behind it; as many as are looked through.
    async fn newest_own(&self, version: i64) -> Result<(Option<EntryActions>, Vec<(i64, EntryActions)>), SinkError> {
        let mut others = Vec::new();
        for version in (0..=version).rev().take(ENTRIES_LOOKED_THROUGH) {
            let Some(actions) = patiently(|| self.entry(version)).await? else { break };
            if self.shared.apps.find(&actions.transactions).is_some() {
                return Ok((Some(actions), others));
            }
            others.push((version, actions));
        }
        Ok((None, others))
    }

    /// The version in which another program restored an older one after our newest commit.
    async fn restored(&self, version: i64) -> Result<Option<i64>, SinkError> {
        let (_, others) = self.newest_own(version).await?;
        let is_restore = |actions: &EntryActions| actions.operation.as_deref() == Some("RESTORE");
        Ok(others.iter().find(|(_, actions)| is_restore(actions)).map(|(version, _)| *version))
    }

    /// What our newest commit in the log says of all that had been read by then.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`, `Data`.
    pub async fn read_by_then(&self) -> Result<Option<ReadByThen>, SinkError> {
        let head = self.shared.head.lock().await;
        let (Some(record), (Some(own), _)) = (head.record, self.newest_own(head.version).await?) else {
            return Ok(None);
        };
        let mut read = ReadByThen { commit: record.commit, touched: own.touched, ..ReadByThen::default() };
        // The entry of a record that was adopted says nothing of what was read.
        for (app, number) in &own.transactions {
            match self.shared.apps.position_of(app) {
                Some(ReadUpTo::Offset(source, split)) => {
                    read.positions.entry(source).or_default().insert(split, (*number).into());
                }
                Some(ReadUpTo::Watermark(source)) => {
                    read.watermarks_us.insert(source, *number);
                }
                None => {}
            }
        }
        Ok(Some(read).filter(|read| !read.positions.is_empty()))
    }

    /// Another checkpoint of the same job that has epochs among the newest entries of the log.
    async fn other_checkpoint(&self, version: i64) -> Result<Option<String>, SinkError> {
        for version in (0..=version).rev().take(ENTRIES_LOOKED_THROUGH) {
            let Some(actions) = patiently(|| self.entry(version)).await? else { break };
            if let Some((job, job_id)) = actions.transactions.iter().find_map(|(app, _)| writer_of(app)) {
                return Ok(Some(format!("{job}, {job_id}")));
            }
        }
        Ok(None)
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

    /// Deletes the data files that attempts at epochs after `newest` have staged, but for those that the table holds.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`.
    pub async fn sweep(&self, newest: Option<EpochId>) -> Result<(), SinkError> {
        let shared = &self.shared;
        let is_defined = shared.head.lock().await.is_defined;
        let live = self.read_head(is_defined).await?.live.unwrap_or_default();
        let first = newest.map_or(EpochId(0), EpochId::next);
        let prefix = paths::data_file_prefix(&shared.job_id, first);
        let place = format!("staged files from {prefix}* on of table {}", shared.name);
        // Everything before the prefix, the log above all, need not be listed where the store can skip it.
        let offset = object_store::path::Path::from(prefix.as_str());
        let paths = retried(&place, || {
            shared.store.list_with_offset(None, &offset).map_ok(|object| object.location).try_collect::<Vec<_>>()
        })
        .await?;
        let is_left = |path: &object_store::path::Path| {
            let origin = paths::origin_of(path.as_ref());
            origin.is_some_and(|(job_id, epoch)| job_id == shared.job_id && epoch >= first)
                && !live.contains(path.as_ref())
        };
        for path in paths.into_iter().filter(is_left) {
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
