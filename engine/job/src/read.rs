//! Reads the tree of a job file into a [`Job`], noting every problem on the way.
//!
//! Each reader returns a value even where it found a problem, so that the rest is still looked at. That value is never
//! seen: a job is only handed out if there is no problem.

mod checks;
mod columns;
mod computed;
mod function;
mod job;
mod rows;
mod source;
mod statics;
mod table;
mod test_expect;
mod test_section;

use std::collections::BTreeMap;

use crate::connector::Connectors;
use crate::keys::{Keys, missing};
use crate::model::{Job, Source, Table, Trigger, Types, WatermarkPolicyKind};
use crate::problem::Problems;
use crate::reference::{KeySet, Part};
use crate::tree::{Section, Value};

use checks::nameless;

/// Reads a whole file.
pub(crate) fn read(root: &Section, connectors: Connectors<'_>, problems: &mut Problems) -> Job {
    let keys = Keys::of_part(root, 0..0, "the job file", Part::File, problems);
    let mut job = Job {
        name: String::new(),
        trigger: Trigger::Asap,
        checkpoint: String::new(),
        warehouse: String::new(),
        state_memory_bytes: 0,
        retain_epochs: 0,
        watermark_policy: WatermarkPolicyKind::Min,
        no_data_epochs: true,
        types: Types::Spark { ansi: true },
        types_are_given: false,
        sources: BTreeMap::new(),
        statics: BTreeMap::new(),
        functions: Vec::new(),
        tables: Vec::new(),
        tests: Vec::new(),
    };
    match keys.section("job", problems) {
        Some((section, at)) => job::read(section, at, connectors, &mut job, problems),
        None if keys.has("job") || keys.is_misspelt("job") => {}
        None => problems.push(
            missing(0..0, "the section `[job]` is missing")
                .help("begin the file with [job] and its keys name, trigger, checkpoint and warehouse"),
        ),
    }
    job.sources = read_sources(&keys, connectors, problems);
    job.statics = statics::read_all(&keys, &job.sources, problems);
    job.functions = function::read_all(&keys, problems);
    job.tables = read_tables(&keys, problems);
    table::check_bounds(root, &job, problems);
    job.tests = test_section::read_all(&keys, &job, problems);
    let unread = job.sources.values().any(|source| source.schema.is_empty());
    if unread || job.sources.is_empty() || job.tables.is_empty() || job.tables.iter().any(|table| table.sql.is_empty())
    {
        problems.blur();
    }
    job
}

fn read_sources(keys: &Keys<'_>, connectors: Connectors<'_>, problems: &mut Problems) -> BTreeMap<String, Source> {
    let mut sources = BTreeMap::new();
    let section = keys.section("source", problems);
    if let Some((section, at)) = &section
        && checks::holds_keys_of(&connectors.source_keys(connectors.of_source(section)), section)
    {
        problems.push(nameless(at, "source", "[source.events]"));
        return sources;
    }
    let section = section.map(|(section, _)| section);
    for entry in section.map(|section| section.entries.as_slice()).unwrap_or_default() {
        checks::identifier(&entry.name, &entry.name_span, "source", problems);
        checks::unlike_others(sources.keys(), &entry.name, &entry.name_span, "source", problems);
        match &entry.node.value {
            Value::Section(section) => {
                let source = source::read(&entry.name, section, &entry.name_span, connectors, problems);
                sources.insert(entry.name.clone(), source);
            }
            Value::Broken => problems.blur(),
            _ => {
                problems.blur();
                problems.push(nameless(&entry.name_span, "source", "[source.events]"));
            }
        }
    }
    if section.map_or(!keys.has("source") && !keys.is_misspelt("source"), |section| section.entries.is_empty()) {
        problems.push(
            missing(0..0, "the job has no source")
                .help("add a section [source.events] with connector, brokers, topic and a schema"),
        );
    }
    sources
}

fn read_tables(keys: &Keys<'_>, problems: &mut Problems) -> Vec<Table> {
    let mut tables: Vec<(usize, Table)> = Vec::new();
    let section = keys.section("table", problems);
    if let Some((section, at)) = &section
        && checks::holds_keys_of(&KeySet::of_part(Part::Table), section)
    {
        problems.push(nameless(at, "table", "[table.bronze.raw_events]"));
        return Vec::new();
    }
    let section = section.map(|(section, _)| section);
    for schema in section.map(|section| section.entries.as_slice()).unwrap_or_default() {
        let Value::Section(inner) = &schema.node.value else {
            table::without_schema(schema, problems);
            continue;
        };
        if checks::holds_keys_of(&KeySet::of_part(Part::Table), inner) {
            table::without_schema(schema, problems);
            continue;
        }
        table::check_schema(schema, inner, problems);
        for entry in &inner.entries {
            let Value::Section(section) = &entry.node.value else {
                table::without_schema(entry, problems);
                continue;
            };
            let read = table::read(&schema.name, entry, section, problems);
            checks::unlike_others(
                tables.iter().map(|(_, table)| &table.name),
                &read.name,
                &entry.name_span,
                "table",
                problems,
            );
            tables.push((entry.name_span.start, read));
        }
    }
    if section.map_or(!keys.has("table") && !keys.is_misspelt("table"), |section| section.entries.is_empty()) {
        problems.push(
            missing(0..0, "the job has no table")
                .help("add a section [table.bronze.raw_events] with sql = \"SELECT * FROM …\""),
        );
    }
    tables.sort_by_key(|(place, _)| *place);
    tables.into_iter().map(|(_, table)| table).collect()
}
