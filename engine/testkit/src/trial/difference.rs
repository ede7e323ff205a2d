//! Rows expected against rows found: what is missing, what is too much, side by side.

use job::TestRow;
use query::text_table::{Side, text_table};
use serde_json::Value;

use super::cell::{Cell, Rows};
use super::compare::agrees;

/// Rows that are shown at most; the rest is counted.
const SHOWN_MAX: usize = 40;

/// A value is cut to so many characters.
const CELL_CHARS_MAX: usize = 60;

/// What is not as expected of the rows of `what`; nothing if all is.
pub fn of(what: &str, expected: &[TestRow], found: &Rows, is_ordered: bool) -> Vec<String> {
    let columns = match columns(what, expected, found) {
        Ok(columns) => columns,
        Err(problem) => return vec![problem],
    };
    let expected: Vec<Vec<Value>> = expected.iter().map(|row| values(row, &columns, found)).collect();
    let found_rows: Vec<Vec<&Cell>> =
        found.rows.iter().map(|row| columns.iter().map(|column| &row[*column]).collect()).collect();
    let (missing, surplus) = unmatched(&expected, &found_rows);
    let names: Vec<&str> = columns.iter().map(|column| found.columns[*column].as_str()).collect();
    if missing.is_empty() && surplus.is_empty() {
        let in_order = expected.iter().zip(&found_rows).all(|(expected, found)| row_agrees(expected, found));
        if !is_ordered || in_order {
            return Vec::new();
        }
        let mut lines = vec![format!("{what}: the rows are ok, their order is not; they come as")];
        let rows = found_rows.iter().map(|row| (' ', row.iter().map(|cell| shown(cell)).collect()));
        lines.extend(table(&names, &rows.collect::<Vec<_>>()));
        return lines;
    }
    let as_expected = expected.len() - missing.len();
    let title =
        format!("{what}: {} missing (-), {} not expected (+), {as_expected} as expected", missing.len(), surplus.len());
    let rows = side_by_side(&expected, &found_rows, missing, surplus);
    let mut lines = vec![title];
    lines.extend(table(&names, &rows));
    lines
}

/// The columns that are looked at, by their places.
fn columns(what: &str, expected: &[TestRow], found: &Rows) -> Result<Vec<usize>, String> {
    let all: Vec<usize> = (0..found.columns.len()).collect();
    let mut named = Vec::new();
    for row in expected {
        match row {
            TestRow::Listed(values) if values.len() == all.len() => return Ok(all),
            TestRow::Listed(values) => {
                return Err(format!(
                    "{what}: a row of {} values is expected, but the columns are {}",
                    values.len(),
                    found.columns.join(", ")
                ));
            }
            TestRow::Named(values) => {
                for name in values.keys() {
                    match found.columns.iter().position(|column| column == name) {
                        Some(column) => named.push(column),
                        None => {
                            let columns = found.columns.join(", ");
                            return Err(format!("{what}: it has no column {name}; its columns are {columns}"));
                        }
                    }
                }
            }
        }
    }
    named.sort_unstable();
    named.dedup();
    // Rows of which nothing is said are only counted; then all of them is shown.
    Ok(if named.is_empty() && expected.is_empty() { all } else { named })
}

fn values(row: &TestRow, columns: &[usize], found: &Rows) -> Vec<Value> {
    match row {
        TestRow::Listed(values) => values.clone(),
        TestRow::Named(values) => {
            columns.iter().map(|column| values.get(&found.columns[*column]).cloned().unwrap_or_default()).collect()
        }
    }
}

fn row_agrees(expected: &[Value], found: &[&Cell]) -> bool {
    expected.iter().zip(found).all(|(expected, found)| agrees(expected, found))
}

/// Places of the rows that have no partner on the other side.
fn unmatched(expected: &[Vec<Value>], found: &[Vec<&Cell>]) -> (Vec<usize>, Vec<usize>) {
    let mut surplus: Vec<usize> = (0..found.len()).collect();
    let mut missing = Vec::new();
    for (at, row) in expected.iter().enumerate() {
        match surplus.iter().position(|other| row_agrees(row, &found[*other])) {
            Some(place) => {
                surplus.remove(place);
            }
            None => missing.push(at),
        }
    }
    (missing, surplus)
}

type Line = (char, Vec<String>);

/// Missing and surplus rows in turn, those next to each other that have most in common.
fn side_by_side(
    expected: &[Vec<Value>],
    found: &[Vec<&Cell>],
    missing: Vec<usize>,
    mut surplus: Vec<usize>,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let line = |at: usize| ('+', found[at].iter().map(|cell| shown(cell)).collect());
    for at in missing {
        let row = &expected[at];
        lines.push(('-', row.iter().map(written).collect()));
        let alike = |other: usize| row.iter().zip(&found[other]).filter(|(one, other)| agrees(one, other)).count();
        let nearest = (0..surplus.len()).rev().max_by_key(|place| alike(surplus[*place]));
        if let Some(place) = nearest.filter(|place| alike(surplus[*place]) > 0) {
            lines.push(line(surplus.remove(place)));
        }
    }
    lines.extend(surplus.into_iter().map(line));
    lines
}

/// Lines in columns under their names; the sign is a column without one.
fn table(names: &[&str], rows: &[Line]) -> Vec<String> {
    let shown = &rows[..rows.len().min(SHOWN_MAX)];
    let columns: Vec<(&str, Side)> = [" "].iter().chain(names).map(|name| (*name, Side::Left)).collect();
    let cells = |(sign, cells): &Line| std::iter::once(sign.to_string()).chain(cells.iter().cloned()).collect();
    let cells: Vec<Vec<String>> = shown.iter().map(cells).collect();
    let mut lines: Vec<String> = text_table(&columns, &cells).iter().map(|line| format!("  {line}")).collect();
    if rows.len() > shown.len() {
        lines.push(format!("    … and {} more", rows.len() - shown.len()));
    }
    lines
}

fn shown(cell: &Cell) -> String {
    cut(&cell.to_string())
}

/// An expected value as the file has it.
fn written(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_string(),
        Value::String(text) => cut(text),
        Value::Array(items) => cut(&format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", "))),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", written(value))).collect();
            cut(&format!("{{{}}}", fields.join(", ")))
        }
        other => other.to_string(),
    }
}

fn cut(text: &str) -> String {
    let line = text.replace('\n', "⏎");
    if line.chars().count() <= CELL_CHARS_MAX {
        return line;
    }
    line.chars().take(CELL_CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
