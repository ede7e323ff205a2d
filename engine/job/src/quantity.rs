//! Durations ("1 hour 30 minutes") and sizes ("256 MiB") as people write them.

/// The units of a duration with their lengths, microseconds.
const TIME_UNITS: &[(&[&str], i64)] = &[
    (&["us", "microsecond", "microseconds"], 1),
    (&["ms", "millisecond", "milliseconds"], 1_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000_000),
    (&["h", "hr", "hour", "hours"], 3_600_000_000),
    (&["d", "day", "days"], 86_400_000_000),
    (&["w", "week", "weeks"], 604_800_000_000),
];

/// The units of a size, bytes.
const SIZE_UNITS: &[(&str, u64)] = &[
    ("b", 1),
    ("kb", 1_000),
    ("kib", 1 << 10),
    ("mb", 1_000_000),
    ("mib", 1 << 20),
    ("gb", 1_000_000_000),
    ("gib", 1 << 30),
    ("tb", 1_000_000_000_000),
    ("tib", 1 << 40),
];

/// A duration in microseconds: numbers with units, added up.
///
/// # Errors
/// What is wrong with it, as the rest of "this is not a duration: …".
pub(crate) fn duration_us(text: &str) -> Result<i64, &'static str> {
    let mut rest = text.trim();
    rest = strip_word(rest, "interval").unwrap_or(rest);
    if rest.is_empty() {
        return Err("it is empty");
    }
    let mut total_us: i64 = 0;
    while !rest.is_empty() {
        let (number, tail) = split_at_end(rest, |sign| sign.is_ascii_digit() || sign == '.' || sign == '-');
        if number.is_empty() {
            return Err("a number must stand before each unit");
        }
        if number.starts_with('-') {
            return Err("it must not be negative");
        }
        let (unit, tail) = split_at_end(tail.trim_start(), char::is_alphabetic);
        let part_us = scaled(number, unit_us(unit)?).ok_or("the number is too large or too fine")?;
        total_us = total_us.checked_add(part_us).ok_or("it is too long")?;
        rest = tail.trim_start();
    }
    Ok(total_us)
}

fn unit_us(unit: &str) -> Result<i64, &'static str> {
    let lower = unit.to_ascii_lowercase();
    if let Some((_, unit_us)) = TIME_UNITS.iter().find(|(names, _)| names.contains(&lower.as_str())) {
        return Ok(*unit_us);
    }
    match lower.as_str() {
        "" => Err("it has no unit"),
        "month" | "months" | "year" | "years" => Err("months and years differ in length: write days"),
        _ => Err("the unit is unknown: use ms, seconds, minutes, hours, days or weeks"),
    }
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = text.split_at_checked(word.len())?;
    (first.eq_ignore_ascii_case(word) && rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}

fn split_at_end(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at_checked(text.find(|sign| !belongs(sign)).unwrap_or(text.len())).unwrap_or((text, ""))
}

/// `number` (with or without a fraction) times `unit`, if that is a whole number that fits.
fn scaled(number: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|sign| sign.is_ascii_digit()) {
        return None;
    }
    let tens = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = digits.checked_mul(i128::from(unit))?;
    if scaled % tens == 0 { i64::try_from(scaled / tens).ok() } else { None }
}

/// A size in bytes: a number with a unit.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn size_bytes(text: &str) -> Result<u64, &'static str> {
    let (number, unit) = split_at_end(text.trim(), |sign| sign.is_ascii_digit() || sign == '_');
    let number: u64 = number.replace('_', "").parse().map_err(|_| "it does not begin with a whole number")?;
    let unit = unit.trim().to_ascii_lowercase();
    if unit.is_empty() {
        return Err("it has no unit");
    }
    let (_, unit_bytes) = SIZE_UNITS.iter().find(|(name, _)| *name == unit).ok_or("the unit is unknown")?;
    number.checked_mul(*unit_bytes).ok_or("it is too large")
}

#[cfg(test)]
mod tests;
