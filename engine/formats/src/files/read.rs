//! Files of each format to rows. A new format is named here.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use job::{StaticFormat, StaticTable};

use super::csv::Csv;
use super::format::{FileFormat, without_mark};
use super::json::Json;
use super::parquet::Parquet;
use super::target::{TargetColumns, joined};

/// Which endings of file names mean which format.
const ENDINGS: &[(&str, StaticFormat)] = &[
    ("parquet", StaticFormat::Parquet),
    ("csv", StaticFormat::Csv),
    ("json", StaticFormat::Json),
    ("jsonl", StaticFormat::Json),
    ("ndjson", StaticFormat::Json),
];

/// The format of the files with these names: as the job says, or as their names end.
///
/// # Errors
/// Names that do not say it, or packed files, and what to do about it.
pub fn format_of(table: &StaticTable, names: &[&str]) -> Result<StaticFormat, String> {
    for name in names {
        if let Some((_, ending @ ("gz" | "zst" | "bz2" | "zip"))) = name.rsplit_once('.') {
            return Err(format!("{name} is packed (.{ending}); unpack it"));
        }
    }
    if let Some(format) = table.format {
        return Ok(format);
    }
    let mut of_all = None;
    for name in names {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        let format = ENDINGS.iter().find(|(of_format, _)| *of_format == ending).map(|(_, format)| *format);
        let Some(format) = format else {
            return Err(format!("the name of {name} does not say its format; write `format`"));
        };
        if of_all.is_some_and(|other| other != format) {
            return Err("files of several formats lie there; write `format`, or a path with one kind only".to_string());
        }
        of_all = Some(format);
    }
    of_all.ok_or_else(|| "no file is there".to_string())
}

/// The rows of files (name, content), in the order of the files.
///
/// # Errors
/// What is wrong, where, and what to do about it.
pub fn read(table: &StaticTable, format: StaticFormat, files: &[(String, Bytes)]) -> Result<RecordBatch, String> {
    let (schema, batches) = read_each(table, format, files)?;
    joined(&schema, &batches)
}

/// The rows of each file (name, content), all with the same columns.
///
/// # Errors
/// As [`read`].
pub fn read_each(
    table: &StaticTable,
    format: StaticFormat,
    files: &[(String, Bytes)],
) -> Result<(SchemaRef, Vec<RecordBatch>), String> {
    let format = reader(format);
    let target = match TargetColumns::by_job(table) {
        Some(target) => target,
        None => TargetColumns::by_files(&format.schema(table, files)?)?,
    };
    let mut batches = Vec::with_capacity(files.len());
    for (name, content) in files {
        let rows = format.rows(table, &target, &without_mark(content));
        let rows = rows.and_then(|rows| joined(&target.schema, &rows));
        batches.push(rows.map_err(|text| format!("{name}: {text}"))?);
    }
    debug_assert!(batches.iter().all(|batch| batch.schema_ref() == &target.schema), "a file has other columns");
    Ok((target.schema, batches))
}

/// Which reader a format has.
fn reader(format: StaticFormat) -> &'static dyn FileFormat {
    match format {
        StaticFormat::Csv => &Csv,
        StaticFormat::Json => &Json,
        // The data files of a Delta table are Parquet.
        StaticFormat::Parquet | StaticFormat::Delta => &Parquet,
    }
}
