//! `--set key=value`: values of the command line laid over those of the file.

use std::ops::Range;

use toml::de::DeValue;

use crate::connector::Connectors;
use crate::dotted;
use crate::nearest::nearest;
use crate::problem::{Problem, Problems};
use crate::source_map::OVERRIDE_PREFIX;
use crate::tree::{self, Builder, Entry, Node, Section, Value};

/// Lays all overrides over the tree, the last one uppermost.
pub(crate) fn apply(
    root: &mut Section,
    overrides: &[(String, String)],
    variable: &dyn Fn(&str) -> Option<String>,
    connectors: Connectors<'_>,
    problems: &mut Problems,
) {
    for (index, (key, value)) in overrides.iter().enumerate() {
        let line = problems.source().override_line(index);
        let key_start = line.start + OVERRIDE_PREFIX.len();
        let key_span = key_start..key_start + key.len();
        let Some(mut path) = path(key, &key_span, problems) else { continue };
        dotted::join(&mut path, root, connectors);
        let node = node(value, key_span.end + 1, variable, problems);
        put(root, &path, &key_span, node, problems);
    }
}

/// The parts of a dotted key.
fn path(key: &str, key_span: &Range<usize>, problems: &mut Problems) -> Option<Vec<String>> {
    let parsed = if key.len() > 1000 { None } else { toml_edit::Key::parse(key).ok() };
    let Some(parsed) = parsed else {
        problems.push(
            Problem::new(key_span.clone(), "`--set` does not name a key")
                .label("not a key")
                .help("write for example --set job.trigger=asap or --set source.events.topic=orders"),
        );
        return None;
    };
    Some(parsed.iter().map(|part| part.get().to_owned()).collect())
}

/// The value: TOML if it is, a string otherwise.
fn node(value: &str, start: usize, variable: &dyn Fn(&str) -> Option<String>, problems: &mut Problems) -> Node {
    let mut builder = Builder { variable, offset: start, problems };
    let span = start..start + value.len();
    // The recoverable parse gives the tree even of a value with errors, so that it can be dropped without recursion.
    let (parsed, errors) = DeValue::parse_recoverable(value);
    let place = parsed.span();
    let parsed = parsed.into_inner();
    let is_toml = errors.is_empty() && !value.trim().is_empty();
    let node = is_toml.then(|| builder.node(&parsed, place, 0));
    tree::dismantle_value(parsed);
    node.unwrap_or_else(|| Node { value: builder.text(value, &span), span })
}

/// Puts a value at its place in the tree. Sources, schemas and tables must be there already: an override that names
/// an unknown one is a slip.
fn put(root: &mut Section, path: &[String], key_span: &Range<usize>, node: Node, problems: &mut Problems) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut section = root;
    for (depth, part) in parents.iter().enumerate() {
        let names: Vec<&str> = section.entries.iter().map(|entry| entry.name.as_str()).collect();
        if !names.contains(&part.as_str()) {
            let top = parents.first().map_or("", String::as_str);
            if matches!((top, depth), ("source" | "static", 1) | ("table", 1 | 2)) {
                problems.push(unknown_parent(part, &names, key_span));
                return;
            }
            let empty = Node { span: key_span.clone(), value: Value::Section(Section::default()) };
            section.entries.push(Entry { name: part.clone(), name_span: key_span.clone(), node: empty });
        }
        let Some(entry) = section.get_mut(part) else { return };
        match &mut entry.node.value {
            Value::Section(inner) => section = inner,
            Value::Broken => return,
            other => {
                let title = format!("`{}` has no keys of its own", entry.name);
                let label = format!("in the file it is {}", other.kind());
                let help = format!("set `{}` itself", parents.get(..=depth).unwrap_or_default().join("."));
                problems.push(Problem::new(key_span.clone(), title).label(label).help(help));
                return;
            }
        }
    }
    match section.get_mut(last) {
        Some(entry) => {
            entry.name_span = key_span.clone();
            entry.node = node;
        }
        None => section.entries.push(Entry { name: last.clone(), name_span: key_span.clone(), node }),
    }
}

fn unknown_parent(part: &str, names: &[&str], key_span: &Range<usize>) -> Problem {
    let help = match nearest(part, names.iter().copied()) {
        Some(near) => format!("write `{near}` in place of `{part}`"),
        None if names.is_empty() => "add it to the file first".to_owned(),
        None => format!("the file has {}", names.join(", ")),
    };
    Problem::new(key_span.clone(), format!("`--set` names `{part}`, which the file does not have"))
        .label("not in the file")
        .help(help)
}
