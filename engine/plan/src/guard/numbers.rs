//! Numbers as Spark reads them: letters for their type, an exponent for a double.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use expr::typing::TypeRules;

use crate::problem::SqlProblem;

/// `1.5D`, `7L`, `2S`, `1e3`: the parser would take a letter for an alias, and DataFusion every whole number for a BIGINT. What has a
/// type of its own becomes a cast, which the plan makes a constant again.
pub fn typed(tokens: Vec<TokenWithSpan>, rules: TypeRules) -> Vec<TokenWithSpan> {
    let mut read: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let Token::Number(number, is_long) = &token.token else {
            read.push(token);
            continue;
        };
        let letters = tokens.peek().and_then(|next| letters(&next.token));
        if letters.is_some() {
            tokens.next();
        }
        let letters = letters.or(is_long.then_some("L"));
        if rules == TypeRules::Before {
            let plain = Token::Number(before(number, letters), false);
            read.push(TokenWithSpan { token: plain, span: token.span });
            continue;
        }
        match kind(number, letters) {
            None => read.push(token.clone()),
            Some(kind) => {
                let number = match takes_sign(&read, number, letters) {
                    true => {
                        read.pop();
                        format!("-{number}")
                    }
                    false => number.clone(),
                };
                read.extend(cast(number, kind).into_iter().map(|part| TokenWithSpan { token: part, span: token.span }));
            }
        }
    }
    read
}

/// Refuses numbers that no type holds: decimals of more than 38 digits, doubles beyond the largest.
///
/// # Errors
/// With Spark's name and the number.
pub fn check(tokens: &[TokenWithSpan], rules: TypeRules, sql: &str) -> Result<(), SqlProblem> {
    if rules == TypeRules::Before {
        return Ok(());
    }
    for (at, token) in tokens.iter().enumerate() {
        let Token::Number(number, is_long) = &token.token else { continue };
        let letters = tokens.get(at + 1).and_then(|next| letters(&next.token)).or(is_long.then_some("L"));
        let has_exponent = number.contains(['e', 'E']);
        let is_beyond = match letters {
            Some("D") => number.parse().is_ok_and(f64::is_infinite),
            Some("F") => number.parse().is_ok_and(f32::is_infinite),
            None if has_exponent => number.parse().is_ok_and(f64::is_infinite),
            _ => false,
        };
        let problem = if is_beyond {
            let kind = if letters == Some("F") { "float" } else { "double" };
            SqlProblem::new(format!("no {kind} is as large as {number}"), "write a smaller number")
                .code("INVALID_NUMERIC_LITERAL_RANGE")
        } else if matches!(letters, None | Some("BD")) && !has_exponent && digits(number) > DECIMAL_DIGITS_MAX {
            SqlProblem::new(
                format!("{number} has {} digits, and a decimal has at most {DECIMAL_DIGITS_MAX}", digits(number)),
                "write fewer digits, or a double: put D behind it",
            )
            .code("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION")
        } else {
            continue;
        };
        return Err(problem.at_text(sql, number));
    }
    Ok(())
}

/// Most digits of a decimal.
const DECIMAL_DIGITS_MAX: usize = 38;

/// How many digits the decimal of a number has.
fn digits(number: &str) -> usize {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    whole.trim_start_matches('0').len() + fraction.len()
}

/// The letters after a number that name its type.
fn letters(token: &Token) -> Option<&'static str> {
    let Token::Word(word) = token else { return None };
    let known = ["D", "F", "BD", "S", "Y", "L"];
    known.into_iter().find(|known| word.quote_style.is_none() && word.value.eq_ignore_ascii_case(known))
}

/// The number as it was read before it had a type.
fn before(number: &str, letters: Option<&str>) -> String {
    match letters {
        Some("D" | "F" | "BD") if !number.contains(['.', 'e', 'E']) => format!("{number}.0"),
        _ => number.to_string(),
    }
}

/// The type that a number names; none for those without letters and without an exponent.
fn kind(number: &str, letters: Option<&str>) -> Option<Vec<Token>> {
    let word = |keyword: &str| vec![Token::make_keyword(keyword)];
    Some(match letters {
        Some("L") => word("BIGINT"),
        Some("S") => word("SMALLINT"),
        Some("Y") => word("TINYINT"),
        Some("D") => word("DOUBLE"),
        Some("F") => word("FLOAT"),
        Some("BD") => decimal(number),
        _ if number.contains(['e', 'E']) => word("DOUBLE"),
        _ => return None,
    })
}

/// `DECIMAL(precision, scale)` with as many digits as the number has.
fn decimal(number: &str) -> Vec<Token> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let digits = format!("{whole}{fraction}").trim_start_matches('0').len() as i64;
    let scale = fraction.len() as i64 - exponent;
    let precision = if scale < 0 { digits - scale } else { digits.max(scale) };
    let number = |value: i64| Token::Number(value.max(0).to_string(), false);
    vec![
        Token::make_keyword("DECIMAL"),
        Token::LParen,
        number(precision.max(1)),
        Token::Comma,
        number(scale),
        Token::RParen,
    ]
}

/// True if the minus before it belongs to the number, the smallest of its type, which has no positive counterpart.
fn takes_sign(read: &[TokenWithSpan], number: &str, letters: Option<&str>) -> bool {
    let smallest = match letters {
        Some("L") => "9223372036854775808",
        Some("S") => "32768",
        Some("Y") => "128",
        _ => return false,
    };
    let [before @ .., TokenWithSpan { token: Token::Minus, .. }] = read else { return false };
    let last = before.iter().rev().find(|token| !matches!(token.token, Token::Whitespace(_)));
    number == smallest
        && match last.map(|token| &token.token) {
            Some(Token::Number(..) | Token::RParen | Token::RBracket | Token::SingleQuotedString(_)) => false,
            Some(Token::Word(word)) => word.keyword != Keyword::NoKeyword,
            _ => true,
        }
}

/// `CAST('number' AS kind)`.
fn cast(number: String, kind: Vec<Token>) -> Vec<Token> {
    let space = || Token::Whitespace(super::intervals::SPACE);
    // Not CAST: the name of a column tells a number with a type from a cast that was written.
    let mut tokens = vec![Token::make_keyword("SAFE_CAST"), Token::LParen, Token::SingleQuotedString(number), space()];
    tokens.extend([Token::make_keyword("AS"), space()]);
    tokens.extend(kind);
    tokens.push(Token::RParen);
    tokens
}

#[cfg(test)]
mod tests;
