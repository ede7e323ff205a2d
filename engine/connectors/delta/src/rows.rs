//! All rows of a table at once, for tables small enough to be looked at whole: tests of jobs, above all.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use connector::{Message, SinkError};
use deltalake_core::kernel::LogicalFileView;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use storage::retried;

use crate::definition::load;
use crate::entry::{entry_path, read_entry, unreadable_entry};
use crate::error::delta_error;
use crate::schema::to_table_rows;
use crate::table::{Shared, Table};

impl Table {
    /// How many rows the table has, as its log says; `None` if a file does not say, or has rows that were deleted beside it.
    ///
    /// # Errors
    /// `Data` if the log is damaged; `Unavailable`; `Settings`.
    pub async fn row_count(&self) -> Result<Option<u64>, SinkError> {
        let Shared { name, log, .. } = self.shared.as_ref();
        let Some(table) = load(log, name).await? else { return Ok(Some(0)) };
        let state = table.snapshot().map_err(|error| delta_error(&format!("table {name}"), &error))?;
        let rows = |file: LogicalFileView| match file.deletion_vector_descriptor() {
            None => file.num_records().map(|rows| rows as u64),
            Some(_) => None,
        };
        Ok(state.log_data().iter().map(rows).sum())
    }

    /// Every row of the table as it stands, in the order of its files' names, in the table's columns. Reads the whole
    /// log and every file: a few microseconds a commit and some fifty a file in memory. ([`crate::register_tables`] is
    /// the way to large tables, and to tables whose log another program has cleaned.)
    ///
    /// # Errors
    /// `Data` if an entry or a file is gone or damaged; `Unavailable`; `Settings`.
    pub async fn rows(&self) -> Result<Vec<RecordBatch>, SinkError> {
        let shared = &self.shared;
        let version = {
            let mut head = shared.head.lock().await;
            self.catch_up(&mut head).await?;
            head.version
        };
        let mut live = BTreeSet::new();
        for number in 0..=version {
            let place = format!("log entry {number} of table {}", shared.name);
            let bytes =
                retried(&place, || async { shared.store.get(&entry_path(number)).await?.bytes().await }).await?;
            let actions = read_entry(&bytes).map_err(|error| unreadable_entry(&shared.name, number, &error))?;
            actions.removed.iter().for_each(|path| {
                live.remove(path);
            });
            live.extend(actions.added);
        }
        let mut rows = Vec::new();
        for name in live {
            let place = format!("data file {name} of table {}", shared.name);
            let path = Path::from(name.as_str());
            let bytes = retried(&place, || async { shared.store.get(&path).await?.bytes().await }).await?;
            let damaged = |error: &(dyn std::error::Error + 'static)| {
                SinkError::Data(Message::caused_by(format!("{place}: {error}"), error))
            };
            let file = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|builder| builder.build());
            for batch in file.map_err(|error| damaged(&error))? {
                rows.push(to_table_rows(&batch.map_err(|error| damaged(&error))?, &shared.schema)?);
            }
        }
        Ok(rows)
    }
}
