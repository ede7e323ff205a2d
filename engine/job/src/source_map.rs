//! The texts that problems point into: the job file and, behind it, one line for each `--set`.

use std::ops::Range;

use crate::model::{SqlText, Table};

/// A job file's text and the overrides of the command line, laid end to end so that one range names any place.
///
/// Offsets below the file's length are bytes of the file. Behind it lies one line `--set key=value` for each override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMap {
    file_name: String,
    text: String,
    file_len: usize,
    overrides: Vec<Range<usize>>,
}

/// The text that one problem is shown in: the file, or one override.
pub(crate) struct ShownText<'a> {
    pub name: &'a str,
    pub text: &'a str,
    /// Where it begins in the texts of the map.
    pub start: usize,
}

/// What stands before an override's key in the text of the map.
pub(crate) const OVERRIDE_PREFIX: &str = "--set ";

/// A piece of SQL with its place in the file.
#[derive(Clone, Copy)]
struct Sql<'a> {
    text: &'a str,
    span: &'a Range<usize>,
}

impl<'a> Sql<'a> {
    fn of_table(table: &'a Table) -> Sql<'a> {
        Sql { text: &table.sql, span: &table.sql_span }
    }
}

impl SourceMap {
    /// A map of the file alone.
    pub fn new(file_name: &str, text: &str) -> Self {
        Self::with_overrides(file_name, text, &[])
    }

    /// A map of the file and of the overrides given with `--set`.
    pub fn with_overrides(file_name: &str, text: &str, overrides: &[(String, String)]) -> Self {
        let mut all = text.to_owned();
        let mut lines = Vec::with_capacity(overrides.len());
        for (key, value) in overrides {
            all.push('\n');
            let start = all.len();
            all.push_str(OVERRIDE_PREFIX);
            all.push_str(key);
            all.push('=');
            all.push_str(value);
            lines.push(start..all.len());
        }
        Self { file_name: file_name.to_owned(), text: all, file_len: text.len(), overrides: lines }
    }

    /// The file's text.
    pub fn file(&self) -> &str {
        self.text.get(..self.file_len).unwrap_or_default()
    }

    /// The text of a place; empty if there is no such place.
    pub fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Line and column of a byte of the file, both counted from 1, columns in characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let shown = self.shown_text(offset);
        let before = shown.text.get(..offset.saturating_sub(shown.start)).unwrap_or(shown.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }

    /// The place of a character of a piece of SQL in the file: line and column from 1, columns in characters, as SQL
    /// parsers count them. `None` if escapes or variables in that line make the place unknowable.
    fn offset(&self, sql: Sql<'_>, line: usize, column: usize) -> Option<usize> {
        let written = self.text.get(sql.span.clone())?;
        if written.split('\n').count() != sql.text.split('\n').count() {
            return None;
        }
        let line_index = line.checked_sub(1)?;
        let written_line = written.split('\n').nth(line_index)?;
        if sql.text.split('\n').nth(line_index)?.trim_end_matches('\r') != written_line.trim_end_matches('\r') {
            return None;
        }
        let line_start: usize = written.split('\n').take(line_index).map(|line| line.len() + 1).sum();
        let in_line = written_line.char_indices().nth(column.checked_sub(1)?).map_or(written_line.len(), |(at, _)| at);
        Some(sql.span.start + line_start + in_line)
    }

    /// The place of a character of a table's SQL in the file: line and column from 1, columns in characters, as SQL
    /// parsers count them. `None` if escapes or variables in that line make the place unknowable.
    pub fn sql_offset(&self, table: &Table, line: usize, column: usize) -> Option<usize> {
        self.offset(Sql::of_table(table), line, column)
    }

    /// The word (or single sign) of a table's SQL at a line and column; the whole SQL if that place cannot be known.
    pub fn sql_span(&self, table: &Table, line: usize, column: usize) -> Range<usize> {
        let sql = Sql::of_table(table);
        let Some(start) = self.offset(sql, line, column) else { return self.whole(sql) };
        let rest = self.text.get(start..table.sql_span.end).unwrap_or_default();
        let word = |sign: char| sign.is_alphanumeric() || sign == '_';
        let len = match rest.find(|sign| !word(sign)) {
            Some(0) => rest.chars().next().filter(|sign| *sign != '\n').map_or(0, char::len_utf8),
            Some(end) => end,
            None => rest.len(),
        };
        start..start + len
    }

    /// The place of a range of bytes of a table's SQL; the whole SQL if it cannot be known.
    pub fn sql_bytes(&self, table: &Table, bytes: Range<usize>) -> Range<usize> {
        self.bytes(Sql::of_table(table), bytes)
    }

    /// The place of a range of bytes of a piece of SQL; the whole of it if there is no range, or its place cannot be known.
    pub fn text_bytes(&self, sql: &SqlText, bytes: Option<Range<usize>>) -> Range<usize> {
        let sql = Sql { text: &sql.text, span: &sql.span };
        bytes.map_or_else(|| self.whole(sql), |bytes| self.bytes(sql, bytes))
    }

    fn bytes(&self, sql: Sql<'_>, bytes: Range<usize>) -> Range<usize> {
        let place = |offset: usize| {
            let before = sql.text.get(..offset)?;
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            let column = before.get(line_start..)?.chars().count() + 1;
            self.offset(sql, before.matches('\n').count() + 1, column)
        };
        match (place(bytes.start), place(bytes.end)) {
            (Some(start), Some(end)) if start <= end => start..end,
            _ => self.whole(sql),
        }
    }

    /// The first place at which a word stands in a table's SQL, ignoring case, outside of longer words; the whole SQL
    /// if it does not. For errors that name a column but no place.
    pub fn sql_word(&self, table: &Table, word: &str) -> Range<usize> {
        let sql = table.sql.to_ascii_lowercase();
        let word = word.to_ascii_lowercase();
        let part_of_word = |sign: Option<char>| sign.is_some_and(|sign| sign.is_alphanumeric() || sign == '_');
        let alone = |at: &usize| {
            let before = sql.get(..*at).and_then(|text| text.chars().next_back());
            let after = sql.get(at + word.len()..).and_then(|text| text.chars().next());
            !part_of_word(before) && !part_of_word(after)
        };
        let place = if word.is_empty() { None } else { sql.match_indices(&word).map(|(at, _)| at).find(alone) };
        place.map_or_else(|| self.whole(Sql::of_table(table)), |at| self.sql_bytes(table, at..at + word.len()))
    }

    /// The whole of a piece of SQL without the blank lines around it.
    fn whole(&self, sql: Sql<'_>) -> Range<usize> {
        let written = self.slice(sql.span);
        let start = sql.span.start + (written.len() - written.trim_start().len());
        start..(start + written.trim().len())
    }

    /// The override's line, or the file, that a place lies in.
    pub(crate) fn shown_text(&self, offset: usize) -> ShownText<'_> {
        let line = self.overrides.iter().find(|line| offset >= line.start && offset <= line.end);
        match line {
            Some(line) if offset > self.file_len => {
                ShownText { name: "command line", text: self.slice(line), start: line.start }
            }
            _ => ShownText { name: &self.file_name, text: self.file(), start: 0 },
        }
    }

    /// Where an override's line lies.
    pub(crate) fn override_line(&self, index: usize) -> Range<usize> {
        self.overrides.get(index).cloned().unwrap_or(self.file_len..self.file_len)
    }
}

#[cfg(test)]
mod tests;
