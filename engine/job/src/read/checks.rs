//! What names may look like, and what is said of those that are wrong or missing.

use std::ops::Range;

use crate::nearest::nearest;
use crate::problem::{Problem, Problems};
use crate::reference::KeySet;
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
    // Shorter than it may be, as a word is put before what begins with a digit.
    let safe = |sign: char| if sign.is_ascii_alphanumeric() { sign } else { '_' };
    let cleaned: String = name.chars().map(safe).take(NAME_LEN_MAX - 10).collect();
    let help = match cleaned.trim_start_matches('_') {
        "" => "choose a name that begins with a letter".to_owned(),
        digits if digits.starts_with(|sign: char| sign.is_ascii_digit()) => {
            format!("write for example `{what}_{digits}`")
        }
        name => format!("write for example `{name}`"),
    };
    let article = if what.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    let problem = Problem::new(at.clone(), format!("this cannot be the name of {article} {what}")).label(label);
    problems.push(problem.help(help));
}

/// A name that no other one equals if case is ignored: SQL and some file systems take them for one.
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
pub(super) fn holds_keys_of(keys: &KeySet, section: &Section) -> bool {
    let plain = |entry: &Entry| !matches!(entry.node.value, Value::Section(_));
    section.entries.iter().any(|entry| plain(entry) && keys.get(&entry.name).is_some())
}

/// Plain keys of a part stand where a section with a name must be.
pub(super) fn nameless(at: &Range<usize>, what: &str, example: &str) -> Problem {
    let problem =
        Problem::new(at.clone(), format!("a {what} without a name")).label("its keys are here, its name is not");
    problem.help(format!("write {example}, with names of your choice, above its keys"))
}

/// A name in a test that the job does not have.
pub(super) fn unknown<'a>(entry: &Entry, what: &str, names: impl Iterator<Item = &'a String>) -> Problem {
    let names: Vec<&str> = names.map(String::as_str).collect();
    let help = match nearest(&entry.name, names.iter().copied()) {
        Some(near) => format!("write `{near}`"),
        None if names.is_empty() => format!("add the {what} to the job, or take this away"),
        None => format!("the job has {}", names.join(", ")),
    };
    Problem::new(entry.name_span.clone(), format!("the job has no {what} `{}`", entry.name))
        .label(format!("not a {what} of this job"))
        .help(help)
}
