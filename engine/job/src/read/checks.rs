//! What names may look like.

use std::ops::Range;

use crate::problem::{Problem, Problems};
use crate::reference::{self, Part};
use crate::tree::{Entry, Section, Value};

/// Longest name: it is part of folder and file names.
const NAME_LEN_MAX: usize = 100;

/// A name for SQL that is also safe as a folder: a letter, then letters, digits and `_`.
pub(super) fn identifier(name: &str, at: &Range<usize>, what: &str, problems: &mut Problems) {
    let label = if name.len() > NAME_LEN_MAX {
        "at most 100 characters"
    } else if !name.starts_with(|sign: char| sign.is_ascii_alphabetic()) {
        "must begin with a letter"
    } else if !name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
        "only letters, digits and `_`"
    } else {
        return;
    };
    let safe = |sign: char| if sign.is_ascii_alphanumeric() { sign } else { '_' };
    let cleaned: String = name.chars().map(safe).take(NAME_LEN_MAX - 10).collect();
    let help = match cleaned.trim_start_matches('_') {
        "" => "choose a name that begins with a letter".to_owned(),
        digits if digits.starts_with(|sign: char| sign.is_ascii_digit()) => {
            format!("write for example `{what}_{digits}`")
        }
        name => format!("write for example `{name}`"),
    };
    let problem = Problem::new(at.clone(), format!("this cannot be the name of a {what}")).label(label);
    problems.push(problem.help(help));
}

/// A name that no other one equals if case is ignored: SQL and some file systems do not tell them apart.
pub(super) fn unlike_others<'a>(
    others: impl IntoIterator<Item = &'a String>,
    name: &str,
    at: &Range<usize>,
    what: &str,
    problems: &mut Problems,
) {
    if let Some(other) = others.into_iter().find(|other| other.eq_ignore_ascii_case(name)) {
        problems.blur();
        let problem = Problem::new(at.clone(), format!("two {what}s are called `{name}`"));
        let label = if other == name {
            "there already".to_owned()
        } else {
            format!("`{other}` is there already, and case makes no difference")
        };
        problems.push(problem.label(label).help(format!("give each {what} a name of its own")));
    }
}

/// True if plain keys of a part stand in a section that should hold sections with names: `[source]`, `[table.NAME]`.
pub(super) fn holds_keys_of(part: Part, section: &Section) -> bool {
    let plain = |entry: &Entry| !matches!(entry.node.value, Value::Section(_));
    let known = |entry: &Entry| reference::keys(part).any(|key| key.name == entry.name);
    section.entries.iter().any(|entry| plain(entry) && known(entry))
}
