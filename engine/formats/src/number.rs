//! Exact numbers from JSON's number texts.

/// A number times a power of ten, as an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// Rounded half up (away from zero), as Spark rounds decimals.
    pub(crate) value: i128,
    /// Nothing was rounded away.
    pub(crate) exact: bool,
}

/// The 64-bit integer of a text of digits, perhaps with a minus; `None` if it does not fit.
#[inline]
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // 18 digits fit into 64 bits whatever they are.
    if digits.len() > 18 {
        return scaled(text, 0).and_then(|scaled| i64::try_from(scaled.value).ok());
    }
    let magnitude = digits.iter().fold(0, |sum: i64, digit| sum * 10 + i64::from(digit & 0x0F));
    Some(if negative { -magnitude } else { magnitude })
}

/// The number (a text that [`crate::scan::number`] accepts) times 10^`scale`; `None` past 38 digits.
pub(crate) fn scaled(text: &[u8], scale: i8) -> Option<Scaled> {
    let (negative, text) = match text {
        [b'-', text @ ..] => (true, text),
        text => (false, text),
    };
    let mantissa_end = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(mantissa_end);
    let fraction_digits = mantissa.iter().position(|&byte| byte == b'.').map_or(0, |point| mantissa.len() - point - 1);
    let digits =
        || mantissa.iter().filter(|&&byte| byte != b'.').map(|byte| byte - b'0').skip_while(|&digit| digit == 0);
    let count = digits().count() as i64;
    // The digits, shifted left by this many places, are the result.
    let shift = clamped_exponent(exponent) - fraction_digits as i64 + i64::from(scale);
    let kept = count + shift;
    if count == 0 || kept < 0 {
        return Some(Scaled { value: 0, exact: count == 0 });
    }
    // The most digits that a decimal has, and that 128 bits hold whatever they are.
    if kept > 38 {
        return None;
    }
    let mut value = digits().take(kept as usize).fold(0, |sum: i128, digit| sum * 10 + i128::from(digit));
    value *= 10_i128.checked_pow(shift.max(0) as u32)?;
    let mut lost = digits().skip(kept as usize);
    let exact = lost.clone().all(|digit| digit == 0);
    if lost.next().is_some_and(|digit| digit >= 5) {
        value += 1;
    }
    Some(Scaled { value: if negative { -value } else { value }, exact })
}

/// The exponent of `e-12` and the like; 0 without one; so far out that it decides alone when it is huge.
fn clamped_exponent(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [_, b'-', digits @ ..] => (true, digits),
        [_, b'+', digits @ ..] | [_, digits @ ..] => (false, digits),
        [] => return 0,
    };
    let exponent = digits.iter().fold(0, |sum: i64, digit| (sum * 10 + i64::from(digit & 0x0F)).min(1_000_000));
    if negative { -exponent } else { exponent }
}

#[cfg(test)]
mod tests;
