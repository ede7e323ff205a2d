//! A Delta table's columns as SQL sees them, and as they are read: from the data files, or one value for a whole file.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion::common::{Result as SqlResult, ScalarValue};
use datafusion::datasource::physical_plan::wrap_partition_type_in_dict;
use datafusion::datasource::table_schema::TableSchema;
use deltalake_core::table::state::DeltaTableState;
use url::Url;

/// The columns of one version of a table.
pub(super) struct Columns {
    /// In the table's order, then the column with the data file, if it was asked for.
    pub shown: SchemaRef,
    /// Those in the files first, then those with one value a file.
    pub scanned: TableSchema,
    /// Where each of the shown ones stands among the scanned ones.
    pub positions: Vec<usize>,
    /// True if the last column is the data file.
    pub has_file_column: bool,
}

impl Columns {
    pub(super) fn new(state: &DeltaTableState, file_column: Option<&str>) -> Columns {
        let partitioned_by = state.metadata().partition_columns();
        let (mut in_files, mut of_files, mut shown) = (Vec::new(), Vec::new(), Vec::new());
        let mut places = Vec::new();
        for field in state.snapshot().arrow_schema().fields() {
            let (field, list) = if partitioned_by.contains(field.name()) {
                (partition_field(field), &mut of_files)
            } else {
                (top_field(field), &mut in_files)
            };
            places.push((partitioned_by.contains(field.name()), list.len()));
            list.push(Arc::clone(&field));
            shown.push(field);
        }
        if let Some(name) = file_column {
            let field: FieldRef = Arc::new(Field::new(name, file_column_type(), false));
            places.push((true, of_files.len()));
            of_files.push(Arc::clone(&field));
            shown.push(field);
        }
        let files_width = in_files.len();
        let position = |(of_file, at): (bool, usize)| if of_file { files_width + at } else { at };
        let scanned = TableSchema::builder(Arc::new(Schema::new(in_files))).with_table_partition_cols(of_files).build();
        debug_assert_eq!(scanned.table_schema().fields().len(), shown.len(), "every shown column is scanned");
        Columns {
            shown: Arc::new(Schema::new(shown)),
            scanned,
            positions: places.into_iter().map(position).collect(),
            has_file_column: file_column.is_some(),
        }
    }

    /// The table's partition columns, in the order in which the scan has them.
    pub(super) fn partitions(&self) -> &[FieldRef] {
        let of_files: &[FieldRef] = self.scanned.table_partition_cols();
        &of_files[..of_files.len() - usize::from(self.has_file_column)]
    }

    /// A data file as a value of the file column.
    pub(super) fn file_value(&self, file: Url) -> SqlResult<ScalarValue> {
        ScalarValue::Utf8(Some(file.into())).cast_to(&file_column_type())
    }
}

/// One value a file: held once a batch, not once a row.
fn file_column_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn partition_field(field: &Field) -> FieldRef {
    let kind = match field.data_type() {
        kind @ (DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary) => {
            wrap_partition_type_in_dict(kind.clone())
        }
        other => other.clone(),
    };
    Arc::new(field.clone().with_data_type(kind))
}

fn top_field(field: &Field) -> FieldRef {
    Arc::new(field.clone().with_data_type(read_type(field.data_type())))
}

/// A field inside another: that it is never NULL is a rule for writers, and Spark's files do not say it.
fn inner_field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(read_type(field.data_type())).with_nullable(true))
}

/// The type as it is read: texts and bytes as views, which are read without copying.
fn read_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner_field).collect()),
        DataType::List(item) => DataType::List(inner_field(item)),
        DataType::LargeList(item) => DataType::LargeList(inner_field(item)),
        DataType::ListView(item) => DataType::ListView(inner_field(item)),
        DataType::Map(entries, sorted) => DataType::Map(map_entries(entries), *sorted),
        other => other.clone(),
    }
}

/// The entries of a map keep their types; only the value may be NULL.
fn map_entries(entries: &FieldRef) -> FieldRef {
    let DataType::Struct(pair) = entries.data_type() else { return Arc::clone(entries) };
    let fields: Fields = match pair.iter().as_slice() {
        [key, value] => vec![Arc::clone(key), Arc::new(value.as_ref().clone().with_nullable(true))].into(),
        _ => pair.clone(),
    };
    Arc::new(entries.as_ref().clone().with_data_type(DataType::Struct(fields)))
}

#[cfg(test)]
mod tests;
