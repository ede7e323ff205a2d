//! How a source's texts become times: by a pattern, in a zone. The same as `to_timestamp` and the zones of SQL.

use arrow::array::timezone::Tz;
use chrono::DateTime;

use super::instant_text::{at_zone, parse_zone};
use super::pattern::Pattern;

/// A time zone of the job file.
#[derive(Debug, Clone, Copy)]
pub struct Zone(Tz);

impl Zone {
    /// Reads a name (`Europe/Berlin`) or an offset (`+02:00`).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Zone, String> {
        parse_zone(text).map(Zone).ok_or_else(|| format!("`{text}` is no time zone"))
    }

    /// The instant of a local time, both in microseconds since 1970. In a gap it is moved forward, of one that comes twice it is the
    /// earlier one.
    pub fn instant_us(&self, local_us: i64) -> Option<i64> {
        at_zone(DateTime::from_timestamp_micros(local_us)?.naive_utc(), &self.0)
    }
}

/// A datetime pattern of the job file, and the zone of texts that name none.
#[derive(Debug, Clone)]
pub struct TextPattern {
    pattern: Pattern,
    zone: Option<Zone>,
}

impl TextPattern {
    /// Reads a pattern of Spark's.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, zone: Option<Zone>) -> Result<TextPattern, String> {
        Ok(TextPattern { pattern: Pattern::parse(text)?, zone })
    }

    /// The instant of a text that fits the pattern whole, microseconds since 1970 UTC.
    pub fn read(&self, text: &str) -> Option<i64> {
        self.pattern.read_at(text, self.zone.as_ref().map(|zone| &zone.0))
    }
}

#[cfg(test)]
mod tests;
