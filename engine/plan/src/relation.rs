//! The inputs that a query can name: sources and tables of the job.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use operators::SlotExec;
use operators::aggregate::instant;

/// Columns that every source has besides its own; `SELECT *` leaves them out, so they must be named.
pub const METADATA_COLUMNS: [&str; 5] = ["_key", "_topic", "_partition", "_offset", "_timestamp"];

/// Something a query can read.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Name in SQL, with its schema if it has one.
    pub name: String,
    /// Columns.
    pub schema: SchemaRef,
    /// Column that carries the event time, if there is a watermark.
    pub event_time: Option<String>,
    /// Columns that `SELECT *` leaves out.
    pub hidden: Vec<String>,
}

/// A source as a relation: its own columns, then the metadata columns.
pub fn source_relation(name: &str, columns: &Schema, event_time: Option<&str>) -> Relation {
    let mut fields: Vec<Field> = columns.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.extend([
        Field::new("_key", DataType::Binary, true),
        Field::new("_topic", DataType::Utf8, false),
        Field::new("_partition", DataType::Int32, false),
        Field::new("_offset", DataType::Int64, false),
        Field::new("_timestamp", instant(), true),
    ]);
    Relation {
        name: name.to_string(),
        schema: Arc::new(Schema::new(fields)),
        event_time: event_time.map(str::to_string),
        hidden: METADATA_COLUMNS.map(str::to_string).to_vec(),
    }
}

/// A relation as DataFusion sees it while planning: a place for rows.
#[derive(Debug)]
pub struct StreamTable {
    /// Columns.
    pub schema: SchemaRef,
}

#[async_trait::async_trait]
impl TableProvider for StreamTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(SlotExec::place(&self.schema, projection)?))
    }
}
