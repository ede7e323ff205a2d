//! Spark's functions of regular expressions. They are Rust's: Java's look-around and back references are refused.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;
use regex::Regex;

use super::read::{Kind, texts};
use super::result_types::{flag_type, int_type, text_type};
use super::simple::{Gives, Simple};

/// All of them.
pub fn functions() -> Vec<Simple> {
    let two =
        |name, aliases, gives: Gives, body| Simple { name, aliases, count: (2, 2), kinds: &[Kind::Text], gives, body };
    let group = |name, gives: Gives, body| Simple {
        name,
        aliases: &[],
        count: (2, 3),
        kinds: &[Kind::Text, Kind::Text, Kind::Whole],
        gives,
        body,
    };
    vec![
        two("rlike", &["regexp_like", "regexp"], flag_type, |args| {
            let mut flags = Vec::with_capacity(args[0].len());
            each(args, |text, pattern| {
                flags.push(text.map(|text| pattern.is_match(text)));
                Ok(())
            })?;
            Ok(Arc::new(BooleanArray::from(flags)))
        }),
        two("regexp_count", &[], int_type, |args| {
            let mut counts = Vec::with_capacity(args[0].len());
            each(args, |text, pattern| {
                counts.push(text.map(|text| pattern.find_iter(text).count() as i32));
                Ok(())
            })?;
            Ok(Arc::new(Int32Array::from(counts)))
        }),
        two("regexp_substr", &[], text_type, |args| {
            let mut found = Vec::with_capacity(args[0].len());
            each(args, |text, pattern| {
                found.push(text.and_then(|text| pattern.find(text)).map(|found| found.as_str().to_string()));
                Ok(())
            })?;
            Ok(Arc::new(StringArray::from(found)))
        }),
        group("regexp_instr", int_type, |args| {
            let mut places = Vec::with_capacity(args[0].len());
            each(args, |text, pattern| {
                places.push(text.map(|text| match pattern.find(text) {
                    Some(found) => text[..found.start()].chars().count() as i32 + 1,
                    None => 0,
                }));
                Ok(())
            })?;
            Ok(Arc::new(Int32Array::from(places)))
        }),
        group("regexp_extract", text_type, extract),
        group("regexp_extract_all", list_of_text, extract_all),
        Simple { count: (3, 4), ..group("regexp_replace", text_type, replace) }.with_kinds(&[
            Kind::Text,
            Kind::Text,
            Kind::Text,
            Kind::Whole,
        ]),
        group("split", list_of_text, split),
    ]
}

impl Simple {
    fn with_kinds(self, kinds: &'static [Kind]) -> Simple {
        Simple { kinds, ..self }
    }
}

/// A list of texts.
pub fn list_of_text(_: &[DataType]) -> Result<DataType> {
    Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))))
}

/// Calls `visit` for each row with its text (none if it or the pattern is null) and its pattern, compiled.
fn each<'a>(args: &'a [ArrayRef], mut visit: impl FnMut(Option<&'a str>, &Regex) -> Result<()>) -> Result<()> {
    let mut known: Option<(&str, Regex)> = None;
    let nothing = Regex::new("").map_err(|error| exec_datafusion_err!("{error}"))?;
    for (text, pattern) in texts(&args[0]).iter().zip(texts(&args[1])) {
        let (Some(text), Some(pattern)) = (text, pattern) else {
            visit(None, &nothing)?;
            continue;
        };
        if known.as_ref().is_none_or(|(other, _)| *other != pattern) {
            known = Some((pattern, compile(pattern)?));
        }
        if let Some((_, compiled)) = &known {
            visit(Some(text), compiled)?;
        }
    }
    Ok(())
}

fn compile(pattern: &str) -> Result<Regex> {
    // Java's `\Z`, possessive marks and `\Q…\E` are rare; what Rust's syntax lacks is refused, never guessed.
    Regex::new(pattern).map_err(|error| {
        let what = error.to_string();
        let last = what.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
        exec_datafusion_err!("the regular expression '{pattern}' cannot be used: {last}")
    })
}

/// The number of the group that is asked for, by row.
fn group_of(args: &[ArrayRef], row: usize, pattern: &Regex) -> Result<Option<usize>> {
    let Some(groups) = args.get(2) else {
        return Ok(Some(1)).and_then(|group| check_group(group, pattern));
    };
    let groups = groups.as_primitive::<Int64Type>();
    if groups.is_null(row) {
        return Ok(None);
    }
    let Ok(group) = usize::try_from(groups.value(row)) else {
        return exec_err!("the group of a regular expression is counted from 0, not {}", groups.value(row));
    };
    check_group(Some(group), pattern)
}

