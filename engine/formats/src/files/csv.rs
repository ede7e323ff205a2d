//! CSV files.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use job::StaticTable;

use super::exact::{exact, is_guessed};
use super::format::{FileFormat, without_mark};
use super::merged::merged;
use super::target::{TargetColumns, check_names, missing};

/// Values with a sign between them, as `options` of the static table say.
pub(super) struct Csv;

impl FileFormat for Csv {
    fn schema(&self, table: &StaticTable, files: &[(String, Bytes)]) -> Result<Schema, String> {
        merged(files, |content| schema_of(table, content))
    }

    /// Columns are matched by the first line, or without one by their order.
    fn rows(&self, table: &StaticTable, target: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
        let fields: Vec<Field> = if table.header {
            let (first_line, _) = format_of(table).infer_schema(Cursor::new(content), Some(0)).map_err(fault)?;
            check_names(&first_line)?;
            if !table.schema.is_empty()
                && let Some(name) = target.names().find(|name| first_line.field_with_name(name).is_err())
            {
                return Err(missing(name, &first_line));
            }
            let data_type = |name: &str| target.data_type(name).cloned().unwrap_or(DataType::Utf8);
            first_line.fields().iter().map(|field| Field::new(field.name(), data_type(field.name()), true)).collect()
        } else {
            let types = target.schema.fields().iter().map(|field| field.data_type().clone());
            target.names().zip(types).map(|(name, data_type)| Field::new(name, data_type, true)).collect()
        };
        if let Some(nested) = fields.iter().find(|field| field.data_type().is_nested()) {
            return Err(format!("the column `{}` cannot be in a CSV file; read it as a string", nested.name()));
        }
        let reader = ReaderBuilder::new(Arc::new(Schema::new(fields))).with_format(format_of(table));
        let reader = reader.build_buffered(Cursor::new(content)).map_err(fault)?;
        reader.map(|batch| target.of(&batch.map_err(fault)?)).collect()
    }
}

fn format_of(table: &StaticTable) -> Format {
    Format::default().with_header(table.header).with_delimiter(table.delimiter)
}

fn schema_of(table: &StaticTable, content: &Bytes) -> Result<Schema, String> {
    let content = without_mark(content);
    let (schema, _) = format_of(table).infer_schema(Cursor::new(content.clone()), None).map_err(fault)?;
    if !schema.fields().iter().any(|field| is_guessed(field.data_type())) {
        return Ok(schema);
    }
    let texts = schema.fields().iter().map(|field| Field::new(field.name(), DataType::Utf8, true));
    let texts = ReaderBuilder::new(Arc::new(Schema::new(texts.collect::<Vec<_>>()))).with_format(format_of(table));
    let texts = texts.build_buffered(Cursor::new(content)).map_err(fault)?;
    Ok(exact(&schema, &texts.collect::<Result<Vec<_>, _>>().map_err(fault)?))
}

fn fault(error: arrow::error::ArrowError) -> String {
    format!("{error}; correct the file, its `options`, or the type in the schema")
}
