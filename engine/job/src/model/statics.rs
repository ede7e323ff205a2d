//! A static table: rows that lie beside the streams and are joined with them.

use std::ops::Range;

use super::column::Column;

/// Rows that are read whole, and again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticTable {
    /// Name in SQL.
    pub name: String,
    /// Local path or `s3://bucket/key`: a file, a folder, or the folder of a Delta table.
    pub path: String,
    /// How it is written; `None`: whatever is found there.
    pub format: Option<StaticFormat>,
    /// When it is read again.
    pub refresh: Refresh,
    /// The columns wanted, in file order; empty: those found there.
    pub schema: Vec<Column>,
    /// CSV: true if the first line of each file names the columns.
    pub header: bool,
    /// CSV: the sign between two values, one byte.
    pub delimiter: u8,
    /// Where its path stands in the job file, bytes: [`crate::SourceMap`] points into it.
    pub path_span: Range<usize>,
}

/// How the files of a static table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaticFormat {
    /// Delta Lake.
    Delta,
    /// Parquet.
    Parquet,
    /// Values with commas, or another sign, between them.
    Csv,
    /// One JSON object a line.
    Json,
}

/// When a static table is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// Never: the job keeps the rows of its first epoch.
    Never,
    /// In the epoch that finds it changed.
    OnChange,
    /// As `OnChange`, but looked at no more often than this, microseconds of the epochs' time.
    Every(i64),
}
