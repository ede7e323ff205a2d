//! Rows that go from operator to operator, with what they do to the result.

use arrow::array::RecordBatch;

/// What rows do to the result that they are part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// They are added.
    Add,
    /// Each retracts one equal row that was added in this epoch or an earlier one.
    Retract,
    /// They take the place of all rows of a bucket (a window start in microseconds, or a hash bucket). Only tables take it.
    Replace {
        /// The bucket.
        bucket: i64,
    },
}

/// Rows with what they do.
#[derive(Debug, Clone)]
pub struct Change {
    /// What the rows do.
    pub sign: Sign,
    /// The rows.
    pub rows: RecordBatch,
}

impl Change {
    /// Rows that are added.
    pub fn add(rows: RecordBatch) -> Change {
        Change { sign: Sign::Add, rows }
    }

    /// Rows that are retracted.
    pub fn retract(rows: RecordBatch) -> Change {
        Change { sign: Sign::Retract, rows }
    }

    /// Rows that are retracted and rows that are added in their place, in this order; none of a sign that has no rows.
    pub(crate) fn replaced(retracted: RecordBatch, added: RecordBatch) -> Vec<Change> {
        let changes = [Change::retract(retracted), Change::add(added)];
        changes.into_iter().filter(|change| change.rows.num_rows() > 0).collect()
    }
}
