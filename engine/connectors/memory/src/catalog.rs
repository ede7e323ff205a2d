//! Tables in memory as a warehouse: opened by a location, read by SQL.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use connector::{
    AsOf, Capabilities, Catalog, Pointer, SinkError, TableInfo, TableSnapshot, Warehouse, WarehouseConnector,
};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use crate::rows::in_columns;
use crate::sink::{MemorySink, Stored};

#[async_trait]
impl WarehouseConnector for MemorySink {
    fn opens(&self, location: &str) -> bool {
        location.starts_with("memory:")
    }

    fn capabilities(&self) -> Capabilities {
        connector::Sink::capabilities(self)
    }

    async fn open(&self, _location: &str) -> Result<Arc<dyn Warehouse>, SinkError> {
        Ok(Arc::new(self.clone()))
    }

    /// Memory holds whatever there is.
    fn table_schema(&self, schema: &Schema) -> Result<SchemaRef, SinkError> {
        Ok(Arc::new(schema.clone()))
    }
}

#[async_trait]
impl Catalog for MemorySink {
    fn location(&self) -> String {
        "memory:".to_string()
    }

    async fn pointers(&self) -> Result<Vec<Pointer>, SinkError> {
        let place = self.place();
        Ok(place.marked.values().cloned().collect())
    }

    /// An epoch's tables are published together, so the newest version of each is that of the last epoch.
    async fn tables(&self, _as_of: AsOf, file_column: Option<&str>) -> Result<Vec<TableSnapshot>, SinkError> {
        let place = self.place();
        let opened = place.tables.iter().filter_map(|(name, stored)| Some((name, stored, stored.schema.clone()?)));
        opened
            .map(|(name, stored, schema)| {
                let marked = place.marked.values().find(|pointer| pointer.versions.contains_key(name));
                let info = TableInfo {
                    name: name.clone(),
                    version: stored.version,
                    epoch: marked.map(|pointer| pointer.epoch),
                    rows: Some(stored.rows(&schema)?.iter().map(|batch| batch.num_rows() as u64).sum()),
                    files: stored.seen.len() as u64,
                    bytes: 0,
                    damage: None,
                };
                let files = stored.seen.iter().cloned().collect();
                Ok(TableSnapshot { info, files, provider: Arc::new(provider(stored, &schema, file_column)?) })
            })
            .collect()
    }

    fn prepare(&self, _context: &SessionContext) -> Result<(), SinkError> {
        Ok(())
    }

    async fn remove_all(&self) -> Result<usize, SinkError> {
        let mut place = self.place();
        let count = place.tables.values().map(|table| table.artifacts.len()).sum();
        *place = Default::default();
        Ok(count)
    }
}

/// What readers see of a table, with the artifact of each row as a further column if that is asked for.
fn provider(stored: &Stored, schema: &SchemaRef, file_column: Option<&str>) -> Result<MemTable, SinkError> {
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.extend(file_column.map(|name| Field::new(name, DataType::Utf8, true)));
    let wider = Arc::new(Schema::new(fields));
    let mut batches = Vec::new();
    for name in &stored.seen {
        for batch in stored.artifacts.get(name).into_iter().flatten() {
            let mut columns = in_columns(batch, schema)?.columns().to_vec();
            if file_column.is_some() {
                columns.push(Arc::new(StringArray::from(vec![name.as_str(); batch.num_rows()])) as ArrayRef);
            }
            let with_file = RecordBatch::try_new(Arc::clone(&wider), columns);
            batches.push(with_file.map_err(|error| SinkError::Internal(error.to_string().into()))?);
        }
    }
    MemTable::try_new(wider, vec![batches]).map_err(|error| SinkError::Internal(error.to_string().into()))
}
