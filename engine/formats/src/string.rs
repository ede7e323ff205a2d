//! JSON strings: finding their end, checking and resolving their escapes.

use crate::span::{Malformed, byte};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Position of the first quote, backslash or control character at or after `at`; the text's length if there is none.
///
/// Eight bytes at a step: in each byte a subtraction borrows into the high bit exactly where a character matches, at
/// least up to the first match, which is the only one used.
#[inline]
pub(crate) fn plain_end(text: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let hits = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if hits & HIGHS != 0 {
            return at + (hits & HIGHS).trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while at < text.len() && !matches!(text[at], b'"' | b'\\' | 0..0x20) {
        at += 1;
    }
    at
}

/// Checks the escape whose backslash is at `at`; the position after it. A surrogate must be half of a pair.
#[cold]
pub(crate) fn escape_end(text: &[u8], at: usize) -> Result<usize, Malformed> {
    match byte(text, at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' => match code_unit(text, at + 2) {
            Some(0xD800..0xDC00) => match (byte(text, at + 6), byte(text, at + 7), code_unit(text, at + 8)) {
                (b'\\', b'u', Some(0xDC00..0xE000)) => Ok(at + 12),
                _ => Err(Malformed { at, problem: "lone surrogate in a string" }),
            },
            Some(0xDC00..0xE000) => Err(Malformed { at, problem: "lone surrogate in a string" }),
            Some(_) => Ok(at + 6),
            None => Err(Malformed { at, problem: "expected four hex digits after \\u" }),
        },
        _ => Err(Malformed { at, problem: "unknown escape in a string" }),
    }
}

/// Appends the string's characters to `out`. `text` lies between the quotes and its escapes have been checked.
pub(crate) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'\\' {
            let end = text[at..].iter().position(|&byte| byte == b'\\').map_or(text.len(), |length| at + length);
            out.extend_from_slice(&text[at..end]);
            at = end;
            continue;
        }
        at += match byte(text, at + 1) {
            b'u' => unescape_unicode(text, at, out),
            simple => {
                out.push(match simple {
                    b'b' => 0x08,
                    b'f' => 0x0C,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    same => same,
                });
                2
            }
        };
    }
}

/// Appends the character of the `\u` escape at `at`, or of the pair that begins there; how many bytes the escape has.
fn unescape_unicode(text: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    let unit = code_unit(text, at + 2).unwrap_or(0xFFFD);
    let (code, length) = match (unit, code_unit(text, at + 8)) {
        (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) => (0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00), 12),
        _ => (unit, 6),
    };
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    length
}

fn code_unit(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | (digit as char).to_digit(16)?))
}
