//! What SQL computes of a source's records before any table reads them, and how times are written in these.

use std::ops::Range;

/// A piece of SQL in the job file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SqlText {
    /// What it says.
    pub text: String,
    /// Where it lies in the job file, bytes, without its quotes: [`crate::SourceMap`] points into it.
    pub span: Range<usize>,
}

/// A column of a source that is computed of the fields of the record and of the metadata columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComputedColumn {
    /// Name in SQL.
    pub name: String,
    /// What it is computed by.
    pub expression: SqlText,
    /// How many columns of the record stand before it.
    pub after: usize,
    /// A record for which it is NULL is rejected.
    pub required: bool,
}

/// How the times of a `timestamp` column are written in records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeForm {
    /// What a whole number counts since 1970. `None`: the file does not say.
    pub unit: Option<TimeUnit>,
    /// Spark's pattern of the texts. `None`: ISO-8601.
    pub format: Option<SqlText>,
    /// Zone of texts that name none. `None`: UTC.
    pub time_zone: Option<SqlText>,
}

/// What a whole number counts since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds; what is less than a microsecond is cut off.
    Nanoseconds,
}
