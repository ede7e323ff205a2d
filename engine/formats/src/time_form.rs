//! How the times of one column are written: what a number counts, what a text looks like, in which zone it is.

use std::fmt;
use std::sync::Arc;

use job::TimeUnit;

use crate::number::{integer, scaled};
use crate::timestamp::{in_range, local_us, timestamp_us};

/// Makes the instant of a text, microseconds since 1970 UTC; `None` if it is none.
pub type ReadText = Arc<dyn Fn(&str) -> Option<i64> + Send + Sync>;

/// Makes the instant of a local time, both in microseconds since 1970; `None` if there is none.
pub type AtZone = Arc<dyn Fn(i64) -> Option<i64> + Send + Sync>;

/// How texts are read.
#[derive(Clone, Default)]
pub enum TimeText {
    /// ISO-8601; without a zone it is UTC.
    #[default]
    Iso,
    /// ISO-8601; without a zone it is local.
    IsoAt(AtZone),
    /// As a pattern says.
    Pattern(ReadText),
}

/// How the times of one column are written.
#[derive(Clone, Default)]
pub struct ReadTime {
    /// What a whole number counts; `None`: seconds, unless there is a pattern, by which its digits are read then.
    pub unit: Option<TimeUnit>,
    /// How texts are read.
    pub text: TimeText,
}

impl fmt::Debug for ReadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected())
    }
}

impl ReadTime {
    /// The instant of a text.
    #[inline]
    pub(crate) fn text_us(&self, text: &[u8]) -> Option<i64> {
        match &self.text {
            TimeText::Iso => timestamp_us(text),
            TimeText::IsoAt(at_zone) => match local_us(text)? {
                (local_us, None) => at_zone(local_us),
                (local_us, Some(zone_us)) => Some(local_us - zone_us),
            }
            .and_then(in_range),
            TimeText::Pattern(read) => read(std::str::from_utf8(text).ok()?).and_then(in_range),
        }
    }

    /// The instant of a number as it is written.
    #[inline]
    pub(crate) fn number_us(&self, text: &[u8]) -> Option<i64> {
        let unit = match (&self.text, self.unit) {
            (TimeText::Pattern(_), None) => return self.text_us(text),
            (_, unit) => unit.unwrap_or(TimeUnit::Seconds),
        };
        let is_plain = text.strip_prefix(b"-").unwrap_or(text).iter().all(u8::is_ascii_digit);
        let number = match is_plain {
            true => integer(text)?,
            false => scaled(text, 0).filter(|scaled| scaled.exact)?.value.try_into().ok()?,
        };
        in_range(match unit {
            TimeUnit::Seconds => number.checked_mul(1_000_000)?,
            TimeUnit::Milliseconds => number.checked_mul(1_000)?,
            TimeUnit::Microseconds => number,
            TimeUnit::Nanoseconds => number.div_euclid(1_000),
        })
    }

    /// What is expected, in the words of a reason.
    pub(crate) fn expected(&self) -> &'static str {
        match (&self.text, self.unit) {
            (TimeText::Pattern(_), _) => "timestamp (as its `format` says)",
            (_, None | Some(TimeUnit::Seconds)) => "timestamp (ISO-8601)",
            (_, Some(TimeUnit::Milliseconds)) => "timestamp (milliseconds since 1970, or ISO-8601)",
            (_, Some(TimeUnit::Microseconds)) => "timestamp (microseconds since 1970, or ISO-8601)",
            (_, Some(TimeUnit::Nanoseconds)) => "timestamp (nanoseconds since 1970, or ISO-8601)",
        }
    }

    /// What is wrong with a whole number, in the words of a reason.
    pub(crate) fn out_of_range(&self) -> &'static str {
        match (&self.text, self.unit) {
            (TimeText::Pattern(_), None) => "",
            (_, None | Some(TimeUnit::Seconds)) => ", seconds since 1970 out of range",
            _ => ", out of range",
        }
    }
}

#[cfg(test)]
mod tests;
