//! A condition over pairs of rows, evaluated over the few columns that it reads.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::prep_null_mask_filter;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;

use crate::OperatorError;
use crate::sized_batch::sized_batch;

/// A condition that is evaluated over no more than the columns that it reads. A row for which it is null does not meet it.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// As the plan has it, for people to read.
    text: String,
    /// Its columns by position among [`Condition::columns`].
    expression: Arc<dyn PhysicalExpr>,
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl Condition {
    /// A condition over columns of these types.
    ///
    /// # Errors
    /// If it reads a column that is not there.
    pub(crate) fn new(expression: Arc<dyn PhysicalExpr>, fields: &[Arc<Field>]) -> Result<Condition, OperatorError> {
        let mut columns: Vec<usize> = collect_columns(&expression).iter().map(Column::index).collect();
        columns.sort_unstable();
        columns.dedup();
        if let Some(column) = columns.iter().find(|column| **column >= fields.len()) {
            let what = format!("the condition {expression} reads column {column} of {}", fields.len());
            return Err(DataFusionError::Internal(what).into());
        }
        let text = expression.to_string();
        let compact = expression.transform(|part| match part.downcast_ref::<Column>() {
            None => Ok(Transformed::no(part)),
            Some(column) => {
                let position = columns.partition_point(|other| *other < column.index());
                Ok(Transformed::yes(Arc::new(Column::new(column.name(), position)) as Arc<dyn PhysicalExpr>))
            }
        });
        let field = |column: &usize| fields[*column].as_ref().clone().with_nullable(true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        Ok(Condition { text, expression: compact.data()?, columns, schema })
    }

    /// The columns that it reads, ascending.
    pub(crate) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Which of `rows` rows meet it, given the columns that it reads. No nulls.
    ///
    /// # Errors
    /// If it fails on a row.
    pub(crate) fn holds(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<BooleanArray, OperatorError> {
        let read = sized_batch(&self.schema, columns, rows)?;
        let mask = self.expression.evaluate(&read)?.into_array(rows)?;
        let mask = mask
            .as_any()
            .downcast_ref::<BooleanArray>()
            .ok_or_else(|| DataFusionError::Internal(format!("the condition {} is not a boolean", self.text)))?;
        Ok(if mask.null_count() > 0 { prep_null_mask_filter(mask) } else { mask.clone() })
    }

    /// Which rows of a batch meet it.
    ///
    /// # Errors
    /// If it fails on a row.
    pub(crate) fn holds_for(&self, rows: &RecordBatch) -> Result<BooleanArray, OperatorError> {
        let columns = self.columns.iter().map(|column| Arc::clone(rows.column(*column))).collect();
        self.holds(columns, rows.num_rows())
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
