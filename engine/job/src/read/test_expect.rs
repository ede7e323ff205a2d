//! What a step of a test expects.

use std::collections::BTreeMap;

use crate::instant;
use crate::keys::{Keys, wrong_type};
use crate::model::{ExpectedState, Job, Late, OnError, TestRow, TestStep};
use crate::problem::{Problem, Problems};
use crate::reference::Part;
use crate::tree::{Entry, Section, Value};

use super::{checks, rows};

/// Reads the expectations into the step.
pub(super) fn read(keys: &Keys<'_>, job: &Job, step: &mut TestStep, problems: &mut Problems) {
    let tables = readable(job);
    step.expect = tables_of(keys, "expect", &tables, problems);
    step.expect_new = tables_of(keys, "expect_new", &tables, problems);
    step.ordered = keys.flag("ordered", problems).unwrap_or(false);
    let queries: Vec<String> = job.tables.iter().map(|table| table.name.clone()).collect();
    for entry in named(keys, "expect_late", &queries, problems) {
        if let Some(count) = late(&entry, problems) {
            step.expect_late.insert(entry.name, count);
        }
    }
    let marked: Vec<String> = job.sources.keys().chain(&queries).cloned().collect();
    for entry in named(keys, "expect_watermark", &marked, problems) {
        if let Some(watermark) = watermark(&entry, problems) {
            step.expect_watermark.insert(entry.name, watermark);
        }
    }
    for entry in named(keys, "expect_state", &queries, problems) {
        if let Some(state) = state(&entry, problems) {
            step.expect_state.insert(entry.name, state);
        }
    }
    step.expect_error = keys.text("expect_error", problems).map(|text| text.value.clone());
    if step.ordered && step.expect.is_empty() && step.expect_new.is_empty() {
        let place = keys.get("ordered", problems).map_or(keys.at(), |entry| entry.name_span.clone());
        let problem = Problem::new(place, "`ordered` has no rows to look at").label("the step expects none");
        problems.push(problem.help("add expect.\"SCHEMA.TABLE\" = [{ … }], or take it away"));
    }
}

/// Everything that the job writes: its tables, their late rows, the rejected records of its sources.
fn readable(job: &Job) -> Vec<String> {
    let tables = job.tables.iter().map(|table| table.name.clone());
    let late = job.tables.iter().filter(|table| table.late == Late::Table).map(|table| format!("{}__late", table.name));
    let rows = job.tables.iter().filter(|table| table.on_error == OnError::DeadLetter);
    let rows = rows.map(|table| format!("{}__rejected", table.name));
    let rejecting = job.sources.values().filter(|source| source.on_error == OnError::DeadLetter);
    let rejected = rejecting.map(|source| format!("rejected.{}", source.name));
    tables.chain(late).chain(rows).chain(rejected).collect()
}

fn tables_of(
    keys: &Keys<'_>,
    name: &str,
    tables: &[String],
    problems: &mut Problems,
) -> BTreeMap<String, Vec<TestRow>> {
    let entries = named(keys, name, tables, problems);
    entries.into_iter().map(|entry| (entry.name.clone(), rows::expected(&entry, problems))).collect()
}

/// What stands in a section under names of tables. `gold.counts = …` may be written with quotes or without.
fn named(keys: &Keys<'_>, name: &str, names: &[String], problems: &mut Problems) -> Vec<Entry> {
    let Some((section, _)) = keys.section(name, problems) else { return Vec::new() };
    let mut entries: Vec<Entry> = Vec::new();
    for entry in flat(section, names) {
        if entries.iter().any(|other| other.name == entry.name) {
            let problem = Problem::new(entry.name_span.clone(), format!("`{}` is there twice", entry.name));
            problems.push(problem.label("there already").help("keep one of them"));
        } else if names.contains(&entry.name) {
            entries.push(entry);
        } else if !matches!(entry.node.value, Value::Broken) {
            problems.push(checks::unknown(&entry, "table", names.iter()));
        }
    }
    entries
}

fn flat(section: &Section, names: &[String]) -> Vec<Entry> {
    let mut flat = Vec::new();
    for entry in &section.entries {
        match &entry.node.value {
            Value::Section(schema) if !names.contains(&entry.name) && !entry.name.contains('.') => {
                flat.extend(schema.entries.iter().map(|inner| {
                    let name = format!("{}.{}", entry.name, inner.name);
                    Entry { name, ..inner.clone() }
                }));
            }
            _ => flat.push(entry.clone()),
        }
    }
    flat
}

fn late(entry: &Entry, problems: &mut Problems) -> Option<u64> {
    let count = match entry.node.value {
        Value::Integer(count) => u64::try_from(count).ok(),
        _ => None,
    };
    if count.is_none() {
        let help = format!("write expect_late.\"{}\" = 1", entry.name);
        wrong_type(&entry.node, &entry.name, "a whole number, 0 or more", help, problems);
    }
    count
}

fn watermark(entry: &Entry, problems: &mut Problems) -> Option<Option<i64>> {
    if matches!(&entry.node.value, Value::Text(text) if text.value == "none") {
        return Some(None);
    }
    let example = format!("expect_watermark.\"{}\" = \"2026-01-01T00:00:00Z\", or \"none\"", entry.name);
    instant::read_us(&entry.node, &entry.name, &example, problems).map(Some)
}

fn state(entry: &Entry, problems: &mut Problems) -> Option<ExpectedState> {
    let Some(section) = entry.section() else {
        let help = format!("write expect_state.\"{}\" = {{ rows = 2 }}", entry.name);
        wrong_type(&entry.node, &entry.name, "a section", help, problems);
        return None;
    };
    let keys = Keys::of_part(section, entry.name_span.clone(), "expect_state", Part::TestState, problems);
    Some(ExpectedState {
        rows: keys.number("rows", problems),
        updated: keys.number("updated", problems),
        late: keys.number("late", problems),
    })
}
