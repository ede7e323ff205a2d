//! Sections `[function.NAME]`.

use crate::keys::{Keys, wrong_type};
use crate::model::{Argument, Function, FunctionBody};
use crate::problem::{Problem, Problems};
use crate::reference::{KeySet, Part};
use crate::tree::{Entry, Section, Text, Value};

use super::{checks, columns, computed};

/// Languages that are known but not built yet.
const PLANNED_LANGUAGES: [&str; 4] = ["python", "native", "rust", "wasm"];

/// Reads all functions.
pub(super) fn read_all(keys: &Keys<'_>, problems: &mut Problems) -> Vec<Function> {
    let mut functions: Vec<Function> = Vec::new();
    let Some((section, at)) = keys.section("function", problems) else { return functions };
    if checks::holds_keys_of(&KeySet::of_part(Part::Function), section) {
        problems.push(checks::nameless(&at, "function", "[function.net]"));
        return functions;
    }
    for entry in &section.entries {
        checks::identifier(&entry.name, &entry.name_span, "function", problems);
        let others = functions.iter().map(|function| &function.name);
        checks::unlike_others(others, &entry.name, &entry.name_span, "function", problems);
        match &entry.node.value {
            Value::Section(section) => functions.push(read(entry, section, problems)),
            Value::Broken => problems.blur(),
            _ => {
                problems.blur();
                problems.push(checks::nameless(&entry.name_span, "function", "[function.net]"));
            }
        }
    }
    functions
}

fn read(entry: &Entry, section: &Section, problems: &mut Problems) -> Function {
    let problems_before = problems.len();
    let title = format!("[function.{}]", entry.name);
    let keys = Keys::of_part(section, entry.name_span.clone(), &title, Part::Function, problems);
    let arguments = keys.section("arguments", problems);
    let arguments = arguments.map(|(section, _)| read_arguments(section, problems)).unwrap_or_default();
    check_language(&keys, problems);
    let expression = keys.text("expression", problems).map(computed::sql_text).unwrap_or_default();
    let returns = if keys.has("returns") { keys.text("returns", problems) } else { None };
    let returns = returns.map(|text| columns::data_type(text, problems));
    if problems.len() > problems_before {
        // What SQL says of calls would be guesses.
        problems.blur();
    }
    let name_span = entry.name_span.clone();
    Function { name: entry.name.clone(), name_span, arguments, returns, body: FunctionBody::Sql(expression) }
}

fn read_arguments(section: &Section, problems: &mut Problems) -> Vec<Argument> {
    let mut arguments: Vec<Argument> = Vec::new();
    for entry in &section.entries {
        checks::identifier(&entry.name, &entry.name_span, "argument", problems);
        let others = arguments.iter().map(|argument| &argument.name);
        checks::unlike_others(others, &entry.name, &entry.name_span, "argument", problems);
        let Value::Text(text) = &entry.node.value else {
            let help = format!("write {} = \"string\" or another type", entry.name);
            wrong_type(&entry.node, &entry.name, "a type in quotes", help, problems);
            continue;
        };
        arguments.push(Argument { name: entry.name.clone(), data_type: columns::data_type(text, problems) });
    }
    arguments
}

fn check_language(keys: &Keys<'_>, problems: &mut Problems) {
    let planned = |text: &Text| PLANNED_LANGUAGES.contains(&text.value.to_ascii_lowercase().as_str());
    if let Some(Value::Text(text)) = keys.entry("language").map(|entry| &entry.node.value)
        && planned(text)
    {
        let problem = Problem::new(text.content.clone(), format!("`language` cannot be {}", text.shown()));
        let help = "write the body in SQL: language = \"sql\" and expression = \"…\"";
        problems.push(problem.label("not yet: functions in other languages are planned").help(help));
    } else if keys.has("language") {
        keys.choice("language", &[("sql", ())], problems);
    }
}
