//! What a table's SQL may be: one SELECT, not too long, not too deep.

mod dialect;
mod intervals;
mod named;
mod nesting;
mod nulls;
mod numbers;
mod pipes;
mod promises;
mod strings;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, SetExpr, Statement, Visit, Visitor};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use expr::typing::TypeRules;

use crate::error::{of_parser, of_tokenizer};
use crate::problem::SqlProblem;
use crate::walk::walk;
pub use dialect::SparkDialect;
pub use named::{placed, wrong_number};
pub use promises::unkept_in_read;

/// Longest SQL text of a table, bytes. What is longer was made by a program, which can make several tables as well.
pub const SQL_BYTES_MAX: usize = 256 * 1024;

/// Deepest nesting of parentheses, brackets and CASE. The parser takes one level or two for each.
pub const NESTING_MAX: usize = 64;

/// Levels of the parser. It never comes to its end below [`NESTING_MAX`]: near it the parser would try every way to
/// read the text at every level, which takes for ever.
const PARSER_LEVELS_MAX: usize = 400;

/// Most operators and keywords of a query: as deep as chains such as `a + b + …` can make it before its depth is known.
pub const OPERATORS_MAX: usize = 5_000;

/// Longest chain of operators: every walk over the plan goes as deep, on the 2 MiB stack of a thread.
pub const CHAIN_MAX: usize = 400;

/// Parses the one SELECT of a table.
///
/// # Errors
/// If the text is not one SELECT, or over a limit.
pub fn parse(sql: &str, rules: TypeRules) -> Result<Statement, SqlProblem> {
    let parser = Parser::new(&SparkDialect).with_recursion_limit(PARSER_LEVELS_MAX);
    let mut parser = parser.with_tokens_with_locations(prepared(sql, rules)?);
    let mut statements = parser.parse_statements().map_err(|error| unparsed(error, sql))?;
    let count = statements.len();
    match (statements.pop(), count) {
        (Some(Statement::Query(query)), 1) => match *query.body {
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => Err(not_a_select(sql)),
            _ => {
                let mut statement = check_depth(Statement::Query(query))?;
                plain_forms(&mut statement, sql)?;
                promises::unkept(&statement, sql).map_or(Ok(statement), Err)
            }
        },
        (Some(_), 1) => Err(not_a_select(sql)),
        (None, _) => Err(SqlProblem::new("the query is empty", "write a SELECT")),
        (Some(_), _) => {
            Err(SqlProblem::new(format!("{count} statements, where a table has one"), "make a table of each")
                .at_text(sql, ";"))
        }
    }
}

/// Writes what only the text of a query has as plain SQL: pipes, FROM in front, tables and arguments by name.
///
/// # Errors
/// What is wrong with them.
pub fn plain_forms(statement: &mut Statement, sql: &str) -> Result<(), SqlProblem> {
    pipes::lower(statement, sql)?;
    named::resolve(statement, sql)
}

/// Parses one expression: what stands between SELECT and FROM.
///
/// # Errors
/// If the text is not one expression, or over a limit.
pub fn parse_expression(sql: &str, rules: TypeRules) -> Result<Expr, SqlProblem> {
    let parser = Parser::new(&SparkDialect).with_recursion_limit(PARSER_LEVELS_MAX);
    let mut parser = parser.with_tokens_with_locations(prepared(sql, rules)?);
    let expr = parser.parse_expr().map_err(|error| unparsed(error, sql))?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let message = format!("the expression ends before `{}`", next.token);
        let help = "write one expression, as between SELECT and FROM, without AS";
        let problem = SqlProblem::new(message, help).code("PARSE_SYNTAX_ERROR");
        return Err(problem.at_line(sql, next.span.start.line, next.span.start.column));
    }
    if depth(&expr) > CHAIN_MAX {
        return Err(too_deep());
    }
    Ok(expr)
}

/// The tokens of a text within its limits, as the parser takes them.
fn prepared(sql: &str, rules: TypeRules) -> Result<Vec<TokenWithSpan>, SqlProblem> {
    if sql.len() > SQL_BYTES_MAX {
        let message = format!("the query has {} bytes, the limit is {SQL_BYTES_MAX}", sql.len());
        return Err(SqlProblem::new(message, "split it into several tables"));
    }
    let tokens = strings::tokens(sql).map_err(|error| of_tokenizer(&error, sql))?;
    check_operators(&tokens)?;
    if nesting::nesting(&tokens) > NESTING_MAX {
        return Err(too_deep());
    }
    let tokens = strings::unescaped(tokens, sql)?;
    numbers::check(&tokens, rules, sql)?;
    Ok(intervals::spelled(numbers::typed(calls(tokens), rules), rules))
}

fn unparsed(error: ParserError, sql: &str) -> SqlProblem {
    match error {
        ParserError::RecursionLimitExceeded => too_deep(),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => of_parser(&text, sql),
    }
}

fn too_deep() -> SqlProblem {
    SqlProblem::new(format!("the query is nested deeper than {NESTING_MAX}"), "split it into several tables")
}

/// A text with too many operators must not be parsed at all: to drop what it makes would overflow the stack.
fn check_operators(tokens: &[TokenWithSpan]) -> Result<(), SqlProblem> {
    let joins = |token: &&TokenWithSpan| match &token.token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword,
        Token::Comma | Token::Period | Token::LParen | Token::RParen | Token::Number(..) | Token::Whitespace(_) => {
            false
        }
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => false,
        _ => true,
    };
    let count = tokens.iter().filter(joins).count();
    if count <= OPERATORS_MAX {
        return Ok(());
    }
    let message = format!("the query has {count} operators and keywords, the limit is {OPERATORS_MAX}");
    Err(SqlProblem::new(message, "split it into several tables"))
}

