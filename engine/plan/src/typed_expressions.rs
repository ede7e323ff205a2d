//! The expressions of a query whose type or value depends on the rules of types.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value, Visit, Visitor};
use datafusion::sql::sqlparser::parser::Parser;
use expr::typing::TypeRules;
use std::ops::ControlFlow;

use crate::guard::{SparkDialect, with_literals};

/// The expressions of a query that have another type, or an error instead of a wrapped number or NULL, by Spark's rules than by those
/// of before: arithmetic, and constants with a point. The outermost ones, as SQL, each once. Empty if the text is no SQL.
pub fn typed_expressions(sql: &str) -> Vec<String> {
    let statements = Parser::parse_sql(&SparkDialect {}, &with_literals(sql, TypeRules::Before)).unwrap_or_default();
    let mut found = ExpressionCollector::default();
    for statement in &statements {
        let _: ControlFlow<()> = statement.visit(&mut found);
    }
    found.expressions
}

#[derive(Default)]
struct ExpressionCollector {
    expressions: Vec<String>,
    /// How many of those that were found the visitor is inside of.
    depth: usize,
}

impl Visitor for ExpressionCollector {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if depends_on_rules(expression) {
            if self.depth == 0 {
                let text = expression.to_string();
                if !self.expressions.contains(&text) {
                    self.expressions.push(text);
                }
            }
            self.depth += 1;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if depends_on_rules(expression) {
            self.depth -= 1;
        }
        ControlFlow::Continue(())
    }
}

fn depends_on_rules(expression: &Expr) -> bool {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, MyIntegerDivide, Plus};
    match expression {
        // Times are moved by intervals in both.
        Expr::BinaryOp { left, right, .. } if [left, right].iter().any(|side| matches!(***side, Expr::Interval(_))) => {
            false
        }
        Expr::BinaryOp { op: Plus | Minus | Multiply | Divide | Modulo | MyIntegerDivide, .. } => true,
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => depends_on_rules(expr),
        Expr::Value(value) => matches!(&value.value, Value::Number(number, _) if number.contains('.')),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
