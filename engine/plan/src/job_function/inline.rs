//! Puts the expressions of functions in the place of their calls.

use datafusion::arrow::compute::can_cast_types;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan};
use expr::display::type_name;
use expr::node_schema::merged_schema;

use super::JobFunction;
use crate::guard::CHAIN_MAX;
use crate::logical::any_expr;
use crate::problem::SqlProblem;
use crate::rules::is_random_call;

/// Most parts that an expression may come to: an argument that stands twice in a function doubles what it is given, in each function
/// around it again.
const PARTS_MAX: usize = 20_000;

/// A plan as the planner made it, without calls of functions of the job.
///
/// # Errors
/// A value of a call is of a type that its argument cannot be made of.
pub fn inlined(plan: LogicalPlan, sql: &str) -> Result<LogicalPlan> {
    if !any_expr(&plan, |expr| called(expr).is_some())? {
        return Ok(plan);
    }
    let plan = plan.transform_up_with_subqueries(|node| {
        let around = Around {
            schema: merged_schema(&node),
            sql,
            is_over_scan: node.inputs().iter().all(|input| is_scan(input)),
        };
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let expr = with_bodies(expr, &around)?;
            Ok(expr.update_data(|expr| name.restore(expr)))
        })?;
        node.transform_data(|node| Ok(Transformed::yes(node.recompute_schema()?)))
    });
    plan.data()
}

/// An expression without calls of functions of the job.
fn with_bodies(expr: Expr, around: &Around<'_>) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.inner().is::<JobFunction>() => {
            match func.inner().downcast_ref() {
                Some(function) => Ok(Transformed::yes(body(function, args, around)?)),
                None => Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))),
            }
        }
        other => Ok(Transformed::no(other)),
    })
}

/// What stands around a call.
struct Around<'a> {
    schema: DFSchema,
    sql: &'a str,
    /// True if its columns come from a table as they are: their types are what they will be.
    is_over_scan: bool,
}

impl Around<'_> {
    /// A value in the type of an argument. What a node below makes of it is typed later, so that a value which has that type now may
    /// have another then.
    fn converted(&self, value: Expr, kind: &DataType) -> Expr {
        let is_typed = self.is_over_scan && matches!(value, Expr::Column(_));
        match is_typed && value.get_type(&self.schema).is_ok_and(|own| own == *kind) {
            true => value,
            false => Expr::Cast(Cast::new(Box::new(value), kind.clone())),
        }
    }
}

fn is_scan(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::SubqueryAlias(alias) => is_scan(&alias.input),
        _ => false,
    }
}

fn called(expr: &Expr) -> Option<&JobFunction> {
    match expr {
        Expr::ScalarFunction(call) => call.func.inner().downcast_ref(),
        _ => None,
    }
}

/// The expression of a function over the values of a call.
fn body(function: &JobFunction, values: Vec<Expr>, around: &Around<'_>) -> Result<Expr> {
    let Around { schema, sql, .. } = around;
    let mut parts = size(&function.body).parts;
    let mut converted = Vec::with_capacity(values.len());
    for ((value, argument), uses) in values.into_iter().zip(&function.arguments).zip(&function.uses) {
        let problem = |message: String, help: String| SqlProblem::new(message, help).at_text(sql, &function.name);
        if let Ok(kind) = value.get_type(schema)
            && !converts(&kind, argument.data_type())
        {
            let message = format!(
                "`{}` takes {} for `{}`, not {}",
                function.name,
                type_name(argument.data_type()),
                argument.name(),
                type_name(&kind)
            );
            let help = format!("write {}", function.call_text());
            return Err(problem(message, help).code("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE").into());
        }
        if *uses > 1 && value.exists(|part| Ok(is_random_call(part)))? {
            let (name, argument) = (&function.name, argument.name());
            let message = format!("`{name}` reads `{argument}` {uses} times, and this value is another each time");
            let help = "compute the value in a subquery, and call the function with its column".to_string();
            return Err(problem(message, help).into());
        }
        parts = parts.saturating_add(size(&value).parts.saturating_mul(*uses));
        if parts > PARTS_MAX {
            let message = format!("the expressions of `{}` come to more than {PARTS_MAX} parts here", function.name);
            let help = "compute its values in a subquery or a table of their own".to_string();
            return Err(problem(message, help).into());
        }
        converted.push(around.converted(value, argument.data_type()));
    }
    let filled = function.body.clone().transform_up(|part| match &part {
        Expr::Column(column) => match function.place_of(column) {
            Some(at) => Ok(Transformed::yes(converted[at].clone())),
            None => Ok(Transformed::no(part)),
        },
        _ => Ok(Transformed::no(part)),
    });
    let filled = filled.data()?;
    if size(&filled).depth > CHAIN_MAX {
        let message = format!("the expressions of `{}` are nested deeper than {CHAIN_MAX} here", function.name);
        let help = "compute its values in a subquery or a table of their own";
        return Err(SqlProblem::new(message, help).at_text(sql, &function.name).into());
    }
    Ok(filled)
}

/// True if a value of one type can be made one of another: what Spark casts.
fn converts(from: &DataType, to: &DataType) -> bool {
    let is_time = |kind: &DataType| matches!(kind, DataType::Date32 | DataType::Timestamp(..));
    let is_never = matches!(from, DataType::Date32) && to.is_numeric() || is_time(from) && *to == DataType::Boolean;
    from == to || *from == DataType::Null || !is_never && (*to == DataType::Utf8 || can_cast_types(from, to))
}

struct Size {
    parts: usize,
    depth: usize,
}

/// How many parts an expression has, and how deep they are nested.
fn size(expr: &Expr) -> Size {
    let mut whole = Size { parts: 1, depth: 0 };
    let visited = expr.apply_children(|child| {
        let Size { parts, depth } = size(child);
        whole.parts = whole.parts.saturating_add(parts);
        whole.depth = whole.depth.max(depth);
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "the closure never fails");
    whole.depth += 1;
    whole
}
