//! The rows that a task of a join emits, small batches put together.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::{concat_batches, take};

use super::side::Side;
use super::spec::JoinSpec;
use crate::OperatorError;
use crate::change::{Change, Sign};
use crate::cut::{PART_BYTES, batch_bytes};
use crate::operator::OperatorSpec;
use crate::pairs::{CHUNK_PAIRS, Pairs};
use crate::sized_batch::sized_batch;

/// Rows of one sign that follow each other.
struct Part {
    sign: Sign,
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

/// What is emitted, in order.
pub(super) struct Output<'a> {
    spec: &'a JoinSpec,
    parts: Vec<Part>,
}

impl<'a> Output<'a> {
    pub(super) fn new(spec: &'a JoinSpec) -> Output<'a> {
        Output { spec, parts: Vec::new() }
    }

    /// Emits pairs: rows that arrive on `side`, and rows of the other side, already pair by pair.
    pub(super) fn pairs(
        &mut self,
        sign: Sign,
        side: Side,
        arriving: &RecordBatch,
        pairs: &Pairs,
        stored: &RecordBatch,
    ) -> Result<(), OperatorError> {
        let at = UInt32Array::from(pairs.arriving.clone());
        let columns = self.spec.columns().iter().map(|(of, column)| match *of == side {
            true => take(arriving.column(*column), &at, None),
            false => Ok(ArrayRef::clone(stored.column(*column))),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        self.push(sign, columns, at.len())
    }

    /// Emits rows of one side, with nulls for the columns of the other.
    pub(super) fn alone(&mut self, side: Side, rows: &RecordBatch) -> Result<(), OperatorError> {
        let count = rows.num_rows();
        let columns = self.spec.columns().iter().map(|(of, column)| match *of == side {
            true => ArrayRef::clone(rows.column(*column)),
            false => new_null_array(self.spec.field((*of, *column)).data_type(), count),
        });
        self.push(Sign::Add, columns.collect(), count)
    }

    fn push(&mut self, sign: Sign, columns: Vec<ArrayRef>, count: usize) -> Result<(), OperatorError> {
        if count == 0 {
            return Ok(());
        }
        let rows = sized_batch(self.spec.output(), columns, count)?;
        let bytes = batch_bytes(&rows);
        let fits = |part: &Part| part.rows + count <= CHUNK_PAIRS && part.bytes + bytes <= PART_BYTES;
        match self.parts.last_mut() {
            Some(part) if part.sign == sign && fits(part) => {
                part.batches.push(rows);
                part.rows += count;
                part.bytes += bytes;
            }
            _ => self.parts.push(Part { sign, batches: vec![rows], rows: count, bytes }),
        }
        Ok(())
    }

    /// All of it.
    pub(super) fn finish(self) -> Result<Vec<Change>, OperatorError> {
        let schema = self.spec.output();
        let whole = self.parts.into_iter().map(|part| {
            let rows = match part.batches.as_slice() {
                [only] => only.clone(),
                batches => concat_batches(schema, batches)?,
            };
            Ok(Change { sign: part.sign, rows })
        });
        whole.collect()
    }
}
