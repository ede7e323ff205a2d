//! Simplifying expressions without forgetting that a comparison with NULL is NULL.
//!
//! DataFusion 55 puts `x IN (…)` and `x NOT IN (…)` under one AND or OR together as sets: `x IN (1) AND x IN (2)` becomes false and
//! `x NOT IN (1) OR x NOT IN (2)` true, where both are NULL for a NULL; lists of columns or with a NULL it compares by their text. And
//! `x ^ x` becomes 0, also of a NULL.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyExpressions};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use expr::scalar::opaque::{inside, opaque};

/// DataFusion's rule `simplify_expressions`, from which the parts that it would get wrong are kept apart.
#[derive(Debug, Default)]
pub struct ThreeValued {
    inner: SimplifyExpressions,
}

impl OptimizerRule for ThreeValued {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.inner.apply_order()
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let names = NamePreserver::new(&plan);
        let hide_named = |expr: Expr| {
            let name = names.save(&expr);
            Ok(hide(expr)?.update_data(|expr| name.restore(expr)))
        };
        let hidden = plan.map_expressions(|expr| match &expr {
            // The names of keys in grouping sets are their own.
            Expr::GroupingSet(_) => expr.map_children(hide_named),
            _ => hide_named(expr),
        })?;
        let has_hidden = hidden.transformed;
        let simplified = self.inner.rewrite(hidden.data, config)?;
        match has_hidden {
            true => {
                let shown = simplified.data.map_expressions(show)?;
                Ok(Transformed::yes(shown.data))
            }
            false => Ok(simplified),
        }
    }
}

/// An expression, simplified.
///
/// # Errors
/// If a column's type is not known.
pub fn simplified(expr: Expr, schema: &DFSchema, state: &SessionState) -> Result<Expr> {
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .with_config_options(Arc::clone(state.config_options()))
        .with_query_execution_start_time(state.execution_props().query_execution_start_time)
        .build();
    let simplifier = ExprSimplifier::new(context).with_canonicalize(false);
    show(simplifier.simplify(hide(expr)?.data)?).data()
}

/// Hides what must not be put together with its neighbours.
fn hide(expr: Expr) -> Result<Transformed<Expr>> {
    let risky = risky_subjects(&expr)?;
    expr.transform_up(|expr| {
        Ok(match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: op @ Operator::BitwiseXor, right })
                if !matches!(right.as_ref(), Expr::Literal(..)) =>
            {
                Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right: Box::new(opaque(*right)) }))
            }
            expr if !risky.is_empty() && subject_of(&expr).is_some_and(|(subject, _)| risky.contains(subject)) => {
                Transformed::yes(opaque(expr))
            }
            expr => Transformed::no(expr),
        })
    })
}

/// Shows again what was hidden.
fn show(expr: Expr) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| {
        Ok(match inside(&expr).cloned() {
            Some(inner) => Transformed::yes(inner),
            None => Transformed::no(expr),
        })
    })
}

/// What a condition is about that is, or may become, a list of values: of `x IN (…)` and of `x = 1`. A list counts more than a value.
fn subject_of(expr: &Expr) -> Option<(&Expr, usize)> {
    match expr {
        Expr::InList(InList { expr, .. }) => Some((expr, LIST)),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (left.as_ref(), right.as_ref()) {
            (column @ Expr::Column(_), Expr::Literal(..)) | (Expr::Literal(..), column @ Expr::Column(_)) => {
                Some((column, 1))
            }
            _ => None,
        },
        _ => None,
    }
}

/// As much as two values, which OR makes a list.
const LIST: usize = 2;

/// The subjects of which both sides of some AND or OR have a list.
fn risky_subjects(expr: &Expr) -> Result<Vec<Expr>> {
    let mut weights: Vec<(&Expr, usize)> = Vec::new();
    expr.apply(|expr| {
        if let Some((subject, weight)) = subject_of(expr) {
            match weights.iter_mut().find(|(known, _)| *known == subject) {
                Some((_, sum)) => *sum += weight,
                None => weights.push((subject, weight)),
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let mut risky = Vec::new();
    for (subject, _) in weights.into_iter().filter(|(_, weight)| *weight >= 2 * LIST) {
        let mut is_risky = false;
        weigh(expr, subject, &mut is_risky)?;
        if is_risky {
            risky.push(subject.clone());
        }
    }
    Ok(risky)
}

/// How much of a list of this subject is in an expression; it is risky if both sides of an AND or OR have one.
fn weigh(expr: &Expr, subject: &Expr, is_risky: &mut bool) -> Result<usize> {
    if let Some((_, weight)) = subject_of(expr).filter(|(own, _)| *own == subject) {
        return Ok(weight);
    }
    let mut weights = Vec::new();
    expr.apply_children(|child| {
        weights.push(weigh(child, subject, is_risky)?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    let joins = matches!(expr, Expr::BinaryExpr(BinaryExpr { op: Operator::And | Operator::Or, .. }));
    *is_risky |= joins && weights.iter().all(|weight| *weight >= LIST);
    Ok(weights.into_iter().sum())
}
