//! What operators keep, as rows for a reader.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::OperatorError;

/// The rows of one store of an operator.
#[derive(Debug, Clone)]
pub struct StateRows {
    /// Under what name they are filed, such as `gold.sessions/join.left`.
    pub name: String,
    /// The rows.
    pub rows: RecordBatch,
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
