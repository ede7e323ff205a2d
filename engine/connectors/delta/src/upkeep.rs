//! Keeping a table's log short: summaries (Delta's checkpoints of the log), and what they make superfluous.
//!
//! A summary is made beside the run, which never waits for it. A process that lives too short to finish one must not leave that to the
//! next, for whom it takes longer yet: a start that finds a log long overdue makes the summary before it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use connector::SinkError;
use deltalake_core::DeltaTable;
use deltalake_core::checkpoints;
use object_store::{ObjectStoreExt, path::Path};
use serde::Deserialize;
use storage::retried;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::error::delta_error;
use crate::table::{Shared, Table};

/// Versions between checkpoints of the log (Delta's word for its summaries, not ours). Making one reads the whole list of files: Spark's
/// ten would be once in ten seconds where an epoch takes one. A reader reads up to so many small entries beside the checkpoint.
const CHECKPOINT_EVERY: i64 = 100;

/// The upkeep of one table's log.
pub(crate) struct Upkeep {
    /// The version from which on a summary is due.
    due: AtomicI64,
    running: std::sync::Mutex<Option<JoinHandle<()>>>,
}

/// What Delta keeps beside the log about its newest checkpoint.
#[derive(Deserialize)]
struct LastCheckpoint {
    version: i64,
}

impl Upkeep {
    /// Of a table at a version. When its log was summarised is looked up later ([`Table::catch_up_on_upkeep`]).
    pub(crate) fn of_table_at(version: i64) -> Upkeep {
        let due = (version.max(0) / CHECKPOINT_EVERY + 1) * CHECKPOINT_EVERY;
        Upkeep { due: AtomicI64::new(due), running: std::sync::Mutex::new(None) }
    }

    fn is_due(&self, version: i64) -> bool {
        version >= self.due.load(Ordering::Relaxed)
    }

    /// The next summary is due so many versions behind this one.
    fn done_at(&self, version: i64) {
        self.due.store(version + CHECKPOINT_EVERY, Ordering::Relaxed);
    }
}

impl Table {
    /// Summarises the log beside the run if that is due; a failure costs readers time, nothing else.
    pub(crate) fn summarise_if_due(&self, version: i64) {
        let upkeep = &self.shared.upkeep;
        if !upkeep.is_due(version) {
            return;
        }
        let Ok(mut running) = upkeep.running.lock() else { return };
        if running.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        upkeep.done_at(version);
        let shared = Arc::clone(&self.shared);
        *running = Some(self.shared.runtime.spawn(async move { summarise(&shared, version).await }));
    }

    /// Looks when the log was summarised last. If that is twice as long ago as it should be, earlier runs did not live to do it, and it is
    /// done now; a failure is no reason not to start.
    pub(crate) async fn catch_up_on_upkeep(&self, version: i64) {
        if version < CHECKPOINT_EVERY {
            return;
        }
        let shared = &self.shared;
        match newest_summary(shared).await {
            Ok(summarised) => shared.upkeep.done_at(summarised),
            Err(error) => {
                tracing::warn!(%error, table = shared.name, "nobody knows when the log was summarised");
                return;
            }
        }
        if shared.upkeep.is_due(version - CHECKPOINT_EVERY) {
            shared.upkeep.done_at(version);
            summarise(shared, version).await;
        }
    }

    /// Waits until no upkeep of the log is running.
    pub async fn wait_idle(&self) {
        let task = self.shared.upkeep.running.lock().ok().and_then(|mut running| running.take());
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::warn!(%error, table = self.shared.name, "the upkeep of the log ended early");
        }
    }
}

/// The version of the newest summary; 0 if there is none.
async fn newest_summary(shared: &Shared) -> Result<i64, SinkError> {
    let path = Path::from("_delta_log/_last_checkpoint");
    let place = format!("{path} of table {}", shared.name);
    let found = retried(&place, || async {
        match shared.store.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            found => found?.bytes().await.map(Some),
        }
    });
    // It is a hint, and so is what it says: damaged, it is as good as absent.
    let hint = found.await?.and_then(|bytes| serde_json::from_slice::<LastCheckpoint>(&bytes).ok());
    Ok(hint.map_or(0, |hint| hint.version))
}

/// The library reads the whole list of a table's files for a summary. Tables of one job come to it in the same epochs: one after
/// the other they take the memory of one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn summarise(shared: &Shared, version: i64) {
    if let Err(error) = try_summarise(shared, version).await {
        tracing::warn!(%error, table = shared.name, version, "the log was not summarised; the next try is {CHECKPOINT_EVERY} versions on");
    }
}

async fn try_summarise(shared: &Shared, version: i64) -> Result<(), SinkError> {
    let _turn = ONE_AT_A_TIME.lock().await;
    let place = format!("checkpoint {version} of the log of table {}", shared.name);
    let mut table = DeltaTable::new(Arc::clone(&shared.log));
    table.load_version(version.cast_unsigned()).await.map_err(|error| delta_error(&place, &error))?;
    checkpoints::create_checkpoint(&table, None).await.map_err(|error| delta_error(&place, &error))?;
    checkpoints::cleanup_metadata(&table, None).await.map_err(|error| delta_error(&place, &error))?;
    Ok(())
}
