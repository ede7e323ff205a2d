//! The inputs that a query can name: sources and tables of the job.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::TableReference;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, TableType};
use datafusion::physical_plan::ExecutionPlan;
use expr::types::instant;
use operators::SlotExec;

use crate::times::EventTime;

/// Columns that every source has besides its own; `SELECT *` leaves them out, so they must be named.
pub const METADATA_COLUMNS: [&str; 5] = ["_key", "_topic", "_partition", "_offset", "_timestamp"];

/// Something a query can read.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Name in SQL, with its schema if it has one.
    pub name: String,
    /// Columns.
    pub schema: SchemaRef,
    /// The columns that carry event time under a watermark.
    pub times: Vec<Option<EventTime>>,
    /// Columns that `SELECT *` leaves out.
    pub hidden: Vec<String>,
    /// Where its rows come from.
    pub rows: Rows,
}

/// Where the rows of a relation come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// From records of a source.
    Source,
    /// From nodes of the graph.
    Nodes {
        /// The nodes.
        nodes: Vec<usize>,
        /// True if they retract rows that they emitted before.
        are_changing: bool,
        /// Sources from which they come in the end.
        sources: BTreeSet<String>,
    },
    /// From a static table, whole.
    Static {
        /// True if its rows never change while the job lives.
        is_fixed: bool,
    },
    /// From a table that shows its whole result at once, so that nothing can be built on it.
    Whole,
}

impl Relation {
    /// The first column with event time.
    pub fn event_time(&self) -> Option<usize> {
        self.times.iter().position(Option::is_some)
    }

    /// The name of the first column with event time.
    pub fn event_time_name(&self) -> Option<&str> {
        self.event_time().map(|at| self.schema.field(at).name().as_str())
    }
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
    let is_time = |field: &Field| (Some(field.name().as_str()) == event_time).then_some(EventTime::INSTANT);
    Relation {
        name: name.to_string(),
        times: fields.iter().map(is_time).collect(),
        schema: Arc::new(Schema::new(fields)),
        hidden: METADATA_COLUMNS.map(str::to_string).to_vec(),
        rows: Rows::Source,
    }
}

/// A static table as a relation. `is_fixed` says that its rows never change while the job lives.
pub fn static_relation(name: &str, columns: &SchemaRef, is_fixed: bool) -> Relation {
    Relation {
        name: name.to_string(),
        times: vec![None; columns.fields().len()],
        schema: Arc::clone(columns),
        hidden: Vec::new(),
        rows: Rows::Static { is_fixed },
    }
}

/// True if no stream is read in a plan.
pub fn is_static(plan: &LogicalPlan, relations: &HashMap<String, Relation>) -> bool {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let relation = relations.get(&name_of(&scan.table_name));
            relation.is_some_and(|relation| matches!(relation.rows, Rows::Static { .. }))
        }
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => true,
        other => !other.inputs().is_empty() && other.inputs().iter().all(|input| is_static(input, relations)),
    }
}

/// A job's name of a relation as DataFusion's.
pub fn reference(name: &str) -> TableReference {
    match name.split_once('.') {
        Some((schema, table)) => TableReference::partial(schema, table),
        None => TableReference::bare(name),
    }
}

/// DataFusion's name of a relation as the job's, in lower case.
pub fn name_of(reference: &TableReference) -> String {
    match reference.schema() {
        Some(schema) => format!("{schema}.{}", reference.table()).to_lowercase(),
        None => reference.table().to_lowercase(),
    }
}

/// A relation as DataFusion sees it while planning: a place for rows.
#[derive(Debug)]
pub struct StreamTable {
    /// Columns.
    pub schema: SchemaRef,
    /// The port of the operator whose plan reads it; 0 if there is one.
    pub port: usize,
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
        Ok(Arc::new(SlotExec::place(&self.schema, projection)?.at_port(self.port)))
    }
}
