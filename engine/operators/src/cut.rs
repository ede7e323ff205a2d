//! Cutting rows by bytes: no batch comes near the 2 GiB that the offsets of one column of text can address, however large its rows are.
//!
//! Rows that are put together anew (copied out of several batches, paired, merged into blocks) are put together in parts. A row is
//! never cut; one that is larger than a part is a part of its own.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

use crate::OperatorError;

/// Bytes of rows that are put together at most. A sixteenth of what a column can hold: what follows may make them longer.
pub(crate) const PART_BYTES: usize = 128 << 20;

/// Bytes that the rows of a batch take, those of a slice only.
pub(crate) fn batch_bytes(rows: &RecordBatch) -> usize {
    rows.columns().iter().map(array_bytes).sum()
}

/// Bytes that the values of an array take, those of a slice only; validity is left out.
fn array_bytes(array: &ArrayRef) -> usize {
    let of_offsets = |first: usize, last: usize, width: usize| last - first + width * array.len();
    match array.data_type() {
        DataType::Utf8 => small(array.as_string::<i32>().offsets(), of_offsets),
        DataType::Binary => small(array.as_binary::<i32>().offsets(), of_offsets),
        DataType::LargeUtf8 => large(array.as_string::<i64>().offsets(), of_offsets),
        DataType::LargeBinary => large(array.as_binary::<i64>().offsets(), of_offsets),
        DataType::Utf8View => array.as_string_view().lengths().map(|length| length as usize + 16).sum(),
        DataType::BinaryView => array.as_binary_view().lengths().map(|length| length as usize + 16).sum(),
        DataType::List(_) => elements(array.as_list::<i32>().offsets(), array.as_list::<i32>().values()),
        DataType::Map(..) => {
            let entries: ArrayRef = Arc::new(array.as_map().entries().clone());
            elements(array.as_map().offsets(), &entries)
        }
        DataType::Struct(_) => array.as_struct().columns().iter().map(array_bytes).sum(),
        other => fixed_width(other) * array.len(),
    }
}

/// Bytes of each value of a type without a length of its own. A dictionary's values are shared by its rows, so they do not count.
fn fixed_width(data_type: &DataType) -> usize {
    match data_type {
        DataType::FixedSizeBinary(width) => usize::try_from(*width).unwrap_or(0),
        DataType::FixedSizeList(element, count) => {
            usize::try_from(*count).unwrap_or(0) * fixed_width(element.data_type())
        }
        other => other.primitive_width().unwrap_or(size_of::<u64>()),
    }
}

fn small(offsets: &OffsetBuffer<i32>, bytes: impl Fn(usize, usize, usize) -> usize) -> usize {
    bytes(offsets[0] as usize, offsets[offsets.len() - 1] as usize, size_of::<i32>())
}

fn large(offsets: &OffsetBuffer<i64>, bytes: impl Fn(usize, usize, usize) -> usize) -> usize {
    bytes(offsets[0] as usize, offsets[offsets.len() - 1] as usize, size_of::<i64>())
}

fn elements(offsets: &OffsetBuffer<i32>, values: &ArrayRef) -> usize {
    let (first, last) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
    array_bytes(&values.slice(first, last - first)) + size_of::<i32>() * (offsets.len() - 1)
}

/// Types with a length of their own that come seldom.
const VARYING: [DataType; 4] = [DataType::LargeUtf8, DataType::LargeBinary, DataType::Utf8View, DataType::BinaryView];

/// Says how many bytes a row of a batch takes.
pub(crate) struct RowBytes {
    /// What all rows take alike.
    fixed: usize,
    texts: Vec<OffsetBuffer<i32>>,
    others: Vec<ArrayRef>,
}

