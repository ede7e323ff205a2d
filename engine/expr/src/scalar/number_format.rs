//! Formats of numbers, such as `'$99,999.99'` and `'S0D00'`: read once, then used to read and to write texts.

use arrow::datatypes::DataType;

/// Where a sign may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// `S`: a plus or a minus, or none.
    Any,
    /// `MI`: a minus or a blank, or none.
    Minus,
}

/// A format, taken apart.
#[derive(Debug, Default)]
pub struct Format {
    before: Option<Sign>,
    has_dollar: bool,
    /// The digits of each group before the point, and whether there must be as many.
    groups: Vec<(usize, bool)>,
    has_point: bool,
    decimals: usize,
    after: Option<Sign>,
    has_brackets: bool,
}

impl Format {
    /// Takes a format apart; none if it is none.
    pub fn parse(text: &str) -> Option<Format> {
        let mut format = Format::default();
        let mut rest = text.to_ascii_uppercase();
        if let Some(inner) = rest.strip_suffix("PR") {
            format.has_brackets = true;
            rest = inner.to_string();
        } else if let Some(inner) = rest.strip_suffix("MI") {
            format.after = Some(Sign::Minus);
            rest = inner.to_string();
        } else if let Some(inner) = rest.strip_suffix('S') {
            format.after = Some(Sign::Any);
            rest = inner.to_string();
        }
        if format.after.is_none() && !format.has_brackets {
            for (word, sign) in [("MI", Sign::Minus), ("S", Sign::Any)] {
                if let Some(inner) = rest.strip_prefix(word) {
                    format.before = Some(sign);
                    rest = inner.to_string();
                    break;
                }
            }
        }
        if let Some(inner) = rest.strip_prefix('$') {
            format.has_dollar = true;
            rest = inner.to_string();
        }
        let (whole, part) = match rest.split_once(['.', 'D']) {
            Some((whole, part)) => (whole, Some(part)),
            None => (rest.as_str(), None),
        };
        let is_digits = |text: &str| text.chars().all(|letter| matches!(letter, '0' | '9'));
        let groups: Vec<&str> = whole.split([',', 'G']).collect();
        let part = part.unwrap_or_default();
        let digits = groups.iter().map(|group| group.len()).sum::<usize>() + part.len();
        let is_right = groups.iter().all(|group| is_digits(group) && (!group.is_empty() || groups.len() == 1));
        if !is_right || !is_digits(part) || !(1..=38).contains(&digits) {
            return None;
        }
        format.groups = groups.iter().map(|group| (group.len(), group.starts_with('0'))).collect();
        format.has_point = rest.contains(['.', 'D']);
        format.decimals = part.len();
        Some(format)
    }

    /// The type of the numbers that it reads.
    pub fn kind(&self) -> DataType {
        let digits = self.groups.iter().map(|(count, _)| count).sum::<usize>() + self.decimals;
        DataType::Decimal128(digits as u8, self.decimals as i8)
    }

    /// The number that a text is, in units of its last decimal.
    pub fn read(&self, text: &str) -> Option<i128> {
        let mut rest = text;
        let mut is_negative = false;
        if self.has_brackets
            && let Some(inner) = rest.strip_prefix('<')
        {
            rest = inner.strip_suffix('>')?;
            is_negative = true;
        }
        if let Some(sign) = self.before {
            let first = rest.chars().next();
            is_negative |= first == Some('-');
            if first.is_some_and(|letter| is_sign(sign, letter)) {
                rest = &rest[1..];
            }
        }
        if let Some(sign) = self.after {
            let last = rest.chars().next_back();
            is_negative |= last == Some('-');
            if last.is_some_and(|letter| is_sign(sign, letter)) {
                rest = &rest[..rest.len() - 1];
            }
        }
        if self.has_dollar {
            rest = rest.strip_prefix('$')?;
        }
        let number = self.digits(rest)?;
        Some(if is_negative { -number } else { number })
    }

