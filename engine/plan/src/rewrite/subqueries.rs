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

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.queries == 0
            && let Some(opposite) = opposite(expr)
        {
            *expr = opposite;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.queries > 0 {
            return ControlFlow::Continue(());
        }
        let value = match expr {
            Expr::InSubquery { expr: inner, subquery, negated } => self.is_in(inner, subquery, *negated),
            Expr::Exists { subquery, negated: false } => self.exists(subquery),
            Expr::Exists { subquery, negated: true } => {
                Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(self.exists(subquery)))) }
            }
            _ => return ControlFlow::Continue(()),
        };
        *expr = Expr::Nested(Box::new(value));
        ControlFlow::Continue(())
    }
}

/// The IN under a NOT.
fn opposite(expr: &Expr) -> Option<Expr> {
    let Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::BangNot, expr: inner } = expr else { return None };
    let mut inner = inner.as_ref();
    while let Expr::Nested(nested) = inner {
        inner = nested;
    }
    match inner {
        Expr::InSubquery { expr, subquery, negated } => {
            Some(Expr::InSubquery { expr: expr.clone(), subquery: subquery.clone(), negated: !negated })
        }
        _ => None,
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

    /// Whether a value is among the rows. As in Spark (`ExistenceJoin`) it is false, not NULL, where that is not known, and so is NOT IN.
    fn is_in(&self, value: &Expr, subquery: &Query, negated: bool) -> Expr {
        let column = || Expr::Identifier(Ident::with_quote('`', COLUMN));
        let one = |value: Expr| self.over(subquery, &[COLUMN], value);
        let rows = || call("count", vec![number(1)]);
        let found = call("array_contains", vec![one(call("collect_set", vec![column()])), value.clone()]);
        let when = |condition: Expr, result: bool| CaseWhen { condition, result: Expr::value(Value::Boolean(result)) };
        let mut conditions = vec![when(compared(one(rows()), BinaryOperator::Eq, number(0)), negated)];
        if negated {
            let has_null = one(compared(rows(), BinaryOperator::Gt, call("count", vec![column()])));
            conditions.push(when(Expr::IsNull(Box::new(value.clone())), false));
            conditions.push(when(has_null, false));
        }
        conditions.push(when(found, !negated));
        Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions,
            else_result: Some(Box::new(Expr::value(Value::Boolean(negated)))),
        }
    }
}

fn compared(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}
