//! Where a value lies in its record, of which kind it is, and where a record stops being JSON.

/// Kind of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    True,
    False,
    /// Digits, perhaps after a minus.
    Integer,
    /// A number with a fraction or an exponent.
    Fraction,
    /// A string that is its own text.
    String,
    /// A string with escapes, which have been checked.
    EscapedString,
    Object,
    Array,
}

/// Where a value lies in its record; of a string, what is between the quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) kind: Kind,
    start: u32,
    end: u32,
}

impl Span {
    /// The null of a field that is not there.
    pub(crate) const ABSENT: Span = Span { kind: Kind::Null, start: 0, end: 0 };

    /// A plain string that is a text of its own.
    pub(crate) fn of_string(length: usize) -> Span {
        Span::new(Kind::String, 0, length)
    }

    // Positions fit: a record has at most RECORD_BYTES_MAX bytes.
    #[inline]
    pub(crate) fn new(kind: Kind, start: usize, end: usize) -> Span {
        Span { kind, start: start as u32, end: end as u32 }
    }

    #[inline]
    pub(crate) fn text(self, record: &[u8]) -> &[u8] {
        record.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(crate) fn start(self) -> usize {
        self.start as usize
    }
}

/// Why and where a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) at: usize,
    pub(crate) problem: &'static str,
}

/// The byte at `at`, or 0 past the end: a byte that no rule of the grammar accepts.
#[inline(always)]
pub(crate) fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// Position of the first byte at or after `at` that is not white space.
#[inline(always)]
pub(crate) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(byte(text, at), b' ' | b'\n' | b'\r' | b'\t') {
        at += 1;
    }
    at
}
