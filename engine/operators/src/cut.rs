//! Cutting rows by bytes: no batch comes near the 2 GiB that the offsets of one column of text can address, however large its rows are.
//!
//! Rows that are put together anew (copied out of several batches, paired, merged into blocks) are put together in parts. A row is
//! never cut; one that is larger than a part is a part of its own.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericListViewArray, OffsetSizeTrait, RecordBatch};
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

/// Bytes that the values of an array take, those of a slice only; validity is left out. Where a type hides what its values take,
/// rather too many than too few: a part may be small, but no part too large.
fn array_bytes(array: &ArrayRef) -> usize {
    let rows = array.len();
    match array.data_type() {
        DataType::Utf8 => within(array.as_string::<i32>().offsets()).len() + size_of::<i32>() * rows,
        DataType::Binary => within(array.as_binary::<i32>().offsets()).len() + size_of::<i32>() * rows,
        DataType::LargeUtf8 => within(array.as_string::<i64>().offsets()).len() + size_of::<i64>() * rows,
        DataType::LargeBinary => within(array.as_binary::<i64>().offsets()).len() + size_of::<i64>() * rows,
        DataType::Utf8View => array.as_string_view().lengths().map(|length| length as usize + 16).sum(),
        DataType::BinaryView => array.as_binary_view().lengths().map(|length| length as usize + 16).sum(),
        DataType::List(_) => elements(array.as_list::<i32>().offsets(), array.as_list::<i32>().values()),
        DataType::LargeList(_) => elements(array.as_list::<i64>().offsets(), array.as_list::<i64>().values()),
        DataType::ListView(_) => viewed(array.as_list_view::<i32>()),
        DataType::LargeListView(_) => viewed(array.as_list_view::<i64>()),
        DataType::FixedSizeList(..) => {
            let lists = array.as_fixed_size_list();
            let count = usize::try_from(lists.value_length()).unwrap_or(0) * rows;
            array_bytes(&lists.values().slice(0, count.min(lists.values().len())))
        }
        DataType::Map(..) => {
            let entries: ArrayRef = Arc::new(array.as_map().entries().clone());
            elements(array.as_map().offsets(), &entries)
        }
        DataType::Struct(_) => array.as_struct().columns().iter().map(array_bytes).sum(),
        DataType::Dictionary(..) => unpacked(array),
        other => match fixed_width(other) {
            Some(width) => width * rows,
            // Unions and runs: no expression of the engine makes one.
            None => array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()),
        },
    }
}

/// Bytes of each value of a type whose values are all of one length.
fn fixed_width(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::Null | DataType::Boolean => Some(size_of::<u64>()),
        DataType::FixedSizeBinary(width) => usize::try_from(*width).ok(),
        DataType::FixedSizeList(element, count) => {
            Some(usize::try_from(*count).unwrap_or(0) * fixed_width(element.data_type())?)
        }
        other => other.primitive_width(),
    }
}

/// What the offsets of a slice span.
fn within<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> Range<usize> {
    offsets[0].as_usize()..offsets[offsets.len() - 1].as_usize()
}

fn elements<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, values: &ArrayRef) -> usize {
    let within = within(offsets);
    array_bytes(&values.slice(within.start, within.len())) + size_of::<O>() * (offsets.len() - 1)
}

/// Lists that may lie anywhere in their values, several at one place: each counts for itself.
fn viewed<O: OffsetSizeTrait>(lists: &GenericListViewArray<O>) -> usize {
    let places = lists.offsets().iter().zip(lists.sizes().iter());
    let bytes = places.map(|(from, count)| array_bytes(&lists.values().slice(from.as_usize(), count.as_usize())));
    bytes.sum::<usize>() + 2 * size_of::<O>() * lists.len()
}

/// A dictionary's values are shared by its rows, but rows out of several dictionaries are put together with the values of all: each
/// row counts with its own.
fn unpacked(array: &ArrayRef) -> usize {
    let dictionary = array.as_any_dictionary();
    let width = dictionary.keys().data_type().primitive_width().unwrap_or(size_of::<u64>());
    let values = dictionary.values();
    if values.is_empty() {
        return width * array.len();
    }
    let of_value = |value: usize| array_bytes(&values.slice(value, 1));
    dictionary.normalized_keys().into_iter().map(|value| width + of_value(value.min(values.len() - 1))).sum()
}

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
            match (column.data_type(), fixed_width(column.data_type())) {
                (DataType::Utf8, _) => all.texts.push(column.as_string::<i32>().offsets().clone()),
                (DataType::Binary, _) => all.texts.push(column.as_binary::<i32>().offsets().clone()),
                (_, Some(width)) => all.fixed += width,
                (_, None) => all.others.push(Arc::clone(column)),
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
