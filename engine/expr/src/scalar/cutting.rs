//! Parts of texts and of bytes: `substring`, `left`, `overlay`, `reverse`. Texts are counted in letters, bytes in bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::lists::reversed;
use super::read::Kind;
use super::simple::{Gives, Simple};
use super::text::to_text;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let of = |name, aliases, count, body| Simple {
        name,
        aliases,
        count,
        kinds: &[Kind::Any, Kind::Whole, Kind::Whole],
        gives: of_first as Gives,
        body,
    };
    vec![
        of("substring", &["substr"], (2, 3), |args| parts(args, |row, start| (start, length_of(args, row)))),
        of("left", &[], (2, 2), |args| parts(args, |_, count| (1, Some(count)))),
        Simple { kinds: &[Kind::Any], ..of("reverse", &[], (1, 1), reverse) },
        Simple {
            kinds: &[Kind::Any, Kind::Any, Kind::Whole, Kind::Whole],
            gives: of_both,
            ..of("overlay", &[], (3, 4), overlay)
        },
    ]
}

fn is_bytes(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// Bytes of bytes, an array of an array, else a text.
fn of_first(kinds: &[DataType]) -> Result<DataType> {
    Ok(match &kinds[0] {
        kind if is_bytes(kind) => DataType::Binary,
        kind @ DataType::List(_) => kind.clone(),
        _ => DataType::Utf8,
    })
}

fn of_both(kinds: &[DataType]) -> Result<DataType> {
    let of_null = |kind: &DataType| kind == &DataType::Null;
    match is_bytes(&kinds[0]) == is_bytes(&kinds[1]) || of_null(&kinds[0]) || of_null(&kinds[1]) {
        true if is_bytes(&kinds[0]) || is_bytes(&kinds[1]) => Ok(DataType::Binary),
        true => Ok(DataType::Utf8),
        false => plan_err!("overlay takes two texts or two binaries: decode one, decode(x, 'utf-8')"),
    }
}

/// The range of the letters from `start` (from 1; 0 is 1; negative ones count from the end), `length` of them, of `count`.
fn range_of(start: i64, length: Option<i64>, count: usize) -> std::ops::Range<usize> {
    let count = count as i64;
    let from = match start {
        0 => 0,
        start if start > 0 => start - 1,
        start => count + start,
    };
    let until = length.map_or(count, |length| from.saturating_add(length.max(0))).clamp(0, count);
    let from = from.clamp(0, count);
    from as usize..until.max(from) as usize
}

/// The part of a text from `start`, `length` letters of it.
pub fn substring(text: &str, start: i64, length: Option<i64>) -> &str {
    if text.is_ascii() {
        return &text[range_of(start, length, text.len())];
    }
    let range = range_of(start, length, text.chars().count());
    let at = |letter: usize| text.char_indices().nth(letter).map_or(text.len(), |(at, _)| at);
    &text[at(range.start)..at(range.end)]
}

fn whole(args: &[ArrayRef], at: usize, row: usize) -> Option<i64> {
    let numbers = args.get(at)?.as_primitive::<Int64Type>();
    numbers.is_valid(row).then(|| numbers.value(row))
}

/// The length that a row asks for: none if it asks for none, and NULL as NULL.
fn length_of(args: &[ArrayRef], row: usize) -> Option<i64> {
    args.get(2)?;
    whole(args, 2, row)
}

fn parts(args: &[ArrayRef], range: impl Fn(usize, i64) -> (i64, Option<i64>)) -> Result<ArrayRef> {
    let asked = |row: usize| {
        let start = whole(args, 1, row)?;
        let is_given = args.get(2).is_none_or(|lengths| lengths.is_valid(row));
        is_given.then(|| range(row, start))
    };
    if is_bytes(args[0].data_type()) {
        let bytes = cast(&args[0], &DataType::Binary)?;
        let bytes = bytes.as_binary::<i32>();
        let cut = (0..bytes.len()).map(|row| {
            let (start, length) = asked(row)?;
            let value = bytes.is_valid(row).then(|| bytes.value(row))?;
            Some(&value[range_of(start, length, value.len())])
        });
        return Ok(Arc::new(cut.collect::<BinaryArray>()));
    }
    let texts = to_text(&args[0])?;
    let cut = (0..texts.len()).map(|row| {
        let (start, length) = asked(row)?;
        texts.is_valid(row).then(|| substring(texts.value(row), start, length))
    });
    Ok(Arc::new(cut.collect::<StringArray>()))
}

fn reverse(args: &[ArrayRef]) -> Result<ArrayRef> {
    if args[0].data_type().is_list() {
        return reversed(&args[0]);
    }
    if is_bytes(args[0].data_type()) {
        let bytes = cast(&args[0], &DataType::Binary)?;
        let turned = bytes.as_binary::<i32>().iter();
        let turned = turned.map(|bytes| bytes.map(|bytes| bytes.iter().rev().copied().collect::<Vec<u8>>()));
        return Ok(Arc::new(turned.collect::<BinaryArray>()));
    }
    let texts = to_text(&args[0])?;
    let turned = texts.iter().map(|text| text.map(|text| text.chars().rev().collect::<String>()));
    Ok(Arc::new(turned.collect::<StringArray>()))
}

/// `overlay(x, new, place[, length])`: what stands before the place, `new`, and what stands behind the length.
fn overlay(args: &[ArrayRef]) -> Result<ArrayRef> {
    let place = |row: usize, count: usize| {
        let start = whole(args, 2, row)?;
        let length = match args.get(3) {
            Some(_) => whole(args, 3, row)?,
            None => -1,
        };
        let length = if length < 0 { count as i64 } else { length };
        Some((start, start.saturating_add(length)))
    };
    if is_bytes(args[0].data_type()) || is_bytes(args[1].data_type()) {
        let (of, new) = (cast(&args[0], &DataType::Binary)?, cast(&args[1], &DataType::Binary)?);
        let pairs = of.as_binary::<i32>().iter().zip(new.as_binary::<i32>());
        let laid = pairs.enumerate().map(|(row, (of, new))| {
            let (of, new) = (of?, new?);
            let (start, behind) = place(row, new.len())?;
            let head = &of[range_of(1, Some(start.saturating_sub(1)), of.len())];
            Some([head, new, &of[range_of(behind, None, of.len())]].concat())
        });
        return Ok(Arc::new(laid.collect::<BinaryArray>()));
    }
    let (of, new) = (to_text(&args[0])?, to_text(&args[1])?);
    let laid = of.iter().zip(&new).enumerate().map(|(row, (of, new))| {
        let (of, new) = (of?, new?);
        let (start, behind) = place(row, new.chars().count())?;
        Some(format!("{}{new}{}", substring(of, 1, Some(start.saturating_sub(1))), substring(of, behind, None)))
    });
    Ok(Arc::new(laid.collect::<StringArray>()))
}
