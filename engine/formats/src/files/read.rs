//! Files of each format to rows.

use std::collections::BTreeSet;
use std::io::{BufReader, Cursor, Read};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder as CsvReaderBuilder;
use arrow::csv::reader::Format as CsvFormat;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::ReaderBuilder as JsonReaderBuilder;
use arrow::json::reader::infer_json_schema;
use bytes::Bytes;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use delta::PlacedFile;
use formats::JsonDecoder;
use job::{StaticFormat, StaticTable};

use super::columns::{self, TargetColumns};

/// Which endings of file names mean which format.
const ENDINGS: &[(&str, StaticFormat)] = &[
    ("parquet", StaticFormat::Parquet),
    ("csv", StaticFormat::Csv),
    ("json", StaticFormat::Json),
    ("jsonl", StaticFormat::Json),
    ("ndjson", StaticFormat::Json),
];

/// Bytes of JSON values that are decoded at once.
const CHUNK_BYTES: usize = 16 << 20;

/// The format of the files: as the job says, or as their names end.
pub(super) fn format_of(table: &StaticTable, files: &[PlacedFile]) -> Result<StaticFormat, String> {
    for packed in files {
        if let Some((_, ending @ ("gz" | "zst" | "bz2" | "zip"))) = packed.name.rsplit_once('.') {
            return Err(format!("{} is packed (.{ending}); unpack it", packed.name));
        }
    }
    if let Some(format) = table.format {
        return Ok(format);
    }
    let mut found = None;
    for file in files {
        let ending = file.name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        let format = ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format);
        let Some(format) = format else {
            return Err(format!("the name of {} does not say its format; write `format`", file.name));
        };
        if found.is_some_and(|other| other != format) {
            return Err("files of several formats lie there; write `format`, or a path with one kind only".to_string());
        }
        found = Some(format);
    }
    found.ok_or_else(|| "no file is there".to_string())
}

/// The rows of files (name, content), in the order of the files.
///
/// # Errors
/// What is wrong, where, and what to do about it.
pub(super) fn read(
    table: &StaticTable,
    format: StaticFormat,
    files: &[(String, Bytes)],
) -> Result<RecordBatch, String> {
    let (schema, batches) = read_each(table, format, files)?;
    columns::joined(&schema, &batches)
}

/// The rows of each file, all with the same columns.
///
/// # Errors
/// As [`read`].
pub(super) fn read_each(
    table: &StaticTable,
    format: StaticFormat,
    files: &[(String, Bytes)],
) -> Result<(SchemaRef, Vec<RecordBatch>), String> {
    let by_job = TargetColumns::by_job(table);
    let wanted = match (by_job, format) {
        (Some(wanted), _) => wanted,
        (None, StaticFormat::Json) => TargetColumns::by_files(&json_schema(files)?)?,
        (None, StaticFormat::Csv) => TargetColumns::by_files(&merged(files, |content| csv_schema(table, content))?)?,
        (None, _) => TargetColumns::by_files(&merged(files, parquet_schema)?)?,
    };
    let mut batches = Vec::with_capacity(files.len());
    for (name, content) in files {
        let content = &without_mark(content);
        let rows = match format {
            StaticFormat::Csv => csv(table, &wanted, content),
            StaticFormat::Json if table.schema.is_empty() => json(&wanted, content),
            StaticFormat::Json => json_by_job(table, &wanted, content),
            StaticFormat::Parquet | StaticFormat::Delta => parquet(&wanted, content),
        };
        let rows = rows.and_then(|rows| columns::joined(&wanted.schema, &rows));
        batches.push(rows.map_err(|text| format!("{name}: {text}"))?);
    }
    Ok((wanted.schema, batches))
}

/// The columns of all files: each in the widest of its types.
fn merged(files: &[(String, Bytes)], schema_of: impl Fn(&Bytes) -> Result<Schema, String>) -> Result<Schema, String> {
    let mut fields: Vec<Field> = Vec::new();
    for (name, content) in files {
        let schema = schema_of(content).map_err(|text| format!("{name}: {text}"))?;
        columns::check_names(&schema).map_err(|text| format!("{name}: {text}"))?;
        for field in schema.fields() {
            match fields.iter_mut().find(|known| known.name() == field.name()) {
                Some(known) => {
                    let wider = wider(known.data_type(), field.data_type()).ok_or_else(|| {
                        format!(
                            "{name}: the column `{}` is {}, in another file {}; write a schema",
                            field.name(),
                            field.data_type(),
                            known.data_type()
                        )
                    })?;
                    known.set_data_type(wider);
                }
                None => fields.push(field.as_ref().clone()),
            }
        }
    }
    Ok(Schema::new(fields))
}

