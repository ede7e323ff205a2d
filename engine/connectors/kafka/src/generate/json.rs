//! JSON text written byte by byte: fixed names, ASCII values, no allocation beyond the buffer's own growth.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends a number in decimal.
pub(crate) fn number(out: &mut Vec<u8>, value: u32) {
    let mut digits = [0u8; 10];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number in decimal with at least `WIDTH` digits.
pub(crate) fn padded<const WIDTH: usize>(out: &mut Vec<u8>, value: u32) {
    let mut digits = [b'0'; WIDTH];
    let mut rest = value;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits);
}

/// Appends cents as a number with two decimals.
pub(crate) fn cents(out: &mut Vec<u8>, value: u32) {
    number(out, value / 100);
    out.push(b'.');
    padded::<2>(out, value % 100);
}

/// Appends the lowest 4 × `COUNT` bits as hexadecimal digits.
pub(crate) fn hex<const COUNT: usize>(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; COUNT];
    let mut rest = value;
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest & 15) as usize];
        rest >>= 4;
    }
    out.extend_from_slice(&digits);
}

/// Appends a version 4 UUID made of these bits.
pub(crate) fn uuid(out: &mut Vec<u8>, high: u64, low: u64) {
    hex::<8>(out, high >> 32);
    out.push(b'-');
    hex::<4>(out, high >> 16);
    out.push(b'-');
    hex::<4>(out, (high & 0x0FFF) | 0x4000);
    out.push(b'-');
    hex::<4>(out, ((low >> 48) & 0x3FFF) | 0x8000);
    out.push(b'-');
    hex::<12>(out, low);
}

/// Appends an instant (microseconds since 1970 UTC) as Python's `isoformat` writes it: `2026-01-01T00:00:00.000000+00:00`.
pub(crate) fn instant(out: &mut Vec<u8>, time_us: i64) {
    let seconds = time_us.div_euclid(1_000_000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second_of_day = seconds.rem_euclid(86_400) as u32;
    padded::<4>(out, year);
    out.push(b'-');
    padded::<2>(out, month);
    out.push(b'-');
    padded::<2>(out, day);
    out.push(b'T');
    padded::<2>(out, second_of_day / 3600);
    out.push(b':');
    padded::<2>(out, second_of_day / 60 % 60);
    out.push(b':');
    padded::<2>(out, second_of_day % 60);
    out.push(b'.');
    padded::<6>(out, time_us.rem_euclid(1_000_000) as u32);
    out.extend_from_slice(b"+00:00");
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(day: i64) -> (u32, u32, u32) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as u32, month as u32, day_of_month as u32)
}

#[cfg(test)]
mod tests;
