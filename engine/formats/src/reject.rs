//! Why a record was not decoded, in words for the person who sent it.

use std::fmt;

use crate::limits::{QUOTED_BYTES_MAX, REASON_BYTES_MAX};
use crate::span::{Kind, Malformed, Span};

/// A record that was not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Names the field, what was expected and what was found, or the byte where the text stops being a JSON object.
    /// At most [`REASON_BYTES_MAX`] bytes.
    pub reason: String,
}

impl Reject {
    /// A reject with this reason, cut to its limit.
    pub(crate) fn new(mut reason: String) -> Reject {
        if reason.len() > REASON_BYTES_MAX {
            let kept = prefix(&reason, REASON_BYTES_MAX - '…'.len_utf8()).len();
            reason.truncate(kept);
            reason.push('…');
        }
        Reject { reason }
    }

    pub(crate) fn malformed(malformed: Malformed) -> Reject {
        Reject::new(format!("not a JSON object: {} at byte {}", malformed.problem, malformed.at))
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

impl std::error::Error for Reject {}

/// A value that does not fit its column. The path grows from the value outwards while the call stack unwinds.
#[derive(Debug)]
pub(crate) struct Fault {
    path: String,
    problem: String,
}

impl Fault {
    /// `expected <type>, found <value><detail>`.
    pub(crate) fn mismatch(expected: &str, record: &[u8], span: Span, detail: &str) -> Box<Fault> {
        let text = String::from_utf8_lossy(span.text(record));
        let cut = prefix(&text, QUOTED_BYTES_MAX);
        let more = if cut.len() < text.len() { "…" } else { "" };
        let found = match span.kind {
            Kind::String | Kind::EscapedString => format!("string \"{cut}{more}\""),
            Kind::Integer | Kind::Fraction => format!("number {cut}{more}"),
            Kind::Object => format!("object {cut}{more}"),
            Kind::Array => format!("array {cut}{more}"),
            Kind::True => "boolean true".to_owned(),
            Kind::False => "boolean false".to_owned(),
            Kind::Null => "null".to_owned(),
        };
        Box::new(Fault { path: String::new(), problem: format!("expected {expected}, found {found}{detail}") })
    }

    /// A required value that is not there, or null.
    pub(crate) fn missing() -> Box<Fault> {
        Box::new(Fault { path: String::new(), problem: "missing".to_owned() })
    }

    /// A part of a record that has been scanned before turns out not to be JSON: a bug of ours, but the record is
    /// rejected and the job goes on.
    pub(crate) fn malformed(malformed: Malformed) -> Box<Fault> {
        Box::new(Fault { path: String::new(), problem: format!("{} at byte {}", malformed.problem, malformed.at) })
    }

    pub(crate) fn in_element(mut self: Box<Fault>, index: usize) -> Box<Fault> {
        self.path.insert_str(0, &format!("[{index}]"));
        self
    }

    pub(crate) fn in_entry(mut self: Box<Fault>, key: &[u8]) -> Box<Fault> {
        self.path.insert_str(0, &format!("[\"{}\"]", prefix(&String::from_utf8_lossy(key), QUOTED_BYTES_MAX)));
        self
    }

    pub(crate) fn in_member(mut self: Box<Fault>, name: &str) -> Box<Fault> {
        self.path.insert_str(0, &format!(".{name}"));
        self
    }

    pub(crate) fn in_field(&self, field: &str) -> Reject {
        // A path of 64 long names must not push what is wrong out of the reason.
        let path = format!("{field}{}", self.path);
        let cut = prefix(&path, REASON_BYTES_MAX / 2);
        let more = if cut.len() < path.len() { "…" } else { "" };
        match self.problem.as_str() {
            "missing" => Reject::new(format!("field \"{cut}{more}\" is missing")),
            problem => Reject::new(format!("field \"{cut}{more}\": {problem}")),
        }
    }
}

/// The longest prefix of at most `bytes_max` bytes that ends between two characters.
fn prefix(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
