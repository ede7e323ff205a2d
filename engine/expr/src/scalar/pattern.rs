//! Spark's datetime patterns (`yyyy-MM-dd HH:mm:ss.SSS`): read once, then used to write and to read texts.

use std::fmt::Write;

use arrow::array::timezone::Tz;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::instant_text::{at_zone, parse_zone};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A pattern, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Item>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Text(String),
    Field(char, usize),
    /// `[…]`: written always, need not be there when reading.
    Optional(Vec<Item>),
}

/// The parts of a time that are read so far.
#[derive(Debug, Clone)]
struct DateParts {
    year: i32,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    micro: u32,
    is_afternoon: Option<bool>,
    zone: Option<Tz>,
}

impl Default for DateParts {
    fn default() -> Self {
        DateParts {
            year: 1970,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            minute: 0,
            second: 0,
            micro: 0,
            is_afternoon: None,
            zone: None,
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let letters: Vec<char> = text.chars().collect();
        let mut at = 0;
        let items = parse_items(&letters, &mut at, false)?;
        Ok(Pattern(items))
    }

    /// The text of an instant, in UTC.
    pub fn format(&self, us: i64) -> Option<String> {
        let time = DateTime::from_timestamp_micros(us)?;
        let mut text = String::new();
        format_items(&self.0, &time, &mut text);
        Some(text)
    }

    /// The instant of a text that fits the pattern whole.
    pub fn read(&self, text: &str) -> Option<i64> {
        self.read_at(text, None)
    }

    /// The same; a text that names no zone is in `default`, or in UTC.
    pub fn read_at(&self, text: &str, default: Option<&Tz>) -> Option<i64> {
        let mut parts = DateParts::default();
        read_items(&self.0, text, &mut parts, &[]).filter(|rest| rest.is_empty())?;
        let day = match parts.day_of_year {
            Some(day) => NaiveDate::from_yo_opt(parts.year, day)?,
            None => NaiveDate::from_ymd_opt(parts.year, parts.month, parts.day)?,
        };
        let hour = match parts.is_afternoon {
            Some(is_afternoon) => parts.hour % 12 + if is_afternoon { 12 } else { 0 },
            None => parts.hour,
        };
        let time = NaiveTime::from_hms_micro_opt(hour, parts.minute, parts.second, parts.micro)?;
        let local = NaiveDateTime::new(day, time);
        match parts.zone.as_ref().or(default) {
            Some(zone) => at_zone(local, zone),
            None => Some(local.and_utc().timestamp_micros()),
        }
    }
}

fn parse_items(letters: &[char], at: &mut usize, inside: bool) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    while let Some(letter) = letters.get(*at).copied() {
        match letter {
            '\'' => items.push(Item::Text(quoted(letters, at)?)),
            '[' => {
                *at += 1;
                items.push(Item::Optional(parse_items(letters, at, true)?));
            }
            ']' if inside => {
                *at += 1;
                return Ok(items);
            }
            letter if letter.is_ascii_alphabetic() => {
                let count = letters[*at..].iter().take_while(|other| **other == letter).count();
                check_field(letter, count)?;
                items.push(Item::Field(letter, count));
                *at += count;
            }
            '#' | '{' | '}' | ']' => return Err(format!("`{letter}` is reserved in a datetime pattern")),
            other => {
                items.push(Item::Text(other.to_string()));
                *at += 1;
            }
        }
    }
    if inside { Err("a `[` of the datetime pattern is not closed".to_string()) } else { Ok(items) }
}

fn quoted(letters: &[char], at: &mut usize) -> Result<String, String> {
    *at += 1;
    if letters.get(*at) == Some(&'\'') {
        *at += 1;
        return Ok("'".to_string());
    }
    let mut text = String::new();
    loop {
        match (letters.get(*at), letters.get(*at + 1)) {
            (Some('\''), Some('\'')) => {
                text.push('\'');
                *at += 2;
            }
            (Some('\''), _) => {
                *at += 1;
                return Ok(text);
            }
            (Some(letter), _) => {
                text.push(*letter);
                *at += 1;
            }
            (None, _) => return Err("a quote of the datetime pattern is not closed".to_string()),
        }
    }
}

