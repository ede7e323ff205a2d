//! What operators keep, as rows for a reader: read from a checkpoint without opening the operator.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::store::{StoreSpec, read_rows};
use crate::stored::Stored;

/// The rows of one store of an operator.
#[derive(Debug, Clone)]
pub struct StateRows {
    /// Under what name they are filed, such as `gold.sessions/join.left`.
    pub name: String,
    /// The rows.
    pub rows: RecordBatch,
}

/// The rows of stores, each with its blocks in `stored`.
///
/// # Errors
/// If a block is missing or damaged.
pub fn of_stores(
    specs: Vec<StoreSpec>,
    stored: Stored,
    committed: &dyn BlockSource,
) -> Result<Vec<StateRows>, OperatorError> {
    let mut all = Vec::with_capacity(specs.len());
    for (spec, blocks) in specs.into_iter().zip(stored.blocks) {
        let batches = read_rows(&spec, blocks, committed)?;
        let rows = concat_batches(&spec.schema, &batches)?;
        all.push(StateRows { rows: renamed(rows, &[])?, name: spec.name });
    }
    Ok(all)
}

/// The rows under other names; each is there once, and any may be null.
pub(crate) fn renamed(rows: RecordBatch, names: &[String]) -> Result<RecordBatch, OperatorError> {
    let mut fields: Vec<Field> = Vec::with_capacity(rows.num_columns());
    for (at, field) in rows.schema().fields().iter().enumerate() {
        let wanted = names.get(at).unwrap_or(field.name());
        let is_taken = |name: &str| fields.iter().any(|other| other.name().eq_ignore_ascii_case(name));
        let mut name = wanted.clone();
        let mut number = 2;
        while is_taken(&name) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        fields.push(field.as_ref().clone().with_name(name).with_nullable(true));
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    Ok(RecordBatch::try_new(schema, rows.columns().to_vec())?)
}
