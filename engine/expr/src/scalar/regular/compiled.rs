//! A regular expression of Java's, compiled to one that takes time linear in the text.

use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use regex::Regex;

use super::java::in_rust;

/// A regular expression.
pub struct Compiled(Regex);

/// Where the groups of a match stand in the text; the first is all of it.
pub type Groups = Vec<Option<(usize, usize)>>;

impl Compiled {
    /// Of a pattern of Java's.
    ///
    /// # Errors
    /// If it is none, or looks around or back.
    pub fn new(pattern: &str) -> Result<Compiled> {
        // What Rust's syntax lacks is refused, never guessed.
        Regex::new(&in_rust(pattern)).map(Compiled).map_err(|error| {
            let what = error.to_string();
            let last = what.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
            exec_datafusion_err!("the regular expression '{pattern}' cannot be used: {last}")
        })
    }

    /// Number of groups, the whole match among them.
    pub fn group_count(&self) -> usize {
        self.0.captures_len()
    }

    /// The number of the group of this name.
    pub fn group_named(&self, name: &str) -> Option<usize> {
        self.0.capture_names().position(|other| other == Some(name))
    }

    /// True if it matches somewhere.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// Where it matches first, at or behind a place.
    pub fn find_at(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        self.0.find_at(text, from).map(|found| (found.start(), found.end()))
    }

    /// The groups of the first match at or behind a place.
    pub fn groups_at(&self, text: &str, from: usize) -> Option<Groups> {
        let captures = self.0.captures_at(text, from)?;
        Some(captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect())
    }

    /// The groups of all matches, as Java finds them one behind the other: an empty one may follow a match.
    pub fn all_groups(&self, text: &str) -> Vec<Groups> {
        let mut all = Vec::new();
        let mut from = Some(0);
        while let Some(groups) = from.and_then(|from| self.groups_at(text, from)) {
            from = groups.first().copied().flatten().and_then(|found| next_place(text, found));
            all.push(groups);
        }
        all
    }

    /// Where all matches stand.
    pub fn find_all(&self, text: &str) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        let mut from = Some(0);
        while let Some(found) = from.and_then(|from| self.find_at(text, from)) {
            from = next_place(text, found);
            all.push(found);
        }
        all
    }
}

/// Where the search goes on behind a match: one letter further, if it was empty.
fn next_place(text: &str, (start, end): (usize, usize)) -> Option<usize> {
    match start == end {
        true => text[end..].chars().next().map(|letter| end + letter.len_utf8()),
        false => Some(end),
    }
}
