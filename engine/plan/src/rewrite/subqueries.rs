//! `x IN (SELECT …)` and `EXISTS (…)` as values of a column; as conditions DataFusion has them itself.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr,
    TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins, UnaryOperator, Value, Visitor, VisitorMut,
};

use super::calls::{call, name_of, number};
use super::generators::{bare, columns, query_of};
use super::structs::inputs;
use crate::problem::SqlProblem;
use crate::walk::{walk, walk_mut};

/// The rows of the subquery, and its column.
const ROWS: &str = "__in";
const COLUMN: &str = "v";

/// Writes the subqueries of the SELECT list that are asked for true or false with scalar ones.
///
/// # Errors
/// A subquery of IN with several columns.
pub fn as_values(select: &mut Select, is_aggregate: &dyn Fn(&str) -> bool, sql: &str) -> Result<(), SqlProblem> {
    let is_asked = |item: &SelectItem| walk(item, &mut Asked(0)).is_break();
    if !select.projection.iter().any(is_asked) {
        return Ok(());
    }
    let (like, outer) = (bare(select), inputs(select));
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
            && let ControlFlow::Break(problem) =
                walk_mut(expr, &mut Values { like: &like, inputs: &outer, is_aggregate, sql, queries: 0 })
        {
            return Err(problem);
        }
    }
    Ok(())
}

/// Stops at a subquery that is asked for true or false; those inside of another are that one's.
struct Asked(usize);

impl Visitor for Asked {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.0 += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.0 -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::InSubquery { .. } | Expr::Exists { .. } if self.0 == 0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

struct Values<'a> {
    like: &'a Select,
    /// The inputs of the query around the subqueries.
    inputs: &'a [String],
    is_aggregate: &'a dyn Fn(&str) -> bool,
    sql: &'a str,
    queries: usize,
}

impl VisitorMut for Values<'_> {
    type Break = SqlProblem;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<SqlProblem> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<SqlProblem> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlProblem> {
        if self.queries == 0
            && let Some(opposite) = opposite(expr)
        {
            *expr = opposite;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlProblem> {
        if self.queries > 0 {
            return ControlFlow::Continue(());
        }
        let value = match expr {
            Expr::InSubquery { expr: inner, subquery, negated } => match self.is_in(inner, subquery, *negated) {
                Ok(value) => value,
                Err(problem) => return ControlFlow::Break(problem),
            },
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

    /// The SELECT of a subquery whose rows can be counted where they are filtered, so that it may name columns of the query around it.
    fn simple<'q>(&self, subquery: &'q Query) -> Option<&'q Select> {
        let SetExpr::Select(select) = subquery.body.as_ref() else { return None };
        let is_whole = subquery.with.is_none() && subquery.order_by.is_none() && subquery.limit_clause.is_none();
        let has_no_groups = matches!(&select.group_by, GroupByExpr::Expressions(keys, modifiers) if keys.is_empty() && modifiers.is_empty());
        let is_plain = select.distinct.is_none() && select.having.is_none() && select.qualify.is_none();
        let calls_none = !select.projection.iter().any(|item| walk(item, &mut OfRows(self.is_aggregate)).is_break());
        (is_whole && has_no_groups && is_plain && !select.from.is_empty() && calls_none).then_some(select)
    }

    fn exists(&self, subquery: &Query) -> Expr {
        let count = match self.simple(subquery) {
            Some(select) => count_where(select, None),
            None => self.over(subquery, &[], call("count", vec![number(1)])),
        };
        compared(count, BinaryOperator::Gt, number(0))
    }

    /// Whether a value is among the rows. As in Spark (`ExistenceJoin`) it is false, not NULL, where that is not known, and so is NOT IN;
    /// of the constant NULL it is NULL.
    fn is_in(&self, value: &Expr, subquery: &Query, negated: bool) -> Result<Expr, SqlProblem> {
        if matches!(value, Expr::Value(constant) if constant.value == Value::Null) {
            let data_type = DataType::Boolean;
            let (kind, expr) = (CastKind::Cast, Box::new(Expr::value(Value::Null)));
            return Ok(Expr::Cast { kind, expr, data_type, array: false, format: None });
        }
        if let SetExpr::Select(select) = subquery.body.as_ref()
            && select.projection.len() > 1
        {
            let message = format!("a value is looked for IN a subquery with {} columns", select.projection.len());
            let problem = SqlProblem::new(message, "select one column in the subquery");
            return Err(problem.code("DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH").at_text(self.sql, "IN"));
        }
        if !negated
            && let Some(select) = self.simple(subquery)
            && let [SelectItem::UnnamedExpr(column) | SelectItem::ExprWithAlias { expr: column, .. }] =
                select.projection.as_slice()
            && self.means_the_same_in(value, select)
        {
            let (column, value) = (Expr::Nested(Box::new(column.clone())), Expr::Nested(Box::new(value.clone())));
            let count = count_where(select, Some(compared(column, BinaryOperator::Eq, value)));
            return Ok(compared(count, BinaryOperator::Gt, number(0)));
        }
        Ok(self.is_in_rows(value, subquery, negated))
    }

    /// True if a value names only columns of inputs around the subquery, by the inputs' names: then it may move into the subquery, which
    /// may name columns of the query around it, too. A bare name could mean another column there.
    fn means_the_same_in(&self, value: &Expr, subquery: &Select) -> bool {
        let own = inputs(subquery);
        let is_outer = |name: &Ident| {
            let name = name.value.to_lowercase();
            self.inputs.contains(&name) && !own.contains(&name)
        };
        match value {
            Expr::CompoundIdentifier(names) => names.len() == 2 && is_outer(&names[0]),
            Expr::Value(_) => true,
            Expr::Nested(inner) => self.means_the_same_in(inner, subquery),
            _ => false,
        }
    }

    /// The same by the set of the rows' values, of a subquery that names no column of the query around it.
    fn is_in_rows(&self, value: &Expr, subquery: &Query, negated: bool) -> Expr {
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

/// The number of rows of a subquery that this holds for.
fn count_where(select: &Select, condition: Option<Expr>) -> Expr {
    let mut select = select.clone();
    select.projection = vec![SelectItem::UnnamedExpr(call("count", vec![number(1)]))];
    select.selection = match (select.selection, condition) {
        (Some(own), Some(condition)) => {
            let own = Box::new(Expr::Nested(Box::new(own)));
            Some(Expr::BinaryOp { left: own, op: BinaryOperator::And, right: Box::new(condition) })
        }
        (own, condition) => own.or(condition),
    };
    Expr::Subquery(Box::new(query_of(select)))
}

/// Stops at what makes one row of many, or is of several rows.
struct OfRows<'a>(&'a dyn Fn(&str) -> bool);

impl Visitor for OfRows<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function)
                if function.over.is_some()
                    || (self.0)(&name_of(function))
                    || !matches!(columns(function, &[], false), Ok(None)) =>
            {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn compared(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}
