//! A JSON value, with its members in their order and its numbers as they stand in the text.

use std::fmt::Write;

use super::super::number_text::double_text;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Flag(bool),
    /// A number, as it stands in the text.
    Number(String),
    /// A text.
    Text(String),
    /// `[…]`
    Array(Vec<Value>),
    /// `{…}`, members in their order.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// As a text: a text without quotes, `null` is none, anything else its JSON.
    pub fn text(&self) -> Option<String> {
        match self {
            Value::Null => None,
            Value::Text(text) => Some(text.clone()),
            other => Some(other.json()),
        }
    }

    /// Its JSON, without blanks.
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Value::Number(text) => number(text, out),
            Value::Text(text) => quote(text, out),
            Value::Array(items) => array(items, out, Value::write),
            Value::Object(members) => object(members, out, Value::write),
        }
    }
}

/// Writes an array, each item by itself.
pub fn array<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

/// Writes an object, each value by itself.
pub fn object<T>(members: &[(String, T)], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('{');
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(name, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

/// A number as Spark writes it again: with a point or an exponent it is a double.
fn number(text: &str, out: &mut String) {
    if !text.contains(['.', 'e', 'E', 'N', 'I']) {
        return out.push_str(text);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => out.push_str(&double_text(value)),
        Ok(value) => quote(&double_text(value), out),
        Err(_) => out.push_str(text),
    }
}

/// Writes a text in quotes.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            letter if (letter as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04X}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}
