//! Patterns of numbers, `#,##0.00`: Java's DecimalFormat in English, rounding half to even.

use super::super::round::Half;
use super::rounding::{grouped, rounded};

/// A pattern.
pub struct DecimalFormat {
    prefix: String,
    suffix: String,
    least_whole: usize,
    group: usize,
    least_fraction: usize,
    most_fraction: usize,
}

impl DecimalFormat {
    /// Groups of three and so many digits behind the point; none below zero.
    pub fn to_digits(digits: &str) -> Option<DecimalFormat> {
        let digits: usize = digits.parse().ok()?;
        let digits = digits.min(1_000);
        Some(DecimalFormat { least_fraction: digits, most_fraction: digits, ..DecimalFormat::usual() })
    }

    fn usual() -> DecimalFormat {
        DecimalFormat {
            prefix: String::new(),
            suffix: String::new(),
            least_whole: 1,
            group: 3,
            least_fraction: 0,
            most_fraction: 0,
        }
    }

    /// Of a pattern; an empty one is the usual one. None if it is no pattern that is known here.
    pub fn parse(pattern: &str) -> Option<DecimalFormat> {
        if pattern.is_empty() {
            return Some(DecimalFormat::usual());
        }
        let positive = pattern.split(';').next().unwrap_or_default();
        let is_digit = |letter: char| matches!(letter, '#' | '0' | ',' | '.');
        let start = positive.find(is_digit)?;
        let end = positive.rfind(is_digit)? + 1;
        let (prefix, digits, suffix) = (&positive[..start], &positive[start..end], &positive[end..]);
        let is_plain = |text: &str| !text.contains(['%', '\u{2030}', '\u{a4}', '\'', 'E']);
        if !digits.chars().all(is_digit) || !is_plain(prefix) || !is_plain(suffix) {
            return None;
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if fraction.contains(['.', ',']) {
            return None;
        }
        let count = |text: &str, wanted: char| text.chars().filter(|letter| *letter == wanted).count();
        Some(DecimalFormat {
            prefix: prefix.to_string(),
            suffix: suffix.to_string(),
            least_whole: count(whole, '0'),
            group: whole.rfind(',').map_or(0, |at| whole.len() - at - 1),
            least_fraction: count(fraction, '0'),
            most_fraction: fraction.len(),
        })
    }

    /// The most digits behind the point.
    pub fn most_fraction(&self) -> usize {
        self.most_fraction
    }

    /// A number, given with all its digits.
    pub fn write(&self, number: &str) -> String {
        let (sign, digits) = match number.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", number),
        };
        let (prefix, suffix) = (&self.prefix, &self.suffix);
        match digits {
            "NaN" => return "NaN".to_string(),
            "Infinity" => return format!("{sign}{prefix}\u{221e}{suffix}"),
            _ => {}
        }
        let (whole, fraction) = rounded(digits, self.most_fraction, Half::Even);
        let whole = whole.trim_start_matches('0');
        let least = self.least_whole;
        let whole = grouped(&format!("{whole:0>least$}"), self.group);
        let mut fraction = fraction.as_str();
        while fraction.len() > self.least_fraction && fraction.ends_with('0') {
            fraction = &fraction[..fraction.len() - 1];
        }
        // A number is never written without any digit.
        let whole = if whole.is_empty() && fraction.is_empty() { "0" } else { whole.as_str() };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{prefix}{whole}{point}{fraction}{suffix}")
    }
}
