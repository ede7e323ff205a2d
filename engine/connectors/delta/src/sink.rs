//! The warehouse as a sink: the traits of `connector` over [`Warehouse`], [`Table`] and [`DataFileWriter`].

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use connector::{
    Capabilities, Content, Pointer, ReadByThen, Sink, SinkError, SinkPosition, SinkTable, StageWriter, TableDefinition,
    WarehouseConnector, WriterId,
};
use epoch::{ArtifactId, Commit, CommitId, EpochId, Owner, StagedFile};

use crate::pointer::write_pointer;
use crate::schema::table_schema;
use crate::stage::DataFileWriter;
use crate::table::Table;
use crate::warehouse::Warehouse;

/// Opens warehouses of Delta tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeltaConnector;

#[async_trait]
impl WarehouseConnector for DeltaConnector {
    async fn open(&self, location: &str) -> Result<Arc<dyn connector::Warehouse>, SinkError> {
        Ok(Arc::new(Warehouse::open(location).await?))
    }

    fn opens(&self, location: &str) -> bool {
        match location.split_once("://") {
            Some((scheme, _)) => matches!(scheme, "file" | "s3" | "s3a"),
            None => true,
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::FILES
    }

    fn table_schema(&self, schema: &Schema) -> Result<SchemaRef, SinkError> {
        table_schema(schema)
    }
}

#[async_trait]
impl Sink for Warehouse {
    fn title(&self) -> &'static str {
        "Delta"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::FILES
    }

    async fn open_table(
        &self,
        definition: &TableDefinition,
        writer: &WriterId,
    ) -> Result<Arc<dyn SinkTable>, SinkError> {
        let TableDefinition { name, schema, .. } = definition;
        Ok(Arc::new(Table::open(self, name, Arc::clone(schema), &writer.job, &writer.job_id).await?))
    }

    async fn find_table(&self, name: &str, writer: &WriterId) -> Result<Option<Arc<dyn SinkTable>>, SinkError> {
        let found = Table::find(self, name, &writer.job, &writer.job_id).await?;
        Ok(found.map(|table| Arc::new(table) as Arc<dyn SinkTable>))
    }

    fn prepare_publish(&self, writer: &WriterId, owner: Owner, tables: &connector::Tables, commit: &Commit) {
        self.prepare(writer, owner, tables, commit);
    }

    async fn mark_published(
        &self,
        writer: &WriterId,
        owner: Owner,
        commit: &Commit,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        write_pointer(self, &Pointer::of(writer, owner, commit, versions)).await
    }
}

#[async_trait]
impl SinkTable for Table {
    fn name(&self) -> &str {
        Table::name(self)
    }

    fn schema(&self) -> &SchemaRef {
        Table::schema(self)
    }

    async fn define(&self, owner: Owner) -> Result<(), SinkError> {
        Table::define(self, owner).await
    }

    fn stage(&self, artifact: ArtifactId, content: Content) -> Result<Box<dyn StageWriter>, SinkError> {
        if matches!(content, Content::Upserted | Content::Deleted) {
            // Staged as rows that are added they would be counted twice.
            let name = Table::name(self);
            return Err(SinkError::Internal(
                format!("table {name} takes no rows by key, and was given {content:?}").into(),
            ));
        }
        Ok(Box::new(Table::stage(self, artifact, content.bucket())?))
    }

    fn prepare_publish(&self, owner: Owner, commit: &Commit) -> Option<i64> {
        self.prepare(owner, commit)
    }

    async fn publish(&self, owner: Owner, commit: &Commit) -> Result<i64, SinkError> {
        Table::publish(self, owner, commit).await
    }

    async fn adopt(&self, owner: Owner, commit: CommitId) -> Result<(), SinkError> {
        Table::adopt(self, owner, commit).await
    }

    async fn position(&self) -> Result<SinkPosition, SinkError> {
        Table::position(self).await
    }

    async fn read_by_then(&self) -> Result<Option<ReadByThen>, SinkError> {
        Table::read_by_then(self).await
    }

    async fn check_replaceable(&self, files: &[StagedFile]) -> Result<(), SinkError> {
        Table::check_replaceable(self, files).await
    }

    async fn row_count(&self) -> Result<Option<u64>, SinkError> {
        Table::row_count(self).await
    }

    async fn sweep(&self, owner: Owner, newest: Option<EpochId>) -> Result<(), SinkError> {
        Table::sweep(self, owner, newest).await
    }

    async fn rows(&self) -> Result<Vec<RecordBatch>, SinkError> {
        Table::rows(self).await
    }

    async fn wait_idle(&self) {
        Table::wait_idle(self).await;
    }
}

impl StageWriter for DataFileWriter {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), SinkError> {
        DataFileWriter::write(self, rows)
    }

    fn finish(self: Box<Self>) -> Result<Option<StagedFile>, SinkError> {
        DataFileWriter::finish(*self)
    }
}
