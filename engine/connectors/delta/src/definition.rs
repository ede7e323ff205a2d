//! How a table comes to be, and gets the columns that a query has gained.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use connector::{Message, SinkError};
use deltalake_core::DeltaTable;
use deltalake_core::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake_core::kernel::{Metadata, MetadataExt, StructType, new_metadata};
use deltalake_core::logstore::LogStoreRef;
use object_store::{ObjectStoreExt, PutMode};
use storage::{Patience, patiently, retried, store_error};

use crate::bounded;
use crate::damage::loading_error;
use crate::entry::{create_entry, definition_entry, entry_path, log_time_ms};
use crate::error::delta_error;
use crate::head::{ABSENT, Head};
use crate::rules::{Rules, check_constraints, unreadable};
use crate::schema::{added_columns, table_schema};
use crate::table::Shared;

/// How long entries of a table's log are kept once a checkpoint covers them; a trigger of one second makes 600,000 a week.
const LOG_RETENTION: (&str, &str) = ("delta.logRetentionDuration", "interval 7 days");

const NO_PARTITIONS: [&str; 0] = [];

/// What is wanted of a table's definition.
pub(crate) enum Wanted {
    /// It is as it should be.
    Nothing,
    /// It is not there: its first definition.
    Table(Box<Metadata>),
    /// It is there: its definition with what it lacks, and Delta's name of what that changes.
    Change(&'static str, Box<Metadata>),
}

impl Wanted {
    /// True if the table is there, and its definition is still to be given what it lacks.
    pub(crate) fn is_change_of(&self, head: &Head) -> bool {
        matches!(self, Wanted::Change(..)) && head.version != ABSENT && !head.is_defined
    }
}

/// A table as it was found.
pub(crate) enum Looked {
    /// It is not there. Its columns as a reader of the log will find them.
    Absent(SchemaRef, Wanted),
    /// It is there, with columns that it may still lack, and rules that it may have still to be told.
    There(Box<DeltaTable>, SchemaRef, Arc<Rules>, Wanted),
}

/// Looks at a table, and says what its definition lacks.
pub(crate) async fn look(log: &LogStoreRef, name: &str, wanted: &SchemaRef) -> Result<Looked, SinkError> {
    match load(log, name).await? {
        Some(table) => {
            let (schema, rules, missing) = missing(&table, name, wanted)?;
            Ok(Looked::There(Box::new(table), schema, rules, missing))
        }
        None => absent(name, wanted),
    }
}

/// Makes the table, or gives its definition what it lacks. Whoever creates or changes it at the same time, one of us wins and the other
/// starts again.
pub(crate) async fn define(shared: &Shared, head: &mut Head) -> Result<(), SinkError> {
    let entry = match &shared.wanted {
        Wanted::Table(metadata) if head.version == ABSENT => create_entry(*metadata.clone(), log_time_ms())?,
        Wanted::Change(operation, metadata) if shared.wanted.is_change_of(head) => {
            definition_entry(operation, *metadata.clone(), head.version, log_time_ms())?
        }
        _ => return Ok(()),
    };
    let (next, place) = (head.version + 1, format!("defining table {}", shared.name));
    let mut patience = Patience::default();
    loop {
        match shared.store.put_opts(&entry_path(next), entry.clone().into(), PutMode::Create.into()).await {
            Ok(_) => break,
            // Taken: by us when the answer was lost, or by another creator.
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                let there = retried(&place, || async {
                    match shared.store.get(&entry_path(next)).await {
                        Err(object_store::Error::NotFound { .. }) => Ok(None),
                        found => found?.bytes().await.map(Some),
                    }
                });
                match there.await? {
                    Some(there) if there == entry => break,
                    Some(_) => {
                        return Err(SinkError::Unavailable(
                            format!("{place}: somebody else has just written to it").into(),
                        ));
                    }
                    // Two puts that meet are both refused by some stores.
                    None => {
                        let refused = format!("{place}: it was refused, and nobody else has made it");
                        patience.wait_after(SinkError::Unavailable(refused.into())).await?;
                    }
                }
            }
            Err(error) => patience.wait_after(store_error(&place, &error)).await?,
        }
    }
    (head.version, head.is_defined) = (next, true);
    Ok(())
}

pub(crate) async fn load(log: &LogStoreRef, name: &str) -> Result<Option<DeltaTable>, SinkError> {
    patiently(|| load_once(log, name)).await
}

async fn load_once(log: &LogStoreRef, name: &str) -> Result<Option<DeltaTable>, SinkError> {
    let place = format!("table {name}");
    if !log.is_delta_table_location().await.map_err(|error| delta_error(&place, &error))? {
        return Ok(None);
    }
    let mut table = DeltaTable::new(Arc::clone(log));
    match table.load().await {
        Ok(()) => Ok(Some(table)),
        Err(error) => Err(loading_error(log, &place, &error).await),
    }
}

