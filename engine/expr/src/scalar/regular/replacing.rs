//! `regexp_replace`, with Java's `$1`, `${name}` and `\$`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::error::Result;

use super::super::read::texts;
use super::compiled::{Compiled, Groups};
use super::each;
use crate::row_fault::RowFault;

/// The texts with what matches replaced.
pub fn replace(args: &[ArrayRef]) -> Result<ArrayRef> {
    let new = texts(&args[2]);
    let from = args.get(3).map(|from| from.as_primitive::<Int64Type>());
    let mut replaced = Vec::with_capacity(args[0].len());
    each(args, |text, pattern| {
        let row = replaced.len();
        let is_given = new.is_valid(row) && from.is_none_or(|from| from.is_valid(row));
        let Some(text) = text.filter(|_| is_given) else {
            replaced.push(None);
            return Ok(());
        };
        let skipped = from.map_or(0, |from| from.value(row) - 1);
        if skipped < 0 {
            return Err(RowFault {
                condition: "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                message: format!("regexp_replace counts letters from 1, not from {}", skipped + 1),
            }
            .into());
        }
        let start = text.char_indices().nth(skipped as usize).map_or(text.len(), |(at, _)| at);
        let mut out = text[..start].to_string();
        replaced_in(&text[start..], pattern, new.value(row), &mut out)?;
        replaced.push(Some(out));
        Ok(())
    })?;
    Ok(Arc::new(StringArray::from(replaced)))
}

fn replaced_in(text: &str, pattern: &Compiled, with: &str, out: &mut String) -> Result<()> {
    let mut last = 0;
    for groups in pattern.all_groups(text) {
        let Some((start, end)) = groups.first().copied().flatten() else { continue };
        out.push_str(&text[last..start]);
        write(with, text, pattern, &groups, out)?;
        last = end;
    }
    out.push_str(&text[last..]);
    Ok(())
}

/// Writes what a match is replaced by.
fn write(with: &str, text: &str, pattern: &Compiled, groups: &Groups, out: &mut String) -> Result<()> {
    let wrong = || RowFault {
        condition: "INVALID_REGEXP_REPLACE",
        message: format!(
            "'{with}' is no replacement: $1 names a group that the pattern has, and a backslash or a dollar sign itself is \\\\ or \\$"
        ),
    };
    let mut letters = with.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.push(letters.next().ok_or_else(wrong)?),
            '$' => {
                let group = if letters.peek() == Some(&'{') {
                    letters.next();
                    let name: String = letters.by_ref().take_while(|letter| *letter != '}').collect();
                    // Spark puts settings in the place of `${name}`; one that there is not is nothing.
                    let Some(group) = pattern.group_named(&name) else { continue };
                    Some(group)
                } else {
                    let digit = letters.next().and_then(|letter| letter.to_digit(10)).ok_or_else(wrong)?;
                    let mut number = digit as usize;
                    // More digits belong to it as long as there is such a group.
                    while let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(10)) {
                        let longer = number * 10 + digit as usize;
                        if longer >= pattern.group_count() {
                            break;
                        }
                        number = longer;
                        letters.next();
                    }
                    Some(number)
                };
                let group = group.filter(|group| *group < pattern.group_count()).ok_or_else(wrong)?;
                if let Some((start, end)) = groups.get(group).copied().flatten() {
                    out.push_str(&text[start..end]);
                }
            }
            other => out.push(other),
        }
    }
    Ok(())
}
