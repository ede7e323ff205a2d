//! Spark's `INTERVAL YEAR TO MONTH` and `INTERVAL DAY TO SECOND` with the fields that they begin and end with.
//!
//! Months are Arrow's `Interval(YearMonth)`, microseconds its `Duration(Microsecond)`. Fewer fields than all of them stand in the metadata of
//! the column; without it an interval has all of its kind.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use datafusion::common::metadata::FieldMetadata;

/// The key of a column's metadata under which its fields stand, such as `day to hour`.
pub const INTERVAL_FIELDS: &str = "spark.interval";

/// A field of an interval, the longest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntervalField {
    /// Twelve months.
    Year,
    /// A month.
    Month,
    /// 24 hours.
    Day,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
    /// A second and its fraction.
    Second,
}

use IntervalField::{Day, Hour, Minute, Month, Second, Year};

const ALL: [(IntervalField, &str, i64); 6] = [
    (Year, "year", 12),
    (Month, "month", 1),
    (Day, "day", 86_400_000_000),
    (Hour, "hour", 3_600_000_000),
    (Minute, "minute", 60_000_000),
    (Second, "second", 1_000_000),
];

impl IntervalField {
    /// Its name in small letters.
    pub fn name(self) -> &'static str {
        ALL[self as usize].1
    }

    /// Its length: months of years and months, microseconds of the others.
    pub fn length(self) -> i64 {
        ALL[self as usize].2
    }

    /// The field of a unit's name, in whatever case, one or many.
    pub fn of_unit(name: &str) -> Option<IntervalField> {
        let name = name.to_lowercase();
        let name = name.strip_suffix('s').unwrap_or(&name);
        match name {
            "week" => Some(Day),
            "millisecond" | "microsecond" => Some(Second),
            name => ALL.iter().find(|(_, own, _)| *own == name).map(|(field, ..)| *field),
        }
    }

    fn is_of_months(self) -> bool {
        self <= Month
    }
}

/// The type of an interval: the fields that it begins and ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IntervalType {
    /// The longest.
    pub from: IntervalField,
    /// The shortest.
    pub to: IntervalField,
}

impl IntervalType {
    /// `INTERVAL YEAR TO MONTH`.
    pub const YEAR_TO_MONTH: IntervalType = IntervalType { from: Year, to: Month };
    /// `INTERVAL DAY TO SECOND`.
    pub const DAY_TO_SECOND: IntervalType = IntervalType { from: Day, to: Second };

    /// The type of these fields; none if they are of two kinds, or the wrong way round.
    pub fn new(from: IntervalField, to: IntervalField) -> Option<IntervalType> {
        (from <= to && from.is_of_months() == to.is_of_months()).then_some(IntervalType { from, to })
    }

    /// The type that words such as `day to second` or `hour` name.
    pub fn parse(words: &str) -> Option<IntervalType> {
        let field = |name: &str| ALL.iter().find(|(_, own, _)| *own == name).map(|(field, ..)| *field);
        let lower = words.to_lowercase();
        let (from, to) = lower.split_once(" to ").unwrap_or((&lower, &lower));
        IntervalType::new(field(from.trim())?, field(to.trim())?)
    }

    /// The words that name it, without INTERVAL.
    pub fn words(self) -> String {
        match self.from == self.to {
            true => self.from.name().to_string(),
            false => format!("{} to {}", self.from.name(), self.to.name()),
        }
    }

    /// All types with this kind of values have these fields at most.
    pub fn widest(self) -> IntervalType {
        if self.is_of_months() { IntervalType::YEAR_TO_MONTH } else { IntervalType::DAY_TO_SECOND }
    }

    /// True of years and months.
    pub fn is_of_months(self) -> bool {
        self.from.is_of_months()
    }

    /// The fields of both.
    pub fn with(self, other: IntervalType) -> IntervalType {
        IntervalType { from: self.from.min(other.from), to: self.to.max(other.to) }
    }

    /// The type of Arrow that holds it.
    pub fn data_type(self) -> DataType {
        match self.is_of_months() {
            true => DataType::Interval(IntervalUnit::YearMonth),
            false => DataType::Duration(TimeUnit::Microsecond),
        }
    }

    /// The type that a type of Arrow holds, with all fields.
    pub fn of_data_type(kind: &DataType) -> Option<IntervalType> {
        match kind {
            DataType::Interval(IntervalUnit::YearMonth) => Some(IntervalType::YEAR_TO_MONTH),
            DataType::Duration(TimeUnit::Microsecond) => Some(IntervalType::DAY_TO_SECOND),
            _ => None,
        }
    }

    /// The type of a column.
    pub fn of_field(field: &Field) -> Option<IntervalType> {
        let widest = IntervalType::of_data_type(field.data_type())?;
        let named = field.metadata().get(INTERVAL_FIELDS).and_then(|words| IntervalType::parse(words));
        Some(named.filter(|named| named.widest() == widest).unwrap_or(widest))
    }

