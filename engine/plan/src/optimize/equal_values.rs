//! Comparisons, keys and orders in which -0.0 and 0.0 are one value and all NaN are one, above all others, as in Spark.
//!
//! DataFusion 55 knows -0.0 for 0.0 in plain comparisons, in joins and in GROUP BY of a plain column alone. It does not in `IN`,
//! `CASE x WHEN`, PARTITION BY, ORDER BY and inside of structs and arrays; and a NaN with a sign, which `inf - inf` is on x86, is
//! the smallest of all numbers to it.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, ExprSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, InList, Sort};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use expr::group_key::has_several_forms;
use expr::scalar::one_value::one_value;

/// Puts one value in the place of equal ones wherever values are compared. The values themselves stay as they are, but for keys of
/// groups, of which Spark gives the one value too.
#[derive(Debug)]
pub struct EqualValues;

impl OptimizerRule for EqualValues {
    fn name(&self) -> &str {
        "equal_values"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let inputs = plan.inputs();
        if inputs.is_empty() {
            return Ok(Transformed::no(plan));
        }
        let mut schema = DFSchema::empty();
        inputs.into_iter().for_each(|input| schema.merge(input.schema()));
        let are_keys = matches!(plan, LogicalPlan::Sort(_) | LogicalPlan::Join(_) | LogicalPlan::Aggregate(_));
        let names = NamePreserver::new(&plan);
        let has_names = !matches!(plan, LogicalPlan::Sort(_));
        let change = |expr: Expr| {
            let name = names.save(&expr);
            let mut changed = expr.transform_up(|expr| compared(expr, &schema))?;
            if are_keys && !is_call(&changed.data) && has_float(&changed.data, &schema) {
                let before = changed.data.clone();
                let key = one_value(before.clone().unalias());
                changed.transformed |= key != before.unalias();
                changed.data = key;
            }
            Ok(if has_names { changed.update_data(|expr| name.restore(expr)) } else { changed })
        };
        plan.map_expressions(|expr| match &expr {
            Expr::GroupingSet(_) => expr.map_children(change),
            _ => change(expr),
        })
    }
}

/// The comparisons of an expression.
///
/// # Errors
/// If a column's type is not known.
pub fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    expr.transform_up(|expr| compared(expr, schema)).data()
}

/// The comparisons of constants in an expression: they are computed while a query is planned, before this rule sees them.
///
/// # Errors
/// Never in practice.
pub fn of_constants(expr: Expr) -> Result<Transformed<Expr>> {
    let schema = DFSchema::empty();
    expr.transform_up(|expr| if expr.any_column_refs() { Ok(Transformed::no(expr)) } else { compared(expr, &schema) })
}

fn is_call(expr: &Expr) -> bool {
    matches!(expr.clone().unalias(), Expr::AggregateFunction(_))
}

/// True if there are doubles in the values of an expression. Of what has no type, such as a column of an outer query, it is not known.
fn has_float(expr: &Expr, schema: &dyn ExprSchema) -> bool {
    expr.get_type(schema).is_ok_and(|kind: DataType| has_several_forms(&kind))
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(one_value(expr))
}

/// One expression with what it compares as one value each.
fn compared(expr: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) && has_float(&left, schema) => {
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left: boxed(*left), op, right: boxed(*right) }))
        }
        Expr::Between(Between { expr, negated, low, high }) if has_float(&expr, schema) => {
            let (low, high) = (boxed(*low), boxed(*high));
            Transformed::yes(Expr::Between(Between { expr: boxed(*expr), negated, low, high }))
        }
        Expr::InList(InList { expr, list, negated }) if has_float(&expr, schema) => {
            let list = list.into_iter().map(one_value).collect();
            Transformed::yes(Expr::InList(InList { expr: boxed(*expr), list, negated }))
        }
        Expr::Case(Case { expr: Some(operand), when_then_expr, else_expr }) if has_float(&operand, schema) => {
            let when_then_expr = when_then_expr.into_iter().map(|(when, then)| (boxed(*when), then)).collect();
            Transformed::yes(Expr::Case(Case { expr: Some(boxed(*operand)), when_then_expr, else_expr }))
        }
        Expr::WindowFunction(mut call) => {
            let params = &mut call.params;
            let mut changed = ordered(&mut params.order_by, schema);
            for key in params.partition_by.iter_mut().filter(|key| has_float(key, schema)) {
                changed |= replaced(key);
            }
            Transformed::new_transformed(Expr::WindowFunction(call), changed)
        }
        // With DISTINCT the order is that of the values themselves, which are one value each.
        Expr::AggregateFunction(mut call) if !call.params.distinct => {
            let changed = ordered(&mut call.params.order_by, schema);
            Transformed::new_transformed(Expr::AggregateFunction(call), changed)
        }
        other => Transformed::no(other),
    })
}

fn ordered(order: &mut [Sort], schema: &dyn ExprSchema) -> bool {
    let terms = order.iter_mut().filter(|term| has_float(&term.expr, schema));
    terms.fold(false, |changed, term| changed | replaced(&mut term.expr))
}

/// True if it is another expression now.
fn replaced(expr: &mut Expr) -> bool {
    let one = one_value(expr.clone());
    let is_other = one != *expr;
    *expr = one;
    is_other
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}
