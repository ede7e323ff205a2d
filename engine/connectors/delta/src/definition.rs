//! How a table comes to be, and gets the columns that a query has gained.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use connector::SinkError;
use deltalake_core::DeltaTable;
use deltalake_core::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake_core::kernel::{MetadataExt, StructType, new_metadata};
use deltalake_core::logstore::LogStoreRef;
use object_store::{ObjectStore, PutMode};
use storage::{Patience, store_error};

use crate::entry::{columns_entry, create_entry, entry_path, log_time_ms};
use crate::error::delta_error;
use crate::schema::{added_columns, table_schema};

/// How long entries of a table's log are kept once a checkpoint covers them; a trigger of one second makes 600,000 a week.
const LOG_RETENTION: (&str, &str) = ("delta.logRetentionDuration", "interval 7 days");

const NO_PARTITIONS: [&str; 0] = [];

/// A table that has the wanted columns.
pub(crate) enum EnsuredTable {
    /// Just made by us: it is at version 0, without rows. Its columns as a reader of the log finds them.
    Created(SchemaRef),
    /// It was there.
    Loaded(Box<DeltaTable>),
}

/// Loads the table once it exists and has the wanted columns. Whoever creates or changes it at the same time, one of us wins and the other sees it.
pub(crate) async fn ensure_schema(
    log: &LogStoreRef,
    store: &dyn ObjectStore,
    name: &str,
    wanted: &SchemaRef,
) -> Result<EnsuredTable, SinkError> {
    let mut patience = Patience::default();
    loop {
        let step = match load(log, name).await {
            Ok(Some(table)) => match add_missing(&table, store, name, wanted).await {
                Ok(true) => return Ok(EnsuredTable::Loaded(Box::new(table))),
                step => step,
            },
            Ok(None) => match create(store, name, wanted).await {
                Ok(Some(schema)) => return Ok(EnsuredTable::Created(schema)),
                step => step.map(|_| false),
            },
            Err(error) => Err(error),
        };
        if let Err(error) = step {
            patience.wait_after(error).await?;
        }
    }
}

async fn load(log: &LogStoreRef, name: &str) -> Result<Option<DeltaTable>, SinkError> {
    let place = format!("table {name}");
    if !log.is_delta_table_location().await.map_err(|error| delta_error(&place, &error))? {
        return Ok(None);
    }
    let mut table = DeltaTable::new(Arc::clone(log));
    table.load().await.map_err(|error| delta_error(&place, &error))?;
    Ok(Some(table))
}

/// Puts the first log entry and returns the columns; `None` if an entry is there already. The Delta library's own CREATE, having lost a race, commits its definition once more as version 1.
async fn create(store: &dyn ObjectStore, name: &str, wanted: &SchemaRef) -> Result<Option<SchemaRef>, SinkError> {
    let columns: StructType =
        wanted.as_ref().try_into_kernel().map_err(|error| SinkError::Refused(format!("table {name}: {error}")))?;
    let place = format!("creating table {name}");
    let metadata = new_metadata(&columns, NO_PARTITIONS, [LOG_RETENTION])
        .and_then(|metadata| metadata.with_name(name.to_string()))
        .map_err(|error| SinkError::Internal(format!("{place}: {error}")))?;
    let entry = create_entry(metadata, log_time_ms())?;
    match store.put_opts(&entry_path(0), entry.into(), PutMode::Create.into()).await {
        Ok(_) => {
            let columns: arrow::datatypes::Schema = (&columns)
                .try_into_arrow()
                .map_err(|error| SinkError::Internal(format!("{place}: its columns cannot be read back: {error}")))?;
            Ok(Some(table_schema(&columns).map_err(|error| error.of_table(name))?))
        }
        // Taken: by another creator, or by us when the answer was lost. The caller looks again.
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(None),
        Err(error) => Err(store_error(&place, &error)),
    }
}

/// True if the table has all columns; false if a version with them was written, or somebody else wrote one, and the table must be loaded again.
async fn add_missing(
    table: &DeltaTable,
    store: &dyn ObjectStore,
    name: &str,
    wanted: &SchemaRef,
) -> Result<bool, SinkError> {
    let place = format!("table {name}");
    let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
    check_protocol(table, name)?;
    let existing = table_schema(&state.snapshot().arrow_schema()).map_err(|error| error.of_table(name))?;
    let added = added_columns(&existing, wanted).map_err(|error| error.of_table(name))?;
    if added.is_empty() {
        return Ok(true);
    }
    let fields: Vec<_> = existing.fields().iter().cloned().chain(added).collect();
    let columns: StructType = (&arrow::datatypes::Schema::new(fields))
        .try_into_kernel()
        .map_err(|error| SinkError::Refused(format!("table {name}: {error}")))?;
    let metadata =
        state.metadata().clone().with_schema(&columns).map_err(|error| delta_error(&place, &error.into()))?;
    let version = state.version().cast_signed();
    let entry = columns_entry(metadata, version, log_time_ms())?;
    match store.put_opts(&entry_path(version + 1), entry.into(), PutMode::Create.into()).await {
        Ok(_) | Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
        Err(error) => Err(store_error(&place, &error)),
    }
}

/// Refuses tables that another program made with features that we would have to honour when writing.
fn check_protocol(table: &DeltaTable, name: &str) -> Result<(), SinkError> {
    let state = table.snapshot().map_err(|error| delta_error(&format!("table {name}"), &error))?;
    if !state.metadata().partition_columns().is_empty() {
        return Err(SinkError::Data(format!(
            "table {name} is partitioned; the engine writes tables that it made itself"
        )));
    }
    let protocol = serde_json::to_value(state.protocol()).unwrap_or_default();
    let writer = protocol["minWriterVersion"].as_i64().unwrap_or(0);
    let harmless = ["appendOnly", "invariants"];
    let features = protocol["writerFeatures"].as_array().cloned().unwrap_or_default();
    let unknown = features.iter().find(|feature| !feature.as_str().is_some_and(|feature| harmless.contains(&feature)));
    if let Some(feature) = unknown {
        return Err(SinkError::Data(format!(
            "table {name} needs the writer feature {feature}, which the engine does not have; write to another table"
        )));
    }
    if writer > 2 && features.is_empty() {
        return Err(SinkError::Data(format!(
            "table {name} needs writer version {writer}, the engine has 2; write to another table"
        )));
    }
    Ok(())
}
