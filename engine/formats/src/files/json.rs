//! JSON files: one object a line.

use std::collections::BTreeSet;
use std::io::{BufReader, Cursor, Read};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::json::ReaderBuilder;
use arrow::json::reader::infer_json_schema;
use bytes::Bytes;
use job::StaticTable;

use super::exact::{exact, is_guessed};
use super::format::{FileFormat, without_mark};
use super::target::TargetColumns;
use crate::decoder::Decoder;
use crate::json::JsonDecoder;

/// Bytes of JSON values that are decoded at once.
const CHUNK_BYTES: usize = 16 << 20;

/// One JSON object a line.
pub(super) struct Json;

impl FileFormat for Json {
    fn schema(&self, _table: &StaticTable, files: &[(String, Bytes)]) -> Result<Schema, String> {
        schema_of(files)
    }

    fn rows(&self, table: &StaticTable, target: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
        // Columns that the job file names are read as those of a source are, so that both give the same values.
        if table.schema.is_empty() { rows_as_they_look(target, content) } else { rows_by_job(table, target, content) }
    }
}

/// The columns of all files in the order of their names, as Spark has them.
fn schema_of(files: &[(String, Bytes)]) -> Result<Schema, String> {
    let fault = |error: arrow::error::ArrowError| {
        format!("the columns cannot be inferred from the rows: {error}; write a schema")
    };
    let (schema, _) = infer_json_schema(all_of(files), None).map_err(fault)?;
    let guessed = schema.fields().iter().filter(|field| is_guessed(field.data_type()));
    let texts: Vec<Field> = guessed.map(|field| Field::new(field.name(), DataType::Utf8, true)).collect();
    let schema = match texts.is_empty() {
        true => schema,
        false => {
            let texts = ReaderBuilder::new(Arc::new(Schema::new(texts))).with_coerce_primitive(true);
            let texts = texts.build(all_of(files)).map_err(fault)?;
            exact(&schema, &texts.collect::<Result<Vec<_>, _>>().map_err(fault)?)
        }
    };
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| ordered(field)).collect();
    fields.sort_by(|left, right| left.name().cmp(right.name()));
    Ok(Schema::new(fields))
}

/// The rows of all files.
fn all_of(files: &[(String, Bytes)]) -> BufReader<Box<dyn Read + '_>> {
    let mut all: Box<dyn Read + '_> = Box::new(std::io::empty());
    for (_, content) in files {
        all = Box::new(all.chain(Cursor::new(without_mark(content))).chain(Cursor::new(b"\n")));
    }
    BufReader::new(all)
}

/// The same field with the members of its structs in the order of their names: they are found in no certain order.
fn ordered(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Struct(members) => {
            let names: BTreeSet<&str> = members.iter().map(|member| member.name().as_str()).collect();
            let members = names.into_iter().filter_map(|name| members.find(name)).map(|(_, member)| ordered(member));
            DataType::Struct(members.collect())
        }
        DataType::List(item) => DataType::List(Arc::new(ordered(item))),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, field.is_nullable())
}

fn rows_as_they_look(target: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
    let fault = |error: arrow::error::ArrowError| format!("{error}; correct the file, or write a schema");
    let reader = ReaderBuilder::new(Arc::clone(&target.schema)).build(Cursor::new(content)).map_err(fault)?;
    reader.map(|batch| batch.map_err(fault)).collect()
}

/// As the records of a source with these columns.
fn rows_by_job(table: &StaticTable, target: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
    let mut decoder = JsonDecoder::new(&table.schema);
    let mut batches = Vec::new();
    let mut take = |decoder: &mut JsonDecoder| -> Result<(), String> {
        let columns = decoder.flush().map_err(|error| error.to_string())?;
        batches.push(RecordBatch::try_new(Arc::clone(&target.schema), columns).map_err(|error| error.to_string())?);
        Ok(())
    };
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        decoder
            .push(line)
            .map_err(|reject| format!("line {}: {reject}; correct the line, or the schema", index + 1))?;
        if decoder.bytes() > CHUNK_BYTES {
            take(&mut decoder)?;
        }
    }
    take(&mut decoder)?;
    Ok(batches)
}
