//! `format_string('%5.2f|%-8s', x, y)`: Java's Formatter in English.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Date32Type, Float32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::error::{DataFusionError, Result};

use super::super::json::to_json;
use super::super::read::{Kind, read_as};
use super::super::round::Half;
use super::super::text::{double_text, float_text, to_text};
use super::rounding::{grouped, rounded};
use crate::row_fault::RowFault;

/// An argument of one row.
enum Value {
    Null,
    Flag(bool),
    Whole(i64, u32),
    Double(f64, String),
    /// What has a text and no other form.
    Text(String),
}

/// One `%…` of a format.
#[derive(Default)]
struct Directive {
    place: Option<usize>,
    flags: String,
    width: Option<usize>,
    precision: Option<usize>,
    conversion: char,
}

enum Part {
    Literal(String),
    Directive(Directive),
}

/// The texts, row by row.
pub fn format_string(args: &[ArrayRef]) -> Result<ArrayRef> {
    let formats = to_text(&args[0])?;
    let mut known: Option<(&str, Vec<Part>)> = None;
    let mut written = Vec::with_capacity(formats.len());
    for (row, format) in formats.iter().enumerate() {
        let Some(format) = format else {
            written.push(None);
            continue;
        };
        if known.as_ref().is_none_or(|(other, _)| *other != format) {
            known = Some((format, parse(format)?));
        }
        let parts = known.as_ref().map(|(_, parts)| parts.as_slice()).unwrap_or_default();
        written.push(Some(formatted(parts, &args[1..], row)?));
    }
    Ok(Arc::new(StringArray::from(written)))
}

fn wrong(what: &str) -> DataFusionError {
    RowFault { condition: "IllegalArgumentException", message: format!("format_string: {what}") }.into()
}

fn parse(format: &str) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            literal.push(letter);
            continue;
        }
        let mut spec = String::new();
        let conversion = loop {
            match letters.next() {
                Some(letter) if letter.is_ascii_alphabetic() || letter == '%' => break letter,
                Some(letter) => spec.push(letter),
                None => return Err(wrong("% at the end of the format; %% is a percent sign")),
            }
        };
        parts.push(Part::Literal(std::mem::take(&mut literal)));
        parts.push(Part::Directive(directive(&spec, conversion)?));
    }
    parts.push(Part::Literal(literal));
    Ok(parts)
}

fn directive(spec: &str, conversion: char) -> Result<Directive> {
    let unknown = || wrong(&format!("%{spec}{conversion} is no conversion; %s, %d, %x, %o, %c, %b, %f, %e and %g are"));
    let (place, rest) = match spec.split_once('$') {
        Some((place, rest)) => (Some(place.parse::<usize>().map_err(|_| unknown())?), rest),
        None => (None, spec),
    };
    let flags: String = rest.chars().take_while(|letter| "-#+ 0,(".contains(*letter)).collect();
    let rest = &rest[flags.len()..];
    let (width, precision) = match rest.split_once('.') {
        Some((width, precision)) => (width, Some(precision.parse::<usize>().map_err(|_| unknown())?)),
        None => (rest, None),
    };
    let width = if width.is_empty() { None } else { Some(width.parse::<usize>().map_err(|_| unknown())?) };
    const LONGEST: usize = 1 << 16;
    if !"sSdxXocCbBfeEgGn%".contains(conversion)
        || width.is_some_and(|width| width > LONGEST)
        || precision.is_some_and(|digits| digits > LONGEST)
    {
        return Err(unknown());
    }
    Ok(Directive { place, flags, width, precision, conversion })
}

fn formatted(parts: &[Part], args: &[ArrayRef], row: usize) -> Result<String> {
    let mut out = String::new();
    let mut next = 0;
    for part in parts {
        let directive = match part {
            Part::Literal(text) => {
                out.push_str(text);
                continue;
            }
            Part::Directive(directive) => directive,
        };
        match directive.conversion {
            'n' => out.push('\n'),
            '%' => out.push_str(&directive.padded("%".to_string())),
            _ => {
                let at = directive.place.unwrap_or_else(|| {
                    next += 1;
                    next
                });
                let argument = at.checked_sub(1).and_then(|at| args.get(at));
                let argument = argument.ok_or_else(|| wrong(&format!("there is no argument {at} for the format")))?;
                out.push_str(&directive.write(&value(argument, row)?)?);
            }
        }
    }
    Ok(out)
}