fn check_group(group: Option<usize>, pattern: &Regex) -> Result<Option<usize>> {
    match group {
        Some(group) if group >= pattern.captures_len() => exec_err!(
            "the regular expression '{pattern}' has {} groups, there is none with number {group}",
            pattern.captures_len() - 1
        ),
        other => Ok(other),
    }
}

fn extract(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut found = Vec::with_capacity(args[0].len());
    each(args, |text, pattern| {
        let row = found.len();
        let Some(text) = text else {
            found.push(None);
            return Ok(());
        };
        let group = group_of(args, row, pattern)?;
        found.push(group.map(|group| match pattern.captures(text) {
            Some(captures) => captures.get(group).map_or(String::new(), |found| found.as_str().to_string()),
            None => String::new(),
        }));
        Ok(())
    })?;
    Ok(Arc::new(StringArray::from(found)))
}

fn extract_all(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(Field::new_list_field(DataType::Utf8, true));
    let mut row = 0;
    each(args, |text, pattern| {
        let group = match text {
            Some(_) => group_of(args, row, pattern)?,
            None => None,
        };
        row += 1;
        if let (Some(text), Some(group)) = (text, group) {
            for captures in pattern.captures_iter(text) {
                lists.values().append_value(captures.get(group).map_or("", |found| found.as_str()));
            }
            lists.append(true);
        } else {
            lists.append(false);
        }
        Ok(())
    })?;
    Ok(Arc::new(lists.finish()))
}

fn replace(args: &[ArrayRef]) -> Result<ArrayRef> {
    let new = texts(&args[2]);
    let from = args.get(3).map(|from| from.as_primitive::<Int64Type>());
    let mut replaced = Vec::with_capacity(args[0].len());
    let mut known: Option<(&str, String)> = None;
    each(args, |text, pattern| {
        let row = replaced.len();
        let (Some(text), true) = (text, new.is_valid(row)) else {
            replaced.push(None);
            return Ok(());
        };
        if known.as_ref().is_none_or(|(other, _)| *other != new.value(row)) {
            known = Some((new.value(row), replacement(new.value(row))));
        }
        let with = known.as_ref().map_or("", |(_, with)| with.as_str());
        let skipped = from.map_or(0, |from| if from.is_valid(row) { (from.value(row) - 1).max(0) } else { 0 });
        let start = text.char_indices().nth(skipped as usize).map_or(text.len(), |(at, _)| at);
        replaced.push(Some(format!("{}{}", &text[..start], pattern.replace_all(&text[start..], with))));
        Ok(())
    })?;
    Ok(Arc::new(StringArray::from(replaced)))
}

/// Java's `$1` and `\$` as Rust's `${1}` and `$$`.
fn replacement(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('$') => out.push_str("$$"),
                Some(other) => out.push(other),
                None => {}
            },
            '$' if letters.peek().is_some_and(char::is_ascii_digit) => {
                let digit = letters.next().unwrap_or('0');
                out.push_str(&format!("${{{digit}}}"));
            }
            '$' if letters.peek() == Some(&'{') => out.push('$'),
            '$' => out.push_str("$$"),
            other => out.push(other),
        }
    }
    out
}

fn split(args: &[ArrayRef]) -> Result<ArrayRef> {
    let limits = args.get(2).map(|limits| limits.as_primitive::<Int64Type>());
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(Field::new_list_field(DataType::Utf8, true));
    let mut row = 0;
    each(args, |text, pattern| {
        let limit = match limits {
            Some(limits) if limits.is_null(row) => None,
            Some(limits) => Some(limits.value(row)),
            None => Some(-1),
        };
        row += 1;
        let (Some(text), Some(limit)) = (text, limit) else {
            lists.append(false);
            return Ok(());
        };
        for part in parts(text, pattern, limit) {
            lists.values().append_value(part);
        }
        lists.append(true);
        Ok(())
    })?;
    Ok(Arc::new(lists.finish()))
}

/// Java's split: an empty match at the start parts nothing, and an empty pattern parts letter by letter.
fn parts<'a>(text: &'a str, pattern: &Regex, limit: i64) -> Vec<&'a str> {
    let most = if limit > 0 { limit as usize } else { usize::MAX };
    let (mut parts, mut start) = (Vec::new(), 0);
    for found in pattern.find_iter(text) {
        if parts.len() + 1 >= most {
            break;
        }
        if found.end() == 0 || (found.is_empty() && found.start() >= text.len()) {
            continue;
        }
        parts.push(&text[start..found.start()]);
        start = found.end();
    }
    parts.push(&text[start..]);
    parts
}
