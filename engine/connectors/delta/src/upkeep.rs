//! Keeping a table's log short: summaries (Delta's checkpoints of the log), and what they make superfluous.
//!
//! A summary is made beside the run, which never waits for it. A process that lives too short to finish one must not leave that to the
//! next, for whom it takes longer yet: a start that finds a log long overdue makes the summary before it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use connector::SinkError;
use deltalake_core::DeltaTable;
use deltalake_core::checkpoints;
use deltalake_core::logstore::LogStoreRef;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use serde::Deserialize;
use storage::retried;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::error::delta_error;

/// Versions between checkpoints of the log (Delta's word for its summaries, not ours). Making one reads the whole list of files: Spark's
/// ten would be once in ten seconds where an epoch takes one. A reader reads up to so many small entries beside the checkpoint.
const CHECKPOINT_EVERY: i64 = 100;

/// The upkeep of one table's log.
pub(crate) struct Upkeep {
    log: TableLog,
    runtime: Handle,
    /// The version from which on a summary is due.
    due: AtomicI64,
    running: std::sync::Mutex<Option<JoinHandle<()>>>,
}

/// The log of a table. Paths begin at the table's folder.
#[derive(Clone)]
struct TableLog {
    table: String,
    log: LogStoreRef,
    store: Arc<dyn ObjectStore>,
}

/// What Delta keeps beside the log about its newest checkpoint.
#[derive(Deserialize)]
struct LastCheckpoint {
    version: i64,
}

impl Upkeep {
    /// Of a table at a version. When its log was summarised is looked up later ([`Upkeep::catch_up`]).
    pub(crate) fn of(
        table: &str,
        (log, store): (&LogStoreRef, &Arc<dyn ObjectStore>),
        version: i64,
        runtime: Handle,
    ) -> Upkeep {
        let log = TableLog { table: table.to_string(), log: Arc::clone(log), store: Arc::clone(store) };
        let due = (version.max(0) / CHECKPOINT_EVERY + 1) * CHECKPOINT_EVERY;
        Upkeep { log, runtime, due: AtomicI64::new(due), running: std::sync::Mutex::new(None) }
    }

    fn is_due(&self, version: i64) -> bool {
        version >= self.due.load(Ordering::Relaxed)
    }

    /// The next summary is due so many versions behind this one.
    fn done_at(&self, version: i64) {
        self.due.store(version + CHECKPOINT_EVERY, Ordering::Relaxed);
    }

    /// Summarises the log beside the run if that is due; a failure costs readers time, nothing else.
    pub(crate) fn summarise_if_due(&self, version: i64) {
        if !self.is_due(version) {
            return;
        }
        let Ok(mut running) = self.running.lock() else { return };
        if running.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        self.done_at(version);
        let log = self.log.clone();
        *running = Some(self.runtime.spawn(async move { log.summarise(version).await }));
    }

    /// Looks when the log was summarised last. If that is twice as long ago as it should be, earlier runs did not live to do it, and it is
    /// done now; a failure is no reason not to start.
    pub(crate) async fn catch_up(&self, version: i64) {
        if version < CHECKPOINT_EVERY {
            return;
        }
        match self.log.newest_summary().await {
            Ok(summarised) => self.done_at(summarised),
            Err(error) => {
                tracing::warn!(%error, table = self.log.table, "nobody knows when the log was summarised");
                return;
            }
        }
        if self.is_due(version - CHECKPOINT_EVERY) {
            self.done_at(version);
            self.log.summarise(version).await;
        }
    }

    /// Waits until no upkeep of the log is running.
    pub(crate) async fn wait_idle(&self) {
        let task = self.running.lock().ok().and_then(|mut running| running.take());
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::warn!(%error, table = self.log.table, "the upkeep of the log ended early");
        }
    }
}

/// The library reads the whole list of a table's files for a summary. Tables of one job come to it in the same epochs: one after
/// the other they take the memory of one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

impl TableLog {
    /// The version of the newest summary; 0 if there is none.
    async fn newest_summary(&self) -> Result<i64, SinkError> {
        let path = Path::from("_delta_log/_last_checkpoint");
        let place = format!("{path} of table {}", self.table);
        let found = retried(&place, || async {
            match self.store.get(&path).await {
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                found => found?.bytes().await.map(Some),
            }
        });
        // It is a hint, and so is what it says: damaged, it is as good as absent.
        let hint = found.await?.and_then(|bytes| serde_json::from_slice::<LastCheckpoint>(&bytes).ok());
        Ok(hint.map_or(0, |hint| hint.version))
    }

    async fn summarise(&self, version: i64) {
        if let Err(error) = self.try_summarise(version).await {
            tracing::warn!(%error, table = self.table, version, "the log was not summarised; the next try is {CHECKPOINT_EVERY} versions on");
        }
    }

    async fn try_summarise(&self, version: i64) -> Result<(), SinkError> {
        let _turn = ONE_AT_A_TIME.lock().await;
        let place = format!("checkpoint {version} of the log of table {}", self.table);
        let mut table = DeltaTable::new(Arc::clone(&self.log));
        table.load_version(version.cast_unsigned()).await.map_err(|error| delta_error(&place, &error))?;
        checkpoints::create_checkpoint(&table, None).await.map_err(|error| delta_error(&place, &error))?;
        checkpoints::cleanup_metadata(&table, None).await.map_err(|error| delta_error(&place, &error))?;
        Ok(())
    }
}
