//! Batches that know their number of rows even if they have no column, as `count(*)` over a window alone needs.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

/// A batch of so many rows.
///
/// # Errors
/// If the columns are not of the schema, or not as long.
pub(crate) fn sized_batch(
    schema: &SchemaRef,
    mut columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, ArrowError> {
    for (column, field) in columns.iter_mut().zip(schema.fields()) {
        let (kind, wanted) = (column.data_type(), field.data_type());
        // Functions of DataFusion call the elements of arrays by different names (`element`, `item`), which mean nothing.
        if kind != wanted && kind.is_nested() && kind.equals_datatype(wanted) {
            *column = cast(column, wanted)?;
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}
