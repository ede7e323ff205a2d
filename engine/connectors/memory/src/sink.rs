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
    Capabilities, Content, Pointer, Sink, SinkError, SinkPosition, SinkTable, StageWriter, TableDefinition, Tables,
    WriterId,
};
use epoch::{ArtifactEffect, ArtifactId, Commit, CommitId, Contradiction, EpochId, Owner, StagedFile, paths};

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
    /// The last epoch that each job has marked.
    pub(crate) marked: BTreeMap<String, Pointer>,
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
    /// The record of each writer, by job and checkpoint: the last commit that it published, and who did.
    records: BTreeMap<(String, String), (CommitId, Owner)>,
    /// Publishings that changed it.
    pub(crate) version: i64,
}

impl MemorySink {
    /// What is there, locked.
    pub(crate) fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch that a job has marked last, and the versions of its tables.
    pub fn marked(&self, job: &str) -> Option<Pointer> {
        self.place().marked.get(job).cloned()
    }

    /// A copy of everything that is there, to [restore](Self::restore) later: what a backup does.
    pub fn backup(&self) -> MemorySink {
        MemorySink { place: Arc::new(Mutex::new(self.place().clone())) }
    }

    /// Puts what a backup holds in the place of what is there: rows and records together.
    pub fn restore(&self, backup: &MemorySink) {
        let copy = backup.place().clone();
        *self.place() = copy;
    }

    /// Loses what was published, and keeps the rows: what a place must never do.
    pub fn lose_records(&self) {
        self.place().tables.values_mut().for_each(|table| table.records.clear());
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
        let existing = self.place().tables.get(&definition.name).and_then(|stored| stored.schema.clone());
        let schema = match &existing {
            Some(existing) => widened(existing, &wanted).map_err(|error| error.of_table(&definition.name))?,
            None => wanted,
        };
        let (name, key, writer) = (definition.name.clone(), definition.key.clone(), writer.clone());
        Ok(Arc::new(MemoryTable { sink: self.clone(), name, key, schema, writer }))
    }

    async fn find_table(&self, name: &str, writer: &WriterId) -> Result<Option<Arc<dyn SinkTable>>, SinkError> {
        let found = self.place().tables.get(name).and_then(|stored| Some((stored.schema.clone()?, stored.key.clone())));
        let Some((schema, key)) = found else { return Ok(None) };
        let (name, writer) = (name.to_string(), writer.clone());
        Ok(Some(Arc::new(MemoryTable { sink: self.clone(), name, key, schema, writer })))
    }

    async fn publish(
        &self,
        writer: &WriterId,
        owner: Owner,
        tables: &Tables,
        commit: &Commit,
    ) -> Result<BTreeMap<String, i64>, SinkError> {
        let mut place = self.place();
        // All of it in a copy first: if one table cannot be published, none is.
        let mut after = place.clone();
        let mut versions = BTreeMap::new();
        for name in tables.keys() {
            let stored = after.tables.entry(name.clone()).or_default();
            versions.insert(name.clone(), stored.publish(name, writer, owner, commit)?);
        }
        after.mark(writer, owner, commit, &versions)?;
        *place = after;
        Ok(versions)
    }

    async fn mark_published(
        &self,
        writer: &WriterId,
        owner: Owner,
        commit: &Commit,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        self.place().mark(writer, owner, commit, versions)
    }
}

impl Place {
    fn mark(
        &mut self,
        writer: &WriterId,
        owner: Owner,
        commit: &Commit,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        let marked = self.marked.get(&writer.job);
        fence(&format!("the pointer of job {}", writer.job), owner, marked.map(|marked| marked.owner))?;
        let pointer = Pointer::of(writer, owner, commit, versions);
        if marked.is_none_or(|marked| pointer.may_replace(marked)) {
            self.marked.insert(writer.job.clone(), pointer);
        }
        Ok(())
    }
}

/// Refuses an owner that was replaced by the one that has written last.
fn fence(what: &str, own: Owner, last: Option<Owner>) -> Result<(), SinkError> {
    match last.filter(|last| own.is_fenced_by(last)) {
        None => Ok(()),
        Some(by) => Err(SinkError::Contradiction(Contradiction::Fenced { sink: what.to_string(), by, own })),
    }
}

/// A writer, as records are kept by it.
fn of(writer: &WriterId) -> (String, String) {
    (writer.job.clone(), writer.job_id.clone())
}

