//! Spark's intervals of several units, which the parser does not know: `INTERVAL '1 hour 30 minutes'`, `INTERVAL 1 YEAR 2 MONTHS`,
//! `INTERVAL '1 02:03:04' DAY TO SECOND`. Each becomes one number of one unit.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use expr::interval::parse_interval;
use expr::typing::TypeRules;

mod typed;

/// The tokens with every interval in one form that the rules have: see [`split`] for DataFusion's. With Spark's types it is
/// `INTERVAL 'day to second:1 02:03:04' SECOND`, which the rewrite of the query reads.
pub fn spelled(tokens: Vec<TokenWithSpan>, rules: TypeRules) -> Vec<TokenWithSpan> {
    if rules == TypeRules::Before { split(tokens) } else { with_each(tokens, typed::interval) }
}

/// The tokens with every interval as one number and one unit. Months, whose length differs, stay months; beside days they
/// stay as they are, and the parser refuses them.
fn split(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    with_each(tokens, interval)
}

/// The number and the unit of an interval, and how many tokens it takes.
type Spelled = (String, String, usize);

fn with_each(tokens: Vec<TokenWithSpan>, interval: fn(&[TokenWithSpan]) -> Option<Spelled>) -> Vec<TokenWithSpan> {
    let mut split: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        split.push(token.clone());
        at += 1;
        if !matches!(&token.token, Token::Word(word) if word.keyword == Keyword::INTERVAL) {
            continue;
        }
        let Some((number, unit, taken)) = interval(&tokens[at..]) else { continue };
        for part in [Token::SingleQuotedString(number), Token::make_keyword(&unit)] {
            split.push(TokenWithSpan { token: Token::Whitespace(SPACE), span: token.span });
            split.push(TokenWithSpan { token: part, span: tokens[at].span });
        }
        at += taken;
    }
    split
}

/// A blank.
pub(super) const SPACE: datafusion::sql::sqlparser::tokenizer::Whitespace =
    datafusion::sql::sqlparser::tokenizer::Whitespace::Space;

/// The interval that the tokens after INTERVAL begin with: number, unit, and how many tokens it takes.
fn interval(tokens: &[TokenWithSpan]) -> Option<(String, String, usize)> {
    let words = words(tokens);
    let first = &tokens[words.first()?.0].token;
    if let Token::SingleQuotedString(text) = first {
        if let [_, (_, from), (_, to), (last, until), ..] = words.as_slice()
            && to == "TO"
        {
            let (number, unit) = fields(text.trim(), from, until)?;
            return Some((number, unit, last + 1));
        }
        let (number, unit) = whole(text)?;
        return Some((number, unit, words[0].0 + 1));
    }
    let mut text = String::new();
    let mut last = 0;
    let mut units = 0;
    for pair in words.chunks(2) {
        let [(_, number), (place, unit)] = pair else { break };
        if number.parse::<i64>().is_err() || !is_unit(unit) {
            break;
        }
        text.push_str(&format!("{number} {unit} "));
        last = *place;
        units += 1;
    }
    if units < 2 {
        return None;
    }
    let (number, unit) = whole(&text)?;
    Some((number, unit, last + 1))
}

/// The next few tokens that are no blanks, with their places. A sign and its number are one.
fn words(tokens: &[TokenWithSpan]) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut sign = "";
    for (place, token) in tokens.iter().enumerate().filter(|(_, token)| !matches!(token.token, Token::Whitespace(_))) {
        match &token.token {
            Token::Minus if sign.is_empty() => sign = "-",
            Token::Number(number, _) => words.push((place, format!("{sign}{number}"))),
            Token::Word(word) if word.quote_style.is_none() => words.push((place, word.value.to_uppercase())),
            Token::SingleQuotedString(text) if words.is_empty() => words.push((place, text.clone())),
            _ => break,
        }
        if token.token != Token::Minus {
            sign = "";
        }
        // The longest interval has a number and a word for each of its seven units, or stands before two more words.
        if words.len() == 16 {
            break;
        }
    }
    words
}

fn is_unit(word: &str) -> bool {
    let singular = word.strip_suffix('S').unwrap_or(word);
    ["YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"].contains(&singular)
}

/// `1 hour 30 minutes` as microseconds, `1 year 2 months` as months; one number with its unit stays what it is.
fn whole(text: &str) -> Option<(String, String)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [number, unit] = words.as_slice() {
        return Some(((*number).to_string(), unit.to_uppercase()));
    }
    if words.len() < 4 {
        return None;
    }
    let months = words.chunks(2).map(|pair| match pair {
        [number, unit] => {
            let number = number.parse::<i64>().ok()?;
            match unit.to_uppercase().trim_end_matches('S') {
                "YEAR" => number.checked_mul(12),
                "MONTH" => Some(number),
                _ => None,
            }
        }
        _ => None,
    });
    match total(months) {
        Some(months) => Some((months.to_string(), "MONTHS".to_string())),
        None => Some((parse_interval(text).ok()?.to_string(), "MICROSECONDS".to_string())),
    }
}

/// `'1 02:03:04' DAY TO SECOND` and the like.
fn fields(text: &str, from: &str, until: &str) -> Option<(String, String)> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if (from, until) == ("YEAR", "MONTH") {
        let (years, months) = text.split_once('-')?;
        let months = years.parse::<i64>().ok()?.checked_mul(12)?.checked_add(months.parse().ok()?)?;
        return Some(((sign * months).to_string(), "MONTHS".to_string()));
    }
    const UNITS: [(&str, i64); 4] =
        [("DAY", 86_400_000_000), ("HOUR", 3_600_000_000), ("MINUTE", 60_000_000), ("SECOND", 1_000_000)];
    let place = |unit: &str| UNITS.iter().position(|(name, _)| *name == unit);
    let units = &UNITS[place(from)?..=place(until)?];
    let parts: Vec<&str> = text.split([' ', ':']).filter(|part| !part.is_empty()).collect();
    if parts.len() != units.len() {
        return None;
    }
    let us = parts.iter().zip(units).map(|(part, (name, us))| match (*name, part.split_once('.')) {
        ("SECOND", Some((seconds, fraction))) if !fraction.is_empty() && fraction.len() <= 9 => {
            let micros = format!("{fraction:0<6}").get(..6)?.parse::<i64>().ok()?;
            seconds.parse::<i64>().ok()?.checked_mul(*us)?.checked_add(micros)
        }
        _ => part.parse::<i64>().ok()?.checked_mul(*us),
    });
    Some(((sign * total(us)?).to_string(), "MICROSECONDS".to_string()))
}

/// The sum, if there is one.
fn total(parts: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    let mut parts = parts;
    parts.try_fold(0_i64, |sum, part| sum.checked_add(part?))
}
