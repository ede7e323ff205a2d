//! The static tables of a run: which version each epoch sees, and the rows of that version.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::datatypes::{Schema, SchemaRef};
use epoch::{Commit, Plan};
use job::{Job, Refresh, StaticTable};
use plan::Graph;
use state::{BlockKey, BucketRange, Checkpoint, CheckpointReader, OperatorId, StateChanges};
use tokio::runtime::Handle;

use super::{StaticError, StaticLoader, StaticRows, error};
use crate::backends::Backends;
use crate::error::RunError;

/// A static table in memory: rows that a test puts in the place of what lies at the path. Clones are the same table.
#[derive(Debug, Clone)]
pub struct MemoryStatic(Arc<RwLock<StaticRows>>);

impl MemoryStatic {
    /// A table with these rows.
    pub fn new(rows: StaticRows) -> MemoryStatic {
        MemoryStatic(Arc::new(RwLock::new(rows)))
    }

    /// Other rows from now on.
    pub fn set(&self, rows: StaticRows) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rows;
    }

    fn get(&self) -> StaticRows {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where the rows of a static table come from.
pub enum StaticFeed {
    /// What lies at its path.
    Path(Box<StaticLoader>),
    /// Memory.
    Memory(MemoryStatic),
}

/// What is known of the static tables before a job is planned.
#[derive(Debug, Default)]
pub struct StaticSchemas {
    /// Columns by name.
    pub schemas: BTreeMap<String, SchemaRef>,
    /// Rows that had to be read for it.
    rows: BTreeMap<String, StaticRows>,
}

/// The static tables of a run.
pub struct Statics {
    tables: BTreeMap<String, StaticState>,
    runtime: Handle,
}

struct StaticState {
    table: StaticTable,
    feed: StaticFeed,
    /// What the queries were planned with.
    schema: SchemaRef,
    /// The rows of one version, the last that an epoch asked for or that was found.
    rows: Option<StaticRows>,
    /// When it was last looked whether it has changed, microseconds since 1970 UTC.
    looked_us: Option<i64>,
}

impl StaticSchemas {
    /// Finds the columns of every static table of a job: those that the job gives it, else those of the rows that its next
    /// epoch sees.
    ///
    /// # Errors
    /// What cannot be read, first of all.
    pub fn find(job: &Job, runtime: &Handle) -> Result<StaticSchemas, RunError> {
        let mut known = StaticSchemas::default();
        // There may be none yet, or a kill has cut its making short. Whatever else is wrong with it is told when the job opens
        // it for itself.
        let is_asked = !job.statics.is_empty();
        let checkpoint = is_asked.then(|| Checkpoint::open_read_only(Path::new(&job.checkpoint)).ok()).flatten();
        for (name, table) in &job.statics {
            let schema = match table.schema.is_empty() {
                false => formats::arrow_schema(&table.schema),
                true => {
                    let rows = runtime.block_on(rows_at_start(table, checkpoint.as_ref()))?;
                    let schema = rows.schema();
                    known.rows.insert(name.clone(), rows);
                    schema
                }
            };
            known.schemas.insert(name.clone(), schema);
        }
        Ok(known)
    }
}

/// The columns of each static table of a job, as its files have them now unless the job says; by name, or why they cannot be
/// told. Call it on a plain thread.
pub fn static_schemas(job: &Job) -> Vec<(String, Result<SchemaRef, StaticError>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let of_table = |table: &StaticTable| {
        if !table.schema.is_empty() {
            return Ok(formats::arrow_schema(&table.schema));
        }
        let runtime = runtime.as_ref().map_err(|error| {
            StaticError::Internal(error::named(&table.name, &format!("no async runtime to read it with: {error}")))
        })?;
        Ok(runtime.block_on(StaticLoader::open(table)?.load_current())?.schema())
    };
    job.statics.iter().map(|(name, table)| (name.clone(), of_table(table))).collect()
}

/// The rows that the next epoch sees: those of a plan that must run again, or that never change; else what lies there now.
async fn rows_at_start(table: &StaticTable, checkpoint: Option<&CheckpointReader>) -> Result<StaticRows, RunError> {
    let loader = StaticLoader::open(table)?;
    let Some(checkpoint) = checkpoint else { return Ok(loader.load_current().await?) };
    let found = checkpoint.newest_records()?;
    let done = found.commit.as_ref().map(|commit| commit.plan.epoch);
    let again = found.plan.as_ref().filter(|plan| Some(plan.epoch) != done);
    let last = found.commit.as_ref().map(|commit| &commit.plan).filter(|_| table.refresh == Refresh::Never);
    let version = again.or(last).and_then(|plan| plan.statics.get(&table.name));
    let Some(version) = version else { return Ok(loader.load_current().await?) };
    match StaticRows::restore(checkpoint, &table.name, version)? {
        Some(rows) => Ok(rows),
        None => Ok(loader.load(version).await?),
    }
}

impl Statics {
    /// The static tables that the graph was planned with. Nothing is read yet.
    ///
    /// # Errors
    /// If a path means nothing, or a variable for S3 is missing.
    pub fn open(
        job: &Job,
        graph: &Graph,
        backends: &Backends,
        known: StaticSchemas,
        runtime: &Handle,
    ) -> Result<Statics, RunError> {
        let mut rows = known.rows;
        let mut tables = BTreeMap::new();
        for (name, schema) in &graph.statics {
            let Some(table) = job.statics.get(name).filter(|_| is_read(graph, name)) else { continue };
            let feed = backends.static_feed(table)?;
            let rows = rows.remove(name);
            let held = StaticState { table: table.clone(), feed, schema: Arc::clone(schema), rows, looked_us: None };
            tables.insert(name.clone(), held);
        }
        Ok(Statics { tables, runtime: runtime.clone() })
    }

    /// Puts the version of each static table into a plan that is not stored yet: that of the epoch before, or a newer one where
    /// it is time to look for one and there is one.
    ///
    /// # Errors
    /// What hinders it from being read; columns that are not those that the queries were planned with.
    pub fn refresh(&mut self, plan: &mut Plan) -> Result<(), RunError> {
        plan.statics.retain(|name, _| self.tables.contains_key(name));
        for (name, held) in &mut self.tables {
            let before = plan.statics.get(name);
            if before.is_some() && !held.is_due(plan.batch_time_us) {
                continue;
            }
            let version = self.runtime.block_on(held.current())?;
            held.looked_us = Some(plan.batch_time_us);
            if before == Some(&version) {
                continue;
            }
            if held.rows.as_ref().is_none_or(|rows| rows.version != version) {
                let rows = self.runtime.block_on(held.load_current())?;
                tracing::info!(table = %name, version = %rows.version, rows = rows.batch.num_rows(), "static table read");
                held.rows = Some(rows);
            }
            let rows = held.rows.as_ref().ok_or_else(|| not_held(name))?;
            held.check_schema(rows, "are other than before")?;
            plan.statics.insert(name.clone(), rows.version.clone());
        }
        Ok(())
    }

    /// The copies of rows that a plan needs and the one before did not: to be stored with it.
    ///
    /// # Errors
    /// If a table is too large to be copied.
    pub fn copies(&self, plan: &Plan, last: Option<&Commit>) -> Result<Vec<(BlockKey, Vec<u8>)>, RunError> {
        let mut copies = Vec::new();
        for (name, version) in &plan.statics {
            let before = last.and_then(|commit| commit.plan.statics.get(name));
            let held = self.tables.get(name).filter(|_| before != Some(version));
            let Some((held, rows)) = held.and_then(|held| Some((held, held.rows.as_ref()?))) else { continue };
            if rows.version != *version {
                continue;
            }
            let copy = match &held.feed {
                StaticFeed::Path(loader) => loader.copy(rows)?,
                StaticFeed::Memory(_) => Some(super::copy::encode(name, rows)?),
            };
            copies.extend(copy.map(|copy| (StaticRows::block_key(name, plan.epoch), copy)));
        }
        Ok(copies)
    }

    /// The rows of a static table in the version that a plan names; `name` in lower case.
    ///
    /// # Errors
    /// If that version is nowhere any more; if its columns are not those that the queries were planned with.
    pub fn rows(&mut self, name: &str, plan: &Plan, checkpoint: &Checkpoint) -> Result<&StaticRows, RunError> {
        let found = self.tables.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (name, held) = found.ok_or_else(|| not_held(name))?;
        let version = plan.statics.get(name).ok_or_else(|| {
            let text = format!("epoch {} was planned without static table {name}", plan.epoch);
            RunError::StateMismatch(format!(
                "{text}; take it out of the SQL until that epoch is done, then add it again"
            ))
        })?;
        if held.rows.as_ref().is_none_or(|rows| rows.version != *version) {
            held.rows = Some(match (StaticRows::restore(checkpoint, name, version)?, &held.feed) {
                (Some(rows), _) => rows,
                (None, StaticFeed::Path(loader)) => self.runtime.block_on(loader.load(version))?,
                (None, StaticFeed::Memory(memory)) => memory.get(),
            });
        }
        let rows = held.rows.as_ref().ok_or_else(|| not_held(name))?;
        held.check_schema(rows, &format!("are other than when epoch {} was planned", plan.epoch))?;
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
        changes: &mut StateChanges,
    ) -> Result<(), RunError> {
        for (name, before) in last.iter().flat_map(|commit| &commit.plan.statics) {
            match plan.statics.get(name) {
                Some(version) if version == before => {}
                Some(_) => changes.deletes.extend(StaticRows::superseded(checkpoint, name, plan.epoch)?),
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
        self.table.refresh != Refresh::Never && is_due(self.table.refresh, self.looked_us, now_us)
    }

    async fn current(&self) -> Result<String, StaticError> {
        match &self.feed {
            StaticFeed::Path(loader) => loader.current().await,
            StaticFeed::Memory(memory) => Ok(memory.get().version),
        }
    }

    async fn load_current(&self) -> Result<StaticRows, StaticError> {
        match &self.feed {
            StaticFeed::Path(loader) => loader.load_current().await,
            StaticFeed::Memory(memory) => Ok(memory.get()),
        }
    }

    /// Queries were planned for certain columns: others cannot be told apart from a mistake.
    fn check_schema(&self, rows: &StaticRows, what: &str) -> Result<(), StaticError> {
        let found = rows.schema();
        if found == self.schema {
            return Ok(());
        }
        let name = &self.table.name;
        let remedy = match self.table.schema.is_empty() {
            _ if self.table.refresh == Refresh::Never => format!(
                "refresh = \"never\" keeps the rows of the first epoch: put [static.{name}.schema] back, or write refresh = \"on_change\""
            ),
            true => format!(
                "start the job again to take them as they are now, or say in [static.{name}.schema] which columns are wanted"
            ),
            false => format!("put [static.{name}.schema] back until that epoch is done"),
        };
        let text = format!("the columns at {} {what}: {}; {remedy}", self.table.path, difference(&self.schema, &found));
        Err(StaticError::Data(error::named(name, &text)))
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

fn not_held(name: &str) -> RunError {
    RunError::Internal(format!("the static table {name} was not opened"))
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