/// The definition of a table that is not there. (The Delta library's own CREATE, having lost a race, commits its definition once more as version 1.)
fn absent(name: &str, wanted: &SchemaRef) -> Result<Looked, SinkError> {
    let columns: StructType = wanted
        .as_ref()
        .try_into_kernel()
        .map_err(|error| SinkError::Refused(Message::caused_by(format!("table {name}: {error}"), &error)))?;
    let place = format!("creating table {name}");
    let (bounds, of_bounds) = bounded::property(&bounded::columns_of(wanted));
    let properties = [LOG_RETENTION, (bounds, of_bounds.as_str())];
    let metadata = new_metadata(&columns, NO_PARTITIONS, properties)
        .and_then(|metadata| metadata.with_name(name.to_string()))
        .map_err(|error| SinkError::Internal(Message::caused_by(format!("{place}: {error}"), &error)))?;
    let columns: Schema = (&columns).try_into_arrow().map_err(|error| {
        SinkError::Internal(Message::caused_by(format!("{place}: its columns cannot be read back: {error}"), &error))
    })?;
    let schema = table_schema(&columns).map_err(|error| error.of_table(name))?;
    Ok(Looked::Absent(schema, Wanted::Table(Box::new(metadata))))
}

/// The columns and rules that a table will have, and its definition with what it lacks of them.
fn missing(table: &DeltaTable, name: &str, wanted: &SchemaRef) -> Result<(SchemaRef, Arc<Rules>, Wanted), SinkError> {
    let place = format!("table {name}");
    let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
    check_protocol(table, name)?;
    let existing = table_schema(&state.snapshot().arrow_schema()).map_err(|error| error.of_table(name))?;
    let added = added_columns(&existing, wanted).map_err(|error| error.of_table(name))?;
    // A table that was made before the engine said so is told which of its columns have bounds.
    let bounds = match bounded::listed(state.metadata().configuration()) {
        Some(_) => None,
        None => Some(bounded::property(&bounded::columns_of_files(state, &existing))),
    };
    let mut metadata = state.metadata().clone();
    if added.is_empty() && bounds.is_none() {
        return Ok((existing, Rules::of(state, &metadata), Wanted::Nothing));
    }
    let operation = if added.is_empty() { "SET TBLPROPERTIES" } else { "ADD COLUMNS" };
    if let Some((key, value)) = bounds {
        metadata =
            metadata.add_config_key(key.to_string(), value).map_err(|error| delta_error(&place, &error.into()))?;
    }
    let fields: Vec<FieldRef> = existing.fields().iter().cloned().chain(added.iter().cloned()).collect();
    if !added.is_empty() {
        metadata = with_columns(metadata, state.schema().as_ref(), added).map_err(|error| error.of_table(name))?;
    }
    let rules = Rules::of(state, &metadata);
    Ok((Arc::new(Schema::new(fields)), rules, Wanted::Change(operation, Box::new(metadata))))
}

/// The definition with columns added behind those that are there, which stay as whoever made the table has defined them.
fn with_columns(metadata: Metadata, existing: &StructType, added: Vec<FieldRef>) -> Result<Metadata, SinkError> {
    let refused = |error: &dyn std::fmt::Display| SinkError::Refused(error.to_string().into());
    let added: StructType = (&Schema::new(added)).try_into_kernel().map_err(|error| refused(&error))?;
    let columns = StructType::try_new(existing.fields().chain(added.fields()).cloned());
    metadata.with_schema(&columns.map_err(|error| refused(&error))?).map_err(|error| refused(&error))
}

/// Refuses a table whose columns or protocol are no longer those that it was opened with. `is_complete`: the columns that it lacked
/// were added.
pub(crate) fn check_unchanged(
    table: &DeltaTable,
    name: &str,
    schema: &SchemaRef,
    is_complete: bool,
) -> Result<(), SinkError> {
    check_protocol(table, name)?;
    let state = table.snapshot().map_err(|error| delta_error(&format!("table {name}"), &error))?;
    let found = table_schema(&state.snapshot().arrow_schema()).map_err(|error| error.of_table(name))?;
    let is_same =
        |(one, other): (&FieldRef, &FieldRef)| one.name() == other.name() && one.data_type() == other.data_type();
    let (found, wanted) = (found.fields(), schema.fields());
    let is_begin = found.len() <= wanted.len() && found.iter().zip(wanted).all(is_same);
    if is_begin && (!is_complete || found.len() == wanted.len()) {
        return Ok(());
    }
    let version = state.version();
    Err(SinkError::Refused(format!(
        "another program changed the definition of table {name} before version {version}; start the job again to check it against the query"
    ).into()))
}

/// Refuses tables that another program made with features that we would have to honour when writing.
fn check_protocol(table: &DeltaTable, name: &str) -> Result<(), SinkError> {
    let state = table.snapshot().map_err(|error| delta_error(&format!("table {name}"), &error))?;
    if !state.metadata().partition_columns().is_empty() {
        return Err(SinkError::Data(
            format!("table {name} is partitioned; the engine writes tables that it made itself").into(),
        ));
    }
    check_constraints(state, name)?;
    let protocol = serde_json::to_value(state.protocol()).map_err(|error| unreadable(name, &error))?;
    let writer = protocol["minWriterVersion"].as_i64().unwrap_or(0);
    let harmless = ["appendOnly", "invariants"];
    let features = protocol["writerFeatures"].as_array().cloned().unwrap_or_default();
    let unknown = features.iter().find(|feature| !feature.as_str().is_some_and(|feature| harmless.contains(&feature)));
    if let Some(feature) = unknown {
        return Err(SinkError::Data(format!(
            "table {name} needs the writer feature {feature}, which the engine does not have; write to another table"
        ).into()));
    }
    if writer > 2 && features.is_empty() {
        return Err(SinkError::Data(
            format!("table {name} needs writer version {writer}, the engine has 2; write to another table").into(),
        ));
    }
    Ok(())
}
