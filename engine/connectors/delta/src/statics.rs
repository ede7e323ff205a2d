//! Delta tables as static tables: which version is there, and the rows of any version, in an order that only they decide.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use connector::error::named;
use connector::{SinkError, StaticConnector, StaticError, StaticRows, StaticTable};
use job::StaticFormat;
use storage::Place;

use crate::folder::DeltaFolder;

/// What versions of Delta tables begin with; their number follows.
const DELTA: &str = "delta:";

/// The connector of static tables that are Delta tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeltaStatics;

impl StaticConnector for DeltaStatics {
    /// Also where the job file names another format: the data files of a Delta table must not be read as they lie, those of
    /// earlier versions are among them.
    fn open(&self, table: &job::StaticTable) -> Result<Option<Arc<dyn StaticTable>>, StaticError> {
        let place = Place::open(&table.path).map_err(|error| StaticError::of_sink(&table.name, error))?;
        let (settings, folder) = (table.clone(), DeltaFolder::new(place));
        Ok(Some(Arc::new(DeltaStatic { settings, folder, last_version: Mutex::new(None) })))
    }
}

#[derive(Debug)]
struct DeltaStatic {
    settings: job::StaticTable,
    folder: DeltaFolder,
    /// A version that the table had: from there on its log is looked at.
    last_version: Mutex<Option<i64>>,
}

impl DeltaStatic {
    async fn newest_version(&self) -> Result<i64, StaticError> {
        let earlier = *self.last_version.lock().unwrap_or_else(PoisonError::into_inner);
        let version = self.folder.newest_version(earlier).await.map_err(|error| self.of_store(error))?;
        *self.last_version.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
        Ok(version)
    }

    async fn load_version(&self, version: i64) -> Result<StaticRows, StaticError> {
        let (schema, batches) = self.folder.rows(version).await.map_err(|error| self.of_store(error))?;
        let batch = formats::files::shaped(&self.settings, &schema, &batches);
        // An epoch that runs again must see the rows in the same order, and the log decides in which they are read.
        let batch = batch.and_then(|batch| formats::files::sorted(&batch)).map_err(|text| {
            self.data(&format!("the Delta table {} at version {version}: {text}", self.folder.location()))
        })?;
        Ok(StaticRows { version: format!("{DELTA}{version}"), batch })
    }

    fn of_store(&self, error: SinkError) -> StaticError {
        StaticError::of_sink(&self.settings.name, error)
    }

    fn data(&self, text: &str) -> StaticError {
        StaticError::Data(named(&self.settings.name, text).into())
    }
}

/// The number of a version that was recorded with an epoch; `None` if it is not one of a Delta table.
fn number_of(version: &str) -> Option<i64> {
    version.strip_prefix(DELTA).and_then(|number| number.parse().ok())
}

#[async_trait]
impl StaticTable for DeltaStatic {
    async fn recognises(&self) -> Result<bool, StaticError> {
        let is_table = self.folder.is_table().await.map_err(|error| self.of_store(error))?;
        if is_table && self.settings.format.is_some_and(|format| format != StaticFormat::Delta) {
            let text = format!("{} is a Delta table; write format = \"delta\"", self.folder.location());
            return Err(StaticError::Settings(named(&self.settings.name, &text).into()));
        }
        if is_table {
            self.folder.check_path().map_err(|error| self.of_store(error))?;
        }
        Ok(is_table)
    }

    fn owns(&self, version: &str) -> bool {
        number_of(version).is_some()
    }

    fn keeps_versions(&self) -> bool {
        true
    }

    async fn current(&self) -> Result<String, StaticError> {
        Ok(format!("{DELTA}{}", self.newest_version().await?))
    }

    async fn load_current(&self) -> Result<StaticRows, StaticError> {
        self.load_version(self.newest_version().await?).await
    }

    async fn load(&self, version: &str) -> Result<StaticRows, StaticError> {
        match number_of(version) {
            Some(number) => self.load_version(number).await,
            None => Err(self.data(&format!(
                "{} is no longer what the job read before ({version}); put those files back, or start with a new checkpoint",
                self.folder.location()
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
