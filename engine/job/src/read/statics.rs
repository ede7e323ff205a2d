//! Sections `[static.NAME]`.

use std::collections::BTreeMap;

use crate::keys::Keys;
use crate::model::{Column, Refresh, Source, StaticFormat, StaticTable};
use crate::problem::{Problem, Problems};
use crate::reference::{KeySet, Part};
use crate::tree::{Entry, Section, Text, Value};

use super::{checks, columns, job};

/// Reads all static tables.
pub(super) fn read_all(
    keys: &Keys<'_>,
    sources: &BTreeMap<String, Source>,
    problems: &mut Problems,
) -> BTreeMap<String, StaticTable> {
    let mut statics = BTreeMap::new();
    let Some((section, at)) = keys.section("static", problems) else { return statics };
    if checks::holds_keys_of(&KeySet::of_part(Part::Static), section) {
        problems.push(checks::nameless(&at, "static table", "[static.products]"));
        return statics;
    }
    for entry in &section.entries {
        checks::identifier(&entry.name, &entry.name_span, "static table", problems);
        checks::unlike_others(statics.keys(), &entry.name, &entry.name_span, "static table", problems);
        unlike_sources(entry, sources, problems);
        match &entry.node.value {
            Value::Section(section) => {
                statics.insert(entry.name.clone(), read(entry, section, problems));
            }
            Value::Broken => problems.blur(),
            _ => {
                problems.blur();
                problems.push(checks::nameless(&entry.name_span, "static table", "[static.products]"));
            }
        }
    }
    statics
}

/// SQL calls both by their names alone.
fn unlike_sources(entry: &Entry, sources: &BTreeMap<String, Source>, problems: &mut Problems) {
    if let Some(source) = sources.keys().find(|source| source.eq_ignore_ascii_case(&entry.name)) {
        problems.blur();
        let title = format!("a source and a static table are both called `{}`", entry.name);
        problems.push(
            Problem::new(entry.name_span.clone(), title)
                .label(format!("[source.{source}] is there too"))
                .help("give each a name of its own: SQL could not tell them apart"),
        );
    }
}

fn read(entry: &Entry, section: &Section, problems: &mut Problems) -> StaticTable {
    let title = format!("[static.{}]", entry.name);
    let keys = Keys::of_part(section, entry.name_span.clone(), &title, Part::Static, problems);
    let formats = [
        ("delta", StaticFormat::Delta),
        ("parquet", StaticFormat::Parquet),
        ("csv", StaticFormat::Csv),
        ("json", StaticFormat::Json),
    ];
    let path = keys.text("path", problems);
    let format = keys.choice("format", &formats, problems);
    let options = keys.section("options", problems).map(|(section, at)| {
        let title = format!("[static.{}.options]", entry.name);
        let options = Keys::of_part(section, at, &title, Part::StaticOptions, problems);
        (options.flag("header", problems), delimiter(&options, problems))
    });
    if let (Some(other), true) = (format.filter(|format| *format != StaticFormat::Csv), options.is_some()) {
        let place = keys.get("options", problems).map_or(keys.at(), |entry| entry.name_span.clone());
        let word = formats.iter().find(|(_, format)| *format == other).map_or("", |(word, _)| *word);
        problems.push(
            Problem::new(place, "these options are for CSV only")
                .label(format!("the format is {word}"))
                .help("take the section away, or write format = \"csv\""),
        );
    }
    let (header, delimiter) = options.unwrap_or_default();
    let path_span = path.map_or(entry.name_span.clone(), |text| text.content.clone());
    StaticTable {
        name: entry.name.clone(),
        path: path.map(|text| job::location(text, "path", "static table", problems)).unwrap_or_default(),
        format,
        refresh: refresh(&keys, problems),
        schema: schema(&entry.name, &keys, problems),
        header: header.unwrap_or(true),
        delimiter: delimiter.unwrap_or(b','),
        path_span,
    }
}

fn refresh(keys: &Keys<'_>, problems: &mut Problems) -> Refresh {
    if !keys.has("refresh") {
        return Refresh::OnChange;
    }
    match keys.text("refresh", problems).map(|text| text.value.as_str()) {
        Some("never") => return Refresh::Never,
        Some("on_change") | None => return Refresh::OnChange,
        Some(_) => {}
    }
    match keys.duration_or("refresh", "\"never\", \"on_change\" or a duration such as \"10 minutes\"", problems) {
        Some(every_us) => Refresh::Every(every_us),
        None => Refresh::OnChange,
    }
}

fn delimiter(keys: &Keys<'_>, problems: &mut Problems) -> Option<u8> {
    let entry = keys.get("delimiter", problems)?;
    let Value::Text(text) = &entry.node.value else {
        keys.wrong_type(entry, problems);
        return None;
    };
    match text.value.as_bytes() {
        [sign] if sign.is_ascii() && !matches!(sign, b'"' | b'\n' | b'\r') => Some(*sign),
        _ => {
            problems.push(not_a_delimiter(text));
            None
        }
    }
}

fn not_a_delimiter(text: &Text) -> Problem {
    Problem::new(text.content.clone(), format!("`delimiter` cannot be {}", text.shown()))
        .label("one sign of ASCII, not a quote and not a line end")
        .help("write for example delimiter = \";\" or delimiter = \"\\t\"")
}

fn schema(name: &str, keys: &Keys<'_>, problems: &mut Problems) -> Vec<Column> {
    let Some((section, at)) = keys.section("schema", problems) else { return Vec::new() };
    let problems_before = problems.len();
    let columns = columns::read_plain(section, problems);
    if problems.len() > problems_before {
        problems.blur();
    }
    if section.entries.is_empty() {
        let help = format!("add a line for each column to [static.{name}.schema], or take it away");
        problems.push(Problem::new(at, "the schema is empty").label("no column").help(help));
    }
    columns
}
