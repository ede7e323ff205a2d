//! Types that texts show: what `schema_of_json`, `schema_of_csv` and `schema_of_xml` say.

use std::collections::BTreeMap;

use super::instant_text::{parse_day, parse_instant};
use crate::variant::quoted;

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inferred {
    /// Nothing was seen yet: a text, if it stays so.
    Null,
    /// A type without parts, by its name.
    Plain(&'static str),
    /// DECIMAL: digits, and digits behind the point.
    Decimal(usize, usize),
    /// An array.
    Array(Box<Inferred>),
    /// A struct, members in the order of their names.
    Struct(Vec<(String, Inferred)>),
}

/// Whole numbers.
pub const BIGINT: Inferred = Inferred::Plain("BIGINT");
/// Numbers with a point.
pub const DOUBLE: Inferred = Inferred::Plain("DOUBLE");
/// Texts.
pub const STRING: Inferred = Inferred::Plain("STRING");
/// Booleans.
pub const BOOLEAN: Inferred = Inferred::Plain("BOOLEAN");

impl Inferred {
    /// The type of values of either type: what has none in common is a text.
    #[must_use]
    pub fn with(self, other: Inferred) -> Inferred {
        match (self, other) {
            (left, right) if left == right => left,
            (Inferred::Null, other) | (other, Inferred::Null) => other,
            (Inferred::Array(left), Inferred::Array(right)) => Inferred::Array(Box::new(left.with(*right))),
            (Inferred::Struct(left), Inferred::Struct(right)) => {
                let mut members: BTreeMap<String, Inferred> = left.into_iter().collect();
                for (name, kind) in right {
                    let before = members.remove(&name).unwrap_or(Inferred::Null);
                    members.insert(name, before.with(kind));
                }
                Inferred::Struct(members.into_iter().collect())
            }
            (left, right) => numbers(&left, &right).unwrap_or(STRING),
        }
    }

    /// In Spark's words.
    pub fn text(&self) -> String {
        match self {
            Inferred::Null => "STRING".to_string(),
            Inferred::Plain(name) => (*name).to_string(),
            Inferred::Decimal(precision, scale) => format!("DECIMAL({precision},{scale})"),
            Inferred::Array(element) => format!("ARRAY<{}>", element.text()),
            Inferred::Struct(members) => {
                let members = members.iter().map(|(name, kind)| format!("{}: {}", quoted(name), kind.text()));
                format!("STRUCT<{}>", members.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn numbers(left: &Inferred, right: &Inferred) -> Option<Inferred> {
    let digits = |kind: &Inferred| match kind {
        Inferred::Decimal(precision, scale) => Some((*precision, *scale)),
        Inferred::Plain("INT") => Some((10, 0)),
        Inferred::Plain("BIGINT") => Some((20, 0)),
        _ => None,
    };
    let is_number = |kind: &Inferred| *kind == DOUBLE || digits(kind).is_some();
    match (left, right) {
        (Inferred::Plain("INT"), Inferred::Plain("BIGINT")) | (Inferred::Plain("BIGINT"), Inferred::Plain("INT")) => {
            Some(BIGINT)
        }
        (Inferred::Plain("DATE"), Inferred::Plain("TIMESTAMP"))
        | (Inferred::Plain("TIMESTAMP"), Inferred::Plain("DATE")) => Some(Inferred::Plain("TIMESTAMP")),
        (left, right) if is_number(left) && is_number(right) => match (digits(left), digits(right)) {
            (Some((left, left_scale)), Some((right, right_scale))) => {
                let scale = left_scale.max(right_scale);
                let precision = (left - left_scale).max(right - right_scale) + scale;
                Some(if precision > 38 { DOUBLE } else { Inferred::Decimal(precision, scale) })
            }
            _ => Some(DOUBLE),
        },
        _ => None,
    }
}

/// The type of a word without quotes, as in CSV (`has_narrow`: also INT and DECIMAL) and in XML.
pub fn of_word(word: &str, has_narrow: bool) -> Inferred {
    let is_digits = {
        let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
    };
    let is_numeral = word.starts_with(|letter: char| letter.is_ascii_digit() || "+-.".contains(letter));
    if word.is_empty() {
        Inferred::Null
    } else if has_narrow && word.parse::<i32>().is_ok() {
        Inferred::Plain("INT")
    } else if word.parse::<i64>().is_ok() {
        BIGINT
    } else if has_narrow && is_digits && word.len() <= 38 {
        Inferred::Decimal(word.trim_start_matches(['-', '+']).len(), 0)
    } else if is_numeral && word.parse::<f64>().is_ok_and(f64::is_finite)
        || has_narrow && ["NaN", "Inf", "-Inf"].contains(&word)
    {
        DOUBLE
    } else if word.len() == 10 && parse_day(word).is_some() {
        Inferred::Plain("DATE")
    } else if parse_instant(word).is_some() {
        Inferred::Plain("TIMESTAMP")
    } else if ["true", "false"].contains(&word.to_lowercase().as_str()) {
        BOOLEAN
    } else {
        STRING
    }
}
