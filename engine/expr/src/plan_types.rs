//! Casts, times and types as Spark has them, put into a whole plan.

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion, TreeNodeRewriter};
use datafusion::common::{DFSchema, ExprSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr::HigherOrderFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

use crate::casts::{cast, cast_before};
use crate::lambda_variables::with_typed_lambdas;
use crate::node_schema::merged_schema;
use crate::outer_columns::with_own_types;
use crate::scalar::typed::Typed;
use crate::times::{aligned, aligned_union};
use crate::typing::{self, TypeRules, guards};

/// How a cast is made Spark's.
type Casting = fn(Expr, &dyn ExprSchema) -> Result<Transformed<Expr>>;

/// Rewrites every cast of a plan, and gives it the types that the rules have.
///
/// # Errors
/// If a column's type is not known.
pub fn rewrite(plan: LogicalPlan, rules: TypeRules) -> Result<LogicalPlan> {
    let mut has_other_types = false;
    plan.transform_up_with_subqueries(|node| {
        let mut node = aligned_union(match rules {
            TypeRules::Spark { .. } => typing::nodes::with_written_cells(node),
            TypeRules::Before => node,
        })?;
        has_other_types |= node.transformed;
        if has_other_types && !node.transformed {
            // What stands above a UNION with other types has other types too.
            node = Transformed::yes(node.data.recompute_schema()?);
        }
        let Transformed { data: node, transformed, .. } = node;
        let schema = merged_schema(&node);
        let node = match rules {
            TypeRules::Spark { .. } => with_own_types(node, &schema, |plan| rewrite(plan, rules))?.data,
            TypeRules::Before => node,
        };
        let names = NamePreserver::new(&node);
        // The number of rows that a LIMIT takes is no value of the query.
        let ansi = match rules {
            TypeRules::Spark { ansi } if !matches!(node, LogicalPlan::Limit(_)) => Some(ansi),
            _ => None,
        };
        let is_condition = matches!(node, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
        let rewritten = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let mut expr = match ansi {
                Some(ansi) => expr.rewrite(&mut Typing { schema: &schema, ansi })?,
                None => expr.transform_up(|expr| with_aligned(expr, &schema, cast_before))?,
            };
            if expr.data.exists(|expr| Ok(matches!(expr, Expr::HigherOrderFunction(_))))? {
                // What a lambda gives may have another type now, and so may what is made of it.
                expr = expr.transform_data(|expr| expr.resolve_lambda_variables(&schema))?;
            }
            if ansi.is_some() {
                expr = expr.transform_data(|expr| guards::connected(expr, &schema, is_condition))?;
            }
            Ok(expr.update_data(|expr| name.restore(expr)))
        })?;
        if let Some(ansi) = ansi {
            // Columns of what is below may have other types now.
            return Ok(Transformed::yes(typing::nodes::node(rewritten.data, ansi)?));
        }
        match rewritten.transformed {
            true => Ok(Transformed::yes(rewritten.data.recompute_schema()?)),
            false => Ok(Transformed::new_transformed(rewritten.data, transformed)),
        }
    })
    .data()
}

/// Gives each part of an expression its type, the parts of the part first. Of a function of a lambda the values come first, then the
/// lambda's variables, and only then its body: what is computed there depends on what they are.
struct Typing<'a> {
    schema: &'a DFSchema,
    ansi: bool,
}

impl TreeNodeRewriter for Typing<'_> {
    type Node = Expr;

    fn f_down(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        let Expr::HigherOrderFunction(HigherOrderFunction { func, args }) = expr else {
            return Ok(Transformed::no(expr));
        };
        let values = args.into_iter().map(|arg| match arg {
            Expr::Lambda(_) => Ok(arg),
            value => value.rewrite(self).data(),
        });
        let call = HigherOrderFunction { args: values.collect::<Result<_>>()?, func };
        let schema = self.schema;
        let call = with_typed_lambdas(call, schema, |body| body.rewrite(self).data())?;
        Ok(Transformed::new(Expr::HigherOrderFunction(call), true, TreeNodeRecursion::Jump))
    }

    fn f_up(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        let typed = typing::rewrite::typed(expr, self.schema, self.ansi)?;
        let typed = typed.transform_data(|expr| with_aligned(expr, self.schema, cast))?;
        check_inputs(&typed.data, self.schema)?;
        typed.transform_data(|expr| with_own_variables(expr, self.schema))
    }
}

/// A function of a lambda whose variables have the types of its arguments, as soon as these are known: the function around it, if it
/// stands in an argument of one, asks for the type of what it gives. In a lambda its arguments may hold variables of that one, which
/// are resolved later.
fn with_own_variables(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if !matches!(expr, Expr::HigherOrderFunction(_)) {
        return Ok(Transformed::no(expr));
    }
    Ok(expr.clone().resolve_lambda_variables(schema).unwrap_or_else(|_| Transformed::no(expr)))
}

/// An expression over times of one type, with its cast.
fn with_aligned(expr: Expr, schema: &dyn ExprSchema, cast: Casting) -> Result<Transformed<Expr>> {
    let aligned = aligned(expr, schema);
    let mut made = cast(aligned.data, schema)?;
    made.transformed |= aligned.transformed;
    Ok(made)
}

/// That a function of Spark's is called with what it takes. What a lambda's variables are is known only when it is whole.
fn check_inputs(expr: &Expr, schema: &dyn ExprSchema) -> Result<()> {
    let Expr::ScalarFunction(call) = expr else { return Ok(()) };
    let Some(typed) = call.func.inner().downcast_ref::<Typed>() else { return Ok(()) };
    if expr.exists(|part| Ok(matches!(part, Expr::LambdaVariable(_))))? {
        return Ok(());
    }
    typed.check(&call.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<_>>>()?)
}
