//! Tables in memory: the smallest sink that passes the laws, and the one to read first when writing another.
//!
//! It can do all that a sink may be asked for: rows by key, buckets, and all tables of an epoch in one transaction, which is the
//! lock on the place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use connector::{
    Capabilities, Content, Sink, SinkError, SinkPosition, SinkTable, StageWriter, TableDefinition, Tables, WriterId,
};
use epoch::{ArtifactEffect, EpochId, StagedFile, TableCommit, paths};

use crate::rows::{in_columns, keys_of, without_keys};

/// Tables in memory. Clones are the same place.
#[derive(Debug, Clone, Default)]
pub struct MemorySink {
    place: Arc<Mutex<Place>>,
}

/// What outlives the jobs that use it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Place {
    /// By name.
    pub(crate) tables: BTreeMap<String, Stored>,
    /// The last epoch that each job has marked, with its versions.
    pub(crate) marked: BTreeMap<String, (EpochId, BTreeMap<String, i64>)>,
}

/// One table.
#[derive(Debug, Default, Clone)]
pub(crate) struct Stored {
    /// Its columns, once it was opened.
    pub(crate) schema: Option<SchemaRef>,
    key: Vec<String>,
    /// Artifacts by name, seen or not.
    pub(crate) artifacts: BTreeMap<String, Vec<RecordBatch>>,
    /// Names of those that readers see.
    pub(crate) seen: BTreeSet<String>,
    /// The last epoch of each writer, by job and checkpoint.
    published: BTreeMap<(String, String), EpochId>,
    /// Publishings that changed it.
    pub(crate) version: i64,
}

impl MemorySink {
    /// What is there, locked.
    pub(crate) fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch that a job has marked last, and the versions of its tables.
    pub fn marked(&self, job: &str) -> Option<(EpochId, BTreeMap<String, i64>)> {
        self.place().marked.get(job).cloned()
    }

    /// Loses which epochs were published: what a sink must never do.
    #[cfg(test)]
    pub(crate) fn forget_positions(&self) {
        self.place().tables.values_mut().for_each(|table| table.published.clear());
    }
}

#[async_trait]
impl Sink for MemorySink {
    fn title(&self) -> &'static str {
        "Memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { upsert: true, delete: true, transaction_over_tables: true, ..Capabilities::FILES }
    }

    async fn open_table(
        &self,
        definition: &TableDefinition,
        writer: &WriterId,
    ) -> Result<Arc<dyn SinkTable>, SinkError> {
        let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
        let wanted = definition.schema.fields().iter().map(nullable).collect::<Vec<_>>();
        let wanted = Arc::new(Schema::new(wanted));
        let mut place = self.place();
        let stored = place.tables.entry(definition.name.clone()).or_default();
        let schema = match &stored.schema {
            Some(existing) => widened(existing, &wanted).map_err(|error| error.of_table(&definition.name))?,
            None => wanted,
        };
        (stored.schema, stored.key) = (Some(Arc::clone(&schema)), definition.key.clone());
        let (name, writer) = (definition.name.clone(), writer.clone());
        Ok(Arc::new(MemoryTable { sink: self.clone(), name, schema, writer }))
    }

    async fn publish(
        &self,
        writer: &WriterId,
        epoch: EpochId,
        tables: &Tables,
        changes: &BTreeMap<String, TableCommit>,
    ) -> Result<BTreeMap<String, i64>, SinkError> {
        let mut place = self.place();
        // All of it in a copy first: if one table cannot be published, none is.
        let mut after = place.clone();
        let mut versions = BTreeMap::new();
        for name in tables.keys() {
            let stored = after.tables.entry(name.clone()).or_default();
            let change = changes.get(name).cloned().unwrap_or_default();
            versions.insert(name.clone(), stored.publish(name, writer, epoch, &change)?);
        }
        after.marked.insert(writer.job.clone(), (epoch, versions.clone()));
        *place = after;
        Ok(versions)
    }

    async fn mark_published(
        &self,
        writer: &WriterId,
        epoch: EpochId,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        self.place().marked.insert(writer.job.clone(), (epoch, versions.clone()));
        Ok(())
    }
}

impl Stored {
    /// One epoch of one writer, with the position that makes it happen once.
    fn publish(
        &mut self,
        name: &str,
        writer: &WriterId,
        epoch: EpochId,
        change: &TableCommit,
    ) -> Result<i64, SinkError> {
        let writer = (writer.job.clone(), writer.job_id.clone());
        if self.published.get(&writer) >= Some(&epoch) || *change == TableCommit::default() {
            return Ok(self.version);
        }
        if let Some(gone) = change.removed.iter().find(|file| !self.seen.contains(&file.path)) {
            return Err(SinkError::Data(format!("{} of table {name} is no longer part of it", gone.path)));
        }
        if let Some(lost) = change.added.iter().find(|file| !self.artifacts.contains_key(&file.path)) {
            return Err(SinkError::Data(format!("{} of table {name} was lost", lost.path)));
        }
        self.seen.retain(|path| change.removed.iter().all(|file| file.path != *path));
        for file in &change.added {
            if file.effect != ArtifactEffect::Add {
                self.remove_keys_of(&file.path)?;
            }
            if file.effect != ArtifactEffect::Delete {
                self.seen.insert(file.path.clone());
            }
        }
        self.published.insert(writer, epoch);
        self.version += 1;
        Ok(self.version)
    }