fn wider(one: &DataType, other: &DataType) -> Option<DataType> {
    match (one, other) {
        _ if one == other => Some(one.clone()),
        (DataType::Null, known) | (known, DataType::Null) => Some(known.clone()),
        (DataType::Int64, DataType::Float64) | (DataType::Float64, DataType::Int64) => Some(DataType::Float64),
        (DataType::Utf8, other) | (other, DataType::Utf8) if !other.is_nested() => Some(DataType::Utf8),
        _ => None,
    }
}

/// Text without the mark that some programs put first (UTF-8's byte order mark).
fn without_mark(content: &Bytes) -> Bytes {
    if content.starts_with(b"\xef\xbb\xbf") { content.slice(3..) } else { content.clone() }
}

fn csv_format(table: &StaticTable) -> CsvFormat {
    CsvFormat::default().with_header(table.header).with_delimiter(table.delimiter)
}

fn csv_schema(table: &StaticTable, content: &Bytes) -> Result<Schema, String> {
    let (schema, _) = csv_format(table).infer_schema(Cursor::new(without_mark(content)), None).map_err(csv_fault)?;
    Ok(schema)
}

fn csv_fault(error: arrow::error::ArrowError) -> String {
    format!("{error}; correct the file, its `options`, or the type in the schema")
}

/// Columns are found by the first line, or without one by their order.
fn csv(table: &StaticTable, wanted: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
    let fields: Vec<Field> = if table.header {
        let (found, _) = csv_format(table).infer_schema(Cursor::new(content), Some(0)).map_err(csv_fault)?;
        columns::check_names(&found)?;
        if !table.schema.is_empty()
            && let Some(name) = wanted.names().find(|name| found.field_with_name(name).is_err())
        {
            return Err(columns::missing(name, &found));
        }
        let data_type = |name: &str| wanted.data_type(name).cloned().unwrap_or(DataType::Utf8);
        found.fields().iter().map(|field| Field::new(field.name(), data_type(field.name()), true)).collect()
    } else {
        let types = wanted.schema.fields().iter().map(|field| field.data_type().clone());
        wanted.names().zip(types).map(|(name, data_type)| Field::new(name, data_type, true)).collect()
    };
    if let Some(nested) = fields.iter().find(|field| field.data_type().is_nested()) {
        return Err(format!("the column `{}` cannot be in a CSV file; read it as a string", nested.name()));
    }
    let reader = CsvReaderBuilder::new(Arc::new(Schema::new(fields))).with_format(csv_format(table));
    let reader = reader.build_buffered(Cursor::new(content)).map_err(csv_fault)?;
    reader.map(|batch| wanted.of(&batch.map_err(csv_fault)?)).collect()
}

/// The columns of all files in the order of their names, as Spark has them.
fn json_schema(files: &[(String, Bytes)]) -> Result<Schema, String> {
    let mut all: Box<dyn Read + '_> = Box::new(std::io::empty());
    for (_, content) in files {
        all = Box::new(all.chain(Cursor::new(without_mark(content))).chain(Cursor::new(b"\n")));
    }
    let (schema, _) = infer_json_schema(BufReader::new(all), None)
        .map_err(|error| format!("the columns cannot be told from the rows: {error}; write a schema"))?;
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| ordered(field)).collect();
    fields.sort_by(|left, right| left.name().cmp(right.name()));
    Ok(Schema::new(fields))
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

fn json(wanted: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
    let fault = |error: arrow::error::ArrowError| format!("{error}; correct the file, or write a schema");
    let reader = JsonReaderBuilder::new(Arc::clone(&wanted.schema)).build(Cursor::new(content)).map_err(fault)?;
    reader.map(|batch| batch.map_err(fault)).collect()
}

/// As the records of a source with these columns.
fn json_by_job(table: &StaticTable, wanted: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
    let mut decoder = JsonDecoder::new(&table.schema);
    let mut batches = Vec::new();
    let mut take = |decoder: &mut JsonDecoder| -> Result<(), String> {
        let columns = decoder.flush().map_err(|error| error.to_string())?;
        batches.push(RecordBatch::try_new(Arc::clone(&wanted.schema), columns).map_err(|error| error.to_string())?);
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

fn parquet_schema(content: &Bytes) -> Result<Schema, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(content.clone()).map_err(|error| parquet_fault(&error))?;
    Ok(reader.schema().as_ref().clone())
}

fn parquet_fault(error: &dyn std::fmt::Display) -> String {
    format!("{error}; is it a whole Parquet file?")
}

fn parquet(wanted: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(content.clone())
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| parquet_fault(&error))?;
    reader.map(|batch| wanted.of(&batch.map_err(|error| parquet_fault(&error))?)).collect()
}
