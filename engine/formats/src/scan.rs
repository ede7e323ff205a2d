//! JSON's grammar (RFC 8259) over bytes: from text to spans. Nothing is copied, nothing recurses.

use crate::limits::{ELEMENTS_MAX, NESTING_MAX, NUMBER_BYTES_MAX};
use crate::span::{Kind, Malformed, Span, byte, skip_space};
use crate::string::{escape_end, plain_end};

type Scanned = Result<(Span, usize), Malformed>;

/// The value that starts at `at`, and the position after it.
#[inline]
pub(crate) fn value(text: &[u8], at: usize) -> Scanned {
    match byte(text, at) {
        b'{' | b'[' => nested(text, at),
        _ => scalar(text, at),
    }
}

#[inline]
fn scalar(text: &[u8], at: usize) -> Scanned {
    match byte(text, at) {
        b'"' => string(text, at + 1),
        b'-' | b'0'..=b'9' => number(text, at),
        b't' => literal(text, at, b"true", Kind::True),
        b'f' => literal(text, at, b"false", Kind::False),
        b'n' => literal(text, at, b"null", Kind::Null),
        _ => Err(Malformed { at, problem: "expected a value" }),
    }
}

#[inline]
fn literal(text: &[u8], at: usize, word: &'static [u8], kind: Kind) -> Scanned {
    let end = at + word.len();
    if text.get(at..end) == Some(word) {
        return Ok((Span::new(kind, at, end), end));
    }
    Err(Malformed { at, problem: "expected a value" })
}

/// The string whose first character is at `start`, after the opening quote.
#[inline]
pub(crate) fn string(text: &[u8], start: usize) -> Scanned {
    let mut at = start;
    let mut kind = Kind::String;
    loop {
        at = plain_end(text, at);
        match text.get(at) {
            Some(b'"') => return Ok((Span::new(kind, start, at), at + 1)),
            Some(b'\\') => {
                at = escape_end(text, at)?;
                kind = Kind::EscapedString;
            }
            Some(_) => return Err(Malformed { at, problem: "control character in a string" }),
            None => return Err(Malformed { at, problem: "string without end" }),
        }
    }
}

/// The number at `start`, with JSON's rules: no plus, no leading zero, digits on both sides of the point.
#[inline]
pub(crate) fn number(text: &[u8], start: usize) -> Scanned {
    let mut kind = Kind::Integer;
    let first = start + usize::from(byte(text, start) == b'-');
    let mut at = skip_digits(text, first)?;
    if byte(text, first) == b'0' && at > first + 1 {
        return Err(Malformed { at: first, problem: "leading zero in a number" });
    }
    if byte(text, at) == b'.' {
        kind = Kind::Fraction;
        at = skip_digits(text, at + 1)?;
    }
    if matches!(byte(text, at), b'e' | b'E') {
        kind = Kind::Fraction;
        at = skip_digits(text, at + 1 + usize::from(matches!(byte(text, at + 1), b'+' | b'-')))?;
    }
    if at - start > NUMBER_BYTES_MAX {
        return Err(Malformed { at: start, problem: "number with more than 1000 characters" });
    }
    Ok((Span::new(kind, start, at), at))
}

/// The position after one or more digits.
#[inline]
fn skip_digits(text: &[u8], start: usize) -> Result<usize, Malformed> {
    let mut at = start;
    while byte(text, at).is_ascii_digit() {
        at += 1;
    }
    if at == start { Err(Malformed { at, problem: "expected a digit" }) } else { Ok(at) }
}

/// The key that starts at `at` with its quote, and the position of its value.
#[inline]
pub(crate) fn key(text: &[u8], at: usize) -> Scanned {
    if byte(text, at) != b'"' {
        return Err(Malformed { at, problem: "expected a key in quotes" });
    }
    let (key, after) = string(text, at + 1)?;
    Ok((key, colon(text, after)?))
}

/// The position of the value after the colon at or after `at`.
#[inline(always)]
pub(crate) fn colon(text: &[u8], at: usize) -> Result<usize, Malformed> {
    let at = skip_space(text, at);
    if byte(text, at) != b':' {
        return Err(Malformed { at, problem: "expected ':' after a key" });
    }
    Ok(skip_space(text, at + 1))
}

/// The containers that are open, one bit a level: 1 for an object. Depth is bounded, so no text can exhaust a stack.
struct Open {
    depth: u32,
    objects: u64,
}

impl Open {
    fn push(&mut self, at: usize, object: bool) -> Result<(), Malformed> {
        // The record itself is a level too.
        if self.depth + 2 > NESTING_MAX {
            return Err(Malformed { at, problem: "more than 64 levels of nesting" });
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u64::from(object);
        Ok(())
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

/// The object or array that starts at `start`, with all that is inside.
fn nested(text: &[u8], start: usize) -> Scanned {
    let mut open = Open { depth: 0, objects: 0 };
    let mut elements = 0;
    let mut at = start;
    loop {
        at = match byte(text, at) {
            bracket @ (b'{' | b'[') => match enter(text, at, bracket == b'{', &mut open)? {
                Entered::Value(next) => {
                    at = next;
                    continue;
                }
                Entered::Empty(next) => next,
            },
            _ => scalar(text, at)?.1,
        };
        // A value ends here; so may containers.
        loop {
            if open.depth == 0 {
                let kind = if byte(text, start) == b'{' { Kind::Object } else { Kind::Array };
                return Ok((Span::new(kind, start, at), at));
            }
            at = skip_space(text, at);
            match (byte(text, at), open.in_object()) {
                (b'}', true) | (b']', false) => {
                    open.pop();
                    at += 1;
                }
                (b',', object) => {
                    elements += 1;
                    if elements >= ELEMENTS_MAX {
                        return Err(Malformed { at, problem: "more than 1000000 elements" });
                    }
                    at = skip_space(text, at + 1);
                    if object {
                        at = key(text, at)?.1;
                    }
                    break;
                }
                (_, true) => return Err(Malformed { at, problem: "expected ',' or '}'" }),
                (_, false) => return Err(Malformed { at, problem: "expected ',' or ']'" }),
            }
        }
    }
}

enum Entered {
    /// The first value of the container is here.
    Value(usize),
    /// The container was empty; this is the position after it.
    Empty(usize),
}

/// Goes into the container whose bracket is at `at`.
fn enter(text: &[u8], at: usize, object: bool, open: &mut Open) -> Result<Entered, Malformed> {
    open.push(at, object)?;
    let inside = skip_space(text, at + 1);
    if byte(text, inside) == if object { b'}' } else { b']' } {
        open.pop();
        return Ok(Entered::Empty(inside + 1));
    }
    Ok(Entered::Value(if object { key(text, inside)?.1 } else { inside }))
}

#[cfg(test)]
mod tests;
