//! A problem of one of the SQL texts of a job file.

use std::fmt;

use crate::problem::SqlProblem;

/// One of the texts of a job file that are SQL, or speak of times as SQL does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextOf {
    /// The job as a whole.
    Job,
    /// The query of a table.
    Table(String),
    /// The expression of a computed column.
    Column {
        /// Its source.
        source: String,
        /// Its name.
        column: String,
    },
    /// The pattern of a column's times.
    Format {
        /// Its source.
        source: String,
        /// Its name.
        column: String,
    },
    /// The zone of a column's times.
    TimeZone {
        /// Its source.
        source: String,
        /// Its name.
        column: String,
    },
    /// The expression of a function.
    Function(String),
}

/// For messages: what the text is of.
impl fmt::Display for TextOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextOf::Job => f.write_str("job"),
            TextOf::Table(name) => write!(f, "table {name}"),
            TextOf::Function(name) => write!(f, "function {name}"),
            TextOf::Column { source, column }
            | TextOf::Format { source, column }
            | TextOf::TimeZone { source, column } => write!(f, "source {source}, column {column}"),
        }
    }
}

/// A problem of one of these texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProblem {
    /// The text.
    pub of: TextOf,
    /// Its problem.
    pub problem: SqlProblem,
}

impl JobProblem {
    /// A problem of the query of a table.
    pub fn of_table(table: &str, problem: SqlProblem) -> JobProblem {
        JobProblem { of: TextOf::Table(table.to_string()), problem }
    }
}
