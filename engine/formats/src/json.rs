//! Format `json`: one JSON object a record.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use job::{Column, DataType};

use crate::columns::ColumnBuilder;
use crate::decoder::Decoder;
use crate::keys::{Keys, UNKNOWN};
use crate::reject::{Fault, Reject};
use crate::scan;
use crate::schema::arrow_schema;
use crate::size::check_size;
use crate::span::{Kind, Malformed, Span, byte, skip_space};
use crate::time_form::ReadTime;

/// Decodes records into the columns of one source.
pub struct JsonDecoder {
    schema: SchemaRef,
    keys: Keys,
    columns: Vec<DecodedColumn>,
    /// Columns that must have a value.
    required: Vec<usize>,
    /// (from, to): columns that read the same field as an earlier one.
    copies: Vec<(usize, usize)>,
    /// Columns that the record at hand has a value for, in its order, and where the values lie.
    spans: Vec<(u16, Span)>,
    /// Number of the record at hand, to distinguish its marks in `columns` from those of the records before.
    stamp: u64,
    rows: usize,
    bytes: usize,
    event_time: Option<usize>,
    event_time_max_us: Option<i64>,
}

struct DecodedColumn {
    field: String,
    builder: ColumnBuilder,
    /// Number of the last record that had the field, and its place in `spans`.
    stamp: u64,
    place: usize,
}

impl JsonDecoder {
    /// A decoder for these columns.
    #[must_use]
    pub fn new(columns: &[Column]) -> JsonDecoder {
        let first = |field: &str| columns.iter().position(|column| column.field == field);
        JsonDecoder {
            schema: arrow_schema(columns),
            keys: Keys::new(columns.iter().map(|column| column.field.as_str())),
            columns: columns.iter().map(DecodedColumn::new).collect(),
            required: (0..columns.len()).filter(|&index| columns[index].required).collect(),
            copies: (0..columns.len())
                .filter_map(|index| first(&columns[index].field).map(|from| (from, index)))
                .filter(|(from, to)| from != to)
                .collect(),
            spans: Vec::with_capacity(columns.len()),
            stamp: 0,
            rows: 0,
            bytes: 0,
            event_time: None,
            event_time_max_us: None,
        }
    }

    /// Reads the times of the columns of these names as they say.
    #[must_use]
    pub fn with_times(mut self, times: &BTreeMap<String, ReadTime>) -> JsonDecoder {
        for (field, column) in self.schema.fields().iter().zip(&mut self.columns) {
            if let Some(times) = times.get(field.name()) {
                let builder = std::mem::replace(&mut column.builder, ColumnBuilder::new(&DataType::Boolean));
                column.builder = builder.with_times(times);
            }
        }
        self
    }

    /// Follows the newest value of column `index`, a timestamp: see [`event_time_max_us`](Decoder::event_time_max_us).
    #[must_use]
    pub fn with_event_time(mut self, index: usize) -> JsonDecoder {
        debug_assert!(self.schema.field(index).data_type().is_temporal(), "column {index} is no timestamp");
        self.event_time = Some(index);
        self
    }

    /// Finds the record's values, into `spans`, and checks that it is one JSON object and nothing else.
    #[inline]
    fn scan(&mut self, record: &[u8]) -> Result<(), Malformed> {
        self.spans.clear();
        self.stamp += 1;
        let mut at = skip_space(record, 0);
        if byte(record, at) != b'{' {
            return Err(Malformed { at, problem: "expected '{'" });
        }
        at = skip_space(record, at + 1);
        let mut before = UNKNOWN;
        let mut more = byte(record, at) != b'}';
        while more {
            let (column, value_at) = self.keys.read(record, at, before)?;
            let (span, after) = scan::value(record, value_at)?;
            before = column;
            self.note(column, span);
            at = skip_space(record, after);
            more = match byte(record, at) {
                b',' => true,
                b'}' => false,
                _ => return Err(Malformed { at, problem: "expected ',' or '}'" }),
            };
            if more {
                at = skip_space(record, at + 1);
            }
        }
        at = skip_space(record, at + 1);
        if at != record.len() {
            return Err(Malformed { at, problem: "more text after the object" });
        }
        Ok(())
    }

