//! The books of a table: every row that came in has exactly one fate.

use serde::{Deserialize, Serialize};

use crate::identity::EpochId;

/// Fates of the rows that one table received in one epoch. For a table over a source, `read` counts the source's records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows received.
    pub read: u64,
    /// Rows that went into the result: passed on, or taken into an aggregate.
    pub emitted: u64,
    /// Records that could not be decoded.
    pub rejected: u64,
    /// Rows too late for every window they belong to.
    pub late: u64,
    /// Rows that the query's own conditions left out.
    pub filtered: u64,
    /// Rows of the result written to the table (an aggregate writes fewer, an unnest more than it received).
    pub written: u64,
}

/// How many rows a sink holds, as its commits say: what is there is counted against it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedRows {
    /// Rows, once the last commit is published.
    pub rows: u64,
    /// The first epoch that was counted, if the sink held rows by then: those were taken as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<EpochId>,
}

impl CountedRows {
    /// Of a sink that was found with so many rows before the first epoch that is counted.
    pub fn taken(rows: u64, since: EpochId) -> CountedRows {
        CountedRows { rows, since: (rows > 0).then_some(since) }
    }

    /// After a commit that moved so many rows into it, or out of it. `None` if the sum cannot be: it says nothing then.
    #[must_use]
    pub fn moved(self, rows: i64) -> Option<CountedRows> {
        Some(CountedRows { rows: self.rows.checked_add_signed(rows)?, ..self })
    }
}

/// Books that do not balance: an engine fault that must stop the job before anything is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Table whose books do not balance.
    pub table: String,
    /// The counts found.
    pub counts: RowCounts,
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RowCounts { read, emitted, rejected, late, filtered, .. } = self.counts;
        write!(
            f,
            "the books of {} do not balance: read {read} is not emitted {emitted} + rejected {rejected} + late {late} + filtered {filtered}",
            self.table
        )
    }
}

impl std::error::Error for Breach {}

impl RowCounts {
    /// Checks read = emitted + rejected + late + filtered.
    ///
    /// # Errors
    /// The table and its counts if the sum does not hold.
    pub fn balance(&self, table: &str) -> Result<(), Breach> {
        let spent = self.emitted + self.rejected + self.late + self.filtered;
        if self.read == spent { Ok(()) } else { Err(Breach { table: table.to_string(), counts: *self }) }
    }

    /// Adds the counts of another share of the same epoch, or of another epoch.
    pub fn add(&mut self, other: &RowCounts) {
        self.read += other.read;
        self.emitted += other.emitted;
        self.rejected += other.rejected;
        self.late += other.late;
        self.filtered += other.filtered;
        self.written += other.written;
    }
}

#[cfg(test)]
mod tests;