    /// What a constant of the type says about its fields.
    pub fn metadata(self) -> Option<FieldMetadata> {
        let map: BTreeMap<String, String> = [(INTERVAL_FIELDS.to_string(), self.words())].into();
        (self != self.widest()).then(|| FieldMetadata::from(map))
    }

    /// A column of the type.
    pub fn field(self, name: &str, is_nullable: bool) -> Field {
        let field = Field::new(name, self.data_type(), is_nullable);
        match self == self.widest() {
            true => field,
            false => field.with_metadata([(INTERVAL_FIELDS.to_string(), self.words())].into()),
        }
    }

    /// A value as Spark writes it: `INTERVAL '1-2' YEAR TO MONTH`.
    pub fn text(self, value: i64) -> String {
        format!("INTERVAL '{}' {}", self.digits(value), self.words().to_uppercase())
    }

    /// What stands between the quotes of a literal.
    pub fn digits(self, value: i64) -> String {
        let sign = if value < 0 { "-" } else { "" };
        let rest = i128::from(value).abs();
        match (self.from, self.to) {
            (_, Year) => format!("{sign}{}", rest / 12),
            (Month, _) => format!("{sign}{rest}"),
            (Year, _) => format!("{sign}{}-{}", rest / 12, rest % 12),
            _ => format!("{sign}{}", self.clock(rest)),
        }
    }

    fn clock(self, us: i128) -> String {
        let mut text = String::new();
        let mut rest = us;
        for (field, _, length) in ALL.iter().filter(|(field, ..)| (self.from..=self.to).contains(field)) {
            let length = i128::from(*length);
            text.push_str(match field {
                field if *field == self.from => "",
                Hour => " ",
                _ => ":",
            });
            match field {
                Day => text.push_str(&(rest / length).to_string()),
                Second => text.push_str(&seconds(rest)),
                _ => text.push_str(&format!("{:02}", rest / length)),
            }
            rest %= length;
        }
        text
    }

    /// A value cut to the fields that the type has.
    pub fn cut(self, value: i64) -> i64 {
        if self.to == Second { value } else { value - value % self.to.length() }
    }

    /// The value that a text is: `1-2`, `1 02:03:04.5`, a number for a single field, or either as Spark writes it.
    pub fn parse_value(self, text: &str) -> Option<i64> {
        let text = text.trim();
        let (text, sign) = match text.get(..8).filter(|start| start.eq_ignore_ascii_case("interval")) {
            Some(_) => literal(text[8..].trim_start(), self)?,
            None => (text, 1),
        };
        self.parse_digits(text)?.checked_mul(sign)
    }

    /// The value that stands between the quotes of a literal.
    pub fn parse_digits(self, text: &str) -> Option<i64> {
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let mut rest = text;
        let mut total: i128 = 0;
        for (field, _, length) in ALL.iter().filter(|(field, ..)| (self.from..=self.to).contains(field)) {
            if *field != self.from {
                rest = rest.strip_prefix(match field {
                    Month => '-',
                    Hour => ' ',
                    _ => ':',
                })?;
            }
            let end = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
            let number: i128 = rest[..end].parse().ok().filter(|_| end <= 19)?;
            if *field != self.from && number >= limit(*field) {
                return None;
            }
            rest = &rest[end..];
            total += number * i128::from(*length);
            if let (Second, Some(fraction)) = (field, rest.strip_prefix('.')) {
                total += micros(fraction)?;
                rest = "";
            }
        }
        let total = i64::try_from(total * sign).ok()?;
        let is_in_range = !self.is_of_months() || i32::try_from(total).is_ok();
        (rest.is_empty() && is_in_range).then_some(total)
    }
}

/// How many of a field make one of the next longer one.
fn limit(field: IntervalField) -> i128 {
    match field {
        Month => 12,
        Hour => 24,
        Minute | Second => 60,
        Year | Day => i128::MAX,
    }
}

/// What stands between the quotes of `'…' DAY TO SECOND`, and the sign before them, if the fields are those of the type.
fn literal(text: &str, kind: IntervalType) -> Option<(&str, i64)> {
    let (text, sign) = match text.strip_prefix('-') {
        Some(rest) => (rest, -1),
        None => (text.strip_prefix('+').unwrap_or(text), 1),
    };
    let (digits, words) = text.trim_start().strip_prefix('\'')?.split_once('\'')?;
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    (IntervalType::parse(&words) == Some(kind)).then_some((digits, sign))
}

/// Digits behind the point of a number of seconds.
fn micros(fraction: &str) -> Option<i128> {
    let is_number = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| format!("{fraction:0<6}")[..6].parse().ok()).flatten()
}

/// Seconds with two digits before the point, and as many behind it as there are.
fn seconds(us: i128) -> String {
    let (whole, fraction) = (us / 1_000_000, us % 1_000_000);
    match fraction {
        0 => format!("{whole:02}"),
        _ => format!("{whole:02}.{}", format!("{fraction:06}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests;
