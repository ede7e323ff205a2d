//! `x IN (SELECT …)` and `EXISTS (…)` as values of a column; as conditions DataFusion has them itself.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Ident, Query, Select, SelectItem, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins, UnaryOperator, Value, VisitorMut,
};

use super::calls::{call, number};
use super::generators::{bare, query_of};
use crate::walk::walk_mut;

/// The rows of the subquery, and its column.
const ROWS: &str = "__in";
const COLUMN: &str = "v";

/// Writes the subqueries of the SELECT list that are asked for true or false with scalar ones.
pub fn as_values(select: &mut Select) {
    let like = bare(select);
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _: ControlFlow<()> = walk_mut(expr, &mut Values { like: &like, queries: 0 });
        }
    }
}

struct Values<'a> {
    like: &'a Select,
    queries: usize,
}

impl VisitorMut for Values<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.queries > 0 {
            return ControlFlow::Continue(());
        }
        let (value, negated) = match expr {
            Expr::InSubquery { expr: inner, subquery, negated } => (self.is_in(inner, subquery), *negated),
            Expr::Exists { subquery, negated } => (self.exists(subquery), *negated),
            _ => return ControlFlow::Continue(()),
        };
        *expr = match negated {
            true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(value))) },
            false => Expr::Nested(Box::new(value)),
        };
        ControlFlow::Continue(())
    }
}

impl Values<'_> {
    /// One value over the rows of a subquery.
    fn over(&self, subquery: &Query, columns: &[&str], value: Expr) -> Expr {
        let column = |name: &&str| TableAliasColumnDef::from_name(*name);
        let alias = TableAlias {
            explicit: true,
            name: Ident::with_quote('`', ROWS),
            columns: columns.iter().map(column).collect(),
            at: None,
        };
        let relation = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(subquery.clone()),
            alias: Some(alias),
            sample: None,
        };
        let from = vec![TableWithJoins { relation, joins: Vec::new() }];
        let projection = vec![SelectItem::UnnamedExpr(value)];
        Expr::Subquery(Box::new(query_of(Select { from, projection, ..self.like.clone() })))
    }

    fn exists(&self, subquery: &Query) -> Expr {
        let count = self.over(subquery, &[], call("count", vec![number(1)]));
        compared(count, BinaryOperator::Gt, number(0))
    }

    /// Three-valued: false of no rows, NULL of a NULL or beside one.
    fn is_in(&self, value: &Expr, subquery: &Query) -> Expr {
        let column = || Expr::Identifier(Ident::with_quote('`', COLUMN));
        let rows = || call("count", vec![number(1)]);
        let one = |value: Expr| self.over(subquery, &[COLUMN], value);
        let found = call("array_contains", vec![one(call("collect_set", vec![column()])), value.clone()]);
        let is_whole = one(compared(rows(), BinaryOperator::Eq, call("count", vec![column()])));
        let when = |condition: Expr, result: Value| CaseWhen { condition, result: Expr::value(result) };
        let conditions = vec![
            when(compared(one(rows()), BinaryOperator::Eq, number(0)), Value::Boolean(false)),
            when(Expr::IsNull(Box::new(value.clone())), Value::Null),
            when(found, Value::Boolean(true)),
            when(is_whole, Value::Boolean(false)),
        ];
        Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions,
            else_result: None,
        }
    }
}

fn compared(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}
