//! Texts as bytes and back, and what is alike in texts: `to_base32`, `validate_utf8`, `jaro_winkler_similarity`, `sentences` …

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array, ListBuilder, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::common::plan_datafusion_err;
use datafusion::error::{DataFusionError, Result};

use super::base32;
use super::read::{Kind, is_text, texts};
use super::result_types::{bytes_type, double_type, text_type};
use super::simple::{Gives, Simple};
use crate::display::type_name;
use crate::refusal::{UNEXPECTED_INPUT_TYPE, refused};
use crate::row_fault::RowFault;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let mut all = of_bytes();
    all.extend(of_texts());
    all
}

fn unexpected(name: &str, kind: &DataType) -> DataFusionError {
    let error = plan_datafusion_err!("{name} takes a text or bytes, not {}", type_name(kind));
    refused(error, UNEXPECTED_INPUT_TYPE, "cast it to STRING or BINARY")
}

fn is_bytes(kind: &DataType) -> bool {
    is_text(kind) || matches!(kind, DataType::Binary | DataType::BinaryView | DataType::LargeBinary | DataType::Null)
}

fn one_of(name: &'static str, gives: Gives, kinds: &'static [Kind], body: super::simple::Body) -> Simple {
    Simple { name, aliases: &[], count: (1, 1), kinds, gives, body }
}

fn of_bytes() -> Vec<Simple> {
    vec![
        one_of(
            "to_base32",
            |types| if is_bytes(&types[0]) { text_type(types) } else { Err(unexpected("to_base32", &types[0])) },
            &[Kind::Any],
            |args| {
                let bytes = cast(&args[0], &DataType::Binary)?;
                let texts = bytes.as_binary::<i32>().iter().map(|bytes| bytes.map(base32::encode));
                Ok(Arc::new(texts.collect::<StringArray>()))
            },
        ),
        one_of(
            "from_base32",
            |types| plain("from_base32", types).and_then(|()| bytes_type(types)),
            &[Kind::Any],
            |args| {
                let bytes = match args[0].data_type() {
                    DataType::Binary => {
                        args[0].as_binary::<i32>().iter().map(|bytes| bytes.map(base32::decode)).collect()
                    }
                    _ => {
                        let texts = super::text::to_text(&args[0])?;
                        texts.iter().map(|text| text.map(|text| base32::decode(text.as_bytes()))).collect::<Vec<_>>()
                    }
                };
                Ok(Arc::new(bytes.iter().map(Option::as_deref).collect::<BinaryArray>()))
            },
        ),
        one_of(
            "validate_utf8",
            |types| plain("validate_utf8", types).and_then(|()| text_type(types)),
            &[Kind::Any],
            |args| validated(&args[0], false),
        ),
        one_of(
            "try_validate_utf8",
            |types| plain("try_validate_utf8", types).and_then(|()| text_type(types)),
            &[Kind::Any],
            |args| validated(&args[0], true),
        ),
    ]
}

/// Refuses arrays, maps and structs.
fn plain(name: &str, types: &[DataType]) -> Result<()> {
    if types[0].is_nested() { Err(unexpected(name, &types[0])) } else { Ok(()) }
}

fn validated(values: &ArrayRef, is_trying: bool) -> Result<ArrayRef> {
    if values.data_type() != &DataType::Binary {
        return Ok(Arc::new(super::text::to_text(values)?));
    }
    let checked = values.as_binary::<i32>().iter().map(|bytes| match bytes.map(std::str::from_utf8) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) if is_trying => Ok(None),
        Some(Err(error)) => {
            let message = format!("the bytes are no UTF-8: {error}; try_validate_utf8 gives NULL instead");
            Err(RowFault { condition: "INVALID_UTF8_STRING", message }.into())
        }
    });
    Ok(Arc::new(checked.collect::<Result<StringArray>>()?))
}

fn of_texts() -> Vec<Simple> {
    vec![
        Simple {
            name: "jaro_winkler_similarity",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Text],
            gives: double_type,
            body: |args| {
                let pairs = texts(&args[0]).iter().zip(texts(&args[1]));
                Ok(Arc::new(pairs.map(|(left, right)| Some(likeness(left?, right?))).collect::<Float64Array>()))
            },
        },
        Simple {
            name: "sentences",
            aliases: &[],
            count: (1, 3),
            kinds: &[Kind::Text],
            gives: |_| {
                let words = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
                Ok(DataType::List(Arc::new(Field::new_list_field(words, true))))
            },
            body: |args| {
                let words =
                    ListBuilder::new(StringBuilder::new()).with_field(Field::new_list_field(DataType::Utf8, true));
                let mut lists = ListBuilder::new(words);
                for text in texts(&args[0]) {
                    for sentence in text.map(sentences).unwrap_or_default() {
                        sentence.into_iter().for_each(|word| lists.values().values().append_value(word));
                        lists.values().append(true);
                    }
                    lists.append(text.is_some());
                }
                Ok(Arc::new(lists.finish()))
            },
        },
        one_of("collation", text_type, &[Kind::Text], |args| {
            Ok(Arc::new(StringArray::from(vec!["SYSTEM.BUILTIN.UTF8_BINARY"; args[0].len()])))
        }),
    ]
}

/// Jaro's and Winkler's measure: from 0, nothing in common, to 1, the same.
fn likeness(left: &str, right: &str) -> f64 {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left.is_empty() && right.is_empty() {
        return 1.0;
    }
    let reach = (left.len().max(right.len()) / 2).saturating_sub(1);
    let mut is_used = vec![false; right.len()];
    let mut matched: Vec<char> = Vec::new();
    for (at, letter) in left.iter().enumerate() {
        let places = at.saturating_sub(reach)..(at + reach + 1).min(right.len());
        if let Some(place) = places.clone().find(|place| !is_used[*place] && right[*place] == *letter) {
            is_used[place] = true;
            matched.push(*letter);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let others = right.iter().zip(&is_used).filter(|(_, is_used)| **is_used).map(|(letter, _)| letter);
    let swapped = matched.iter().zip(others).filter(|(one, other)| one != other).count() / 2;
    let count = matched.len() as f64;
    let jaro = (count / left.len() as f64 + count / right.len() as f64 + (count - swapped as f64) / count) / 3.0;
    let prefix = left.iter().zip(&right).take(4).take_while(|(one, other)| one == other).count();
    jaro + prefix as f64 * 0.1 * (1.0 - jaro)
}

/// The words of each sentence. A sentence ends at `.`, `!` or `?` before a capital letter.
fn sentences(text: &str) -> Vec<Vec<String>> {
    let letters: Vec<char> = text.chars().collect();
    let mut all = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (at, letter) in letters.iter().copied().enumerate() {
        let next = letters.get(at + 1).copied();
        let joins =
            matches!(letter, '.' | '\'' | '-' | '’') && next.is_some_and(char::is_alphanumeric) && !word.is_empty();
        if letter.is_alphanumeric() || letter == '_' && !word.is_empty() || joins {
            word.push(letter);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        let is_end = matches!(letter, '.' | '!' | '?' | '…')
            && next.is_some_and(char::is_whitespace)
            && letters[at + 1..]
                .iter()
                .find(|letter| !letter.is_whitespace())
                .is_some_and(|letter| letter.is_uppercase());
        if is_end && !words.is_empty() {
            all.push(std::mem::take(&mut words));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    if !words.is_empty() {
        all.push(words);
    }
    all
}
