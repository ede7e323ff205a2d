//! The static tables of a run: which version each epoch sees, and the rows of that version.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use connector::error::named;
use connector::{Registry, StaticError, StaticRows, StaticTable};
use epoch::{Commit, EpochId, Plan};
use job::{Job, Refresh};
use plan::Graph;
use state::{BlockKey, BucketRange, Checkpoint, CheckpointReader, OperatorId, StateChanges};
use tokio::runtime::Handle;

use super::copy;
use super::schemas::StaticSchemas;
use crate::error::RunError;

/// The static tables of a run.
pub struct Statics {
    tables: BTreeMap<String, StaticState>,
    runtime: Handle,
    /// A checkpoint whose epochs are run again: it has copies of what they saw.
    pub copies_elsewhere: Option<Arc<CheckpointReader>>,
}

struct StaticState {
    settings: job::StaticTable,
    source: Arc<dyn StaticTable>,
    /// What the queries were planned with.
    schema: SchemaRef,
    /// The rows of one version, the last that an epoch asked for or that was found.
    rows: Option<StaticRows>,
    /// When it was last looked whether it has changed, microseconds of the machine's uptime.
    looked_us: Option<i64>,
}

impl Statics {
    /// The static tables that the graph was planned with. Nothing is read yet.
    ///
    /// # Errors
    /// If a path means nothing, or a variable for S3 is missing.
    pub fn open(
        job: &Job,
        graph: &Graph,
        registry: &Registry,
        schemas: StaticSchemas,
        runtime: &Handle,
    ) -> Result<Statics, RunError> {
        let mut rows = schemas.rows;
        let mut tables = BTreeMap::new();
        for (name, schema) in &graph.statics {
            let Some(table) = job.statics.get(name).filter(|_| is_read(graph, name)) else { continue };
            let source = registry.static_table(table)?;
            let rows = rows.remove(name);
            let state =
                StaticState { settings: table.clone(), source, schema: Arc::clone(schema), rows, looked_us: None };
            tables.insert(name.clone(), state);
        }
        Ok(Statics { tables, runtime: runtime.clone(), copies_elsewhere: None })
    }

    /// Puts the version of each static table into a plan: that of the epoch before, or a newer one where
    /// it is time to look for one and there is one.
    ///
    /// # Errors
    /// What hinders it from being read; columns that are not those that the queries were planned with.
    pub fn refresh(&mut self, plan: &mut Plan) -> Result<(), RunError> {
        plan.statics.retain(|name, _| self.tables.contains_key(name));
        for (name, state) in &mut self.tables {
            let before = plan.statics.get(name);
            if before.is_some() && !state.is_due(plan.clocks.uptime.us) {
                continue;
            }
            let version = self.runtime.block_on(state.source.current())?;
            state.looked_us = Some(plan.clocks.uptime.us);
            if before == Some(&version) {
                continue;
            }
            if state.rows.as_ref().is_none_or(|rows| rows.version != version) {
                let rows = self.runtime.block_on(state.source.load_current())?;
                tracing::info!(table = %name, version = %rows.version, rows = rows.batch.num_rows(), "static table read");
                state.rows = Some(rows);
            }
            let rows = state.rows.as_ref().ok_or_else(|| not_open(name))?;
            state.check_schema(rows, "are other than before")?;
            plan.statics.insert(name.clone(), rows.version.clone());
        }
        Ok(())
    }

    /// The copies of rows that a plan needs and the one before did not: to be stored with its commit.
    ///
    /// # Errors
    /// If a table is too large to be copied.
    pub fn copies(&self, plan: &Plan, last: Option<&Commit>) -> Result<Vec<(BlockKey, Vec<u8>)>, RunError> {
        let mut copies = Vec::new();
        for (name, version) in &plan.statics {
            let before = last.and_then(|commit| commit.plan.statics.get(name));
            let state = self.tables.get(name).filter(|_| before != Some(version));
            let Some((state, rows)) = state.and_then(|state| Some((state, state.rows.as_ref()?))) else { continue };
            if rows.version != *version {
                continue;
            }
            copies.extend(state.copy(name, rows)?.map(|bytes| (copy::block_key(name, plan.epoch), bytes)));
        }
        Ok(copies)
    }

    /// The rows of a static table in the version that a plan names; `name` in lower case.
    ///
    /// # Errors
    /// If that version is nowhere any more; if its columns are not those that the queries were planned with.
    pub fn rows(&mut self, name: &str, plan: &Plan, checkpoint: &Checkpoint) -> Result<&StaticRows, RunError> {
        let found = self.tables.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (name, state) = found.ok_or_else(|| not_open(name))?;
        let version = plan.statics.get(name).ok_or_else(|| {
            let text = format!("epoch {} was planned without static table {name}", plan.epoch);
            RunError::StateMismatch(
                format!("{text}; take it out of the SQL until that epoch is done, then add it again").into(),
            )
        })?;
        if state.rows.as_ref().is_none_or(|rows| rows.version != *version) {
            let elsewhere = || match &self.copies_elsewhere {
                Some(other) => copy::restore(other, name, version),
                None => Ok(None),
            };
            let copied = copy::restore(checkpoint, name, version)?.map_or_else(elsewhere, |rows| Ok(Some(rows)))?;
            state.rows = Some(match copied {
                Some(rows) => rows,
                None => self.runtime.block_on(state.source.load(version))?,
            });
        }
        let rows = state.rows.as_ref().ok_or_else(|| not_open(name))?;
        state.check_schema(rows, &format!("are other than when epoch {} was planned", plan.epoch))?;
        Ok(rows)
    }

