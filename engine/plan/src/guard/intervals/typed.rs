//! Intervals with their fields, as Spark types them.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use expr::interval::fields::{IntervalField, IntervalType};

/// `fields:digits`, a unit for the parser, and how many tokens the interval takes.
pub fn interval(tokens: &[TokenWithSpan]) -> Option<(String, String, usize)> {
    let places: Vec<usize> =
        (0..tokens.len()).filter(|at| !matches!(tokens[*at].token, Token::Whitespace(_))).take(32).collect();
    let reader = Reader { tokens, places };
    let (kind, digits, taken) = reader.fields().or_else(|| reader.units()).or_else(|| reader.words())?;
    Some((format!("{}:{digits}", kind.words()), "SECOND".to_string(), reader.places[taken - 1] + 1))
}

/// The tokens after INTERVAL that are no blanks.
struct Reader<'a> {
    tokens: &'a [TokenWithSpan],
    places: Vec<usize>,
}

type Read = (IntervalType, String, usize);

impl Reader<'_> {
    fn at(&self, at: usize) -> Option<&Token> {
        self.places.get(at).map(|place| &self.tokens[*place].token)
    }

    fn word(&self, at: usize) -> Option<String> {
        match self.at(at)? {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_lowercase()),
            _ => None,
        }
    }

    /// The sign that stands here, and where what follows begins.
    fn sign(&self, at: usize) -> (&'static str, usize) {
        match self.at(at) {
            Some(Token::Minus) => ("-", at + 1),
            Some(Token::Plus) => ("", at + 1),
            _ => ("", at),
        }
    }

    /// `'1 02:03:04' DAY TO SECOND`.
    fn fields(&self) -> Option<Read> {
        let (sign, at) = self.sign(0);
        let Token::SingleQuotedString(text) = self.at(at)? else { return None };
        if self.word(at + 2)? != "to" {
            return None;
        }
        let kind = IntervalType::parse(&format!("{} to {}", self.word(at + 1)?, self.word(at + 3)?))?;
        let value = kind.parse_digits(text.trim())?;
        let value = if sign.is_empty() { value } else { value.checked_neg()? };
        Some((kind, kind.digits(value), at + 4))
    }

    /// `1 DAY 2 HOURS`, `'1' DAY`.
    fn units(&self) -> Option<Read> {
        let mut sum = Sum::default();
        let mut at = 0;
        loop {
            let (sign, number) = self.sign(at);
            let text = match self.at(number) {
                Some(Token::Number(text, _)) => text.clone(),
                Some(Token::SingleQuotedString(text)) => text.trim().to_string(),
                _ => break,
            };
            let Some(unit) = self.word(number + 1).filter(|unit| IntervalField::of_unit(unit).is_some()) else { break };
            sum.add(sign, &text, &unit)?;
            at = number + 2;
        }
        let (kind, digits) = sum.result()?;
        Some((kind, digits, at))
    }

    /// `'1 day 2 hours'`.
    fn words(&self) -> Option<Read> {
        let (sign, at) = self.sign(0);
        let Token::SingleQuotedString(text) = self.at(at)? else { return None };
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split_whitespace().collect();
        let words = if words.first() == Some(&"interval") { &words[1..] } else { &words[..] };
        let mut sum = Sum::default();
        for pair in words.chunks(2) {
            let [number, unit] = pair else { return None };
            sum.add(sign, number, unit)?;
        }
        let (kind, digits) = sum.result()?;
        Some((kind, digits, at + 1))
    }
}

/// Numbers of units.
#[derive(Default)]
struct Sum {
    total: i64,
    kind: Option<IntervalType>,
}

impl Sum {
    fn add(&mut self, sign: &str, number: &str, unit: &str) -> Option<()> {
        let field = IntervalField::of_unit(unit)?;
        let length = match unit.to_lowercase().trim_end_matches('s') {
            "week" => 7 * IntervalField::Day.length(),
            "millisecond" => 1000,
            "microsecond" => 1,
            _ => field.length(),
        };
        let (own, text) = match number.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        let is_fraction = fraction.is_empty() || length == IntervalField::Second.length() && fraction.len() <= 9;
        if !is_number(whole) || !is_number(fraction) || !is_fraction || text.is_empty() || text == "." {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let micros: i128 = if fraction.is_empty() { 0 } else { format!("{fraction:0<6}")[..6].parse().ok()? };
        let sign = if sign.is_empty() { own } else { -own };
        let value = i64::try_from((whole.checked_mul(length.into())? + micros) * sign).ok()?;
        let single = IntervalType::new(field, field)?;
        let kind = self.kind.map_or(single, |kind| kind.with(single));
        self.kind = Some(IntervalType::new(kind.from, kind.to)?);
        self.total = self.total.checked_add(value)?;
        Some(())
    }

    fn result(self) -> Option<(IntervalType, String)> {
        let kind = self.kind?;
        let is_in_range = !kind.is_of_months() || i32::try_from(self.total).is_ok();
        is_in_range.then(|| (kind, kind.digits(self.total)))
    }
}

#[cfg(test)]
mod tests;
