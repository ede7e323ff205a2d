//! A section on its way to being read: known and unknown keys, wrong types, missing keys.

use std::ops::Range;

use crate::nearest::nearest;
use crate::problem::{Problem, Problems};
use crate::quantity;
use crate::reference::{KeySet, PLANNED, Part, Without};
use crate::tree::{Entry, Node, Section, Text, Value};

/// A section on its way to being read, with the keys that it may have.
pub struct Keys<'a> {
    section: &'a Section,
    at: Range<usize>,
    title: String,
    allowed: KeySet,
    /// Keys that somebody meant but wrote otherwise: not missing, but misspelt.
    meant: Vec<&'static str>,
}

/// Marks problems that a syntax error elsewhere may have caused.
pub(crate) const MISSING_LABEL: &str = "missing here";

/// A problem of something that is not there.
pub fn missing(at: Range<usize>, title: impl Into<String>) -> Problem {
    Problem::new(at, title).label(MISSING_LABEL)
}

impl<'a> Keys<'a> {
    /// A section that lies at `at` and is called `title` in messages; keys that are not allowed are problems.
    pub fn new(section: &'a Section, at: Range<usize>, title: &str, allowed: KeySet, problems: &mut Problems) -> Self {
        let mut meant = Vec::new();
        for entry in &section.entries {
            if allowed.get(&entry.name).is_none() {
                let suggestion = suggestion(&entry.name, &allowed);
                problems.push(unknown(entry, title, &allowed, suggestion));
                meant.extend(suggestion);
            }
        }
        Self { section, at, title: title.to_owned(), allowed, meant }
    }

    /// A section whose keys are those of a part that every job file has.
    pub(crate) fn of_part(
        section: &'a Section,
        at: Range<usize>,
        title: &str,
        part: Part,
        problems: &mut Problems,
    ) -> Self {
        Self::new(section, at, title, KeySet::of_part(part), problems)
    }

    /// Where the section lies.
    pub fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// True if the key is there, valid or not.
    pub fn has(&self, name: &str) -> bool {
        self.section.get(name).is_some()
    }

