//! How deep a text is nested, known from its tokens alone: the parser's own limit is reached only after it has tried every way to read the text.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Levels of parentheses, brackets, CASE and signs inside of each other, at the deepest place.
pub fn nesting(tokens: &[TokenWithSpan]) -> usize {
    let mut depth = Depth::default();
    for token in tokens {
        depth.pass(&token.token);
    }
    depth.most
}

#[derive(Default)]
struct Depth {
    /// For each open level: the signs and NOTs before what is being read in it.
    levels: Vec<usize>,
    signs: usize,
    sum: usize,
    most: usize,
    /// True if a value has just ended, so that a sign stands between two values.
    after_value: bool,
}

impl Depth {
    fn pass(&mut self, token: &Token) {
        match token {
            Token::Whitespace(_) => return,
            Token::LParen | Token::LBracket | Token::LBrace => self.open(),
            Token::RParen | Token::RBracket | Token::RBrace => self.close(),
            Token::Word(word) if word.keyword == Keyword::CASE => self.open(),
            Token::Word(word) if word.keyword == Keyword::END => self.close(),
            Token::Minus | Token::Plus | Token::Tilde | Token::ExclamationMark if !self.after_value => self.signs += 1,
            Token::Word(word) if word.keyword == Keyword::NOT => {
                self.signs += 1;
                self.after_value = false;
            }
            Token::Word(word) => self.after_value = word.keyword == Keyword::NoKeyword,
            Token::Number(..) | Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => self.after_value = true,
            _ => {
                self.signs = 0;
                self.after_value = false;
            }
        }
        self.most = self.most.max(self.levels.len() + self.sum + self.signs);
    }

    fn open(&mut self) {
        self.levels.push(self.signs);
        self.sum += self.signs;
        self.signs = 0;
        self.after_value = false;
    }

    fn close(&mut self) {
        self.sum -= self.levels.pop().unwrap_or_default();
        self.signs = 0;
        self.after_value = true;
    }
}
