//! Paths into a VARIANT: `$`, `$.a.b`, `$['a b']`, `$[0]`.

use super::item::Item;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A member.
    Name(String),
    /// An item, from 0.
    Place(usize),
}

/// A path's steps; none if it is no path.
pub fn parse(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let quote = ["['", "[\""].into_iter().find(|open| rest.starts_with(open));
        if let Some(open) = quote {
            let close = if open == "['" { "']" } else { "\"]" };
            let (name, after) = rest[open.len()..].split_once(close)?;
            steps.push(Step::Name(name.to_string()));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (place, after) = after.split_once(']')?;
            if place.is_empty() || !place.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            steps.push(Step::Place(place.parse().ok()?));
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let (name, after) = after.split_at(after.find(['.', '[']).unwrap_or(after.len()));
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Name(name.to_string()));
            rest = after;
        }
    }
    Some(steps)
}

/// What a path leads to.
pub fn find<'a>(item: &'a Item, steps: &[Step]) -> Option<&'a Item> {
    steps.iter().try_fold(item, |item, step| match (step, item) {
        (Step::Name(name), Item::Object(members)) => {
            members.iter().find(|(other, _)| other == name).map(|(_, value)| value)
        }
        (Step::Place(place), Item::Array(items)) => items.get(*place),
        _ => None,
    })
}
