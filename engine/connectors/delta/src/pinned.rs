//! A table as of the version that a job's pointer names; or, if that one can no longer be read, a later one that holds the same of the job.
//!
//! Another program's OPTIMIZE writes a table's rows into other files, and its VACUUM deletes those of before, or a clean-up takes the
//! log entries: then the version that the pointer names is lost, and nothing is. As long as only other programs have committed since,
//! the newest version holds the job's same epoch.

use std::collections::HashSet;
use std::sync::Arc;

use connector::{Pointer, SinkError};
use deltalake_core::DeltaTable;
use epoch::EpochId;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use storage::retried;

use crate::damage::loading_error;
use crate::entry::{entry_path, read_entry, unreadable_entry};
use crate::error::delta_error;
use crate::record::{Applications, is_of_epochs};
use crate::warehouse::Warehouse;

/// Where a pointer says that a table stands.
#[derive(Debug)]
pub(crate) struct Pin {
    /// The version.
    pub version: i64,
    /// The job's epoch that it belongs to.
    pub epoch: EpochId,
    /// The application of the job's epochs in the table's log; `None` if the pointer is of an engine that did not say.
    app: Option<String>,
}

impl Pin {
    /// What a pointer says of a table at this version.
    pub(crate) fn of(pointer: &Pointer, version: i64) -> Pin {
        let is_known = !pointer.job_id.is_empty();
        let app = is_known.then(|| Applications::of(&pointer.job, &pointer.job_id).epoch);
        Pin { version, epoch: pointer.epoch, app }
    }
}

/// The table at the version that it is pinned to, or at a later one that only other programs have made of it.
///
/// # Errors
/// `Data` if neither can be read, with what to do; `Unavailable`, `Settings`.
pub(crate) async fn load(warehouse: &Warehouse, name: &str, pin: &Pin) -> Result<DeltaTable, SinkError> {
    let Pin { version, epoch, .. } = *pin;
    let place = format!("table {name} at version {version} (epoch {epoch})");
    let reason = match load_version(warehouse, name, version, &place).await {
        Ok(table) if !is_gone(warehouse, name, version, &table).await? => return Ok(table),
        Ok(_) => format!("{place}: its data files were deleted").into(),
        Err(SinkError::Data(reason)) => reason,
        Err(error) => return Err(error),
    };
    if let Some(newest) = newest_of_epoch(warehouse, name, pin).await? {
        return Ok(newest);
    }
    let same = newest_of_others(warehouse, name, version).await?;
    if same == version {
        return Err(SinkError::Data(reason.reworded(|reason| {
            format!("{reason}; no later version is known to hold the same epoch: run the job, it publishes the next")
        })));
    }
    load_version(warehouse, name, same, &format!("table {name} at version {same} (epoch {epoch})")).await
}

/// The newest version, if the table's own record says that it holds no later epoch of the job.
async fn newest_of_epoch(warehouse: &Warehouse, name: &str, pin: &Pin) -> Result<Option<DeltaTable>, SinkError> {
    let Some(app) = &pin.app else { return Ok(None) };
    let place = format!("table {name}");
    let table = load_newest(warehouse, name).await?;
    let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
    if state.version().cast_signed() < pin.version {
        // It was set back, or made anew: it does not hold what was published.
        return Ok(None);
    }
    let held = state.transaction_version(table.log_store().as_ref(), app).await;
    let held = held.map_err(|error| delta_error(&place, &error))?;
    Ok(held.is_some_and(|held| held.cast_unsigned() <= pin.epoch.0).then_some(table))
}

/// A table at its newest version.
pub(crate) async fn load_newest(warehouse: &Warehouse, name: &str) -> Result<DeltaTable, SinkError> {
    let log = warehouse.log_store(name)?;
    let mut table = DeltaTable::new(Arc::clone(&log));
    match table.load().await {
        Ok(()) => Ok(table),
        Err(error) => Err(loading_error(&log, &format!("table {name}"), &error).await),
    }
}

async fn load_version(warehouse: &Warehouse, name: &str, version: i64, place: &str) -> Result<DeltaTable, SinkError> {
    let log = warehouse.log_store(name)?;
    let mut table = DeltaTable::new(Arc::clone(&log));
    match table.load_version(version.cast_unsigned()).await {
        Ok(()) => Ok(table),
        Err(error) => Err(loading_error(&log, place, &error).await),
    }
}

/// True if data files of a version were deleted. Only another program deletes any, and it has committed that before.
async fn is_gone(warehouse: &Warehouse, name: &str, version: i64, table: &DeltaTable) -> Result<bool, SinkError> {
    if !is_of_others(warehouse, name, version + 1).await? {
        return Ok(false);
    }
    is_missing_files(warehouse, name, table, &load_newest(warehouse, name).await?).await
}

/// The last version of those that only other programs have made behind `version`.
async fn newest_of_others(warehouse: &Warehouse, name: &str, version: i64) -> Result<i64, SinkError> {
    let mut newest = version;
    while is_of_others(warehouse, name, newest + 1).await? {
        newest += 1;
    }
    Ok(newest)
}

/// True if there is such a version and no job of ours made it.
async fn is_of_others(warehouse: &Warehouse, name: &str, version: i64) -> Result<bool, SinkError> {
    let store = warehouse.table_store(name);
    let place = format!("log entry {version} of table {name}");
    let read = || async {
        match store.get(&entry_path(version)).await {
            Ok(entry) => entry.bytes().await.map(Some),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    };
    let Some(bytes) = retried(&place, read).await? else { return Ok(false) };
    let entry = read_entry(&bytes).map_err(|error| unreadable_entry(name, version, &error))?;
    Ok(!entry.transactions.iter().any(|(app, _)| is_of_epochs(app)))
}

/// True if a file of the one version is gone that the other no longer needs.
async fn is_missing_files(
    warehouse: &Warehouse,
    name: &str,
    pinned: &DeltaTable,
    newer: &DeltaTable,
) -> Result<bool, SinkError> {
    let still = paths(newer, name)?;
    let replaced: Vec<String> = paths(pinned, name)?.into_iter().filter(|path| !still.contains(path)).collect();
    if replaced.is_empty() {
        return Ok(false);
    }
    let store = warehouse.table_store(name);
    let place = format!("data files of table {name}");
    // One listing instead of a question for each file; those in folders of their own are another program's, and few.
    let listing = retried(&place, || store.list_with_delimiter(None)).await?;
    let present: HashSet<&str> = listing.objects.iter().map(|object| object.location.as_ref()).collect();
    for path in replaced.iter().filter(|path| !present.contains(path.as_str())) {
        // One with an address of its own does not lie in the table's folder.
        let Ok(path) = Path::parse(path) else { continue };
        let look = || async {
            match store.head(&path).await {
                Ok(_) => Ok(true),
                Err(object_store::Error::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        };
        if !retried(&place, look).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn paths(table: &DeltaTable, name: &str) -> Result<HashSet<String>, SinkError> {
    let state = table.snapshot().map_err(|error| delta_error(&format!("table {name}"), &error))?;
    Ok(state.log_data().iter().map(|file| file.path().into_owned()).collect())
}