fn check_field(letter: char, count: usize) -> Result<(), String> {
    let most = match letter {
        'y' | 'u' => 6,
        'M' | 'L' | 'E' | 'Q' | 'q' | 'G' => 4,
        'd' | 'H' | 'h' | 'k' | 'K' | 'm' | 's' => 2,
        'D' => 3,
        'S' => 9,
        'a' => 1,
        'X' | 'x' | 'Z' => 5,
        'V' => 2,
        'z' | 'O' => 4,
        other => return Err(format!("`{other}` means nothing in a datetime pattern; put letters in single quotes")),
    };
    if letter == 'u' {
        return Err("`u` has no meaning in a datetime pattern since Spark 3; `E` is the day of the week".to_string());
    }
    if count > most { Err(format!("{count} times `{letter}` in a datetime pattern, {most} at most")) } else { Ok(()) }
}

fn format_items(items: &[Item], time: &DateTime<Utc>, out: &mut String) {
    for item in items {
        match item {
            Item::Text(text) => out.push_str(text),
            Item::Optional(items) => format_items(items, time, out),
            Item::Field(letter, count) => format_field(*letter, *count, time, out),
        }
    }
}

fn format_field(letter: char, count: usize, time: &DateTime<Utc>, out: &mut String) {
    let number = |out: &mut String, value: u32| {
        let _ = write!(out, "{value:0count$}");
    };
    let hour = time.hour();
    match letter {
        'y' if count == 2 => number(out, time.year().rem_euclid(100) as u32),
        'y' => {
            let _ = write!(out, "{:0count$}", time.year());
        }
        'M' | 'L' => named(&MONTHS, time.month0() as usize, count, out, time.month()),
        'd' => number(out, time.day()),
        'D' => number(out, time.ordinal()),
        'H' => number(out, hour),
        'k' => number(out, if hour == 0 { 24 } else { hour }),
        'K' => number(out, hour % 12),
        'h' => number(out, if hour.is_multiple_of(12) { 12 } else { hour % 12 }),
        'm' => number(out, time.minute()),
        's' => number(out, time.second()),
        'S' => out.push_str(&format!("{:09}", time.nanosecond())[..count]),
        'a' => out.push_str(if hour < 12 { "AM" } else { "PM" }),
        'E' => {
            let name = DAYS[time.weekday().num_days_from_monday() as usize];
            out.push_str(if count < 4 { &name[..3] } else { name });
        }
        'Q' | 'q' => {
            let quarter = time.month0() / 3 + 1;
            match count {
                1 | 2 => number(out, quarter),
                3 => {
                    let _ = write!(out, "Q{quarter}");
                }
                _ => {
                    let names = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"];
                    out.push_str(names[quarter as usize - 1]);
                }
            }
        }
        'G' => out.push_str(if time.year() > 0 { "AD" } else { "BC" }),
        'X' | 'Z' if letter == 'X' || count == 5 => out.push('Z'),
        'x' | 'Z' if count == 4 && letter == 'Z' => out.push_str("GMT"),
        'x' if count == 1 => out.push_str("+00"),
        'x' if count == 3 || count == 5 => out.push_str("+00:00"),
        'x' | 'Z' => out.push_str("+0000"),
        'z' if count == 4 => out.push_str("Coordinated Universal Time"),
        'O' => out.push_str("GMT"),
        _ => out.push_str("UTC"),
    }
}

fn named(names: &[&str], at: usize, count: usize, out: &mut String, number: u32) {
    match count {
        1 | 2 => {
            let _ = write!(out, "{number:0count$}");
        }
        3 => out.push_str(&names[at][..3]),
        _ => out.push_str(names[at]),
    }
}

