//! Rows as a table, as CSV, or as JSON.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};
use arrow::util::display::FormatOptions;
use arrow::util::pretty::{pretty_format_batches_with_options, pretty_format_batches_with_schema};
use clap::ValueEnum;

use crate::ending::{Failure, Outcome};

/// Rows of a table that stand under one heading; more begin a new one, so that memory does not grow with the result.
const BLOCK_ROWS: usize = 1000;

/// Times in tables: the fraction only where there is one.
const TIME: &str = "%Y-%m-%d %H:%M:%S%.f";

/// Times for programs: RFC 3339.
const TIME_RFC3339: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: in columns
    Table,
    /// With a line of names first; lists and structs as JSON
    Csv,
    /// One object a line
    Json,
}

/// Writes the rows of one query.
pub struct Output<'a> {
    format: Format,
    out: &'a mut dyn Write,
    rows: u64,
    /// Rows of a table that have no heading yet.
    waiting: Vec<RecordBatch>,
    /// True once something was written.
    begun: bool,
}

impl<'a> Output<'a> {
    /// Nothing written yet.
    pub fn new(format: Format, out: &'a mut dyn Write) -> Self {
        Output { format, out, rows: 0, waiting: Vec::new(), begun: false }
    }

    /// Writes rows, or keeps them until there are enough.
    ///
    /// # Errors
    /// The reader is gone, or a value cannot be written in this format.
    pub fn write(&mut self, batch: &RecordBatch) -> Outcome {
        self.rows += batch.num_rows() as u64;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        match self.format {
            Format::Table => {
                self.waiting.push(batch.clone());
                let waiting: usize = self.waiting.iter().map(RecordBatch::num_rows).sum();
                if waiting >= BLOCK_ROWS { self.table() } else { Ok(()) }
            }
            Format::Csv => self.csv(batch),
            Format::Json => self.json(batch),
        }
    }

    /// Writes what is left, headings at least, and returns the number of rows.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn end(mut self, schema: &SchemaRef) -> Result<u64, Failure> {
        match self.format {
            Format::Table if self.rows == 0 => {
                let empty = pretty_format_batches_with_schema(Arc::clone(schema), &[]).map_err(unwritable)?;
                writeln!(self.out, "{empty}")?;
            }
            Format::Table => self.table()?,
            Format::Csv if self.rows == 0 => self.csv(&RecordBatch::new_empty(Arc::clone(schema)))?,
            Format::Csv | Format::Json => {}
        }
        self.out.flush()?;
        Ok(self.rows)
    }

    fn table(&mut self) -> Outcome {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let options = FormatOptions::default()
            .with_display_error(true)
            .with_null("NULL")
            .with_datetime_format(Some(TIME))
            .with_timestamp_format(Some(TIME))
            .with_timestamp_tz_format(Some(TIME));
        let table = pretty_format_batches_with_options(&waiting, &options).map_err(unwritable)?;
        writeln!(self.out, "{table}")?;
        Ok(())
    }

    fn csv(&mut self, batch: &RecordBatch) -> Outcome {
        let flat = flat(batch).map_err(unwritable)?;
        let mut lines = Vec::new();
        let mut writer = arrow::csv::WriterBuilder::new()
            .with_header(!self.begun)
            .with_datetime_format(TIME_RFC3339.to_owned())
            .with_timestamp_format(TIME_RFC3339.to_owned())
            .with_timestamp_tz_format(TIME_RFC3339.to_owned())
            .build(&mut lines);
        writer.write(&flat).map_err(unwritable)?;
        drop(writer);
        self.begun = true;
        self.out.write_all(&lines)?;
        Ok(())
    }

    fn json(&mut self, batch: &RecordBatch) -> Outcome {
        let mut lines = Vec::new();
        let mut writer = arrow::json::WriterBuilder::new()
            .with_explicit_nulls(true)
            .with_timestamp_format(TIME_RFC3339.to_owned())
            .build::<_, arrow::json::writer::LineDelimited>(&mut lines);
        writer.write(batch).and_then(|()| writer.finish()).map_err(unwritable)?;
        drop(writer);
        self.out.write_all(&lines)?;
        Ok(())
    }
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

fn json_text(field: &FieldRef, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = EncoderOptions::default().with_explicit_nulls(true).with_timestamp_format(TIME_RFC3339.to_owned());
    let mut encoder = make_encoder(field, column, &options)?;
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

fn unwritable(error: ArrowError) -> Failure {
    match error {
        ArrowError::IoError(_, error) => error.into(),
        other => {
            Failure::Failed(format!("these rows cannot be written: {other}; try another --format, or CAST the column"))
        }
    }
}

#[cfg(test)]
mod tests;
