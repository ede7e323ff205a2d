//! `first(x IGNORE NULLS)`, which the parser knows only as `first(x) IGNORE NULLS`.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// The tokens with every `IGNORE NULLS` or `RESPECT NULLS` at the end of an argument list put where the parser looks for it:
/// behind the call and its FILTER.
pub fn outside(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut at = 0;
    while at < tokens.len() {
        if let Some((last, end)) = clause(&tokens, at) {
            // From `IGNORE NULLS ) FILTER ( … )` to `) FILTER ( … ) IGNORE NULLS`, blanks with it.
            tokens[at..=end].rotate_left(last + 1 - at);
            at = end - (last - at);
            let blank = tokens[at].clone();
            tokens.insert(at, TokenWithSpan { token: Token::Whitespace(super::intervals::SPACE), ..blank });
            at += 1;
        }
        at += 1;
    }
    tokens
}

/// If a clause that an argument list ends with begins here: the place of its NULLS, and where the call ends.
fn clause(tokens: &[TokenWithSpan], at: usize) -> Option<(usize, usize)> {
    if !matches!(keyword(&tokens[at].token)?, Keyword::IGNORE | Keyword::RESPECT) {
        return None;
    }
    let last = next(tokens, at)?;
    let close = next(tokens, last)?;
    if keyword(&tokens[last].token) != Some(Keyword::NULLS) || tokens[close].token != Token::RParen {
        return None;
    }
    let filter = next(tokens, close).filter(|place| keyword(&tokens[*place].token) == Some(Keyword::FILTER));
    Some((last, filter.and_then(|place| closing(tokens, next(tokens, place)?)).unwrap_or(close)))
}

fn keyword(token: &Token) -> Option<Keyword> {
    if let Token::Word(word) = token { Some(word.keyword) } else { None }
}

/// The place of the next token that is no blank.
fn next(tokens: &[TokenWithSpan], after: usize) -> Option<usize> {
    (after + 1..tokens.len()).find(|place| !matches!(tokens[*place].token, Token::Whitespace(_)))
}

/// The place of the parenthesis that closes the one at `open`.
fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(place);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}
