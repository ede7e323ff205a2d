//! The job file as a tree in which every key and value knows its place.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use crate::problem::{Problem, Problems};
use crate::variable::{self, FaultKind};

/// How deeply values may be nested: more than any key of a job file needs.
const DEPTH_MAX: usize = 16;

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands, quotes and brackets included.
    pub span: Range<usize>,
    /// What it is.
    pub value: Value,
}

/// A value of the file.
#[derive(Debug, Clone)]
pub enum Value {
    /// A string.
    Text(Text),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A date or time of TOML, written without quotes.
    Datetime(Datetime),
    /// `[…]`
    List(Vec<Node>),
    /// `{…}`, or the keys below a line `[…]`.
    Section(Section),
    /// A problem with it is known already; nothing more is to be said about it.
    Broken,
}

/// A string of the file.
#[derive(Debug, Clone)]
pub struct Text {
    /// What it says with its variables put in. May be secret.
    pub value: String,
    /// True if variables were put in: then `value` must not be shown.
    pub hidden: bool,
    /// Where it lies, without its quotes.
    pub content: Range<usize>,
    /// True if the file holds it letter for letter.
    pub literal: bool,
}

/// A section `[…]` or an inline table `{…}`: its keys in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Its keys with their values.
    pub entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub name: String,
    /// Where the key stands; for one from the command line, the whole dotted key.
    pub name_span: Range<usize>,
    /// The value.
    pub node: Node,
}

impl Section {
    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.name == name)
    }
}

impl Entry {
    /// The section that is this key's value, if it is one.
    pub fn section(&self) -> Option<&Section> {
        match &self.node.value {
            Value::Section(section) => Some(section),
            _ => None,
        }
    }

    /// The section that is this key's value, if it is one.
    pub fn section_mut(&mut self) -> Option<&mut Section> {
        match &mut self.node.value {
            Value::Section(section) => Some(section),
            _ => None,
        }
    }
}

impl Text {
    /// The place in the file of some bytes of the string; the whole string if escapes or variables hide it.
    pub fn place(&self, bytes: Range<usize>) -> Range<usize> {
        if self.literal {
            self.content.start + bytes.start..self.content.start + bytes.end
        } else {
            self.content.clone()
        }
    }

    /// The string for a message, in quotes; without its value if variables were put in.
    pub fn shown(&self) -> String {
        if self.hidden { "the value with its variables put in".to_owned() } else { format!("`{}`", self.value) }
    }
}

impl Value {
    /// What kind of value it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::Datetime(_) => "a date",
            Value::List(_) => "a list",
            Value::Section(_) => "a section",
            Value::Broken => "broken",
        }
    }
}

/// Makes trees of parsed TOML.
pub(crate) struct Builder<'a> {
    /// Resolves `${NAME}`.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Where the parsed text begins in the texts of the problems.
    pub offset: usize,
    /// Takes the problems.
    pub problems: &'a mut Problems,
}