    /// Remembers the value of a column; a later value of the same key takes its place.
    #[inline]
    fn note(&mut self, index: u16, span: Span) {
        let Some(column) = self.columns.get_mut(index as usize) else {
            return;
        };
        if column.stamp == self.stamp {
            self.spans[column.place].1 = span;
            return;
        }
        column.stamp = self.stamp;
        column.place = self.spans.len();
        self.spans.push((index, span));
    }

    /// Appends the values found. After an error some columns may hold a value too many.
    #[inline]
    fn append(&mut self, record: &[u8]) -> Result<(), Reject> {
        for &(index, span) in &self.spans {
            let column = &mut self.columns[index as usize];
            column.builder.append(self.rows, record, span).map_err(|fault| fault.in_field(&column.field))?;
        }
        for &(from, to) in &self.copies {
            let span = self.span_of(from);
            let column = &mut self.columns[to];
            column.builder.append(self.rows, record, span).map_err(|fault| fault.in_field(&column.field))?;
        }
        for &index in &self.required {
            let field = &self.columns[index].field;
            let first = self.copies.iter().find(|(_, to)| *to == index).map_or(index, |(from, _)| *from);
            if self.span_of(first).kind == Kind::Null {
                return Err(Fault::missing().in_field(field));
            }
        }
        Ok(())
    }

    /// Where the record at hand has the value of a column.
    fn span_of(&self, index: usize) -> Span {
        let column = &self.columns[index];
        if column.stamp == self.stamp { self.spans[column.place].1 } else { Span::ABSENT }
    }

    #[cold]
    fn not_json(&self, record: &[u8], malformed: Malformed) -> Reject {
        let empty = skip_space(record, 0) == record.len();
        let problem = if empty { "empty value" } else { malformed.problem };
        Reject::malformed(Malformed { problem, ..malformed })
    }
}

impl Decoder for JsonDecoder {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn event_time_max_us(&self) -> Option<i64> {
        self.event_time_max_us
    }

    #[inline]
    fn push(&mut self, value: &[u8]) -> Result<(), Reject> {
        check_size(value, self.bytes)?;
        if simdutf8::basic::from_utf8(value).is_err() {
            return Err(not_text(value));
        }
        self.scan(value).map_err(|malformed| self.not_json(value, malformed))?;
        if let Err(reject) = self.append(value) {
            for column in &mut self.columns {
                column.builder.truncate(self.rows);
            }
            return Err(reject);
        }
        if let Some(column) = self.event_time.and_then(|index| self.columns.get(index)) {
            self.event_time_max_us = self.event_time_max_us.max(column.builder.timestamp_at(self.rows));
        }
        self.rows += 1;
        self.bytes += value.len();
        Ok(())
    }

    fn flush(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        self.event_time_max_us = None;
        // Collected twice, so that every column is emptied even if an earlier one fails.
        let arrays: Vec<_> = self.columns.iter_mut().map(|column| column.builder.finish(rows)).collect();
        debug_assert!(arrays.iter().flatten().all(|array| array.len() == rows), "a column has not {rows} rows");
        arrays.into_iter().collect()
    }
}

impl DecodedColumn {
    fn new(column: &Column) -> DecodedColumn {
        let builder = ColumnBuilder::new(&column.data_type);
        DecodedColumn { field: column.field.clone(), builder, stamp: 0, place: 0 }
    }
}

#[cold]
fn not_text(record: &[u8]) -> Reject {
    let at = std::str::from_utf8(record).map_or_else(|error| error.valid_up_to(), |_| record.len());
    Reject::malformed(Malformed { at, problem: "invalid UTF-8" })
}
