//! What DataFusion says of a map that has a key twice: it names a setting of its own, which a job has not.

/// What stands before the key in DataFusion's text, and after it (nothing: the end of the line).
const TEXTS: &[(&str, &str)] =
    &[("Duplicate map key ", " was found"), ("map key must be unique, duplicate key found: ", "")];

/// The key that stands twice in a map, if that is what an error's text says.
pub fn duplicate_key(text: &str) -> Option<&str> {
    TEXTS.iter().find_map(|(before, after)| {
        let rest = &text[text.find(before)? + before.len()..];
        if after.is_empty() { rest.lines().next() } else { rest.split_once(after).map(|(key, _)| key) }
    })
}

/// DataFusion's text of an error; where it names a setting of its own, what a job can do instead.
pub fn remedied(text: String) -> String {
    match duplicate_key(&text) {
        Some(key) => format!(
            "[DUPLICATED_MAP_KEY] the key {key} stands twice in a map; keep each key once before the map is made, such as with array_distinct(…)"
        ),
        None => text,
    }
}

#[cfg(test)]
mod tests;
