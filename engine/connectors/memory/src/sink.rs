//! Tables in memory: the smallest sink that passes the laws, and the one to read first when writing another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use connector::{Capabilities, Sink, SinkError, SinkPosition, SinkTable, StageWriter, TableDefinition, WriterId};
use epoch::{EpochId, StagedFile, TableCommit, paths};

/// Tables in memory. Clones are the same place.
#[derive(Debug, Clone, Default)]
pub struct MemorySink {
    place: Arc<Mutex<Place>>,
}

/// What outlives the jobs that use it.
#[derive(Debug, Default)]
struct Place {
    tables: BTreeMap<String, Stored>,
    /// The last epoch that each job has marked, with its versions.
    marked: BTreeMap<String, (EpochId, BTreeMap<String, i64>)>,
}

#[derive(Debug, Default)]
struct Stored {
    schema: Option<SchemaRef>,
    /// Artifacts by name, seen or not.
    artifacts: BTreeMap<String, Vec<RecordBatch>>,
    /// Names of those that readers see.
    seen: BTreeSet<String>,
    /// The last epoch of each writer.
    published: BTreeMap<(String, String), EpochId>,
    version: i64,
}

impl MemorySink {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch that a job has marked last, and the versions of its tables.
    pub fn marked(&self, job: &str) -> Option<(EpochId, BTreeMap<String, i64>)> {
        self.place().marked.get(job).cloned()
    }
}

#[async_trait]
impl Sink for MemorySink {
    fn capabilities(&self) -> Capabilities {
        Capabilities { append: true, replace_buckets: true, ..Capabilities::default() }
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
        stored.schema = Some(Arc::clone(&schema));
        let (name, writer) = (definition.name.clone(), writer.clone());
        Ok(Arc::new(MemoryTable { sink: self.clone(), name, schema, writer }))
    }

    async fn mark_published(
        &self,
        job: &str,
        epoch: EpochId,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        self.place().marked.insert(job.to_string(), (epoch, versions.clone()));
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

    fn writer_key(&self) -> (String, String) {
        (self.writer.job.clone(), self.writer.job_id.clone())
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

    fn stage(&self, epoch: EpochId, number: u32, bucket: Option<i64>) -> Result<Box<dyn StageWriter>, SinkError> {
        let artifact = paths::data_file(&self.writer.job_id, epoch, number);
        let (table, schema) = (self.name.clone(), Arc::clone(&self.schema));
        Ok(Box::new(MemoryWriter { sink: self.sink.clone(), table, artifact, bucket, schema, batches: Vec::new() }))
    }

    async fn publish(&self, epoch: EpochId, change: &TableCommit) -> Result<i64, SinkError> {
        let writer = self.writer_key();
        self.with(|stored| {
            if stored.published.get(&writer) >= Some(&epoch) {
                return Ok(stored.version);
            }
            if let Some(gone) = change.removed.iter().find(|file| !stored.seen.contains(&file.path)) {
                let text = format!("{} of table {} is no longer part of it", gone.path, self.name);
                return Err(SinkError::Data(text));
            }
            if let Some(lost) = change.added.iter().find(|file| !stored.artifacts.contains_key(&file.path)) {
                return Err(SinkError::Data(format!("{} of table {} was lost", lost.path, self.name)));
            }
            stored.seen.retain(|path| change.removed.iter().all(|file| file.path != *path));
            stored.seen.extend(change.added.iter().map(|file| file.path.clone()));
            stored.published.insert(writer, epoch);
            stored.version += 1;
            Ok(stored.version)
        })
    }

    async fn position(&self) -> Result<SinkPosition, SinkError> {
        let writer = self.writer_key();
        Ok(self.with(|stored| {
            let published = stored.published.get(&writer).copied();
            SinkPosition { accepted: published, published, version: stored.version }
        }))
    }

    async fn discard(&self, epoch: EpochId) -> Result<(), SinkError> {
        let (writer, prefix) = (self.writer_key(), paths::data_file_prefix(&self.writer.job_id, epoch));
        self.with(|stored| {
            if stored.published.get(&writer) < Some(&epoch) {
                stored.artifacts.retain(|name, _| !name.starts_with(&prefix));
            }
        });
        Ok(())
    }

    async fn rows(&self) -> Result<Vec<RecordBatch>, SinkError> {
        let batches: Vec<RecordBatch> = self.with(|stored| {
            let seen = stored.seen.iter().filter_map(|name| stored.artifacts.get(name));
            seen.flatten().cloned().collect()
        });
        batches.iter().map(|batch| in_columns(batch, &self.schema)).collect()
    }

    async fn wait_idle(&self) {}
}

/// Rows of an earlier version of the table, with NULL in the columns that were added since.
fn in_columns(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, SinkError> {
    let column = |field: &Arc<Field>| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), batch.num_rows()),
    };
    RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect())
        .map_err(|error| SinkError::Data(format!("rows do not fit the table's columns: {error}")))
}

struct MemoryWriter {
    sink: MemorySink,
    table: String,
    artifact: String,
    bucket: Option<i64>,
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
        let (bytes, rows) = (bytes as u64, rows as u64);
        Ok(Some(StagedFile { path: self.artifact, bytes, rows, bucket: self.bucket, stats: String::new() }))
    }
}

#[cfg(test)]
mod tests;
