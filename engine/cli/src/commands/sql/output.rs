//! Rows on their way out: as a table, as CSV, or as JSON, batch by batch.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use clap::ValueEnum;
use query::rows;

use crate::ending::{Failure, Outcome};

/// Rows of a table that stand under one heading; more begin a new one, so that memory does not grow with the result.
const BLOCK_ROWS: usize = 1000;

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
    /// True once CSV has its line of names.
    has_names: bool,
}

impl<'a> Output<'a> {
    /// Nothing written yet.
    pub fn new(format: Format, out: &'a mut dyn Write) -> Self {
        Output { format, out, rows: 0, waiting: Vec::new(), has_names: false }
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
                writeln!(self.out, "{}", rows::empty_table(schema).map_err(unwritable)?)?;
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
        writeln!(self.out, "{}", rows::table(&waiting).map_err(unwritable)?)?;
        Ok(())
    }

    fn csv(&mut self, batch: &RecordBatch) -> Outcome {
        let lines = rows::csv(batch, !self.has_names).map_err(unwritable)?;
        self.has_names = true;
        self.out.write_all(&lines)?;
        Ok(())
    }

    fn json(&mut self, batch: &RecordBatch) -> Outcome {
        self.out.write_all(&rows::json_lines(batch).map_err(unwritable)?)?;
        Ok(())
    }
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