    /// Takes the rows out of what is seen that have the keys of an artifact.
    fn remove_keys_of(&mut self, artifact: &str) -> Result<(), SinkError> {
        let mut keys = BTreeSet::new();
        for batch in self.artifacts.get(artifact).into_iter().flatten() {
            keys.extend(keys_of(batch, &self.key)?);
        }
        for name in &self.seen {
            for batch in self.artifacts.get_mut(name).into_iter().flatten() {
                *batch = without_keys(batch, &self.key, &keys)?;
            }
        }
        Ok(())
    }
}

/// The columns of a table with those added that a query has gained.
fn widened(existing: &SchemaRef, wanted: &SchemaRef) -> Result<SchemaRef, SinkError> {
    let mut fields: Vec<Arc<Field>> = existing.fields().iter().cloned().collect();
    for field in &fields {
        match wanted.field_with_name(field.name()) {
            Ok(other) if other.data_type() == field.data_type() => {}
            Ok(other) => {
                let (name, now, before) = (field.name(), other.data_type(), field.data_type());
                let text = format!("column `{name}` is {before} in the table and {now} in the query");
                return Err(SinkError::Refused(text));
            }
            Err(_) => {
                let text = format!("the table has a column `{}` that the query no longer gives", field.name());
                return Err(SinkError::Refused(text));
            }
        }
    }
    let is_new = |field: &&Arc<Field>| existing.index_of(field.name()).is_err();
    fields.extend(wanted.fields().iter().filter(is_new).cloned());
    Ok(Arc::new(Schema::new(fields)))
}

struct MemoryTable {
    sink: MemorySink,
    name: String,
    schema: SchemaRef,
    writer: WriterId,
}

impl MemoryTable {
    /// Does something with what is stored of the table.
    fn with<T>(&self, work: impl FnOnce(&mut Stored) -> T) -> T {
        work(self.sink.place().tables.entry(self.name.clone()).or_default())
    }
}

#[async_trait]
impl SinkTable for MemoryTable {
    fn name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn stage(&self, epoch: EpochId, number: u32, content: Content) -> Result<Box<dyn StageWriter>, SinkError> {
        let artifact = paths::data_file(&self.writer.job_id, epoch, number);
        let (table, schema) = (self.name.clone(), Arc::clone(&self.schema));
        Ok(Box::new(MemoryWriter { sink: self.sink.clone(), table, artifact, content, schema, batches: Vec::new() }))
    }

    async fn publish(&self, epoch: EpochId, change: &TableCommit) -> Result<i64, SinkError> {
        self.with(|stored| stored.publish(&self.name, &self.writer, epoch, change))
    }

    async fn position(&self) -> Result<SinkPosition, SinkError> {
        let writer = (self.writer.job.clone(), self.writer.job_id.clone());
        Ok(self.with(|stored| {
            let published = stored.published.get(&writer).copied();
            SinkPosition { accepted: published, published, version: stored.version }
        }))
    }

    async fn discard(&self, epoch: EpochId) -> Result<(), SinkError> {
        let writer = (self.writer.job.clone(), self.writer.job_id.clone());
        let prefix = paths::data_file_prefix(&self.writer.job_id, epoch);
        self.with(|stored| {
            if stored.published.get(&writer) < Some(&epoch) {
                stored.artifacts.retain(|name, _| !name.starts_with(&prefix));
            }
        });
        Ok(())
    }

    async fn rows(&self) -> Result<Vec<RecordBatch>, SinkError> {
        self.with(|stored| stored.rows(&self.schema))
    }

    async fn wait_idle(&self) {}
}

impl Stored {
    /// What readers see, in these columns.
    pub(crate) fn rows(&self, schema: &SchemaRef) -> Result<Vec<RecordBatch>, SinkError> {
        let seen = self.seen.iter().filter_map(|name| self.artifacts.get(name)).flatten();
        seen.map(|batch| in_columns(batch, schema)).collect()
    }
}

struct MemoryWriter {
    sink: MemorySink,
    table: String,
    artifact: String,
    content: Content,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl StageWriter for MemoryWriter {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), SinkError> {
        self.batches.push(in_columns(rows, &self.schema)?);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Option<StagedFile>, SinkError> {
        let rows: usize = self.batches.iter().map(RecordBatch::num_rows).sum();
        if rows == 0 {
            return Ok(None);
        }
        let bytes: usize = self.batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let mut place = self.sink.place();
        let stored = place.tables.entry(self.table).or_default();
        stored.artifacts.insert(self.artifact.clone(), self.batches);
        Ok(Some(StagedFile {
            path: self.artifact,
            bytes: bytes as u64,
            rows: rows as u64,
            bucket: self.content.bucket(),
            stats: String::new(),
            effect: self.content.effect(),
        }))
    }
}

#[cfg(test)]
mod tests;
