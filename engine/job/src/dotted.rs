//! Names with points in them, as `security.protocol`: TOML nests them where they are not in quotes, and so does `--set`.

use crate::connector::Connectors;
use crate::tree::{Entry, Section, Value};

/// Brings the sections that hold such names into one level, in all sources.
pub(crate) fn flatten(root: &mut Section, connectors: Connectors<'_>) {
    let Some(sources) = root.get_mut("source").and_then(Entry::section_mut) else { return };
    for source in sources.entries.iter_mut().filter_map(Entry::section_mut) {
        for name in connectors.dotted_sections(source) {
            if let Some(section) = source.get_mut(name).and_then(Entry::section_mut) {
                let mut flat = Section::default();
                flatten_into(std::mem::take(section), "", &mut flat);
                *section = flat;
            }
        }
    }
}

fn flatten_into(section: Section, prefix: &str, flat: &mut Section) {
    for mut entry in section.entries {
        entry.name.insert_str(0, prefix);
        match entry.node.value {
            Value::Section(inner) => flatten_into(inner, &format!("{}.", entry.name), flat),
            _ => flat.entries.push(entry),
        }
    }
}

/// The path `source.NAME.SECTION.a.b` of `--set` with `a.b` as one name, if the section holds such names.
pub(crate) fn join(path: &mut Vec<String>, root: &Section, connectors: Connectors<'_>) {
    let [top, source, section, _, _, ..] = path.as_slice() else { return };
    let sources = root.get("source").filter(|_| top == "source").and_then(Entry::section);
    let source = sources.and_then(|sources| sources.get(source)).and_then(Entry::section);
    if source.is_some_and(|source| connectors.dotted_sections(source).contains(&section.as_str())) {
        let name = path.split_off(3).join(".");
        path.push(name);
    }
}