fn value(values: &ArrayRef, row: usize) -> Result<Value> {
    if values.is_null(row) || values.data_type() == &DataType::Null {
        return Ok(Value::Null);
    }
    let one = values.slice(row, 1);
    let whole = |value: i64, bits| Value::Whole(value, bits);
    Ok(match values.data_type() {
        DataType::Boolean => Value::Flag(one.as_boolean().value(0)),
        DataType::Float64 => {
            let value = one.as_primitive::<Float64Type>().value(0);
            Value::Double(value, double_text(value))
        }
        DataType::Float32 => {
            let value = one.as_primitive::<Float32Type>().value(0);
            Value::Double(f64::from(value), float_text(value))
        }
        // Java sees how Spark keeps them: days and microseconds since 1970.
        DataType::Date32 => whole(i64::from(one.as_primitive::<Date32Type>().value(0)), 32),
        DataType::Timestamp(..) => {
            let us = read_as(&one, Kind::Instant)?;
            whole(us.as_primitive::<TimestampMicrosecondType>().value(0), 64)
        }
        kind if kind.is_integer() => {
            let bits = kind.primitive_width().map_or(64, |bytes| 8 * bytes as u32);
            whole(read_as(&one, Kind::Whole)?.as_primitive::<Int64Type>().value(0), bits)
        }
        DataType::List(_) => Value::Text(to_json(&one)?.as_string::<i32>().value(0).to_string()),
        _ => Value::Text(to_text(&one)?.value(0).to_string()),
    })
}

impl Directive {
    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn padded(&self, text: String) -> String {
        let count = text.chars().count();
        match self.width {
            Some(width) if width > count && self.has('-') => format!("{text}{}", " ".repeat(width - count)),
            Some(width) if width > count => format!("{}{text}", " ".repeat(width - count)),
            _ => text,
        }
    }

    fn write(&self, value: &Value) -> Result<String> {
        let text = match (self.conversion.to_ascii_lowercase(), value) {
            ('b', Value::Null) => self.cut("false"),
            ('b', Value::Flag(flag)) => self.cut(&flag.to_string()),
            ('b', _) => self.cut("true"),
            (_, Value::Null) => self.cut("null"),
            ('s', Value::Flag(flag)) => self.cut(&flag.to_string()),
            ('s', Value::Whole(number, _)) => self.cut(&number.to_string()),
            ('s', Value::Double(_, text) | Value::Text(text)) => self.cut(text),
            ('c', Value::Whole(code, _)) => {
                let letter = u32::try_from(*code).ok().and_then(char::from_u32);
                letter.ok_or_else(|| wrong(&format!("{code} is no letter for %c")))?.to_string()
            }
            ('c', Value::Text(text)) if text.chars().count() == 1 => text.clone(),
            ('d', Value::Whole(number, _)) => {
                return Ok(self.padded(self.signed(*number < 0, number.unsigned_abs().to_string(), String::new())));
            }
            ('x', Value::Whole(number, bits)) => self.unsigned(*number, *bits, "0x", |number| format!("{number:x}")),
            ('o', Value::Whole(number, bits)) => self.unsigned(*number, *bits, "0", |number| format!("{number:o}")),
            ('f' | 'e' | 'g', Value::Double(number, text)) => self.double(*number, text),
            _ => return Err(wrong(&format!("%{} does not take a value of this type", self.conversion))),
        };
        let text = if self.conversion.is_ascii_uppercase() { text.to_uppercase() } else { text };
        Ok(self.padded(text))
    }

    fn cut(&self, text: &str) -> String {
        text.chars().take(self.precision.unwrap_or(usize::MAX)).collect()
    }

