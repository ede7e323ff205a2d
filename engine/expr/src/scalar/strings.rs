//! Spark's functions of text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, StringArray};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;

use super::cutting::substring;
use super::read::{Kind, texts};
use super::result_types::{bytes_type, flag_type, int_type, text_type};
use super::simple::{Body, Simple};
use super::text::to_text;
use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::typing::meeting::common_type_of;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let mut all = searching();
    all.extend(shaping());
    all.extend(joining());
    all.extend(coding());
    all
}

fn text(name: &'static str, count: (usize, usize), kinds: &'static [Kind], body: Body) -> Simple {
    Simple { name, aliases: &[], count, kinds, gives: text_type, body }
}

fn flag(name: &'static str, aliases: &'static [&'static str], test: Body) -> Simple {
    Simple { name, aliases, count: (2, 2), kinds: &[Kind::Text], gives: flag_type, body: test }
}

fn searching() -> Vec<Simple> {
    vec![
        flag("startswith", &["starts_with"], |args| Ok(test(args, |text, part| text.starts_with(part)))),
        flag("endswith", &["ends_with"], |args| Ok(test(args, |text, part| text.ends_with(part)))),
        flag("contains", &[], |args| Ok(test(args, |text, part| text.contains(part)))),
        Simple {
            name: "instr",
            aliases: &[],
            count: (2, 4),
            kinds: &[Kind::Text, Kind::Text, Kind::Whole, Kind::Whole],
            gives: int_type,
            body: |args| {
                let [from, occurrence] =
                    [2, 3].map(|at| args.get(at).map(|numbers| numbers.as_primitive::<Int64Type>()));
                // A number that nobody gave is 1, and one that is NULL makes the place NULL.
                let number = |numbers: Option<&Int64Array>, row: usize| match numbers {
                    Some(numbers) => numbers.is_valid(row).then(|| numbers.value(row)),
                    None => Some(1),
                };
                let rows = texts(&args[0]).iter().zip(texts(&args[1])).enumerate();
                let found = rows.map(|(row, (text, part))| {
                    let given = text.zip(part).zip(number(from, row).zip(number(occurrence, row)));
                    given.map(|((text, part), (from, occurrence))| nth_place(text, part, from, occurrence)).transpose()
                });
                Ok(Arc::new(found.collect::<Result<Int32Array>>()?))
            },
        },
        Simple {
            name: "locate",
            aliases: &["position", "charindex"],
            count: (2, 3),
            kinds: &[Kind::Text, Kind::Text, Kind::Whole],
            gives: int_type,
            body: |args| {
                let from = args.get(2).map(|from| from.as_primitive::<Int64Type>());
                let found = texts(&args[0]).iter().zip(texts(&args[1])).enumerate().map(|(row, (part, text))| {
                    let from = match from {
                        Some(from) if from.is_null(row) => return Some(0),
                        Some(from) => from.value(row),
                        None => 1,
                    };
                    Some(find(part?, text?, from))
                });
                Ok(Arc::new(found.collect::<Int32Array>()))
            },
        },
    ]
}

fn test(args: &[ArrayRef], holds: impl Fn(&str, &str) -> bool) -> ArrayRef {
    let pairs = texts(&args[0]).iter().zip(texts(&args[1]));
    Arc::new(pairs.map(|(text, part)| Some(holds(text?, part?))).collect::<BooleanArray>())
}

/// The place (in letters, from 1) of the first `part` of `text` at or after `from`; 0 if there is none.
fn find(part: &str, text: &str, from: i64) -> i32 {
    let Some(skipped) = usize::try_from(from).ok().and_then(|from| from.checked_sub(1)) else { return 0 };
    let Some(start) = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(skipped) else { return 0 };
    match text[start..].find(part) {
        Some(at) => (skipped + text[start..start + at].chars().count() + 1) as i32,
        None => 0,
    }
}

/// The place (in letters, from 1) where `part` stands for the so many-th time at or after `from`, or, counted from the end, at or before it;
/// 0 if it does not.
fn nth_place(text: &str, part: &str, from: i64, occurrence: i64) -> Result<i32> {
    if occurrence < 1 {
        let message = format!("the occurrence that instr looks for is counted from 1, not {occurrence}");
        return Err(RowFault { condition: "INVALID_PARAMETER_VALUE.OCCURRENCE", message }.into());
    }
    if from < 0 {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let Some(last) = places.len().checked_sub(from.unsigned_abs() as usize) else { return Ok(0) };
        let mut before = (0..=last).rev().filter(|letter| text[places[*letter]..].starts_with(part));
        return Ok(before.nth(occurrence as usize - 1).map_or(0, |letter| letter as i32 + 1));
    }
    let mut place = find(part, text, from);
    for _ in 1..occurrence {
        if place == 0 {
            break;
        }
        place = find(part, text, i64::from(place) + 1);
    }
    Ok(place)
}

fn shaping() -> Vec<Simple> {
    vec![
        text("initcap", (1, 1), &[Kind::Text], |args| Ok(each(args, |text| Some(super::title::initcap(text))))),
        text("right", (2, 2), &[Kind::Text, Kind::Whole], |args| {
            Ok(with_number(args, |text, count| match count {
                count if count <= 0 => Some(String::new()),
                count => Some(substring(text, -count, None).to_string()),
            }))
        }),
        text("repeat", (2, 2), &[Kind::Text, Kind::Whole], |args| {
            const LONGEST: usize = 16 << 20;
            Ok(with_number(args, |text, count| {
                let count = usize::try_from(count).unwrap_or(0);
                (text.len().saturating_mul(count) <= LONGEST).then(|| text.repeat(count))
            }))
        }),
    ]
}

fn joining() -> Vec<Simple> {
    vec![
        Simple {
            name: "concat",
            aliases: &[],
            count: (0, usize::MAX),
            kinds: &[Kind::Any],
            gives: |types| {
                if types.iter().any(DataType::is_list) {
                    return concatenated_lists(types);
                }
                match types.iter().find(|kind| kind.is_nested()) {
                    Some(other) => plan_err!("concat takes texts or arrays, not {}", type_name(other)),
                    None if are_bytes(types) => Ok(DataType::Binary),
                    None => Ok(DataType::Utf8),
                }
            },
            body: concatenate,
        },
        text("space", (1, 1), &[Kind::Whole], |args| {
            let counts = args[0].as_primitive::<Int64Type>().iter();
            let blanks =
                counts.map(|count| count.map(|count| " ".repeat(usize::try_from(count).unwrap_or(0).min(1 << 20))));
            Ok(Arc::new(blanks.collect::<StringArray>()))
        }),
    ]
}

fn coding() -> Vec<Simple> {
    vec![
        Simple { gives: bytes_type, ..text("encode", (2, 2), &[Kind::Text], encode) },
        text("decode", (2, usize::MAX), &[Kind::Any], decode),
        text("conv", (3, 3), &[Kind::Text, Kind::Whole, Kind::Whole], |args| {
            let (from, to) = (args[1].as_primitive::<Int64Type>(), args[2].as_primitive::<Int64Type>());
            let converted =
                texts(&args[0]).iter().zip(from.iter().zip(to)).map(|(text, (from, to))| conv(text?, from?, to?));
            Ok(Arc::new(converted.collect::<StringArray>()))
        }),
        text("typeof", (1, 1), &[Kind::Any], |args| {
            let name = crate::display::type_name(args[0].data_type());
            Ok(Arc::new(StringArray::from(vec![name; args[0].len()])))
        }),
    ]
}

/// Changes every text of the first argument.
pub fn each(args: &[ArrayRef], change: impl Fn(&str) -> Option<String>) -> ArrayRef {
    Arc::new(texts(&args[0]).iter().map(|text| text.and_then(&change)).collect::<StringArray>())
}

fn with_number(args: &[ArrayRef], change: impl Fn(&str, i64) -> Option<String>) -> ArrayRef {
    let pairs = texts(&args[0]).iter().zip(args[1].as_primitive::<Int64Type>());
    Arc::new(pairs.map(|(text, number)| change(text?, number?)).collect::<StringArray>())
}

/// True if all values are bytes: beside a text they are one.
fn are_bytes(kinds: &[DataType]) -> bool {
    let is_binary = |kind: &DataType| matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    kinds.iter().any(is_binary) && kinds.iter().all(|kind| is_binary(kind) || *kind == DataType::Null)
}

/// The type of arrays put behind each other: that in which they meet.
fn concatenated_lists(types: &[DataType]) -> Result<DataType> {
    match common_type_of(types).filter(|_| types.iter().all(DataType::is_list)) {
        Some(common) => Ok(common),
        None => {
            let types = types.iter().map(type_name).collect::<Vec<_>>().join(", ");
            plan_err!("concat takes arrays of one type, not {types}")
        }
    }
}

fn concatenate(args: &[ArrayRef]) -> Result<ArrayRef> {
    if args[0].data_type().is_list() {
        return concatenate_lists(args);
    }
    if are_bytes(&args.iter().map(|arg| arg.data_type().clone()).collect::<Vec<_>>()) {
        return concatenate_bytes(args);
    }
    // Of nothing at all; a NULL that is written comes as a text.
    if args[0].data_type() == &DataType::Null && args.len() == 1 {
        return Ok(Arc::new(StringArray::from(vec![""; args[0].len()])));
    }
    let columns = args.iter().map(to_text).collect::<Result<Vec<_>>>()?;
    let joined = (0..args[0].len()).map(|row| {
        let mut text = String::new();
        for column in &columns {
            if column.is_null(row) {
                return None;
            }
            text.push_str(column.value(row));
        }
        Some(text)
    });
    Ok(Arc::new(joined.collect::<StringArray>()))
}

fn concatenate_bytes(args: &[ArrayRef]) -> Result<ArrayRef> {
    let columns =
        args.iter().map(|column| cast(column, &DataType::Binary)).collect::<std::result::Result<Vec<_>, _>>()?;
    let joined = (0..args[0].len()).map(|row| {
        let parts = columns.iter().map(|column| column.is_valid(row).then(|| column.as_binary::<i32>().value(row)));
        Some(parts.collect::<Option<Vec<_>>>()?.concat())
    });
    Ok(Arc::new(joined.collect::<arrow::array::BinaryArray>()))
}

fn concatenate_lists(args: &[ArrayRef]) -> Result<ArrayRef> {
    let common = concatenated_lists(&args.iter().map(|list| list.data_type().clone()).collect::<Vec<_>>())?;
    let lists = args.iter().map(|list| cast(list, &common)).collect::<std::result::Result<Vec<_>, _>>()?;
    let DataType::List(field) = &common else { return exec_err!("concat takes texts or arrays") };
    let (mut chunks, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..args[0].len() {
        let is_valid = lists.iter().all(|list| list.is_valid(row));
        valid.push(is_valid);
        let mut length = 0;
        for list in lists.iter().filter(|_| is_valid) {
            let chunk = list.as_list::<i32>().value(row);
            length += chunk.len();
            chunks.push(chunk);
        }
        lengths.push(length);
    }
    let chunks: Vec<&dyn Array> = chunks.iter().map(AsRef::as_ref).collect();
    let values = match chunks.is_empty() {
        true => arrow::array::new_empty_array(field.data_type()),
        false => concat(&chunks)?,
    };
    let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(arrow::array::ListArray::try_new(Arc::clone(field), offsets, values, Some(valid.into()))?))
}

fn encode(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut all: Vec<Option<Vec<u8>>> = Vec::new();
    for (text, charset) in texts(&args[0]).iter().zip(texts(&args[1])) {
        let (Some(text), Some(charset)) = (text, charset) else {
            all.push(None);
            continue;
        };
        let one = |letter: char, most: u32| if (letter as u32) < most { letter as u32 as u8 } else { b'?' };
        all.push(Some(match charset.to_ascii_uppercase().as_str() {
            "UTF-8" => text.as_bytes().to_vec(),
            "US-ASCII" => text.chars().map(|letter| one(letter, 128)).collect(),
            "ISO-8859-1" => text.chars().map(|letter| one(letter, 256)).collect(),
            "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "UTF-16" => [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
            other => return exec_err!("there is no character set '{other}': UTF-8, US-ASCII, ISO-8859-1, UTF-16"),
        }));
    }
    Ok(Arc::new(all.iter().map(|bytes| bytes.as_deref()).collect::<arrow::array::BinaryArray>()))
}

/// `decode(bytes, charset)`, or `decode(x, if, then, …[, else])`.
fn decode(args: &[ArrayRef]) -> Result<ArrayRef> {
    if args.len() > 2 {
        return choose(args);
    }
    let bytes = cast(&args[0], &DataType::Binary)?;
    let charsets = to_text(&args[1])?;
    let mut all = Vec::with_capacity(bytes.len());
    for (bytes, charset) in bytes.as_binary::<i32>().iter().zip(&charsets) {
        let (Some(bytes), Some(charset)) = (bytes, charset) else {
            all.push(None);
            continue;
        };
        let wide = |read: fn([u8; 2]) -> u16| {
            let letters: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&letters).trim_start_matches('\u{feff}').to_string()
        };
        all.push(Some(match charset.to_ascii_uppercase().as_str() {
            "UTF-8" | "US-ASCII" => String::from_utf8_lossy(bytes).into_owned(),
            "ISO-8859-1" => bytes.iter().map(|byte| char::from(*byte)).collect(),
            "UTF-16" | "UTF-16BE" => wide(u16::from_be_bytes),
            "UTF-16LE" => wide(u16::from_le_bytes),
            other => return exec_err!("there is no character set '{other}': UTF-8, US-ASCII, ISO-8859-1, UTF-16"),
        }));
    }
    Ok(Arc::new(StringArray::from(all)))
}

