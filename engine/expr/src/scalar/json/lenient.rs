//! JSON as Spark's functions read it: the first value of a text, whatever stands behind it, and with what the options allow.

use super::options::Options;
use super::parse::Value;

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 256;

/// The value that a text begins with; none if that is no JSON.
pub fn parse(text: &str, options: &Options) -> Option<Value> {
    Reader { rest: text, options }.value(0)
}

struct Reader<'a> {
    rest: &'a str,
    options: &'a Options,
}

impl Reader<'_> {
    fn blank(&mut self) -> Option<()> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
            if !self.options.comments || !self.rest.starts_with('/') {
                return Some(());
            }
            let (end, length) = if self.rest.starts_with("/*") { ("*/", 2) } else { ("\n", 1) };
            let at = self.rest.find(end).map_or(self.rest.len(), |at| at + length);
            self.rest = self.rest.get(at..)?;
        }
    }

    fn take(&mut self, wanted: &str) -> Option<()> {
        self.blank()?;
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.blank()?;
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            '"' => self.string('"').map(Value::Text),
            '\'' if self.options.single_quotes => self.string('\'').map(Value::Text),
            't' => self.take("true").map(|()| Value::Flag(true)),
            'f' => self.take("false").map(|()| Value::Flag(false)),
            'n' => self.take("null").map(|()| Value::Null),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Option<Value> {
        if self.options.non_numeric {
            let words = [("NaN", "NaN"), ("+Infinity", "Infinity"), ("+INF", "Infinity"), ("-Infinity", "-Infinity")];
            let more = [("-INF", "-Infinity"), ("Infinity", "Infinity"), ("INF", "Infinity")];
            for (word, meaning) in words.into_iter().chain(more) {
                if let Some(rest) = self.rest.strip_prefix(word) {
                    self.rest = rest;
                    return Some(Value::Number(meaning.to_string()));
                }
            }
        }
        let length = self.rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || "+-.".contains(letter)));
        let (text, rest) = self.rest.split_at(length.unwrap_or(self.rest.len()));
        let digits = text.strip_prefix('-').unwrap_or(text);
        let significant = digits.trim_start_matches('0');
        let has_zeros =
            significant.len() < digits.len() && significant.starts_with(|digit: char| digit.is_ascii_digit());
        let is_zeros = digits.len() > 1 && digits.bytes().all(|digit| digit == b'0');
        if !is_number(digits) || ((has_zeros || is_zeros) && !self.options.leading_zeros) {
            return None;
        }
        self.rest = rest;
        let sign = if digits.len() < text.len() { "-" } else { "" };
        let plain = if has_zeros { significant } else { digits };
        Some(Value::Number(format!("{sign}{plain}")))
    }

    fn string(&mut self, quote: char) -> Option<String> {
        let mut letters = self.rest.strip_prefix(quote)?.chars();
        let mut out = String::new();
        loop {
            match letters.next()? {
                letter if letter == quote => {
                    self.rest = letters.as_str();
                    return Some(out);
                }
                '\\' => match letters.next()? {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    'b' => out.push('\u{8}'),
                    'f' => out.push('\u{c}'),
                    'u' => out.push(unicode(&mut letters)?),
                    letter @ ('"' | '\\' | '/') => out.push(letter),
                    letter if self.options.any_backslash || letter == quote => out.push(letter),
                    _ => return None,
                },
                letter if letter < ' ' => return None,
                letter => out.push(letter),
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        self.blank()?;
        match self.rest.chars().next()? {
            '"' => self.string('"'),
            '\'' if self.options.single_quotes => self.string('\''),
            letter if self.options.unquoted_names && is_of_name(letter) && !letter.is_ascii_digit() => {
                let length = self.rest.find(|letter| !is_of_name(letter)).unwrap_or(self.rest.len());
                let (name, rest) = self.rest.split_at(length);
                self.rest = rest;
                Some(name.to_string())
            }
            _ => None,
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.take("[")?;
        let mut items = Vec::new();
        if self.take("]").is_some() {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(",").is_none() {
                self.take("]")?;
                return Some(Value::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.take("{")?;
        let mut members = Vec::new();
        if self.take("}").is_some() {
            return Some(Value::Object(members));
        }
        loop {
            let name = self.name()?;
            self.take(":")?;
            members.push((name, self.value(depth + 1)?));
            if self.take(",").is_none() {
                self.take("}")?;
                return Some(Value::Object(members));
            }
        }
    }
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$' | '@' | '-' | '#' | '*' | '+')
}

/// Digits, a fraction, an exponent, as JSON has them.
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let all = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    all(whole) && fraction.is_none_or(all) && exponent.is_none_or(all)
}

fn unicode(letters: &mut std::str::Chars<'_>) -> Option<char> {
    let unit = |letters: &mut std::str::Chars<'_>| {
        let digits = letters.as_str().get(..4)?;
        letters.nth(3)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(letters)?;
    if !(0xD800..0xDC00).contains(&first) {
        return char::from_u32(u32::from(first));
    }
    if letters.next()? != '\\' || letters.next()? != 'u' {
        return None;
    }
    char::decode_utf16([first, unit(letters)?]).next()?.ok()
}

#[cfg(test)]
mod tests;
