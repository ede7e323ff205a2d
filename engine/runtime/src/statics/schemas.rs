//! The columns of static tables, before a job is planned.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::datatypes::SchemaRef;
use connector::error::named;
use connector::{Registry, StaticError, StaticRows};
use job::{Job, Refresh, StaticTable};
use state::{Checkpoint, CheckpointReader};
use tokio::runtime::Handle;

use super::copy;
use crate::error::RunError;

/// What is known of the static tables before a job is planned: their columns, and rows that were read for them.
#[derive(Debug, Default)]
pub struct StaticSchemas {
    /// Columns by name.
    pub schemas: BTreeMap<String, SchemaRef>,
    /// Rows that had to be read for it.
    pub(super) rows: BTreeMap<String, StaticRows>,
}

impl StaticSchemas {
    /// Finds the columns of every static table of a job: those that the job gives it, else those of the rows that its next
    /// epoch sees.
    ///
    /// # Errors
    /// What cannot be read, first of all.
    pub fn find(job: &Job, registry: &Registry, runtime: &Handle) -> Result<StaticSchemas, RunError> {
        let mut found = StaticSchemas::default();
        // There may be none yet, or a kill has cut its making short. Whatever else is wrong with it is
        // reported when the job opens it for itself.
        let is_asked = !job.statics.is_empty();
        let checkpoint = is_asked.then(|| Checkpoint::open_read_only(Path::new(&job.checkpoint)).ok()).flatten();
        for (name, table) in &job.statics {
            let schema = match table.schema.is_empty() {
                false => formats::arrow_schema(&table.schema),
                true => {
                    let rows = runtime.block_on(rows_at_start(table, registry, checkpoint.as_ref()))?;
                    let schema = rows.schema();
                    found.rows.insert(name.clone(), rows);
                    schema
                }
            };
            found.schemas.insert(name.clone(), schema);
        }
        Ok(found)
    }
}

/// The columns of each static table of a job, as its files have them now unless the job says; by name, or why they are not
/// known. Call it on a plain thread.
pub fn static_schemas(job: &Job, registry: &Registry) -> Vec<(String, Result<SchemaRef, StaticError>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let of_table = |table: &StaticTable| {
        if !table.schema.is_empty() {
            return Ok(formats::arrow_schema(&table.schema));
        }
        let runtime = runtime.as_ref().map_err(|error| {
            StaticError::Internal(named(&table.name, &format!("no async runtime to read it with: {error}")).into())
        })?;
        Ok(runtime.block_on(registry.static_table(table)?.load_current())?.schema())
    };
    job.statics.iter().map(|(name, table)| (name.clone(), of_table(table))).collect()
}

/// The rows that the next epoch sees: those of the last one if they never change; else what lies there now.
async fn rows_at_start(
    table: &StaticTable,
    registry: &Registry,
    checkpoint: Option<&CheckpointReader>,
) -> Result<StaticRows, RunError> {
    let source = registry.static_table(table)?;
    let Some(checkpoint) = checkpoint else { return Ok(source.load_current().await?) };
    let last = checkpoint.newest_commit()?.filter(|_| table.refresh == Refresh::Never);
    let version = last.as_ref().and_then(|commit| commit.plan.statics.get(&table.name));
    let Some(version) = version else { return Ok(source.load_current().await?) };
    match copy::restore(checkpoint, &table.name, version)? {
        Some(rows) => Ok(rows),
        None => Ok(source.load(version).await?),
    }
}