impl Builder<'_> {
    /// The tree of a whole file.
    pub fn section(&mut self, table: &DeTable<'_>, depth: usize) -> Section {
        let mut entries: Vec<Entry> = Vec::with_capacity(table.len());
        for (name, value) in table {
            let name_span = self.moved(name.span());
            let node = self.node(value.get_ref(), value.span(), depth + 1);
            entries.push(Entry { name: name.get_ref().to_string(), name_span, node });
        }
        entries.sort_by_key(|entry| entry.name_span.start);
        Section { entries }
    }

    /// The tree of one value.
    pub fn node(&mut self, value: &DeValue<'_>, span: Range<usize>, depth: usize) -> Node {
        let span = self.moved(span);
        if depth > DEPTH_MAX {
            let problem = Problem::new(span.clone(), "nested too deeply")
                .label(format!("more than {DEPTH_MAX} levels"))
                .help("no key of a job file needs that many");
            self.problems.push(problem);
            return Node { span, value: Value::Broken };
        }
        let value = match value {
            DeValue::String(text) => self.text(text, &span),
            DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => self.broken_number(&span),
            },
            DeValue::Float(digits) => match digits.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => self.broken_number(&span),
            },
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(value) => Value::Datetime(*value),
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.node(item.get_ref(), item.span(), depth + 1)).collect())
            }
            DeValue::Table(table) => Value::Section(self.section(table, depth)),
        };
        Node { span, value }
    }

    fn moved(&self, span: Range<usize>) -> Range<usize> {
        span.start + self.offset..span.end + self.offset
    }

    fn broken_number(&mut self, span: &Range<usize>) -> Value {
        self.problems.push(
            Problem::new(span.clone(), "a number out of range")
                .label("too large")
                .help("write a whole number between -9223372036854775808 and 9223372036854775807"),
        );
        Value::Broken
    }

    /// A string that lies at `span`, quotes included (or without quotes, if it came from an override).
    pub fn text(&mut self, written: &str, span: &Range<usize>) -> Value {
        let content = content(self.problems.source().slice(span), span);
        let literal = self.problems.source().slice(&content) == written;
        let resolved = variable::resolve(written, self.variable);
        if resolved.faults.is_empty() {
            let literal = literal && !resolved.used;
            return Value::Text(Text { value: resolved.value, hidden: resolved.used, literal, content });
        }
        for fault in resolved.faults {
            let Range { start, end } = fault.range;
            let place = if literal { content.start + start..content.start + end } else { content.clone() };
            self.problems.push(variable_problem(place, &fault.kind));
        }
        Value::Broken
    }
}

fn variable_problem(place: Range<usize>, kind: &FaultKind) -> Problem {
    match kind {
        FaultKind::Unset(name) => Problem::new(place, format!("the variable `{name}` is not set"))
            .label("not set, and without a default")
            .help(format!("set it (`export {name}=…`) or give it a default: ${{{name}:-value}}")),
        FaultKind::Unclosed => Problem::new(place, "a variable without its end")
            .label("`}` is missing")
            .help("write ${NAME} or ${NAME:-default}; for a plain `${` write $${"),
        FaultKind::NotAName => Problem::new(place, "this is not the name of a variable")
            .label("letters, digits and `_` only, no digit first")
            .help("write ${NAME} or ${NAME:-default}; for a plain `${` write $${"),
        FaultKind::Nested => Problem::new(place, "a default holds another variable")
            .label("a default is plain text")
            .help("write the default out, or put both variables one after the other"),
    }
}

/// Where a string's content lies within its place: the quotes, and a line end right behind `"""`, do not belong to it.
fn content(raw: &str, span: &Range<usize>) -> Range<usize> {
    for quotes in ["\"\"\"", "'''"] {
        if let Some(inner) = raw.strip_prefix(quotes) {
            let line_end = if inner.starts_with("\r\n") { 2 } else { usize::from(inner.starts_with('\n')) };
            let start = span.start + 3 + line_end;
            let closed = inner.strip_suffix(quotes).is_some();
            return start..(if closed { span.end - 3 } else { span.end }).max(start);
        }
    }
    for quote in ['"', '\''] {
        if raw.len() >= 2 && raw.starts_with(quote) && raw.ends_with(quote) {
            return span.start + 1..span.end - 1;
        }
    }
    span.clone()
}

/// Takes a parsed value apart without recursion: dropping a deeply nested one whole could exhaust the stack.
pub(crate) fn dismantle_value(value: DeValue<'_>) {
    let mut values = vec![value];
    while let Some(value) = values.pop() {
        match value {
            DeValue::Table(table) => values.extend(table.into_iter().map(|(_, value)| value.into_inner())),
            DeValue::Array(items) => values.extend(items.into_iter().map(toml::Spanned::into_inner)),
            _ => {}
        }
    }
}