/// Refuses literals that no type holds. What is no SQL is left to the parser.
///
/// # Errors
/// With Spark's name and the literal.
pub fn check_literals(sql: &str, rules: TypeRules) -> Result<(), SqlProblem> {
    match strings::tokens(sql).ok().and_then(|tokens| strings::unescaped(tokens, sql).ok()) {
        Some(tokens) => numbers::check(&tokens, rules, sql),
        None => Ok(()),
    }
}

/// A text of statements with Spark's literals written as the parser takes them. What is no SQL stays as it is: the parser
/// says so.
pub fn with_literals(sql: &str, rules: TypeRules) -> String {
    let tokens = strings::tokens(sql).ok().and_then(|tokens| strings::unescaped(tokens, sql).ok());
    let written = |token: TokenWithSpan| match token.token {
        Token::SingleQuotedString(text) => format!("'{}'", text.replace('\'', "''")),
        Token::DoubleQuotedString(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => other.to_string(),
    };
    match tokens {
        Some(tokens) => {
            intervals::spelled(numbers::typed(calls(tokens), rules), rules).into_iter().map(written).collect()
        }
        None => sql.to_string(),
    }
}

/// `exists(array, x -> …)`, which the parser would take for the EXISTS of a subquery.
fn calls(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut tokens = nulls::outside(tokens);
    let word = |token: &Token| if let Token::Word(word) = token { Some(word.keyword) } else { None };
    let places: Vec<usize> = (0..tokens.len()).filter(|at| word(&tokens[*at].token) == Some(Keyword::EXISTS)).collect();
    for at in places {
        let mut next =
            tokens[at + 1..].iter().map(|token| &token.token).filter(|token| !matches!(token, Token::Whitespace(_)));
        if next.next() != Some(&Token::LParen) {
            continue;
        }
        let is_query = match next.next() {
            Some(Token::LParen) | None => true,
            Some(token) => [Keyword::SELECT, Keyword::WITH, Keyword::VALUES, Keyword::FROM, Keyword::TABLE]
                .map(Some)
                .contains(&word(token)),
        };
        if !is_query {
            tokens[at].token = Token::make_word("array_any_match", None);
        }
    }
    rounding_by_name(&mut tokens);
    instants(&mut tokens);
    with_blanks(tokens)
}

/// `TIMESTAMP_LTZ'2024-01-01 10:00:00'` is what TIMESTAMP is.
fn instants(tokens: &mut [TokenWithSpan]) {
    let is_blank = |token: &Token| matches!(token, Token::Whitespace(_));
    for at in 0..tokens.len() {
        let is_word = matches!(&tokens[at].token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("timestamp_ltz"));
        let next = tokens[at + 1..].iter().map(|token| &token.token).find(|token| !is_blank(token));
        if is_word && matches!(next, Some(Token::SingleQuotedString(_))) {
            tokens[at].token = Token::make_keyword("TIMESTAMP");
        }
    }
}

/// `trim(BOTH FROM x)` takes away blanks; the parser wants to be told.
fn with_blanks(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut read: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let keyword = |token: &Token| if let Token::Word(word) = token { Some(word.keyword) } else { None };
    for token in tokens {
        if keyword(&token.token) == Some(Keyword::FROM) {
            let before =
                read.iter().rev().map(|token| &token.token).find(|token| !matches!(token, Token::Whitespace(_)));
            let is_side =
                matches!(before.and_then(keyword), Some(Keyword::BOTH | Keyword::LEADING | Keyword::TRAILING));
            if is_side {
                for part in [Token::SingleQuotedString(" ".to_string()), Token::Whitespace(intervals::SPACE)] {
                    read.push(TokenWithSpan { token: part, span: token.span });
                }
            }
        }
        read.push(token);
    }
    read
}

/// `ceil(x, 2)` and `floor(x, -1)`, for which the parser has expressions of its own: in quotes they are functions like others.
fn rounding_by_name(tokens: &mut [TokenWithSpan]) {
    for at in 0..tokens.len().saturating_sub(1) {
        let Token::Word(word) = &tokens[at].token else { continue };
        let is_called = tokens[at + 1].token == Token::LParen && word.quote_style.is_none();
        if is_called && matches!(word.keyword, Keyword::CEIL | Keyword::FLOOR) {
            tokens[at].token = Token::make_word(&word.value.to_lowercase(), Some('`'));
        }
    }
}

/// Chains deeper than this could overflow the stack of a thread that computes them row by row.
fn check_depth(statement: Statement) -> Result<Statement, SqlProblem> {
    let depth = depth(&statement);
    if depth <= CHAIN_MAX {
        return Ok(statement);
    }
    let message = format!("an expression of the query is {depth} operators deep, the limit is {CHAIN_MAX}");
    Err(SqlProblem::new(
        message,
        "use parentheses to group the terms, IN (…) instead of a chain of OR, or several tables",
    ))
}

/// How many expressions stand inside of each other at the deepest place.
pub fn depth(tree: &impl Visit) -> usize {
    let mut depth = Depth::default();
    let _: ControlFlow<()> = walk(tree, &mut depth);
    depth.most
}

#[derive(Default)]
struct Depth {
    now: usize,
    most: usize,
}

impl Visitor for Depth {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.now += 1;
        self.most = self.most.max(self.now);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.now -= 1;
        ControlFlow::Continue(())
    }
}

fn not_a_select(sql: &str) -> SqlProblem {
    let word = sql.split_whitespace().next().unwrap_or_default();
    SqlProblem::new(
        "a table's query must be a SELECT",
        "write what the table holds as a SELECT; the engine creates and fills it",
    )
    .at_text(sql, word)
}
