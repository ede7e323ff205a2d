//! How operators bind, as Spark has it, where the parser's own Spark differs.

use std::any::TypeId;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Ident, ObjectName, ObjectNamePart, Value};
use datafusion::sql::sqlparser::dialect::{Dialect, Precedence, SparkSqlDialect};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// Spark's SQL. The parser's own dialect reads everything behind `IS [NOT] DISTINCT FROM` and behind `DIV` as their right side, AND and
/// OR too (sqlparser 0.62), and lets `||` bind as `*` does, where Spark's binds as `+`.
#[derive(Debug, Default, Clone, Copy)]
pub struct SparkDialect;

/// What the parser's own dialect says.
macro_rules! as_the_parser_has_it {
    ($($rule:ident)*) => {
        $(fn $rule(&self) -> bool {
            SparkSqlDialect.$rule()
        })*
    };
}

impl Dialect for SparkDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<SparkSqlDialect>()
    }

    fn is_delimited_identifier_start(&self, letter: char) -> bool {
        SparkSqlDialect.is_delimited_identifier_start(letter)
    }

    fn is_identifier_start(&self, letter: char) -> bool {
        SparkSqlDialect.is_identifier_start(letter)
    }

    fn is_identifier_part(&self, letter: char) -> bool {
        SparkSqlDialect.is_identifier_part(letter)
    }

    as_the_parser_has_it! {
        require_interval_qualifier
        supports_bang_not_operator
        supports_create_table_using
        supports_cte_without_as
        supports_filter_during_aggregation
        supports_group_by_expr
        supports_group_by_with_modifier
        supports_lambda_functions
        supports_long_type_as_bigint
        supports_map_literal_with_angle_brackets
        supports_nested_comments
        supports_select_item_multi_column_alias
        supports_select_wildcard_except
        supports_struct_literal
        supports_values_as_table_factor
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    /// `extract(YRS FROM t)`: which words name a part of a time is found out later.
    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn supports_pipe_operator(&self) -> bool {
        true
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    /// `IDENTIFIER('a.b')` is the column of that name, `IDENTIFIER('abs')(x)` a call.
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let is_named = matches!(&parser.peek_token_ref().token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("identifier"));
        if !is_named || parser.peek_nth_token_ref(1).token != Token::LParen {
            return None;
        }
        let parts = match named_by_text(parser) {
            Ok(parts) => parts,
            Err(error) => return Some(Err(error)),
        };
        if parser.peek_token_ref().token == Token::LParen {
            let name = ObjectName(parts.into_iter().map(ObjectNamePart::Identifier).collect());
            return Some(parser.parse_function(name));
        }
        Some(Ok(match <[Ident; 1]>::try_from(parts) {
            Ok([only]) => Expr::Identifier(only),
            Err(several) => Expr::CompoundIdentifier(several),
        }))
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::StringConcat => Some(Ok(self.prec_value(Precedence::PlusMinus))),
            Token::ShiftLeft | Token::ShiftRight => Some(Ok(self.shift_precedence())),
            _ => None,
        }
    }

    fn parse_infix(&self, parser: &mut Parser, left: &Expr, _: u8) -> Option<Result<Expr, ParserError>> {
        let left = || Box::new(left.clone());
        if parser.parse_keyword(Keyword::DIV) {
            let right = parser.parse_subexpr(self.prec_value(Precedence::MulDivModOp));
            let op = BinaryOperator::MyIntegerDivide;
            return Some(right.map(|right| Expr::BinaryOp { left: left(), op, right: Box::new(right) }));
        }
        if let Some(op) = shift(parser) {
            let right = parser.parse_subexpr(self.shift_precedence());
            return Some(right.map(|right| Expr::BinaryOp { left: left(), op, right: Box::new(right) }));
        }
        // Comparisons belong to the right side, what is joined by AND and OR does not.
        let above = self.prec_value(Precedence::Like);
        if parser.parse_keywords(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) {
            let right = parser.parse_subexpr(above);
            return Some(right.map(|right| Expr::IsDistinctFrom(left(), Box::new(right))));
        }
        if parser.parse_keywords(&[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM]) {
            let right = parser.parse_subexpr(above);
            return Some(right.map(|right| Expr::IsNotDistinctFrom(left(), Box::new(right))));
        }
        None
    }
}

/// What is said of an IDENTIFIER that names nothing.
pub const NO_NAME: &str = "IDENTIFIER takes a constant text that is a name";

/// The parts of the name in `IDENTIFIER('…')`; the text may be put together of several.
fn named_by_text(parser: &mut Parser) -> Result<Vec<Ident>, ParserError> {
    let place = parser.next_token().span.start;
    parser.expect_token(&Token::LParen)?;
    let name = constant_text(&parser.parse_expr()?);
    parser.expect_token(&Token::RParen)?;
    let parts = name.and_then(|name| identifier_parts(&name));
    parts.ok_or_else(|| ParserError::ParserError(format!("{NO_NAME}{place}")))
}

fn constant_text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        Expr::Nested(inner) => constant_text(inner),
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
            Some(constant_text(left)? + &constant_text(right)?)
        }
        _ => None,
    }
}

/// The parts of a name with points between, each with or without backticks; none if it is no name.
pub fn identifier_parts(name: &str) -> Option<Vec<Ident>> {
    let (mut parts, mut part, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in name.chars() {
        match letter {
            '`' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(std::mem::take(&mut part)),
            letter => part.push(letter),
        }
    }
    parts.push(part);
    let is_name = !is_quoted && parts.iter().all(|part| !part.is_empty());
    is_name.then(|| parts.into_iter().map(|part| Ident::with_quote('`', part)).collect())
}

impl SparkDialect {
    /// What shifts binds weaker than a sum, and stronger than `&`.
    fn shift_precedence(&self) -> u8 {
        self.prec_value(Precedence::PlusMinus) - 1
    }
}

/// `<<`, `>>` or `>>>`, if it is next.
fn shift(parser: &mut Parser) -> Option<BinaryOperator> {
    if parser.consume_token(&Token::ShiftLeft) {
        return Some(BinaryOperator::PGBitwiseShiftLeft);
    }
    if !parser.consume_token(&Token::ShiftRight) {
        return None;
    }
    Some(match parser.consume_token(&Token::Gt) {
        true => BinaryOperator::Custom(">>>".to_string()),
        false => BinaryOperator::PGBitwiseShiftRight,
    })
}
