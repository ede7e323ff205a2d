//! Static tables that are plain files: CSV, JSON or Parquet, one file or a folder of them, on a local disk or S3.
//!
//! Files keep no versions: once they are changed, the rows before are gone. So the checkpoint keeps copies of the rows.

mod table;

use std::sync::Arc;

use connector::{StaticConnector, StaticError, StaticTable};
use job::StaticFormat;
use storage::Place;

use crate::table::FilesTable;

/// The connector. It takes whatever lies at a path, so it is the last to be asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct FilesStatics;

impl StaticConnector for FilesStatics {
    fn open(&self, table: &job::StaticTable) -> Result<Option<Arc<dyn StaticTable>>, StaticError> {
        if table.format == Some(StaticFormat::Delta) {
            return Ok(None);
        }
        let place = Place::open(&table.path).map_err(|error| StaticError::of_sink(&table.name, error))?;
        Ok(Some(Arc::new(FilesTable::new(table.clone(), place))))
    }
}
