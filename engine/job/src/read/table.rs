//! A section `[table.SCHEMA.NAME]`.

use crate::keys::Keys;
use crate::model::{Deduplicate, Job, Late, OnError, OutputMode, StateTtl, Table};
use crate::problem::{Problem, Problems};
use crate::quantity;
use crate::reference::Part;
use crate::tree::{Entry, Section, Value};

use super::checks;

/// Schemas that jobs cannot write to, with the reason.
const RESERVED_SCHEMAS: &[(&str, &str)] = &[
    ("rejected", "it holds the records that could not be read"),
    ("information_schema", "SQL lists tables and columns there"),
];

/// Reads a table.
pub(super) fn read(schema: &str, entry: &Entry, section: &Section, problems: &mut Problems) -> Table {
    let name = format!("{schema}.{}", entry.name);
    checks::identifier(&entry.name, &entry.name_span, "table", problems);
    if entry.name.to_ascii_lowercase().ends_with("__late") {
        problems.push(
            Problem::new(entry.name_span.clone(), format!("the table name `{}` is reserved", entry.name))
                .label("names that end in `__late` hold rows that came too late")
                .help("choose another name; for the late rows of a table write late = \"table\" in it"),
        );
    }
    if entry.name.to_ascii_lowercase().ends_with("__rejected") {
        problems.push(
            Problem::new(entry.name_span.clone(), format!("the table name `{}` is reserved", entry.name))
                .label("names that end in `__rejected` hold rows that a query has no value for")
                .help("choose another name; those rows of a table are kept unless it says on_error"),
        );
    }
    let keys = Keys::of_part(section, entry.name_span.clone(), &format!("[table.{name}]"), Part::Table, problems);
    let sql = keys.text("sql", problems);
    let modes = [("append", OutputMode::Append), ("update", OutputMode::Update), ("complete", OutputMode::Complete)];
    let late = [("drop", Late::Drop), ("table", Late::Table)];
    Table {
        name,
        sql: sql.map(|text| text.value.clone()).unwrap_or_default(),
        sql_span: sql.map(|text| text.content.clone()).unwrap_or_default(),
        mode: keys.choice("mode", &modes, problems).unwrap_or(OutputMode::Append),
        late: keys.choice("late", &late, problems).unwrap_or(Late::Drop),
        deduplicate: deduplicate(&keys, problems),
        state_ttl: state_ttl(&keys, problems),
        on_error: keys.choice("on_error", &super::source::ON_ERROR, problems).unwrap_or(OnError::DeadLetter),
    }
}

fn deduplicate(keys: &Keys<'_>, problems: &mut Problems) -> Option<Deduplicate> {
    let (section, at) = keys.section("deduplicate", problems)?;
    let keys = Keys::of_part(section, at, "deduplicate", Part::Deduplicate, problems);
    let columns = keys.texts("keys", "column", problems);
    let ever = keys.has("within") && keys.text("within", problems).is_some_and(|text| text.value == "ever");
    let within_us = if keys.has("within") && !ever {
        keys.duration_or("within", "a duration such as \"10 minutes\", or \"ever\"", problems)
    } else {
        None
    };
    let names = columns.map(|columns| columns.iter().map(|text| text.value.clone()).collect());
    Some(Deduplicate { keys: names, within_us, ever })
}

fn state_ttl(keys: &Keys<'_>, problems: &mut Problems) -> Option<StateTtl> {
    if keys.text("state_ttl", problems)?.value == "unbounded" {
        return Some(StateTtl::Unbounded);
    }
    keys.duration_or("state_ttl", "a duration such as \"7 days\", or \"unbounded\"", problems).map(StateTtl::After)
}

/// A duration between duplicates is event time: some source must have one.
pub(super) fn check_bounds(root: &Section, job: &Job, problems: &mut Problems) {
    if job.sources.is_empty() || job.sources.values().any(|source| source.watermark.is_some()) {
        return;
    }
    let schemas = root.get("table").and_then(Entry::section).map(|section| section.entries.as_slice());
    for table in schemas.unwrap_or_default().iter().filter_map(Entry::section).flat_map(|schema| &schema.entries) {
        let within = table.section().and_then(|table| table.get("deduplicate")).and_then(Entry::section);
        let Some(within) = within.and_then(|section| section.get("within")) else { continue };
        if let Value::Text(text) = &within.node.value
            && quantity::duration_us(&text.value).is_ok()
        {
            problems.push(
                Problem::new(text.content.clone(), "`within` needs an event time")
                    .label("no source has a watermark")
                    .help(
                        "add watermark = { column = \"…\", delay = \"…\" } to the source, or write within = \"ever\"",
                    ),
            );
        }
    }
}

/// Checks the name of a schema, and that something is in it.
pub(super) fn check_schema(entry: &Entry, tables: &Section, problems: &mut Problems) {
    checks::identifier(&entry.name, &entry.name_span, "schema", problems);
    if tables.entries.is_empty() {
        problems.push(
            Problem::new(entry.name_span.clone(), format!("the schema `{}` has no table", entry.name))
                .label("nothing is in it")
                .help(format!("write [table.{}.NAME] and the table's sql below it", entry.name)),
        );
    }
    let name = entry.name.to_ascii_lowercase();
    if let Some((_, reason)) = RESERVED_SCHEMAS.iter().find(|(reserved, _)| *reserved == name) {
        problems.push(
            Problem::new(entry.name_span.clone(), format!("the schema name `{}` is reserved", entry.name))
                .label(*reason)
                .help("choose another schema, as bronze, silver or gold"),
        );
    }
}

/// Notes that a table's name lacks its schema.
pub(super) fn without_schema(entry: &Entry, problems: &mut Problems) {
    problems.blur();
    if matches!(entry.node.value, Value::Broken) {
        return;
    }
    problems.push(
        Problem::new(entry.name_span.clone(), "a table's name has two parts")
            .label("schema and name must stand here")
            .help(format!("write [table.bronze.{}] above the table's keys", entry.name)),
    );
}
