//! Rows as text: a table for people, CSV or JSON for programs, or one row on one line.

mod json;

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::make_encoder;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::{pretty_format_batches_with_options, pretty_format_batches_with_schema};
use expr::scalar::intervals::column_texts;
use expr::variant::{has_variant, with_json};

/// Times in tables: the fraction only where there is one.
const TIME: &str = "%Y-%m-%d %H:%M:%S%.f";

/// Times for programs: RFC 3339.
const TIME_RFC3339: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// Values for people: a NULL is seen.
fn readable() -> FormatOptions<'static> {
    FormatOptions::new().with_null("NULL")
}

/// Rows in a frame, under the names of their columns.
///
/// # Errors
/// A type that has no text.
pub fn table(batches: &[RecordBatch]) -> Result<String, ArrowError> {
    let batches = &batches.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    // A value that cannot be written, such as a time past the year 9999, must not hide the others.
    let options = readable()
        .with_display_error(true)
        .with_datetime_format(Some(TIME))
        .with_timestamp_format(Some(TIME))
        .with_timestamp_tz_format(Some(TIME));
    let batches =
        batches.iter().map(|batch| harmless(&with_intervals(batch)?, &options)).collect::<Result<Vec<_>, _>>()?;
    Ok(pretty_format_batches_with_options(&batches, &options)?.to_string())
}

/// Text in which no character tells a terminal to do something: records may hold any.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ if character.is_control() => escaped.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// The same rows with everything that may hold text as text without control characters.
fn harmless(batch: &RecordBatch, options: &FormatOptions<'_>) -> Result<RecordBatch, ArrowError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let name = escaped(field.name());
        let kind = field.data_type();
        let may_hold_text = kind.is_string() || kind.is_nested() || matches!(kind, DataType::Dictionary(..));
        if may_hold_text {
            let format = ArrayFormatter::try_new(column.as_ref(), options)?;
            let texts: StringArray =
                (0..column.len()).map(|row| Some(escaped(&format.value(row).to_string()).into_owned())).collect();
            fields.push(Field::new(name, DataType::Utf8, true));
            columns.push(Arc::new(texts) as ArrayRef);
        } else {
            fields.push(field.as_ref().clone().with_name(name));
            columns.push(Arc::clone(column));
        }
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &rows)
}

/// The frame and the names of a table without rows.
///
/// # Errors
/// As [`table`].
pub fn empty_table(schema: &SchemaRef) -> Result<String, ArrowError> {
    Ok(pretty_format_batches_with_schema(Arc::clone(schema), &[])?.to_string())
}

/// Rows as CSV, below a line of names if `with_names`.
///
/// # Errors
/// A type that has no text.
pub fn csv(batch: &RecordBatch, with_names: bool) -> Result<Vec<u8>, ArrowError> {
    let mut lines = Vec::new();
    let mut writer = arrow::csv::WriterBuilder::new()
        .with_header(with_names)
        .with_datetime_format(TIME_RFC3339.to_owned())
        .with_timestamp_format(TIME_RFC3339.to_owned())
        .with_timestamp_tz_format(TIME_RFC3339.to_owned())
        .build(&mut lines);
    writer.write(&flat(&with_intervals(&shown(batch)?)?)?)?;
    drop(writer);
    Ok(lines)
}

/// Rows as JSON, an object a line, NULLs included.
///
/// # Errors
/// A type that has no JSON.
pub fn json_lines(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut lines = Vec::new();
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_format(TIME_RFC3339.to_owned())
        .with_encoder_factory(Arc::new(json::AllNumbers))
        .build::<_, arrow::json::writer::LineDelimited>(&mut lines);
    writer.write(&with_text_keys(&with_intervals(&shown(batch)?)?)?).and_then(|()| writer.finish())?;
    drop(writer);
    Ok(lines)
}

/// One row as `name=value, name=value`. A value that cannot be written is left empty: the row is still to be recognized.
pub fn line(batch: &RecordBatch, row: usize) -> String {
    debug_assert!(row < batch.num_rows(), "row {row} of {}", batch.num_rows());
    let options = readable();
    let shown = shown(batch);
    let batch = shown.as_ref().unwrap_or(batch);
    let schema = batch.schema();
    let cell = |(column, field): (&ArrayRef, &FieldRef)| {
        let value = ArrayFormatter::try_new(column.as_ref(), &options).map(|format| format.value(row).to_string());
        format!("{}={}", escaped(field.name()), escaped(&value.unwrap_or_default()))
    };
    batch.columns().iter().zip(schema.fields()).map(cell).collect::<Vec<_>>().join(", ")
}

/// The same rows with each VARIANT as its JSON.
fn shown(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    if !batch.schema().fields().iter().any(|field| has_variant(field.data_type())) {
        return Ok(batch.clone());
    }
    let damaged = |error: datafusion::error::DataFusionError| ArrowError::ExternalError(Box::new(error));
    let columns = batch.columns().iter().map(with_json).collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns);
    let fields = fields.map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
}

/// The same rows with intervals as Spark writes them.
fn with_intervals(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields: Vec<FieldRef> = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        match column_texts(field, column) {
            Some(texts) => {
                fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
                columns.push(Arc::new(texts));
            }
            None => {
                fields.push(Arc::clone(field));
                columns.push(Arc::clone(column));
            }
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// The same rows with lists, maps and structs as JSON text, which CSV has no other form for.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields: Vec<FieldRef> = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if field.data_type().is_nested() {
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
            columns.push(json_text(field, column)?);
        } else {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// The same rows with all keys of maps as texts.
fn with_text_keys(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(json::with_text_keys).collect::<Result<Vec<_>, _>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns);
    let fields = fields.map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
}

fn json_text(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let (options, column) = (json::options(), json::with_text_keys(column)?);
    let mut encoder = make_encoder(field, &column, &options)?;
    let mut texts = StringBuilder::new();
    let mut text = Vec::new();
    for row in 0..column.len() {
        if encoder.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        encoder.encode(row, &mut text);
        texts.append_value(String::from_utf8_lossy(&text));
    }
    Ok(Arc::new(texts.finish()))
}

#[cfg(test)]
mod tests;
