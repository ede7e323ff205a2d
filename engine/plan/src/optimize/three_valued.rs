//! Simplifying expressions without forgetting that a comparison with NULL is NULL.
//!
//! DataFusion 55 puts `x IN (…)` and `x NOT IN (…)` under one AND or OR together as sets: `x IN (1) AND x IN (2)` becomes false and
//! `x NOT IN (1) OR x NOT IN (2)` true, where both are NULL for a NULL; lists of columns or with a NULL it compares by their text. And
//! `x ^ x` becomes 0, also of a NULL.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion, TreeNodeVisitor};
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

use super::equal_values;

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
            let expr = equal_values::of_constants(expr)?.transform_data(hide)?;
            Ok(expr.update_data(|expr| name.restore(expr)))
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
    let expr = equal_values::of_constants(expr)?.transform_data(hide)?.data;
    show(simplifier.simplify(expr)?).data()
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
        let mut scales = Scales { subject, weights: Vec::new(), is_risky: false };
        expr.visit(&mut scales)?;
        if scales.is_risky {
            risky.push(subject.clone());
        }
    }
    Ok(risky)
}

/// Weighs how much of a list of a subject is in each part of an expression.
struct Scales<'a> {
    subject: &'a Expr,
    /// For each expression around the one that is visited, what its parts weigh that were visited.
    weights: Vec<Vec<usize>>,
    /// Whether both sides of an AND or OR have a list.
    is_risky: bool,
}

impl Scales<'_> {
    fn own_weight(&self, expr: &Expr) -> Option<usize> {
        subject_of(expr).filter(|(own, _)| *own == self.subject).map(|(_, weight)| weight)
    }
}

impl<'n> TreeNodeVisitor<'n> for Scales<'_> {
    type Node = Expr;

    fn f_down(&mut self, expr: &'n Expr) -> Result<TreeNodeRecursion> {
        self.weights.push(Vec::new());
        Ok(if self.own_weight(expr).is_some() { TreeNodeRecursion::Jump } else { TreeNodeRecursion::Continue })
    }

    fn f_up(&mut self, expr: &'n Expr) -> Result<TreeNodeRecursion> {
        let parts = self.weights.pop().unwrap_or_default();
        let joins = matches!(expr, Expr::BinaryExpr(BinaryExpr { op: Operator::And | Operator::Or, .. }));
        self.is_risky |= joins && parts.iter().all(|weight| *weight >= LIST);
        let weight = self.own_weight(expr).unwrap_or_else(|| parts.iter().sum());
        if let Some(around) = self.weights.last_mut() {
            around.push(weight);
        }
        Ok(TreeNodeRecursion::Continue)
    }
}