impl RowBytes {
    pub(crate) fn new(rows: &RecordBatch) -> RowBytes {
        let mut all = RowBytes { fixed: 0, texts: Vec::new(), others: Vec::new() };
        for column in rows.columns() {
            match column.data_type() {
                DataType::Utf8 => all.texts.push(column.as_string::<i32>().offsets().clone()),
                DataType::Binary => all.texts.push(column.as_binary::<i32>().offsets().clone()),
                other if other.is_nested() || VARYING.contains(other) => all.others.push(Arc::clone(column)),
                other => all.fixed += fixed_width(other),
            }
        }
        all
    }

    /// Bytes of one row.
    pub(crate) fn of(&self, row: usize) -> usize {
        let texts = self.texts.iter().map(|offsets| (offsets[row + 1] - offsets[row]) as usize + size_of::<i32>());
        let others = self.others.iter().map(|column| array_bytes(&column.slice(row, 1)));
        self.fixed + texts.sum::<usize>() + others.sum::<usize>()
    }
}

/// Cuts rows of these sizes, in order, into runs of at most `rows_max` rows and [`PART_BYTES`] bytes.
pub(crate) fn runs(sizes: impl Iterator<Item = usize>, rows_max: usize) -> Vec<Range<usize>> {
    let (mut runs, mut from, mut bytes, mut until) = (Vec::new(), 0, 0_usize, 0);
    for size in sizes {
        if until > from && (until - from == rows_max || bytes + size > PART_BYTES) {
            runs.push(from..until);
            (from, bytes) = (until, 0);
        }
        (bytes, until) = (bytes + size, until + 1);
    }
    if until > from {
        runs.push(from..until);
    }
    runs
}

/// As [`runs`], over rows of several batches: (batch, row).
pub(crate) fn runs_of_places(
    batches: &[&RecordBatch],
    places: &[(usize, usize)],
    rows_max: usize,
) -> Vec<Range<usize>> {
    // No row is named twice by those who copy rows, so all together bound any part of them.
    if batches.iter().map(|batch| batch_bytes(batch)).sum::<usize>() <= PART_BYTES {
        return runs(std::iter::repeat_n(0, places.len()), rows_max);
    }
    let sizes: Vec<RowBytes> = batches.iter().map(|batch| RowBytes::new(batch)).collect();
    runs(places.iter().map(|(batch, row)| sizes[*batch].of(*row)), rows_max)
}

/// The rows at these places, each named once, in order, in parts.
///
/// # Errors
/// If they cannot be copied.
pub(crate) fn interleaved(
    batches: &[&RecordBatch],
    places: &[(usize, usize)],
    rows_max: usize,
) -> Result<Vec<RecordBatch>, ArrowError> {
    let runs = runs_of_places(batches, places, rows_max);
    runs.into_iter().map(|run| interleave_record_batch(batches, &places[run])).collect()
}

/// Batches one after the other, neighbours put together as far as they fit a part.
///
/// # Errors
/// If they are not of the schema.
pub(crate) fn joined(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
    let runs = runs(batches.iter().map(batch_bytes), usize::MAX);
    let together = |run: Range<usize>| match &batches[run] {
        [only] => Ok(only.clone()),
        several => concat_batches(schema, several),
    };
    runs.into_iter().map(together).collect()
}

/// What `run` makes of rows, in one piece, or half by half if that would be more text than a column can hold: a row may come to
/// many (`explode`, a lookup), and how long they are is only known then.
///
/// # Errors
/// Those of `run`; that rows are too many only if a single one comes to that much.
pub fn in_halves<T>(
    rows: &RecordBatch,
    run: &dyn Fn(&RecordBatch) -> Result<T, OperatorError>,
) -> Result<Vec<T>, OperatorError> {
    match run(rows) {
        Err(OperatorError::TooLong(_)) if rows.num_rows() > 1 => {
            let half = rows.num_rows() / 2;
            let mut both = in_halves(&rows.slice(0, half), run)?;
            both.extend(in_halves(&rows.slice(half, rows.num_rows() - half), run)?);
            Ok(both)
        }
        all => Ok(vec![all?]),
    }
}

#[cfg(test)]
mod tests;
