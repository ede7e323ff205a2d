//! `EXCEPT ALL` and `INTERSECT ALL`, in which a row counts as often as it stands there: each row gets a number among its equals, and
//! then all are different. DataFusion leaves every row out of EXCEPT ALL that the other side has once.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, SelectItem, SetExpr, SetOperator, SetQuantifier, TableAlias, TableFactor, VisitorMut,
};
use datafusion::sql::sqlparser::parser::Parser;

use super::calls::relation_name;
use super::generators::query_of_body;
use crate::error::of_parser;
use crate::guard::SparkDialect;
use crate::problem::SqlProblem;
use crate::walk::walk_mut;

/// The names of the columns that a part of a query gives.
pub type ColumnsOf<'a> = &'a dyn Fn(&SetExpr) -> Result<Vec<String>, SqlProblem>;

/// Rewrites such operations of a query, innermost first.
///
/// # Errors
/// If the columns of a side are not known.
pub fn lower(body: &mut SetExpr, columns: ColumnsOf<'_>) -> Result<(), SqlProblem> {
    let SetExpr::SetOperation { op, set_quantifier, left, right } = body else { return Ok(()) };
    lower(left, columns)?;
    lower(right, columns)?;
    if *op == SetOperator::Minus {
        *op = SetOperator::Except;
    }
    if let Some(other) = counting(*op, *set_quantifier, left, right, columns)? {
        *body = other;
    }
    Ok(())
}

/// What stands for one operation; apart from [`lower`], which recurses as deep as the chain of operations is.
fn counting(
    op: SetOperator,
    quantifier: SetQuantifier,
    left: &SetExpr,
    right: &SetExpr,
    columns: ColumnsOf<'_>,
) -> Result<Option<SetExpr>, SqlProblem> {
    let op = match (op, quantifier) {
        (SetOperator::Except | SetOperator::Minus, SetQuantifier::All) => "EXCEPT",
        (SetOperator::Intersect, SetQuantifier::All) => "INTERSECT",
        _ => return Ok(None),
    };
    let names = columns(left)?;
    let sides = Sides { left: query_of_body(left.clone()), right: query_of_body(right.clone()) };
    Ok(Some(numbered(op, names, sides)?))
}

/// The operation over rows with numbers.
fn numbered(op: &str, names: Vec<String>, mut sides: Sides) -> Result<SetExpr, SqlProblem> {
    let columns: Vec<String> = (0..names.len()).map(|at| format!("c{at}")).collect();
    let all = columns.join(", ");
    let side = |name: &str| {
        format!("SELECT {all}, row_number() OVER (PARTITION BY {all} ORDER BY c0) AS number FROM {name} AS side({all})")
    };
    let text = format!("SELECT {all} FROM ({} {op} {}) AS numbered", side(LEFT), side(RIGHT));
    let parsed = Parser::new(&SparkDialect).try_with_sql(&text).and_then(|mut parser| parser.parse_query());
    let mut query = parsed.map_err(|error| of_parser(&error.to_string(), &text))?;
    let _: ControlFlow<()> = walk_mut(query.as_mut(), &mut sides);
    if let SetExpr::Select(select) = query.body.as_mut() {
        let items = names.into_iter().zip(columns).map(|(name, column)| SelectItem::ExprWithAlias {
            expr: Expr::Identifier(Ident::new(column)),
            alias: Ident::with_quote('`', name),
        });
        select.projection = items.collect();
    }
    Ok(*query.body)
}

/// The names that stand for the two sides until they are put in.
const LEFT: &str = "__left";
const RIGHT: &str = "__right";

/// Puts the two sides in.
struct Sides {
    left: Query,
    right: Query,
}

impl VisitorMut for Sides {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, .. } = factor else { return ControlFlow::Continue(()) };
        let side = match relation_name(name).as_str() {
            LEFT => &self.left,
            RIGHT => &self.right,
            _ => return ControlFlow::Continue(()),
        };
        let alias: Option<TableAlias> = alias.take();
        *factor = TableFactor::Derived { lateral: false, subquery: Box::new(side.clone()), alias, sample: None };
        ControlFlow::Continue(())
    }
}