/// Reads items; `after` are those that follow the ones at hand, for fields without a fixed width.
fn read_items<'a>(items: &[Item], text: &'a str, parts: &mut DateParts, after: &[Item]) -> Option<&'a str> {
    let mut rest = text;
    for (at, item) in items.iter().enumerate() {
        let next = items.get(at + 1).or(after.first());
        rest = match item {
            Item::Text(text) => rest.strip_prefix(text.as_str())?,
            Item::Optional(optional) => {
                let mut tried = parts.clone();
                match read_items(optional, rest, &mut tried, &items[at + 1..]) {
                    Some(after) => {
                        *parts = tried;
                        after
                    }
                    None => rest,
                }
            }
            Item::Field(letter, count) => read_field(*letter, *count, rest, parts, next)?,
        };
    }
    Some(rest)
}

fn read_field<'a>(
    letter: char,
    count: usize,
    text: &'a str,
    parts: &mut DateParts,
    next: Option<&Item>,
) -> Option<&'a str> {
    // A number directly before another number has exactly its width; else one letter takes as many digits as there are.
    let is_adjacent =
        matches!(next, Some(Item::Field(letter, _)) if letter.is_ascii_lowercase() || "MHDSKQL".contains(*letter));
    let most = match (letter, count) {
        ('y', 4) if !is_adjacent => 4,
        // The digits of the largest number that is read.
        (_, 1) if !is_adjacent => 19,
        _ => count,
    };
    let digits = || {
        let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let least = if count == 1 { 1 } else { count };
        if length < least { None } else { Some((text[..length].parse::<u32>().ok()?, &text[length..])) }
    };
    let number = |to: &mut u32| {
        let (value, rest) = digits()?;
        *to = value;
        Some(rest)
    };
    match letter {
        'y' => {
            let (year, rest) = digits()?;
            parts.year = i32::try_from(year).ok()? + if count == 2 { 2000 } else { 0 };
            Some(rest)
        }
        'M' | 'L' if count >= 3 => read_name(&MONTHS, count, text).map(|(at, rest)| {
            parts.month = at as u32 + 1;
            rest
        }),
        'M' | 'L' => number(&mut parts.month),
        'd' => number(&mut parts.day),
        'D' => {
            let (day, rest) = digits()?;
            parts.day_of_year = Some(day);
            Some(rest)
        }
        'H' | 'k' | 'K' | 'h' => {
            let (hour, rest) = digits()?;
            parts.hour = read_hour(letter, hour)?;
            Some(rest)
        }
        'm' => number(&mut parts.minute),
        's' => number(&mut parts.second),
        'S' => {
            let length = text.bytes().take(count).take_while(u8::is_ascii_digit).count();
            if length < count.min(1) || (is_adjacent && length < count) {
                return None;
            }
            parts.micro = super::instant_text::take_fraction(&text[..length]).0;
            Some(&text[length..])
        }
        'a' => {
            let half = text.get(..2)?.to_ascii_uppercase();
            parts.is_afternoon = Some(["AM", "PM"].iter().position(|name| *name == half)? == 1);
            Some(&text[2..])
        }
        'E' => read_name(&DAYS, count, text).map(|(_, rest)| rest),
        'G' => text.strip_prefix("AD"),
        'X' | 'x' | 'Z' | 'z' | 'V' | 'O' => read_zone(text, parts),
        _ => None,
    }
}

fn read_zone<'a>(text: &'a str, parts: &mut DateParts) -> Option<&'a str> {
    let length = text.find(|c: char| !(c.is_ascii_alphanumeric() || "+-:/_".contains(c))).unwrap_or(text.len());
    parts.zone = Some(parse_zone(&text[..length])?);
    Some(&text[length..])
}

/// The hour of the day, or of its half.
fn read_hour(letter: char, hour: u32) -> Option<u32> {
    let (least, most) = match letter {
        'H' => (0, 23),
        'k' => (1, 24),
        'K' => (0, 11),
        _ => (1, 12),
    };
    (least..=most).contains(&hour).then_some(hour % if least == 0 { most + 1 } else { most })
}

fn read_name<'a>(names: &[&str], count: usize, text: &'a str) -> Option<(usize, &'a str)> {
    names.iter().enumerate().find_map(|(at, name)| {
        let name = if count == 3 { &name[..3] } else { name };
        let rest = text.get(name.len()..)?;
        text[..name.len()].eq_ignore_ascii_case(name).then_some((at, rest))
    })
}