fn choose(args: &[ArrayRef]) -> Result<ArrayRef> {
    let columns = args.iter().map(to_text).collect::<Result<Vec<_>>>()?;
    let at = |column: usize, row: usize| columns[column].is_valid(row).then(|| columns[column].value(row));
    let chosen = (0..args[0].len()).map(|row| {
        let mut pair = 1;
        while pair + 1 < columns.len() {
            if at(pair, row) == at(0, row) {
                return at(pair + 1, row);
            }
            pair += 2;
        }
        if pair < columns.len() { at(pair, row) } else { None }
    });
    Ok(Arc::new(chosen.collect::<StringArray>()))
}

/// A whole number written in another base; digits that are none end it.
fn conv(text: &str, from: i64, to: i64) -> Option<String> {
    let (from, to_base) = (u32::try_from(from).ok()?, u32::try_from(to.unsigned_abs()).ok()?);
    if !(2..=36).contains(&from) || !(2..=36).contains(&to_base) || text.trim().is_empty() {
        return None;
    }
    let (is_negative, digits) = match text.trim().strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.trim()),
    };
    let digits = digits.chars().map_while(|digit| digit.to_digit(from));
    let value = digits.fold(0_u64, |value, digit| {
        value.checked_mul(u64::from(from)).and_then(|value| value.checked_add(u64::from(digit))).unwrap_or(u64::MAX)
    });
    let value = if is_negative { value.wrapping_neg() } else { value };
    let (sign, mut rest) = match to < 0 && (value as i64) < 0 {
        true => ("-", (value as i64).unsigned_abs()),
        false => ("", value),
    };
    let mut out = Vec::new();
    loop {
        out.push(char::from_digit((rest % u64::from(to_base)) as u32, to_base)?.to_ascii_uppercase());
        rest /= u64::from(to_base);
        if rest == 0 {
            break;
        }
    }
    Some(sign.chars().chain(out.into_iter().rev()).collect())
}
