//! Join of a stream with a table that stands still: every chunk looks its rows up in an index made once.

mod index;
mod spec;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take};
use datafusion::error::DataFusionError;

use crate::OperatorError;
use crate::keyed::hash::hash_keys;
use crate::pairs::{CHUNK_PAIRS, Pairs};
use crate::sized_batch::sized_batch;
use index::Index;
pub use spec::{LookupKind, LookupSpec};

/// A static table, indexed by key, with what is to be done with it. A refresh makes another one.
#[derive(Debug)]
pub struct Lookup {
    spec: Arc<LookupSpec>,
    /// The columns of the table that the condition or the result reads; nulls stand for the others.
    table: Vec<Option<ArrayRef>>,
    index: Index,
    rows: usize,
}

impl Lookup {
    /// Indexes a table. What matches a row of the stream comes in the order of these rows.
    ///
    /// # Errors
    /// If the rows are not of the table's schema or too many, or a key has no row encoding.
    pub fn new(spec: Arc<LookupSpec>, table: &[RecordBatch]) -> Result<Lookup, OperatorError> {
        let rows = table.iter().map(RecordBatch::num_rows).sum::<usize>();
        if rows >= u32::MAX as usize {
            let what = format!("the table has {rows} rows, and at most {} can be looked up; filter it", u32::MAX - 1);
            return Err(OperatorError::Compute(what));
        }
        let table = concat_batches(spec.table(), table)?;
        let keys: Vec<ArrayRef> = spec.table_keys().iter().map(|key| Arc::clone(table.column(*key))).collect();
        let index = Index::new(hash_keys(&keys, rows)?);
        let kept = |(column, values): (usize, &ArrayRef)| spec.reads(column).then(|| Arc::clone(values));
        let table = table.columns().iter().enumerate().map(kept).collect();
        Ok(Lookup { spec, table, index, rows })
    }

    /// What it does.
    pub fn spec(&self) -> &Arc<LookupSpec> {
        &self.spec
    }

    /// Rows of the table that can be found: those without a null in their key.
    pub fn rows(&self) -> usize {
        self.index.rows()
    }

    /// Looks up a chunk. Rows come in the order of the stream.
    ///
    /// # Errors
    /// If the condition fails on a row.
    pub fn run(&self, rows: &RecordBatch) -> Result<RecordBatch, OperatorError> {
        let keys: Vec<ArrayRef> = self.spec.stream_keys().iter().map(|key| Arc::clone(rows.column(*key))).collect();
        let hashes = hash_keys(&keys, rows.num_rows())?;
        let kind = self.spec.kind();
        let mut matched = vec![false; rows.num_rows()];
        let mut pairs = Pairs::default();
        let mut candidates = self.index.candidates(&hashes, !kind.emits_pairs());
        while let Some(chunk) = candidates.next_chunk(&matched) {
            let chunk = self.holding(rows, chunk)?;
            chunk.arriving.iter().for_each(|row| matched[*row as usize] = true);
            if kind.emits_pairs() {
                pairs.arriving.extend(chunk.arriving);
                pairs.stored.extend(chunk.stored);
            }
        }
        match kind {
            LookupKind::Inner => self.joined(rows, pairs.arriving, UInt32Array::from(pairs.stored)),
            LookupKind::Left => {
                let (stream, table) = with_unmatched(&pairs, &matched);
                self.joined(rows, stream, table)
            }
            LookupKind::LeftMark => self.marked(rows, matched.into()),
            LookupKind::LeftSemi => self.picked(rows, matched.into()),
            LookupKind::LeftAnti if self.spec.is_null_aware() && self.rows > 0 => {
                let table_has_null = self.index.rows() < self.rows;
                let is_null = |row: usize| hashes.has_null.as_ref().is_some_and(|has_null| has_null[row]);
                let is_emitted = |row: usize| !table_has_null && !matched[row] && !is_null(row);
                self.picked(rows, (0..matched.len()).map(|row| Some(is_emitted(row))).collect())
            }
            LookupKind::LeftAnti => self.picked(rows, matched.into_iter().map(|matched| Some(!matched)).collect()),
        }
    }