    /// The copies that nothing needs any more once an epoch is committed.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub fn prepare_commit(
        plan: &Plan,
        last: Option<&Commit>,
        checkpoint: &Checkpoint,
        retained: u64,
        changes: &mut StateChanges,
    ) -> Result<(), RunError> {
        // Commits on record can be run again, so what they saw is kept as long as they are.
        let oldest = EpochId((plan.epoch.0 + 1).saturating_sub(retained.max(2)));
        for name in last.iter().flat_map(|commit| commit.plan.statics.keys()) {
            match plan.statics.get(name) {
                Some(_) => changes.deletes.extend(copy::superseded(checkpoint, name, oldest)?),
                None => {
                    let operator = OperatorId::of_static(name);
                    changes.drop_buckets.push(BucketRange { operator, from: i64::MIN, until: i64::MAX });
                }
            }
        }
        Ok(())
    }
}

impl StaticState {
    fn is_due(&self, now_us: i64) -> bool {
        // Under `never` the rows of the first epoch stay, whichever run it was that looked for them.
        self.settings.refresh != Refresh::Never && is_due(self.settings.refresh, self.looked_us, now_us)
    }

    /// What to keep of these rows in the checkpoint so that they can be read again: `None` where the place keeps its versions,
    /// and for rows that must stay as they are and are too many to be copied. A place keeps no version for ever (VACUUM), so rows that
    /// never change are copied from there, too.
    fn copy(&self, name: &str, rows: &StaticRows) -> Result<Option<Vec<u8>>, StaticError> {
        if self.source.keeps(&rows.version) && self.settings.refresh != Refresh::Never {
            return Ok(None);
        }
        match copy::encode(name, rows) {
            Err(StaticError::TooLarge(_)) if self.settings.refresh == Refresh::Never => Ok(None),
            encoded => encoded.map(Some),
        }
    }

    /// Queries were planned for certain columns: others look like a mistake.
    fn check_schema(&self, rows: &StaticRows, what: &str) -> Result<(), StaticError> {
        let found = rows.schema();
        if found == self.schema {
            return Ok(());
        }
        let name = &self.settings.name;
        let remedy = match self.settings.schema.is_empty() {
            _ if self.settings.refresh == Refresh::Never => format!(
                "refresh = \"never\" keeps the rows of the first epoch: put [static.{name}.schema] back, or write refresh = \"on_change\""
            ),
            true => format!(
                "start the job again to take them as they are now, or say in [static.{name}.schema] which columns are wanted"
            ),
            false => format!("put [static.{name}.schema] back until that epoch is done"),
        };
        let text =
            format!("the columns at {} {what}: {}; {remedy}", self.settings.path, difference(&self.schema, &found));
        Err(StaticError::Data(named(name, &text).into()))
    }
}

/// True if it is time to look for a new version.
pub(super) fn is_due(refresh: Refresh, looked_us: Option<i64>, now_us: i64) -> bool {
    match (looked_us, refresh) {
        (None, _) | (_, Refresh::OnChange) => true,
        (_, Refresh::Never) => false,
        (Some(looked_us), Refresh::Every(every_us)) => now_us.saturating_sub(looked_us) >= every_us,
    }
}

/// A static table that no query reads is not read by the job either.
fn is_read(graph: &Graph, name: &str) -> bool {
    graph.tables.iter().any(|table| table.inputs.iter().any(|input| input.eq_ignore_ascii_case(name)))
}

fn not_open(name: &str) -> RunError {
    RunError::Internal(format!("the static table {name} was not opened").into())
}

/// What distinguishes two lists of columns, in words.
fn difference(before: &Schema, now: &Schema) -> String {
    let mut words = Vec::new();
    for field in before.fields() {
        match now.field_with_name(field.name()) {
            Err(_) => words.push(format!("`{}` is gone", field.name())),
            Ok(other) if other.data_type() != field.data_type() => {
                words.push(format!("`{}` was {} and is {}", field.name(), field.data_type(), other.data_type()));
            }
            Ok(_) => {}
        }
    }
    let is_new = |name: &String| before.field_with_name(name).is_err();
    words.extend(
        now.fields()
            .iter()
            .map(|field| field.name())
            .filter(|name| is_new(name))
            .map(|name| format!("`{name}` is new")),
    );
    if words.is_empty() { "their order has changed".to_string() } else { words.join(", ") }
}

#[cfg(test)]
mod tests;
