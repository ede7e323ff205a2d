//! Texts in other forms: Base64, hexadecimal digits, masks, the distance between two, letters by number.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::base64;
use super::read::{Kind, read_as, texts};
use super::result_types::{bytes_type, int_type, text_type};
use super::simple::{Body, Gives, Simple};

/// All of them.
pub fn functions() -> Vec<Simple> {
    let of =
        |name, aliases, count, kinds, gives: Gives, body: Body| Simple { name, aliases, count, kinds, gives, body };
    vec![
        of("base64", &[], (1, 1), &[Kind::Any], text_type, |args| {
            let bytes = bytes_of(&args[0])?;
            let written = bytes.as_binary::<i32>().iter().map(|bytes| bytes.map(base64::encode_lines));
            Ok(Arc::new(written.collect::<StringArray>()))
        }),
        of("unbase64", &[], (1, 1), &[Kind::Text], bytes_type, |args| {
            let read = texts(&args[0]).iter().map(|text| text.map(base64::decode_lenient).transpose());
            Ok(Arc::new(read.collect::<Result<BinaryArray>>()?))
        }),
        of("__try_unbase64", &[], (1, 1), &[Kind::Text], bytes_type, |args| {
            let bytes = texts(&args[0]).iter().map(|text| base64::decode(text?));
            Ok(Arc::new(bytes.collect::<BinaryArray>()))
        }),
        // `to_binary(x, 'hex')`, whose NULL is an error in ANSI mode; `unhex` has no error.
        of("__to_bytes", &[], (1, 1), &[Kind::Text], bytes_type, |args| {
            let bytes = texts(&args[0]).iter().map(|text| hexadecimal(text?));
            Ok(Arc::new(bytes.collect::<BinaryArray>()))
        }),
        of("octet_length", &[], (1, 1), &[Kind::Any], int_type, |args| lengths(args, 1)),
        of("bit_length", &[], (1, 1), &[Kind::Any], int_type, |args| lengths(args, 8)),
        of("mask", &[], (1, 5), &[Kind::Text], text_type, mask),
        of("char", &["chr"], (1, 1), &[Kind::Whole], text_type, |args| {
            let letters = args[0].as_primitive::<Int64Type>().iter().map(|code| {
                // Java's: what is below zero is nothing, and of the others the last eight bits count.
                code.map(|code| if code < 0 { String::new() } else { char::from(code as u8).to_string() })
            });
            Ok(Arc::new(letters.collect::<StringArray>()))
        }),
        of("levenshtein", &[], (2, 3), &[Kind::Text, Kind::Text, Kind::Whole], int_type, |args| {
            let most = args.get(2).map(|most| most.as_primitive::<Int64Type>());
            let pairs = texts(&args[0]).iter().zip(texts(&args[1])).enumerate();
            let distances = pairs.map(|(row, (left, right))| {
                let distance = distance(left?, right?);
                match most {
                    Some(most) if most.is_null(row) => None,
                    Some(most) if i64::from(distance) > most.value(row) => Some(-1),
                    _ => Some(distance),
                }
            });
            Ok(Arc::new(distances.collect::<Int32Array>()))
        }),
    ]
}

fn bytes_of(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        DataType::Binary => Arc::clone(values),
        _ => cast(&read_as(values, Kind::Text)?, &DataType::Binary)?,
    })
}

/// The number of bytes, times `each`.
fn lengths(args: &[ArrayRef], each: i32) -> Result<ArrayRef> {
    let bytes = bytes_of(&args[0])?;
    let lengths = bytes.as_binary::<i32>().iter().map(|bytes| bytes.map(|bytes| bytes.len() as i32 * each));
    Ok(Arc::new(lengths.collect::<Int32Array>()))
}

/// Bytes of hexadecimal digits, an odd one of which stands alone.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<Vec<u8>>>()?;
    let (first, rest) = digits.split_at(digits.len() % 2);
    Some(first.iter().copied().chain(rest.chunks(2).map(|pair| pair[0] << 4 | pair[1])).collect())
}

/// `mask(x, large, small, digit, other)`: a letter of the mask that is NULL leaves the text's.
fn mask(args: &[ArrayRef]) -> Result<ArrayRef> {
    let letter = |at: usize, row: usize, usual: Option<char>| match args.get(at).map(texts) {
        Some(given) if given.is_valid(row) => given.value(row).chars().next(),
        Some(_) => None,
        None => usual,
    };
    let is_long = |given: &ArrayRef| texts(given).iter().flatten().any(|text| text.chars().count() != 1);
    if args.iter().skip(1).any(is_long) {
        return exec_err!("mask takes one letter for each kind of letter, or NULL");
    }
    let masked = texts(&args[0]).iter().enumerate().map(|(row, text)| {
        let (large, small) = (letter(1, row, Some('X')), letter(2, row, Some('x')));
        let (digit, other) = (letter(3, row, Some('n')), letter(4, row, None));
        let change = |letter: char| {
            let by = match letter {
                letter if letter.is_uppercase() => large,
                letter if letter.is_lowercase() => small,
                letter if letter.is_numeric() => digit,
                _ => other,
            };
            by.unwrap_or(letter)
        };
        text.map(|text| text.chars().map(change).collect::<String>())
    });
    Ok(Arc::new(masked.collect::<StringArray>()))
}

/// The number of letters to put in, take out or change.
fn distance(left: &str, right: &str) -> i32 {
    let right: Vec<char> = right.chars().collect();
    let mut last: Vec<i32> = (0..=right.len() as i32).collect();
    for (row, letter) in left.chars().enumerate() {
        let mut next = vec![row as i32 + 1];
        for (column, other) in right.iter().enumerate() {
            let changed = last[column] + i32::from(letter != *other);
            next.push(changed.min(last[column + 1] + 1).min(next[column] + 1));
        }
        last = next;
    }
    last.last().copied().unwrap_or_default()
}
