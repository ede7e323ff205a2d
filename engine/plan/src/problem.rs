//! A problem of a table's SQL: where it is, what it is, what to write instead.

use std::fmt;
use std::ops::Range;

/// A problem of one SQL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlProblem {
    /// Bytes of the SQL text it is about; `None` for the text as a whole.
    pub range: Option<Range<usize>>,
    /// Spark's name of the error, where it has one.
    pub code: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl SqlProblem {
    /// A problem of the text as a whole.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> SqlProblem {
        SqlProblem { range: None, code: None, message: message.into(), help: help.into() }
    }

    /// The same problem under Spark's name.
    pub fn code(mut self, code: &'static str) -> SqlProblem {
        self.code = Some(code);
        self
    }

    /// The same problem at the first place where `text` stands in the SQL (whatever its case).
    pub fn at_text(mut self, sql: &str, text: &str) -> SqlProblem {
        self.range = find(sql, text);
        self
    }

    /// The same problem at a line and column, both from 1, for the word that stands there.
    pub fn at_line(mut self, sql: &str, line: u64, column: u64) -> SqlProblem {
        self.range = offset_of(sql, line, column).map(|start| start..start + word_length(&sql[start..]));
        self
    }
}

impl fmt::Display for SqlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SqlProblem {}

/// Byte offset of a line and column (in characters), both from 1.
pub fn offset_of(sql: &str, line: u64, column: u64) -> Option<usize> {
    let line_index = usize::try_from(line).ok()?.checked_sub(1)?;
    let start: usize = sql.split_inclusive('\n').take(line_index).map(str::len).sum();
    let rest = sql.get(start..)?;
    let column_index = usize::try_from(column).ok()?.checked_sub(1)?;
    let offset = rest.char_indices().nth(column_index).map_or(rest.len(), |(offset, _)| offset);
    Some(start + offset)
}

fn find(sql: &str, text: &str) -> Option<Range<usize>> {
    let start = sql.to_ascii_lowercase().find(&text.to_ascii_lowercase())?;
    Some(start..start + text.len())
}

fn word_length(text: &str) -> usize {
    let length = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
    length.max(text.chars().next().map_or(0, char::len_utf8))
}