impl Stored {
    /// One commit of one writer: compare-and-set by the writer's record.
    fn publish(&mut self, name: &str, writer: &WriterId, owner: Owner, commit: &Commit) -> Result<i64, SinkError> {
        let writer = of(writer);
        let (Some(touch), Some(change)) = (commit.touch(name), commit.tables.get(name)) else {
            return Ok(self.version);
        };
        let record = self.records.get(&writer).copied();
        fence(name, owner, record.map(|(_, last)| last))?;
        let place = record.map(|(id, _)| id);
        if place == Some(touch.id) {
            return Ok(self.version);
        }
        if place != touch.before {
            let (sink, commit, before) = (name.to_string(), touch.id, touch.before);
            return Err(SinkError::Contradiction(Contradiction::NotBefore { sink, commit, before, place }));
        }
        if let Some(gone) = change.removed.iter().find(|file| !self.seen.contains(&file.path)) {
            return Err(SinkError::Data(format!("{} of table {name} is no longer part of it", gone.path).into()));
        }
        if let Some(lost) = change.added.iter().find(|file| !self.artifacts.contains_key(&file.path)) {
            let (sink, commit, artifact) = (name.to_string(), touch.id, lost.path.clone());
            return Err(SinkError::Contradiction(Contradiction::ArtifactMissing { sink, commit, artifact }));
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
        self.records.insert(writer, (touch.id, owner));
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
                return Err(SinkError::Refused(text.into()));
            }
            Err(_) => {
                let text = format!("the table has a column `{}` that the query no longer gives", field.name());
                return Err(SinkError::Refused(text.into()));
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
    key: Vec<String>,
    schema: SchemaRef,
    writer: WriterId,
}

impl MemoryTable {
    /// Does something with what is stored of the table.
    fn with<T>(&self, work: impl FnOnce(&mut Stored) -> T) -> T {
        work(self.sink.place().tables.entry(self.name.clone()).or_default())
    }

    /// Changes what is stored of the table, unless the owner was replaced.
    fn change<T>(&self, owner: Owner, work: impl FnOnce(&mut Stored) -> T) -> Result<T, SinkError> {
        self.with(|stored| {
            fence(&self.name, owner, stored.records.get(&of(&self.writer)).map(|(_, last)| *last))?;
            Ok(work(stored))
        })
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

    async fn define(&self, owner: Owner) -> Result<(), SinkError> {
        self.change(owner, |stored| {
            (stored.schema, stored.key) = (Some(Arc::clone(&self.schema)), self.key.clone());
        })
    }

    fn stage(&self, artifact: ArtifactId, content: Content) -> Result<Box<dyn StageWriter>, SinkError> {
        let artifact = paths::data_file(&self.writer.job_id, &artifact);
        let (table, schema) = (self.name.clone(), Arc::clone(&self.schema));
        Ok(Box::new(MemoryWriter { sink: self.sink.clone(), table, artifact, content, schema, batches: Vec::new() }))
    }

    async fn publish(&self, owner: Owner, commit: &Commit) -> Result<i64, SinkError> {
        self.with(|stored| stored.publish(&self.name, &self.writer, owner, commit))
    }

    async fn adopt(&self, owner: Owner, commit: CommitId) -> Result<(), SinkError> {
        self.change(owner, |stored| {
            stored.records.insert(of(&self.writer), (commit, owner));
        })
    }

    async fn position(&self) -> Result<SinkPosition, SinkError> {
        Ok(self.with(|stored| {
            let record = stored.records.get(&of(&self.writer)).copied();
            let published = record.map(|(id, _)| id);
            let other = stored.records.keys().find(|_| record.is_none());
            SinkPosition {
                accepted: published,
                published,
                owner: record.map(|(_, owner)| owner).unwrap_or_default(),
                other_checkpoint: other.map(|(job, job_id)| format!("{job}, {job_id}")),
                restored: None,
                version: stored.version,
            }
        }))
    }

    async fn row_count(&self) -> Result<Option<u64>, SinkError> {
        let rows = self.with(|stored| stored.rows(&self.schema))?;
        Ok(Some(rows.iter().map(|batch| batch.num_rows() as u64).sum()))
    }

    async fn sweep(&self, owner: Owner, newest: Option<EpochId>) -> Result<(), SinkError> {
        let is_left = |name: &str| {
            let origin = paths::origin_of(name);
            let is_later = paths::stager_of(name).is_some_and(|stager| owner.is_fenced_by(&stager));
            origin.is_some_and(|(job_id, epoch)| job_id == self.writer.job_id && Some(epoch) > newest) && !is_later
        };
        self.change(owner, |stored| {
            let seen = &stored.seen;
            stored.artifacts.retain(|name, _| seen.contains(name) || !is_left(name));
        })
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