    /// The key as it is, if it is there, valid or not.
    pub(crate) fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.section.get(name)
    }

    /// True if the key is not there, but a misspelling of it is.
    pub fn is_misspelt(&self, name: &str) -> bool {
        self.meant.contains(&name)
    }

    /// A key, if it is there. A required one that is missing is a problem.
    pub fn get(&self, name: &str, problems: &mut Problems) -> Option<&'a Entry> {
        let entry = self.section.get(name);
        // What the file as a whole lacks is said with more words by who reads it.
        let is_asked_for = self.allowed.part() != Part::File && !self.is_misspelt(name);
        if let (None, Some(key), true) = (entry, self.allowed.get(name), is_asked_for)
            && key.without == Without::Required
        {
            let title = format!("`{name}` is missing in {}", self.title);
            problems.push(missing(self.at(), title).help(format!("add {}", key.example)));
        }
        entry
    }

    /// A string.
    pub fn text(&self, name: &str, problems: &mut Problems) -> Option<&'a Text> {
        let entry = self.get(name, problems)?;
        match &entry.node.value {
            Value::Text(text) if text.value.trim().is_empty() => {
                let problem =
                    Problem::new(entry.node.span.clone(), format!("`{name}` is empty")).label("nothing is in it");
                problems.push(problem.help(self.example(name)));
                None
            }
            Value::Text(text) => Some(text),
            _ => {
                self.wrong_type(entry, problems);
                None
            }
        }
    }

    /// A whole number of 1 or more.
    pub fn count(&self, name: &str, problems: &mut Problems) -> Option<u64> {
        let entry = self.get(name, problems)?;
        match &entry.node.value {
            Value::Integer(number) if *number >= 1 => u64::try_from(*number).ok(),
            Value::Integer(_) => {
                let problem = Problem::new(entry.node.span.clone(), format!("`{name}` is too small"));
                problems.push(problem.label("must be 1 or more").help(self.example(name)));
                None
            }
            _ => {
                self.wrong_type(entry, problems);
                None
            }
        }
    }

    /// True or false.
    pub fn flag(&self, name: &str, problems: &mut Problems) -> Option<bool> {
        let entry = self.get(name, problems)?;
        if let Value::Boolean(value) = entry.node.value {
            return Some(value);
        }
        self.wrong_type(entry, problems);
        None
    }

    /// A section inside this one, with its place.
    pub fn section(&self, name: &str, problems: &mut Problems) -> Option<(&'a Section, Range<usize>)> {
        let entry = self.get(name, problems)?;
        match &entry.node.value {
            Value::Section(section) => Some((section, entry.name_span.clone())),
            _ => {
                self.wrong_type(entry, problems);
                None
            }
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        let text = self.text(name, problems)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let near = if text.hidden { None } else { nearest(&text.value, words.iter().copied()) };
        let help = match near {
            Some(word) => format!("write {name} = \"{word}\""),
            None => format!("write one of {}", quoted_list(&words)),
        };
        let title = format!("`{name}` cannot be {}", text.shown());
        problems.push(Problem::new(text.content.clone(), title).label("not one of its words").help(help));
        None
    }

    /// A duration in microseconds; `None` in `Some` for the word `none` where that is allowed.
    pub fn duration_us(&self, name: &str, none_allowed: bool, problems: &mut Problems) -> Option<Option<i64>> {
        let text = self.text(name, problems)?;
        if none_allowed && text.value == "none" {
            return Some(None);
        }
        match quantity::duration_us(&text.value) {
            Ok(duration_us) => Some(Some(duration_us)),
            Err(reason) => {
                let title = format!("`{name}` is not a duration: {}", text.shown());
                problems.push(Problem::new(text.content.clone(), title).label(reason).help(self.example(name)));
                None
            }
        }
    }

    /// A duration of more than zero in microseconds, where words are allowed too (`takes` names them).
    pub fn duration_or(&self, name: &str, takes: &str, problems: &mut Problems) -> Option<i64> {
        let text = self.text(name, problems)?;
        let label = match quantity::duration_us(&text.value) {
            Ok(0) => "it must be more than nothing",
            Ok(duration_us) => return Some(duration_us),
            Err(reason) => reason,
        };
        let title = format!("`{name}` cannot be {}", text.shown());
        problems.push(Problem::new(text.content.clone(), title).label(label).help(format!("write {takes}")));
        None
    }

    /// A list of strings that are not empty and differ from each other; `what` is what one of them is.
    pub fn texts(&self, name: &str, what: &str, problems: &mut Problems) -> Option<Vec<&'a Text>> {
        let entry = self.get(name, problems)?;
        let Value::List(items) = &entry.node.value else {
            self.wrong_type(entry, problems);
            return None;
        };
        let mut texts: Vec<&'a Text> = Vec::new();
        for item in items {
            let Value::Text(text) = &item.value else {
                wrong_type(item, name, &format!("a {what} in quotes"), self.example(name), problems);
                continue;
            };
            if texts.iter().any(|other| other.value == text.value) {
                let problem = Problem::new(text.content.clone(), format!("a {what} is named twice"));
                problems.push(problem.label("there already").help(format!("name each {what} once")));
            }
            texts.push(text);
        }
        if items.is_empty() {
            let problem = Problem::new(entry.node.span.clone(), format!("`{name}` is empty")).label("nothing is in it");
            problems.push(problem.help(self.example(name)));
        }
        Some(texts)
    }

    /// A whole number of 0 or more.
    pub fn number(&self, name: &str, problems: &mut Problems) -> Option<u64> {
        let entry = self.get(name, problems)?;
        let number = match entry.node.value {
            Value::Integer(number) => u64::try_from(number).ok(),
            _ => {
                self.wrong_type(entry, problems);
                return None;
            }
        };
        if number.is_none() {
            let problem = Problem::new(entry.node.span.clone(), format!("`{name}` is too small"));
            problems.push(problem.label("must be 0 or more").help(self.example(name)));
        }
        number
    }

    /// A size in bytes.
    pub fn size_bytes(&self, name: &str, problems: &mut Problems) -> Option<u64> {
        let text = self.text(name, problems)?;
        let reason = match quantity::size_bytes(&text.value) {
            Ok(0) => "it must be more than nothing",
            Ok(size_bytes) => return Some(size_bytes),
            Err(reason) => reason,
        };
        let title = format!("`{name}` is not a size: {}", text.shown());
        problems.push(Problem::new(text.content.clone(), title).label(reason).help(self.example(name)));
        None
    }

    /// Notes that a key's value is of the wrong type.
    pub fn wrong_type(&self, entry: &Entry, problems: &mut Problems) {
        let takes = self.allowed.get(&entry.name).map_or("something else", |key| key.takes);
        wrong_type(&entry.node, &entry.name, takes, self.example(&entry.name), problems);
    }

    /// How a key is written, as help.
    pub fn example(&self, name: &str) -> String {
        self.allowed
            .get(name)
            .map(|key| format!("write for example {}", key.example.replace('\n', "  ")))
            .unwrap_or_default()
    }
}

/// Notes that a value is of the wrong type, unless it is known to be broken.
pub fn wrong_type(node: &Node, name: &str, takes: &str, help: String, problems: &mut Problems) {
    if !matches!(node.value, Value::Broken) {
        let title = format!("`{name}` has the wrong type");
        let label = format!("this is {}; expected: {takes}", node.value.kind());
        problems.push(Problem::new(node.span.clone(), title).label(label).help(help));
    }
}

/// `"a", "b" or "c"`.
pub fn quoted_list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The key that somebody meant by a name.
fn suggestion(name: &str, allowed: &KeySet) -> Option<&'static str> {
    if planned(name, allowed.part()).is_some() {
        return None;
    }
    allowed.by_foreign_name(name).or_else(|| nearest(name, allowed.names()))
}

/// What to do until a key is built.
fn planned(name: &str, part: Part) -> Option<&'static str> {
    PLANNED.iter().find(|(planned, key, _)| *planned == part && *key == name).map(|(_, _, remedy)| *remedy)
}

fn unknown(entry: &Entry, title: &str, allowed: &KeySet, suggestion: Option<&str>) -> Problem {
    let name = entry.name.as_str();
    if let Some(remedy) = planned(name, allowed.part()) {
        let problem = Problem::new(entry.name_span.clone(), format!("`{name}` is not there yet"));
        return problem.label("planned, but not built yet").help(remedy);
    }
    let help = match suggestion {
        Some(ours) => format!("write `{ours}`"),
        None => format!("its keys are {}", allowed.names().collect::<Vec<_>>().join(", ")),
    };
    Problem::new(entry.name_span.clone(), format!("unknown key `{name}`"))
        .label(format!("not a key of {title}"))
        .help(help)
}