    /// Whole and fraction with sign, groups and zeros, as the flags say.
    fn signed(&self, is_negative: bool, whole: String, rest: String) -> String {
        let whole = if self.has(',') { grouped(&whole, 3) } else { whole };
        let (open, close) = match is_negative {
            true if self.has('(') => ("(", ")"),
            true => ("-", ""),
            false if self.has('+') => ("+", ""),
            false if self.has(' ') => (" ", ""),
            false => ("", ""),
        };
        let length = open.len() + whole.len() + rest.len() + close.len();
        let zeros = if self.has('0') { self.width.unwrap_or(0).saturating_sub(length) } else { 0 };
        format!("{open}{}{whole}{rest}{close}", "0".repeat(zeros))
    }

    fn unsigned(&self, number: i64, bits: u32, prefix: &str, write: impl Fn(u64) -> String) -> String {
        let mask = if bits >= 64 { u64::MAX } else { (1_u64 << bits) - 1 };
        let digits = write(number as u64 & mask);
        let prefix = if self.has('#') { prefix } else { "" };
        let length = prefix.len() + digits.len();
        let zeros = if self.has('0') { self.width.unwrap_or(0).saturating_sub(length) } else { 0 };
        format!("{prefix}{}{digits}", "0".repeat(zeros))
    }

    fn double(&self, number: f64, text: &str) -> String {
        if !number.is_finite() {
            let word = text.trim_start_matches('-').to_string();
            return match number < 0.0 {
                true if self.has('(') => format!("({word})"),
                true => format!("-{word}"),
                false if self.has('+') => format!("+{word}"),
                false => word,
            };
        }
        let is_negative = number.is_sign_negative();
        let plain = plain_digits(text.trim_start_matches('-'));
        let precision = self.precision.unwrap_or(6);
        match self.conversion.to_ascii_lowercase() {
            'f' => self.fixed(is_negative, &plain, precision),
            'e' => self.scientific(is_negative, &plain, precision),
            _ => {
                let precision = precision.max(1);
                let magnitude = number.abs();
                let is_plain = magnitude == 0.0 || (1e-4..10_f64.powi(precision as i32)).contains(&magnitude);
                match is_plain {
                    true => {
                        let exponent = if magnitude == 0.0 { 0 } else { exponent_of(&plain) };
                        let digits = (precision as i32 - 1 - exponent).max(0);
                        self.fixed(is_negative, &plain, digits as usize)
                    }
                    false => self.scientific(is_negative, &plain, precision - 1),
                }
            }
        }
    }

    fn fixed(&self, is_negative: bool, plain: &str, digits: usize) -> String {
        let (whole, fraction) = rounded(plain, digits, Half::Up);
        let rest = if digits == 0 { String::new() } else { format!(".{fraction}") };
        self.signed(is_negative, whole, rest)
    }

    fn scientific(&self, is_negative: bool, plain: &str, digits: usize) -> String {
        let mut exponent = exponent_of(plain);
        let all: String = plain.chars().filter(char::is_ascii_digit).collect();
        let all = all.trim_start_matches('0');
        let mantissa = if all.is_empty() { "0".to_string() } else { format!("{}.{}", &all[..1], &all[1..]) };
        let (mut whole, mut fraction) = rounded(&mantissa, digits, Half::Up);
        if whole.len() > 1 {
            exponent += 1;
            fraction = format!("{}{fraction}", &whole[1..]);
            fraction.truncate(digits);
            whole.truncate(1);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        let point = if digits == 0 { "" } else { "." };
        self.signed(is_negative, whole, format!("{point}{fraction}e{sign}{:02}", exponent.abs()))
    }
}

/// `1.5E-5` as `0.000015`.
fn plain_digits(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('E').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i32 + exponent;
    match point {
        point if point <= 0 => format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
        point if point as usize >= digits.len() => format!("{digits}{}", "0".repeat(point as usize - digits.len())),
        point => format!("{}.{}", &digits[..point as usize], &digits[point as usize..]),
    }
}

/// The power of ten of the first digit that is not zero.
fn exponent_of(plain: &str) -> i32 {
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let whole = whole.trim_start_matches('0');
    if !whole.is_empty() {
        return whole.len() as i32 - 1;
    }
    let zeros = fraction.len() - fraction.trim_start_matches('0').len();
    if zeros == fraction.len() { 0 } else { -(zeros as i32) - 1 }
}
