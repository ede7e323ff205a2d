//! Finds what somebody meant by a name that does not exist.

/// The name most like `wrong`, if one is like it enough to be worth suggesting. Case, `-`, `.` and camelCase do not
/// count as differences.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A long name is nobody's slip of the finger, and the distance costs the product of both lengths.
    if wrong.len() > 100 {
        return None;
    }
    let wrong = plain(wrong);
    let allowed = (wrong.chars().count() / 3).max(1);
    let distance = |name: &'a str| (strsim::damerau_levenshtein(&wrong, &plain(name)), name);
    names
        .into_iter()
        .map(distance)
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A name in small letters without the signs between its words.
fn plain(name: &str) -> String {
    name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