    fn digits(&self, text: &str) -> Option<i128> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        if text.contains('.') && !self.has_point || part.len() > self.decimals {
            return None;
        }
        let found: Vec<&str> = whole.split(',').collect();
        // Groups that the text does not have are those in front.
        let missing = self.groups.len().checked_sub(found.len())?;
        let given = std::iter::repeat_n("", missing).chain(found);
        let fits = |((count, is_exact), digits): (&(usize, bool), &str)| match is_exact {
            true => digits.len() == *count,
            false => digits.len() <= *count,
        };
        let has_digits = whole.len() + part.len() > 0;
        let digits: String = whole.chars().filter(|letter| *letter != ',').chain(part.chars()).collect();
        if !has_digits || !self.groups.iter().zip(given).all(fits) || !digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let filled = format!("{digits}{}", "0".repeat(self.decimals - part.len()));
        filled.parse().ok()
    }
}

impl Format {
    /// The text of a number, given by its digits before and behind the point; `#` for each digit if there are too many.
    pub fn write(&self, is_negative: bool, whole: &str, fraction: &str) -> String {
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let places: usize = self.groups.iter().map(|(count, _)| count).sum();
        if whole.len() > places || fraction.len() > self.decimals {
            return self.unfit(is_negative);
        }
        let mut digits = std::iter::repeat_n('0', places - whole.len()).chain(whole.chars());
        let mut out = Text::default();
        self.open(is_negative, &mut out);
        for (at, (count, is_exact)) in self.groups.iter().enumerate() {
            if at > 0 {
                if out.has_digits { out.text.push(',') } else { out.blank() }
            }
            for digit in digits.by_ref().take(*count) {
                match digit == '0' && !out.has_digits && !is_exact {
                    true => out.blank(),
                    false => out.digit(digit),
                }
            }
        }
        if self.has_point {
            if out.text.ends_with(' ') {
                out.text.pop();
                out.text.push('0');
            }
            out.text.push('.');
            (0..self.decimals).for_each(|at| out.text.push(fraction.chars().nth(at).unwrap_or('0')));
        }
        self.close(is_negative, &mut out);
        out.text
    }

    fn open(&self, is_negative: bool, out: &mut Text) {
        match self.before {
            Some(Sign::Any) => out.text.push(if is_negative { '-' } else { '+' }),
            Some(Sign::Minus) => out.text.push(if is_negative { '-' } else { ' ' }),
            None if self.has_brackets && is_negative => out.text.push('<'),
            None => {}
        }
        if self.has_dollar {
            out.text.push('$');
        }
    }

    fn close(&self, is_negative: bool, out: &mut Text) {
        if out.text.ends_with('.') {
            out.text.pop();
            out.text.push(' ');
        }
        match (self.after, self.has_brackets, is_negative) {
            (Some(Sign::Any), _, false) => out.behind('+'),
            (Some(_), _, true) => out.behind('-'),
            (Some(Sign::Minus), _, false) => out.text.push(' '),
            (None, true, true) => out.behind('>'),
            (None, true, false) => out.text.push_str("  "),
            (None, false, _) => {}
        }
    }

    /// What stands for a number with too many digits.
    fn unfit(&self, is_negative: bool) -> String {
        let mut out = Text { text: String::new(), has_digits: true };
        self.open(is_negative, &mut out);
        let groups: Vec<String> = self.groups.iter().map(|(count, _)| "#".repeat(*count)).collect();
        out.text.push_str(&groups.join(" "));
        if self.has_point {
            out.text.push('.');
            out.text.push_str(&"#".repeat(self.decimals));
        }
        self.close(is_negative, &mut out);
        out.text
    }
}

/// A number while it is written.
#[derive(Default)]
struct Text {
    text: String,
    has_digits: bool,
}

impl Text {
    /// A blank in the place of a digit: before a sign, if one was written last.
    fn blank(&mut self) {
        match self.text.chars().next_back() {
            Some('+' | '-' | '<') => self.text.insert(self.text.len() - 1, ' '),
            _ => self.text.push(' '),
        }
    }

    fn digit(&mut self, digit: char) {
        self.text.push(digit);
        self.has_digits = true;
    }

    /// A sign behind the number, and before blanks at its end.
    fn behind(&mut self, sign: char) {
        let end = self.text.trim_end_matches(' ').len();
        self.text.insert(end, sign);
    }
}

fn is_sign(sign: Sign, letter: char) -> bool {
    match sign {
        Sign::Any => matches!(letter, '+' | '-'),
        Sign::Minus => matches!(letter, '-' | ' '),
    }
}

#[cfg(test)]
mod tests;
