//! Spark's functions of regular expressions, with Java's escapes. Look-around and back references are refused.

mod compiled;
mod java;
mod replacing;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::error::Result;

use super::read::{Kind, texts};
use super::result_types::{flag_type, int_type, text_type};
use super::simple::{Gives, Simple};
use crate::row_fault::RowFault;
use compiled::Compiled;
use replacing::replace;

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
                counts.push(text.map(|text| pattern.find_all(text).len() as i32));
                Ok(())
            })?;
            Ok(Arc::new(Int32Array::from(counts)))
        }),
        two("regexp_substr", &[], text_type, |args| {
            let mut found = Vec::with_capacity(args[0].len());
            each(args, |text, pattern| {
                // What is found empty is nothing.
                let part =
                    text.and_then(|text| pattern.find_at(text, 0).map(|(start, end)| text[start..end].to_string()));
                found.push(part.filter(|part| !part.is_empty()));
                Ok(())
            })?;
            Ok(Arc::new(StringArray::from(found)))
        }),
        group("regexp_instr", int_type, |args| {
            let mut places = Vec::with_capacity(args[0].len());
            each(args, |text, pattern| {
                places.push(text.map(|text| match pattern.find_at(text, 0) {
                    Some((start, _)) => text[..start].chars().count() as i32 + 1,
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
fn each<'a>(args: &'a [ArrayRef], mut visit: impl FnMut(Option<&'a str>, &Compiled) -> Result<()>) -> Result<()> {
    let mut known: Option<(&str, Compiled)> = None;
    let nothing = Compiled::new("")?;
    for (text, pattern) in texts(&args[0]).iter().zip(texts(&args[1])) {
        let (Some(text), Some(pattern)) = (text, pattern) else {
            visit(None, &nothing)?;
            continue;
        };
        if known.as_ref().is_none_or(|(other, _)| *other != pattern) {
            known = Some((pattern, Compiled::new(pattern)?));
        }
        if let Some((_, compiled)) = &known {
            visit(Some(text), compiled)?;
        }
    }
    Ok(())
}

/// The number of the group that is asked for, by row; what it is, is looked at where something matches.
fn group_of(args: &[ArrayRef], row: usize) -> Option<i64> {
    match args.get(2).map(|groups| groups.as_primitive::<Int64Type>()) {
        None => Some(1),
        Some(groups) => groups.is_valid(row).then(|| groups.value(row)),
    }
}

fn checked_group(group: i64, pattern: &Compiled) -> Result<usize> {
    let found = usize::try_from(group).ok().filter(|group| *group < pattern.group_count());
    found.ok_or_else(|| {
        RowFault {
            condition: "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX",
            message: format!(
                "the regular expression has {} groups, there is none with number {group}; 0 is all that matches",
                pattern.group_count() - 1
            ),
        }
        .into()
    })
}

fn extract(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut found = Vec::with_capacity(args[0].len());
    each(args, |text, pattern| {
        let row = found.len();
        let Some(text) = text else {
            found.push(None);
            return Ok(());
        };
        let Some(group) = group_of(args, row) else {
            found.push(None);
            return Ok(());
        };
        found.push(Some(match pattern.groups_at(text, 0) {
            Some(groups) => {
                let place = groups[checked_group(group, pattern)?];
                place.map_or_else(String::new, |(start, end)| text[start..end].to_string())
            }
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
        let group = group_of(args, row);
        row += 1;
        if let (Some(text), Some(group)) = (text, group) {
            for groups in pattern.all_groups(text) {
                let place = groups[checked_group(group, pattern)?];
                lists.values().append_value(place.map_or("", |(start, end)| &text[start..end]));
            }
            lists.append(true);
        } else {
            lists.append(false);
        }
        Ok(())
    })?;
    Ok(Arc::new(lists.finish()))
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
        for part in parts(text, pattern, is_empty(args, row - 1), limit) {
            lists.values().append_value(part);
        }
        lists.append(true);
        Ok(())
    })?;
    Ok(Arc::new(lists.finish()))
}

/// True if the pattern of a row is empty.
fn is_empty(args: &[ArrayRef], row: usize) -> bool {
    texts(&args[1]).value(row).is_empty()
}

/// Java's split: an empty match at the start parts nothing, and Spark's empty pattern parts letter by letter.
fn parts<'a>(text: &'a str, pattern: &Compiled, by_letter: bool, limit: i64) -> Vec<&'a str> {
    let most = if limit > 0 { limit as usize } else { usize::MAX };
    let (mut parts, mut start) = (Vec::new(), 0);
    for (from, end) in pattern.find_all(text) {
        if parts.len() + 1 >= most {
            break;
        }
        if end == 0 || (by_letter && from >= text.len()) {
            continue;
        }
        parts.push(&text[start..from]);
        start = end;
    }
    parts.push(&text[start..]);
    parts
}
