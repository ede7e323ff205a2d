//! The schema of a VARIANT in Spark's words: `OBJECT<a: BIGINT, b: ARRAY<STRING>>`.

use super::item::Item;
use super::json::plain_decimal;

/// The type of a value, or of several together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Only `null`.
    Void,
    /// A type without parts, by its name.
    Plain(&'static str),
    /// DECIMAL: digits, and digits behind the point.
    Decimal(u32, u32),
    /// An array.
    Array(Box<Shape>),
    /// An object, members in the order of their names.
    Object(Vec<(String, Shape)>),
    /// Values of different types.
    Variant,
}

const BIGINT: Shape = Shape::Plain("BIGINT");
const DOUBLE: Shape = Shape::Plain("DOUBLE");

/// The type of a value.
pub fn shape_of(item: &Item) -> Shape {
    match item {
        Item::Null => Shape::Void,
        Item::Flag(_) => Shape::Plain("BOOLEAN"),
        Item::Whole(_) => BIGINT,
        Item::Float(_) => Shape::Plain("FLOAT"),
        Item::Double(_) => DOUBLE,
        Item::Decimal(digits, scale) => {
            let (digits, scale) = plain_decimal(*digits, *scale);
            let count = digits.unsigned_abs().checked_ilog10().map_or(1, |count| count + 1);
            Shape::Decimal(count.max(u32::from(scale)), u32::from(scale))
        }
        Item::Text(_) => Shape::Plain("STRING"),
        Item::Bytes(_) => Shape::Plain("BINARY"),
        Item::Day(_) => Shape::Plain("DATE"),
        Item::Instant(_) => Shape::Plain("TIMESTAMP"),
        Item::LocalInstant(_) => Shape::Plain("TIMESTAMP_NTZ"),
        Item::Array(items) => Shape::Array(Box::new(items.iter().map(shape_of).fold(Shape::Void, Shape::with))),
        Item::Object(members) => {
            Shape::Object(members.iter().map(|(name, value)| (name.clone(), shape_of(value))).collect())
        }
    }
}

impl Shape {
    /// The type of values of either type.
    #[must_use]
    pub fn with(self, other: Shape) -> Shape {
        match (self, other) {
            (left, right) if left == right => left,
            (Shape::Void, other) | (other, Shape::Void) => other,
            (Shape::Array(left), Shape::Array(right)) => Shape::Array(Box::new(left.with(*right))),
            (Shape::Object(left), Shape::Object(right)) => Shape::Object(merged(left, right)),
            (left, right) => numbers(&left, &right).unwrap_or(Shape::Variant),
        }
    }

    /// In Spark's words.
    pub fn text(&self) -> String {
        match self {
            Shape::Void => "VOID".to_string(),
            Shape::Plain(name) => (*name).to_string(),
            Shape::Decimal(precision, scale) => format!("DECIMAL({precision},{scale})"),
            Shape::Array(element) => format!("ARRAY<{}>", element.text()),
            Shape::Object(members) => {
                let members = members.iter().map(|(name, kind)| format!("{}: {}", quoted(name), kind.text()));
                format!("OBJECT<{}>", members.collect::<Vec<_>>().join(", "))
            }
            Shape::Variant => "VARIANT".to_string(),
        }
    }
}

/// A name in backticks, if it must be.
pub fn quoted(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let has_letter = name.chars().any(|letter| !letter.is_ascii_digit());
    match !name.is_empty() && has_letter && name.chars().all(is_plain) {
        true => name.to_string(),
        false => format!("`{}`", name.replace('`', "``")),
    }
}

fn numbers(left: &Shape, right: &Shape) -> Option<Shape> {
    let as_decimal = |shape: &Shape| match shape {
        Shape::Decimal(precision, scale) => Some((*precision, *scale)),
        shape if *shape == BIGINT => Some((20, 0)),
        _ => None,
    };
    let is_number = |shape: &Shape| *shape == DOUBLE || *shape == Shape::Plain("FLOAT") || as_decimal(shape).is_some();
    if !is_number(left) || !is_number(right) {
        return None;
    }
    let (Some((left, left_scale)), Some((right, right_scale))) = (as_decimal(left), as_decimal(right)) else {
        return Some(DOUBLE);
    };
    let scale = left_scale.max(right_scale);
    let precision = (left - left_scale).max(right - right_scale) + scale;
    Some(if precision > 38 { DOUBLE } else { Shape::Decimal(precision, scale) })
}

fn merged(left: Vec<(String, Shape)>, right: Vec<(String, Shape)>) -> Vec<(String, Shape)> {
    let mut members: std::collections::BTreeMap<String, Shape> = left.into_iter().collect();
    for (name, kind) in right {
        let kind = match members.remove(&name) {
            Some(other) => other.with(kind),
            None => kind,
        };
        members.insert(name, kind);
    }
    members.into_iter().collect()
}

impl Shape {
    /// The type that [`Shape::text`] has written.
    pub fn parse(text: &str) -> Option<Shape> {
        let (shape, rest) = read(text)?;
        rest.is_empty().then_some(shape)
    }
}

/// The type at the beginning of a text, and what stands behind it.
fn read(text: &str) -> Option<(Shape, &str)> {
    const PLAIN: [&str; 9] =
        ["BOOLEAN", "BIGINT", "FLOAT", "DOUBLE", "STRING", "BINARY", "DATE", "TIMESTAMP_NTZ", "TIMESTAMP"];
    if let Some(rest) = text.strip_prefix("VOID") {
        return Some((Shape::Void, rest));
    }
    if let Some(rest) = text.strip_prefix("VARIANT") {
        return Some((Shape::Variant, rest));
    }
    if let Some(rest) = text.strip_prefix("DECIMAL(") {
        let (digits, rest) = rest.split_once(')')?;
        let (precision, scale) = digits.split_once(',')?;
        return Some((Shape::Decimal(precision.parse().ok()?, scale.parse().ok()?), rest));
    }
    if let Some(rest) = text.strip_prefix("ARRAY<") {
        let (element, rest) = read(rest)?;
        return Some((Shape::Array(Box::new(element)), rest.strip_prefix('>')?));
    }
    if let Some(mut rest) = text.strip_prefix("OBJECT<") {
        let mut members = Vec::new();
        while !rest.starts_with('>') {
            rest = rest.strip_prefix(", ").unwrap_or(rest);
            let (name, after) = name(rest)?;
            let (kind, after) = read(after.strip_prefix(": ")?)?;
            members.push((name, kind));
            rest = after;
        }
        return Some((Shape::Object(members), &rest[1..]));
    }
    let name = PLAIN.into_iter().find(|name| text.starts_with(name))?;
    Some((Shape::Plain(name), &text[name.len()..]))
}

/// A name that [`quoted`] has written, and what stands behind it.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.strip_prefix('`') else {
        let end = text.find(':')?;
        return Some((text[..end].to_string(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = inner;
    loop {
        let (part, after) = rest.split_once('`')?;
        name.push_str(part);
        match after.strip_prefix('`') {
            Some(after) => {
                name.push('`');
                rest = after;
            }
            None => return Some((name, after)),
        }
    }
}
