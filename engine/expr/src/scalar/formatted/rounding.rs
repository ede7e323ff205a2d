//! Numbers rounded in their decimal digits.

use super::super::round::Half;

/// The digits before and behind the point of `12.345` (without a sign), rounded to so many behind it.
pub fn rounded(number: &str, digits: usize, half: Half) -> (String, String) {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let kept = fraction.get(..digits.min(fraction.len())).unwrap_or(fraction);
    let mut all: Vec<u8> = whole.bytes().chain(kept.bytes()).collect();
    let rest = fraction.as_bytes().get(digits..).unwrap_or_default();
    let is_half = rest.first() == Some(&b'5') && rest[1..].iter().all(|digit| *digit == b'0');
    let is_odd = all.last().is_some_and(|digit| (digit - b'0') % 2 == 1);
    let is_up = match (half, is_half) {
        (Half::Even, true) => is_odd,
        _ => rest.first().is_some_and(|digit| *digit >= b'5'),
    };
    if is_up {
        match all.iter().rposition(|digit| *digit < b'9') {
            Some(at) => {
                all[at] += 1;
                all[at + 1..].iter_mut().for_each(|digit| *digit = b'0');
            }
            None => {
                all.iter_mut().for_each(|digit| *digit = b'0');
                all.insert(0, b'1');
            }
        }
    }
    let all: String = all.into_iter().map(char::from).collect();
    let (whole, fraction) = all.split_at(all.len() - kept.len());
    (whole.to_string(), format!("{fraction:0<digits$}"))
}

/// Digits in groups of so many, parted by commas.
pub fn grouped(digits: &str, size: usize) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / size.max(1));
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && size > 0 && (digits.len() - at).is_multiple_of(size) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
