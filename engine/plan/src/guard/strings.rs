//! String literals as Spark reads them: backslashes escape, `r'…'` is taken as it stands.

use datafusion::sql::sqlparser::dialect::{Dialect, SparkSqlDialect};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError};

use crate::problem::SqlProblem;

/// How Spark's text becomes tokens: a backslash keeps the quote after it from ending a literal.
#[derive(Debug)]
struct Escaping(SparkSqlDialect);

impl Dialect for Escaping {
    /// `|>` is one token, as in [`super::dialect::SparkDialect`].
    fn supports_pipe_operator(&self) -> bool {
        true
    }

    fn is_delimited_identifier_start(&self, letter: char) -> bool {
        self.0.is_delimited_identifier_start(letter)
    }

    fn is_identifier_start(&self, letter: char) -> bool {
        self.0.is_identifier_start(letter)
    }

    fn is_identifier_part(&self, letter: char) -> bool {
        self.0.is_identifier_part(letter)
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }
}

/// The tokens of a query, escapes in its literals not yet read.
///
/// # Errors
/// If a literal or a comment has no end.
pub fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, TokenizerError> {
    Tokenizer::new(&Escaping(SparkSqlDialect {}), sql).with_unescape(false).tokenize_with_location()
}

/// `X 'F0'`, bytes with a blank before their digits: where the X stands, if it does.
fn bytes_before(read: &[TokenWithSpan], digits: &str) -> Option<usize> {
    let at = read.iter().rposition(|token| !matches!(token.token, Token::Whitespace(_)))?;
    let is_x = matches!(&read[at].token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("x"));
    (is_x && at + 1 < read.len() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(at)
}

/// Reads the escapes of every literal.
///
/// # Errors
/// If a backslash stands before a letter for which it means nothing: Spark would silently leave it out, and `'\d+'` would match
/// the letter d.
pub fn unescaped(tokens: Vec<TokenWithSpan>, sql: &str) -> Result<Vec<TokenWithSpan>, SqlProblem> {
    let mut read: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for mut token in tokens {
        let is_raw = matches!(&token.token, Token::SingleQuotedString(_) | Token::DoubleQuotedString(_))
            && read.last().is_some_and(|before| {
                let is_r = matches!(&before.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("r"));
                is_r && before.span.end == token.span.start
            });
        if let Token::SingleQuotedString(digits) = &token.token
            && let Some(before) = bytes_before(&read, digits)
        {
            read.truncate(before);
            token.token = Token::HexStringLiteral(digits.clone());
        }
        match &mut token.token {
            Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) if is_raw => drop(read.pop()),
            Token::SingleQuotedString(text) => *text = unescape(text, '\'', sql)?,
            Token::DoubleQuotedString(text) => *text = unescape(text, '"', sql)?,
            Token::Word(word) if word.quote_style == Some('`') => word.value = word.value.replace("``", "`"),
            _ => {}
        }
        match beside(&mut read, &token.token) {
            Some(text) => text.push_str(text_of(&token.token).unwrap_or_default()),
            None => read.push(token),
        }
    }
    Ok(read)
}

/// The literal that this one stands beside, with nothing but blanks between: both are one text.
fn beside<'a>(read: &'a mut [TokenWithSpan], token: &Token) -> Option<&'a mut String> {
    text_of(token)?;
    let before = read.iter_mut().rfind(|before| !matches!(before.token, Token::Whitespace(_)))?;
    match &mut before.token {
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => Some(text),
        _ => None,
    }
}

fn text_of(token: &Token) -> Option<&str> {
    match token {
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => Some(text),
        _ => None,
    }
}

fn unescape(text: &str, quote: char, sql: &str) -> Result<String, SqlProblem> {
    let mut read = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == quote {
            letters.next_if_eq(&quote);
            read.push(quote);
            continue;
        }
        if letter != '\\' {
            read.push(letter);
            continue;
        }
        let rest: String = letters.clone().collect();
        match escape(&rest) {
            Some((meant, length)) => {
                read.push_str(&meant);
                letters.nth(length - 1);
            }
            None => {
                let escape = format!("\\{}", rest.chars().next().map(String::from).unwrap_or_default());
                let message =
                    format!("`{escape}` in a string means nothing; Spark would read it without the backslash");
                let help = format!(
                    "write `\\{escape}` for a backslash (as in '\\\\d+'), or r'…' to take the text as it stands"
                );
                return Err(SqlProblem::new(message, help).at_text(sql, &escape));
            }
        }
    }
    Ok(read)
}

/// What stands for the letters after a backslash, and how many of them it takes.
fn escape(rest: &str) -> Option<(String, usize)> {
    let one = |letter: char| Some((letter.to_string(), 1));
    let code = |digits: &str, radix: u32| Some(char::from_u32(u32::from_str_radix(digits, radix).ok()?)?.to_string());
    let octal = |letter: char| ('0'..='7').contains(&letter);
    let mut letters = rest.chars();
    let first = letters.next()?;
    // The longest escape is U and eight digits.
    let next: Vec<char> = letters.take(8).collect();
    match (first, next.as_slice()) {
        ('0'..='1', [second, third, ..]) if octal(*second) && octal(*third) => {
            Some((code(&format!("{first}{second}{third}"), 8)?, 3))
        }
        ('0', _) => one('\0'),
        ('b', _) => one('\u{8}'),
        ('n', _) => one('\n'),
        ('r', _) => one('\r'),
        ('t', _) => one('\t'),
        ('Z', _) => one('\u{1a}'),
        ('\'' | '"' | '\\' | '`', _) => one(first),
        // For LIKE, which reads them itself.
        ('%' | '_', _) => Some((format!("\\{first}"), 1)),
        ('u', digits) if digits.len() >= 4 && all_hex(&digits[..4]) => Some((code(&text(&digits[..4]), 16)?, 5)),
        ('U', digits) if digits.len() == 8 && all_hex(digits) => Some((code(&text(digits), 16)?, 9)),
        _ => None,
    }
}

fn all_hex(letters: &[char]) -> bool {
    letters.iter().all(char::is_ascii_hexdigit)
}

fn text(letters: &[char]) -> String {
    letters.iter().collect()
}
