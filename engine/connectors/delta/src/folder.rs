//! A Delta table that a job reads and does not write, whoever wrote it: its versions and their rows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connector::SinkError;
use datafusion::prelude::{SessionConfig, SessionContext};
use deltalake_core::DeltaTable;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::prefix::PrefixStore;
use storage::Place;
use storage::location::check_is_plain;

use crate::damage::loading_error;
use crate::error::{delta_error, query_error};
use crate::provider::{DeltaRows, register_store};

/// The folder of a Delta table's log.
const LOG: &str = "_delta_log";

/// A folder that may hold a Delta table. Nothing in it is ever made or changed.
#[derive(Debug)]
pub struct DeltaFolder {
    place: Place,
}

impl DeltaFolder {
    /// A folder to look into.
    pub fn new(place: Place) -> DeltaFolder {
        DeltaFolder { place }
    }

    /// The place as the user wrote it.
    pub fn location(&self) -> &str {
        self.place.location()
    }

    /// True if a Delta table lies there.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`.
    pub async fn is_table(&self) -> Result<bool, SinkError> {
        self.place.has_folder(LOG).await
    }

    /// Refuses a path that cannot be read as a Delta table's.
    ///
    /// # Errors
    /// `Settings`.
    pub fn check_path(&self) -> Result<(), SinkError> {
        check_is_plain(self.location(), self.place.prefix())
    }

    /// The newest version of the Delta table there. `earlier`: a version that it had before, which makes it cheaper.
    ///
    /// # Errors
    /// `Data` if there is no Delta table, or a damaged one; `Unavailable`; `Settings`.
    pub async fn newest_version(&self, earlier: Option<i64>) -> Result<i64, SinkError> {
        if let Some(earlier) = earlier {
            let newest = self.log_store().get_latest_version(earlier.cast_unsigned()).await;
            // The log before it may have been cleaned up: then it is read from its checkpoint.
            if let Ok(version) = newest {
                return Ok(version.cast_signed());
            }
        }
        let table = self.load(None).await?;
        let state = table.snapshot().map_err(|error| delta_error(&self.described(None), &error))?;
        Ok(state.version().cast_signed())
    }

    /// All rows of one version of the Delta table there, with its columns. The order of the rows is not that of any reader.
    ///
    /// # Errors
    /// `Data` if that version is not there any more; `Unavailable`; `Settings`.
    pub async fn rows(&self, version: i64) -> Result<(SchemaRef, Vec<RecordBatch>), SinkError> {
        let place = self.described(Some(version));
        let table = self.load(Some(version)).await?;
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let rows = DeltaRows::new(&table, &self.described(None), None)?;
        register_store(&context.runtime_env(), self.place.root())?;
        let failed = |error: datafusion::error::DataFusionError| query_error(&place, &error);
        let frame = context.read_table(Arc::new(rows)).map_err(failed)?;
        let schema = Arc::clone(frame.schema().inner());
        Ok((schema, frame.collect().await.map_err(failed)?))
    }

    async fn load(&self, version: Option<i64>) -> Result<DeltaTable, SinkError> {
        let log = self.log_store();
        let mut table = DeltaTable::new(Arc::clone(&log));
        let loaded = match version {
            Some(version) => table.load_version(version.cast_unsigned()).await,
            None => table.load().await,
        };
        match loaded {
            Ok(()) => Ok(table),
            Err(error) => Err(loading_error(&log, &self.described(version), &error).await),
        }
    }

    fn described(&self, version: Option<i64>) -> String {
        match version {
            Some(version) => format!("Delta table {} at version {version}", self.location()),
            None => format!("Delta table {}", self.location()),
        }
    }

    fn log_store(&self) -> LogStoreRef {
        let table = Arc::new(PrefixStore::new(Arc::clone(self.place.root()), self.place.prefix().clone()));
        default_logstore(table, Arc::clone(self.place.root()), self.place.url(), &StorageConfig::default())
    }
}

#[cfg(test)]
mod tests;
