//! ISO-8601 dates and instants, years 0001 to 9999, proleptic Gregorian, no leap seconds.

const DAY_S: i64 = 86_400;
const SECOND_US: i64 = 1_000_000;
/// 0001-01-01T00:00:00Z.
const FIRST_US: i64 = -719_162 * DAY_S * SECOND_US;
/// 9999-12-31T23:59:59.999999Z.
const LAST_US: i64 = 2_932_897 * DAY_S * SECOND_US - 1;

/// Microseconds since 1970 UTC of `2026-01-31`, `2026-01-31T10:20`, `2026-01-31 10:20:30.123456789+02:00` and the like.
///
/// Between date and time stands a `T` or a space; without a zone the time is UTC; digits past the microsecond are cut.
#[inline]
pub(crate) fn timestamp_us(text: &[u8]) -> Option<i64> {
    let (local_us, zone_us) = local_us(text)?;
    in_range(local_us - zone_us.unwrap_or(0))
}

/// The same as a local time, with how far its zone is ahead of UTC if it names one.
#[inline]
pub(crate) fn local_us(text: &[u8]) -> Option<(i64, Option<i64>)> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let midnight_us = days(date)? * DAY_S * SECOND_US;
    let [b'T' | b' ', rest @ ..] = rest else {
        return rest.is_empty().then_some((midnight_us, None));
    };
    let (time_us, zone) = time_us(rest)?;
    let zone_us = if zone.is_empty() { None } else { Some(zone_us(zone)?) };
    Some((midnight_us + time_us, zone_us))
}

/// Days since 1970 of `2026-01-31`.
pub(crate) fn date_days(text: &[u8]) -> Option<i32> {
    days(text.try_into().ok()?).and_then(|days| i32::try_from(days).ok())
}

/// The instant, if it lies in the years 0001 to 9999.
#[inline]
pub(crate) fn in_range(us: i64) -> Option<i64> {
    (FIRST_US..=LAST_US).contains(&us).then_some(us)
}

#[inline]
fn days(date: &[u8; 10]) -> Option<i64> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    if year < 1 || !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // From March on months have 31, 30, 31, 30, 31 days, twice and a bit: 153 days in five months.
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    // 1970-01-01 is that many days after the first of March of the year 0.
    Some(365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468)
}

#[inline]
fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Microseconds of `10:20`, `10:20:30` or `10:20:30.123456789`, and what follows.
#[inline]
fn time_us(text: &[u8]) -> Option<(i64, &[u8])> {
    let &[h1, h2, b':', m1, m2, ref rest @ ..] = text else {
        return None;
    };
    let (hour, minute) = (two(h1, h2)?, two(m1, m2)?);
    if hour > 23 || minute > 59 {
        return None;
    }
    let minutes_us = (hour * 60 + minute) * 60 * SECOND_US;
    let &[b':', s1, s2, ref rest @ ..] = rest else {
        return Some((minutes_us, rest));
    };
    let second = two(s1, s2)?;
    if second > 59 {
        return None;
    }
    let (fraction_us, rest) = fraction_us(rest)?;
    Some((minutes_us + second * SECOND_US + fraction_us, rest))
}

/// Microseconds of `.1` to `.123456789`, 0 without a point, and what follows.
#[inline]
fn fraction_us(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', digits @ ..] = text else {
        return Some((0, text));
    };
    let count = digits.iter().position(|digit| !digit.is_ascii_digit()).unwrap_or(digits.len());
    if count == 0 || count > 9 {
        return None;
    }
    let mut us = 0;
    for place in 0..6 {
        let digit = digits.get(place).filter(|_| place < count).map_or(0, |digit| digit - b'0');
        us = us * 10 + i64::from(digit);
    }
    Some((us, &digits[count..]))
}

/// How far a zone is ahead of UTC: `Z`, `+02`, `+0200` or `+02:00`, at most 18 hours.
#[inline]
fn zone_us(text: &[u8]) -> Option<i64> {
    let (sign, [h1, h2], [m1, m2]) = match *text {
        [b'Z'] => return Some(0),
        [sign, h1, h2] => (sign, [h1, h2], [b'0', b'0']),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, [h1, h2], [m1, m2]),
        _ => return None,
    };
    let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
    let ahead = hours * 60 + minutes;
    if minutes > 59 || ahead > 18 * 60 {
        return None;
    }
    match sign {
        b'+' => Some(ahead * 60 * SECOND_US),
        b'-' => Some(-ahead * 60 * SECOND_US),
        _ => None,
    }
}

#[inline(always)]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i64::from(tens) * 10 + i64::from(ones))
}

#[cfg(test)]
mod tests;