    /// The pairs for which the condition holds.
    fn holding(&self, rows: &RecordBatch, pairs: Pairs) -> Result<Pairs, OperatorError> {
        let Some(residual) = self.spec.residual() else { return Ok(pairs) };
        debug_assert!(pairs.arriving.len() <= CHUNK_PAIRS);
        let (stream, table) = (UInt32Array::from(pairs.arriving.clone()), UInt32Array::from(pairs.stored.clone()));
        let columns = residual.columns().iter().map(|column| self.column(rows, &stream, &table, *column));
        let mask = residual.holds(columns.collect::<Result<_, _>>()?, stream.len())?;
        if mask.true_count() == mask.len() {
            return Ok(pairs);
        }
        Ok(pairs.filter(&mask))
    }

    fn joined(&self, rows: &RecordBatch, stream: Vec<u32>, table: UInt32Array) -> Result<RecordBatch, OperatorError> {
        let pairs = stream.len();
        // A key that every row of the stream finds once, as in a join with a dimension: the stream's columns stay as they are.
        let is_whole =
            stream.len() == rows.num_rows() && stream.iter().enumerate().all(|(at, row)| at == *row as usize);
        let width = rows.num_columns();
        let stream = UInt32Array::from(stream);
        let columns = self.spec.columns().iter().map(|column| match is_whole && *column < width {
            true => Ok(Arc::clone(rows.column(*column))),
            false => self.column(rows, &stream, &table, *column),
        });
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(sized_batch(self.spec.output(), columns, pairs)?)
    }

    /// A column of stream columns followed by table columns, pair by pair.
    fn column(
        &self,
        rows: &RecordBatch,
        stream: &UInt32Array,
        table: &UInt32Array,
        column: usize,
    ) -> Result<ArrayRef, OperatorError> {
        let width = self.spec.stream().fields().len();
        if column < width {
            return Ok(take(rows.column(column), stream, None)?);
        }
        let values = self.table.get(column - width).and_then(Option::as_ref);
        let values =
            values.ok_or_else(|| DataFusionError::Internal(format!("column {column} of a lookup was not kept")))?;
        Ok(take(values, table, None)?)
    }

    fn marked(&self, rows: &RecordBatch, mark: BooleanArray) -> Result<RecordBatch, OperatorError> {
        let mark: ArrayRef = Arc::new(mark);
        let columns = self.spec.columns().iter().map(|column| Arc::clone(rows.columns().get(*column).unwrap_or(&mark)));
        Ok(sized_batch(self.spec.output(), columns.collect(), rows.num_rows())?)
    }

    fn picked(&self, rows: &RecordBatch, mask: BooleanArray) -> Result<RecordBatch, OperatorError> {
        let rows = if mask.true_count() == mask.len() { rows.clone() } else { filter_record_batch(rows, &mask)? };
        Ok(rows.project(self.spec.columns())?.with_schema(Arc::clone(self.spec.output()))?)
    }
}

/// The pairs with the rows of the stream that are in none, in the order of the stream.
fn with_unmatched(pairs: &Pairs, matched: &[bool]) -> (Vec<u32>, UInt32Array) {
    if matched.iter().all(|matched| *matched) {
        return (pairs.arriving.clone(), UInt32Array::from(pairs.stored.clone()));
    }
    let (mut stream, mut table) = (Vec::with_capacity(matched.len()), Vec::with_capacity(matched.len()));
    let mut next = 0;
    for (row, matched) in matched.iter().enumerate() {
        let row = row as u32;
        if !matched {
            stream.push(row);
            table.push(None);
        }
        while pairs.arriving.get(next) == Some(&row) {
            stream.push(row);
            table.push(Some(pairs.stored[next]));
            next += 1;
        }
    }
    debug_assert_eq!(next, pairs.arriving.len(), "every pair is in the result");
    (stream, UInt32Array::from(table))
}

#[cfg(test)]
mod tests;
