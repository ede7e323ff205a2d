//! JSON paths of `get_json_object`: `$.a.b`, `$['a']`, `$.a[0]`, `$.a[*].b`, `$.*`.

use super::parse::Value;

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A member.
    Name(String),
    /// An item, from 0.
    Item(usize),
    /// All items.
    Items,
    /// All members.
    Members,
}

/// A path's steps; none if it is no path.
pub fn parse(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("['") {
            let (name, after) = after.split_once("']")?;
            steps.push(if name == "*" { Step::Members } else { Step::Name(name.to_string()) });
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (place, after) = after.split_once(']')?;
            steps.push(match place.trim() {
                "*" => Step::Items,
                place => Step::Item(place.parse().ok()?),
            });
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let length = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(length);
            steps.push(match name {
                "" => return None,
                "*" => Step::Members,
                name => Step::Name(name.to_string()),
            });
            rest = after;
        }
    }
    Some(steps)
}

/// What a path finds, as text; several finds are a JSON array.
pub fn find(value: &Value, steps: &[Step]) -> Option<String> {
    let is_many = steps.iter().any(|step| matches!(step, Step::Items | Step::Members));
    let mut found = Vec::new();
    walk(value, steps, &mut found);
    match (is_many, found.as_slice()) {
        (_, []) => None,
        // An item that is null is `null`, a member that is null is nothing (as Spark does).
        (_, [Value::Null]) if matches!(steps.last(), Some(Step::Item(_))) => Some("null".to_string()),
        (_, [one]) if !is_many => one.text(),
        // A single find of a wildcard stands alone, but a text keeps its quotes (as Spark does).
        (true, [one]) => Some(one.json()),
        (_, _) => Some(Value::Array(found.into_iter().cloned().collect()).json()),
    }
}

fn walk<'a>(value: &'a Value, steps: &[Step], found: &mut Vec<&'a Value>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(value);
        return;
    };
    match (step, value) {
        (Step::Name(name), Value::Object(members)) => {
            if let Some((_, value)) = members.iter().find(|(other, _)| other == name) {
                walk(value, rest, found);
            }
        }
        (Step::Item(place), Value::Array(items)) => {
            if let Some(item) = items.get(*place) {
                walk(item, rest, found);
            }
        }
        (Step::Items, Value::Array(items)) => items.iter().for_each(|item| walk(item, rest, found)),
        _ => {}
    }
}
