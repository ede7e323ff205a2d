//! What a table's SQL may be: one SELECT, not too long, not too deep.

use datafusion::sql::sqlparser::ast::{SetExpr, Statement};
use datafusion::sql::sqlparser::dialect::SparkSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

use crate::error::of_parser;
use crate::problem::SqlProblem;

/// Longest SQL text of a table, bytes.
pub const SQL_BYTES_MAX: usize = 256 * 1024;

/// Deepest nesting of expressions and subqueries.
pub const NESTING_MAX: usize = 100;

/// Parses the one SELECT of a table.
///
/// # Errors
/// If the text is not one SELECT, or over a limit.
pub fn parse(sql: &str) -> Result<Statement, SqlProblem> {
    if sql.len() > SQL_BYTES_MAX {
        let message = format!("the query has {} bytes, the limit is {SQL_BYTES_MAX}", sql.len());
        return Err(SqlProblem::new(message, "split it into several tables"));
    }
    let parser = Parser::new(&SparkSqlDialect {}).with_recursion_limit(NESTING_MAX);
    let mut statements = match parser.try_with_sql(sql).and_then(|mut parser| parser.parse_statements()) {
        Ok(statements) => statements,
        Err(ParserError::RecursionLimitExceeded) => {
            return Err(SqlProblem::new(format!("the query is nested deeper than {NESTING_MAX}"), "split it into several tables"));
        }
        Err(ParserError::TokenizerError(text) | ParserError::ParserError(text)) => return Err(of_parser(&text, sql)),
    };
    let count = statements.len();
    match (statements.pop(), count) {
        (Some(Statement::Query(query)), 1) => match *query.body {
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => Err(not_a_select(sql)),
            _ => Ok(Statement::Query(query)),
        },
        (Some(_), 1) => Err(not_a_select(sql)),
        (None, _) => Err(SqlProblem::new("the query is empty", "write a SELECT")),
        (Some(_), _) => Err(SqlProblem::new(format!("{count} statements, where a table has one"), "make a table of each").at_text(sql, ";")),
    }
}

fn not_a_select(sql: &str) -> SqlProblem {
    let word = sql.split_whitespace().next().unwrap_or_default();
    SqlProblem::new("a table's query must be a SELECT", "write what the table holds as a SELECT; the engine creates and fills it").at_text(sql, word)
}
