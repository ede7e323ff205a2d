//! Columns as they lie in files, to columns as the job has them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use job::StaticTable;

use crate::schema::arrow_schema;
use crate::table_types::table_schema;

/// The columns that the job wants: name in the file, whether NULL is allowed, name and type in SQL.
pub(super) struct TargetColumns {
    fields: Vec<(String, bool)>,
    /// As in SQL.
    pub schema: SchemaRef,
    /// True if a file may lack columns: its rows have NULL there.
    gaps: bool,
}

impl TargetColumns {
    /// What the job file says; `None` if it leaves that to the files.
    pub fn by_job(table: &StaticTable) -> Option<TargetColumns> {
        if table.schema.is_empty() {
            return None;
        }
        let fields = table.schema.iter().map(|column| (column.field.clone(), column.required)).collect();
        Some(TargetColumns { fields, schema: arrow_schema(&table.schema), gaps: false })
    }

    /// The columns of the files, in types that sources and tables have.
    pub fn by_files(in_files: &Schema) -> Result<TargetColumns, String> {
        check_names(in_files)?;
        let types = usable_types(in_files)?;
        let fields: Vec<Field> = in_files
            .fields()
            .iter()
            .zip(types)
            .map(|(field, data_type)| Field::new(field.name(), data_type, true))
            .collect();
        let names = fields.iter().map(|field| (field.name().clone(), false)).collect();
        Ok(TargetColumns { fields: names, schema: Arc::new(Schema::new(fields)), gaps: true })
    }

    /// The type of a column of the file, if it is wanted.
    pub fn data_type(&self, field: &str) -> Option<&DataType> {
        let index = self.fields.iter().position(|(name, _)| name == field)?;
        Some(self.schema.field(index).data_type())
    }

    /// Names of the wanted columns in the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The wanted columns of a batch, in their types.
    pub fn of(&self, batch: &RecordBatch) -> Result<RecordBatch, String> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.fields.len());
        for ((name, _), field) in self.fields.iter().zip(self.schema.fields()) {
            columns.push(match batch.column_by_name(name) {
                Some(column) => cast_to(column, field)?,
                None if self.gaps => new_null_array(field.data_type(), batch.num_rows()),
                None => return Err(missing(name, &batch.schema())),
            });
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &rows)
            .map_err(|error| error.to_string())?;
        self.check_required(&batch)?;
        Ok(batch)
    }

    /// Refuses NULL in required columns.
    pub fn check_required(&self, batch: &RecordBatch) -> Result<(), String> {
        for ((_, required), (field, column)) in self.fields.iter().zip(self.schema.fields().iter().zip(batch.columns()))
        {
            if *required && column.logical_null_count() > 0 {
                return Err(format!(
                    "the column `{}` is required, and NULL in {} rows; correct them, or take `required` away",
                    field.name(),
                    column.logical_null_count()
                ));
            }
        }
        Ok(())
    }
}

/// Rows of any columns as the job wants them, in one batch.
///
/// # Errors
/// A column that is missing or has a type that does not go, and what to do about it.
pub fn shaped(table: &StaticTable, in_files: &Schema, batches: &[RecordBatch]) -> Result<RecordBatch, String> {
    let target = match TargetColumns::by_job(table) {
        Some(target) => target,
        None => TargetColumns::by_files(in_files)?,
    };
    let batches = batches.iter().map(|batch| target.of(batch)).collect::<Result<Vec<_>, _>>()?;
    joined(&target.schema, &batches)
}

/// Batches with these columns as one.
///
/// # Errors
/// More text than one column can hold.
pub fn joined(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, String> {
    concat_batches(schema, batches).map_err(|error| format!("there is too much of it: {error}"))
}

/// The rows in an order that only they decide, for readers that promise none.
///
/// # Errors
/// More rows than can be numbered.
pub fn sorted(batch: &RecordBatch) -> Result<RecordBatch, String> {
    let fields: Vec<SortField> =
        batch.schema().fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
    if fields.is_empty() || !RowConverter::supports_fields(&fields) {
        return Ok(batch.clone());
    }
    let failed = |error: arrow::error::ArrowError| error.to_string();
    let rows =
        RowConverter::new(fields).and_then(|converter| converter.convert_columns(batch.columns())).map_err(failed)?;
    let count = u32::try_from(batch.num_rows()).map_err(|_| "more than 4,294,967,295 rows".to_string())?;
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by(|left, right| rows.row(*left as usize).cmp(&rows.row(*right as usize)));
    take_record_batch(batch, &UInt32Array::from(order)).map_err(failed)
}

fn cast_to(column: &ArrayRef, field: &FieldRef) -> Result<ArrayRef, String> {
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, field.data_type(), &options).map_err(|error| {
        format!(
            "the column `{}` is {} and cannot be made {}: {error}; correct the type in the schema",
            field.name(),
            column.data_type(),
            field.data_type()
        )
    })
}

/// A column that is not there.
pub(super) fn missing(name: &str, in_files: &Schema) -> String {
    let there: Vec<&str> = in_files.fields().iter().map(|field| field.name().as_str()).collect();
    format!(
        "there is no column `{name}`; the columns are {}; write `field` in the schema if names differ",
        there.join(", ")
    )
}

/// Refuses columns without a name, and names that SQL could not distinguish.
pub(super) fn check_names(schema: &Schema) -> Result<(), String> {
    let mut names: Vec<String> = Vec::new();
    for field in schema.fields() {
        if field.name().trim().is_empty() {
            return Err("a column has no name; give it one, or write a schema".to_string());
        }
        let lower = field.name().to_lowercase();
        if names.contains(&lower) {
            return Err(format!(
                "the column `{}` is there twice (letter case does not count); rename one",
                field.name()
            ));
        }
        names.push(lower);
    }
    Ok(())
}

/// The types of the columns as a table of the job would have them. Names are left aside: SQL can quote what a table refuses.
fn usable_types(in_files: &Schema) -> Result<Vec<DataType>, String> {
    let mut types = Vec::with_capacity(in_files.fields().len());
    for field in in_files.fields() {
        let plain = Field::new("value", with_types(field.data_type()), true);
        let usable = table_schema(&Schema::new(vec![plain]))
            .map_err(|error| format!("the column `{}` has a type that SQL cannot use here: {error}", field.name()))?;
        types.push(usable.field(0).data_type().clone());
    }
    Ok(types)
}

/// What is always null is text.
fn with_types(data_type: &DataType) -> DataType {
    let inner =
        |field: &FieldRef| Arc::new(Field::new(field.name(), with_types(field.data_type()), field.is_nullable()));
    match data_type {
        DataType::Null => DataType::Utf8,
        DataType::List(item) => DataType::List(inner(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect::<Fields>()),
        other => other.clone(),
    }
}
