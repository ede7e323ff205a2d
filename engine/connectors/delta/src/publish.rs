//! Publishing: an epoch becomes visible in a table, once, whatever the store answers.
//!
//! The commit is one conditional put of the next log entry. The position in the log is kept in memory, so an undisturbed commit
//! is that one request: no listing, no reading back. If the entry is taken, it is read: ours (an answer that was lost) or somebody else's (go behind it).

use std::sync::Arc;

use connector::SinkError;
use deltalake_core::DeltaTable;
use deltalake_core::checkpoints;
use epoch::{EpochId, TableCommit};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode};
use storage::{Patience, retried, store_error};
use tokio::sync::Mutex;

use crate::entry::{EntryActions, entry_path, epoch_entry, epoch_number, log_time_ms, read_entry};
use crate::error::delta_error;
use crate::head::Head;
use crate::table::{Shared, Table};

/// Versions between checkpoints of the log (Delta's word for its summaries, not ours). Making one reads the whole list of files: Spark's
/// ten would be once in ten seconds where an epoch takes one. A reader reads up to so many small entries beside the checkpoint.
const CHECKPOINT_EVERY: i64 = 100;

impl Table {
    /// Makes an epoch visible and returns the table's version: one commit with the removed and added files and our transaction.
    ///
    /// Does nothing if the epoch was published before, or if it changes nothing. Survives failing stores, answers that come after an error,
    /// and commits of others in between; gives up after a bounded time, and can be called again.
    ///
    /// # Errors
    /// `Unavailable`, `DiskFull`, `Settings`; `Data` if a staged file is gone or another program removed a file that this epoch replaces;
    /// `Refused` if another program changed the table's columns.
    pub async fn publish(&self, epoch: EpochId, change: &TableCommit) -> Result<i64, SinkError> {
        let number = epoch_number(epoch)?;
        let mut head = self.shared.head.lock().await;
        // An empty epoch makes no version: an idle job would fill its tables' logs otherwise.
        if head.epoch >= Some(number) || (change.added.is_empty() && change.removed.is_empty()) {
            return Ok(head.version);
        }
        self.check_first(&mut head, change).await?;
        let mut patience = Patience::default();
        while head.epoch < Some(number) {
            self.check_removed(&head, change)?;
            if let Err(error) = self.try_commit(&mut head, epoch, number, change).await {
                patience.wait_after(error).await?;
            }
        }
        head.live = None;
        let version = head.version;
        drop(head);
        if version % CHECKPOINT_EVERY == 0 {
            self.start_upkeep(version);
        }
        Ok(version)
    }

    /// Puts the next entry, or takes in the one that is already there.
    async fn try_commit(
        &self,
        head: &mut Head,
        epoch: EpochId,
        number: i64,
        change: &TableCommit,
    ) -> Result<(), SinkError> {
        let entry = epoch_entry(&self.shared.app, epoch, head.version, change, log_time_ms())?;
        let path = entry_path(head.version + 1);
        match self.shared.store.put_opts(&path, entry.into(), PutMode::Create.into()).await {
            Ok(_) => {
                head.committed(number);
                Ok(())
            }
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                self.take_in_next(head).await.map(|_| ())
            }
            Err(error) => {
                Err(store_error(&format!("commit {} of table {}", head.version + 1, self.shared.name), &error))
            }
        }
    }

    /// Takes in all entries that are newer than what we know.
    pub(crate) async fn catch_up(&self, head: &mut Head) -> Result<(), SinkError> {
        let mut patience = Patience::default();
        loop {
            match self.take_in_next(head).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => patience.wait_after(error).await?,
            }
        }
    }

    /// Reads the entry after the newest that was read; false if there is none.
    async fn take_in_next(&self, head: &mut Head) -> Result<bool, SinkError> {
        let version = head.version + 1;
        let place = format!("log entry {version} of table {}", self.shared.name);
        let read = async { self.shared.store.get(&entry_path(version)).await?.bytes().await };
        let bytes = match read.await {
            Ok(bytes) => bytes,
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(store_error(&place, &error)),
        };
        let actions = read_entry(&bytes).map_err(|error| {
            SinkError::Data(format!("{place} cannot be read: {error}; restore it or roll the table back"))
        })?;
        self.take_in(head, version, actions)?;
        Ok(true)
    }

    fn take_in(&self, head: &mut Head, version: i64, actions: EntryActions) -> Result<(), SinkError> {
        if actions.redefined {
            return Err(SinkError::Refused(format!(
                "another program changed the definition of table {} in version {version}; start the job again to check it against the query",
                self.shared.name
            )));
        }
        let own = actions.transactions.iter().filter(|(app, _)| *app == self.shared.app).map(|(_, number)| *number);
        head.read(version, own.max(), actions.removed);
        Ok(())
    }

    /// Before the first commit after opening: what is to be replaced is in the table, what is to be added was not lost.
    async fn check_first(&self, head: &mut Head, change: &TableCommit) -> Result<(), SinkError> {
        let Some(live) = &head.live else { return Ok(()) };
        if let Some(gone) = change.removed.iter().find(|file| !live.contains(&file.path)) {
            return Err(self.gone(&gone.path));
        }
        for file in &change.added {
            let place = format!("staged file {} of table {}", file.path, self.shared.name);
            let path = Path::from(file.path.as_str());
            let stored = retried(&place, || self.shared.store.head(&path)).await?;
            if stored.size != file.bytes {
                return Err(SinkError::Data(format!(
                    "{place} has {} bytes, {} were staged; it was changed since",
                    stored.size, file.bytes
                )));
            }
        }
        Ok(())
    }

    fn check_removed(&self, head: &Head, change: &TableCommit) -> Result<(), SinkError> {
        match change.removed.iter().find(|file| head.removed_by_others.contains(&file.path)) {
            Some(gone) => Err(self.gone(&gone.path)),
            None => Ok(()),
        }
    }

    fn gone(&self, path: &str) -> SinkError {
        SinkError::Data(format!(
            "file {path} of table {} is no longer part of it, so the rows it held cannot be replaced; another program (OPTIMIZE, DELETE) \
             rewrote the table: restore the version before, and keep such programs off update and complete tables",
            self.shared.name
        ))
    }

    /// Summarises the log beside the run; a failure costs readers time, nothing else.
    fn start_upkeep(&self, version: i64) {
        let Ok(mut running) = self.shared.upkeep.lock() else { return };
        if running.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        *running = Some(self.shared.runtime.spawn(async move {
            if let Err(error) = upkeep(&shared, version).await {
                tracing::warn!(%error, table = shared.name, version, "the log was not summarised; the next try is {CHECKPOINT_EVERY} versions on");
            }
        }));
    }

    /// Waits until no upkeep of the log is running.
    pub async fn wait_idle(&self) {
        let task = self.shared.upkeep.lock().ok().and_then(|mut running| running.take());
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::warn!(%error, table = self.shared.name, "the upkeep of the log ended early");
        }
    }
}

/// The library reads the whole list of a table's files for a summary. Tables of one job come to it in the same epochs: one after
/// the other they take the memory of one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn upkeep(shared: &Shared, version: i64) -> Result<(), SinkError> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let place = format!("checkpoint {version} of the log of table {}", shared.name);
    let mut table = DeltaTable::new(Arc::clone(&shared.log));
    table.load_version(version.cast_unsigned()).await.map_err(|error| delta_error(&place, &error))?;
    checkpoints::create_checkpoint(&table, None).await.map_err(|error| delta_error(&place, &error))?;
    checkpoints::cleanup_metadata(&table, None).await.map_err(|error| delta_error(&place, &error))?;
    Ok(())
}
