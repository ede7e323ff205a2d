//! Operators between a text and something else, which DataFusion refuses while it plans: the text is read as what the other side is.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Cast, Expr, ExprSchemable};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use crate::typing::meeting::{is_number, is_text};

/// Plans `true = 'true'`, `b AND 'false'`, `1 || 'x'` and `t - '2024-01-01'`.
#[derive(Debug)]
pub struct TextPlanner;

impl ExprPlanner for TextPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        // The type of a field or of a lambda's variable is not known yet.
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(expr));
        };
        let Some((left, right)) = wanted(&expr.op, &left, &right) else { return Ok(PlannerResult::Original(expr)) };
        // What the sides are now is for the next planner.
        Ok(PlannerResult::Original(RawBinaryExpr {
            op: expr.op,
            left: as_kind(expr.left, left),
            right: as_kind(expr.right, right),
        }))
    }
}

/// What the sides are made, for those that change.
fn wanted(op: &BinaryOperator, left: &DataType, right: &DataType) -> Option<(Option<DataType>, Option<DataType>)> {
    use BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, Minus, NotEq, Or, Spaceship, StringConcat};
    let truth = |kind: &DataType| is_text(kind).then_some(DataType::Boolean);
    let is_truth = |kind: &DataType| *kind == DataType::Boolean;
    let is_time = |kind: &DataType| matches!(kind, DataType::Date32 | DataType::Timestamp(..));
    match op {
        And | Or if is_text(left) || is_text(right) => Some((truth(left), truth(right))),
        Eq | NotEq | Gt | GtEq | Lt | LtEq | Spaceship if is_truth(left) && is_text(right) => {
            Some((None, truth(right)))
        }
        Eq | NotEq | Gt | GtEq | Lt | LtEq | Spaceship if is_text(left) && is_truth(right) => Some((truth(left), None)),
        StringConcat => {
            let text = |kind: &DataType| {
                let is_scalar = is_number(kind) || is_time(kind) || is_truth(kind);
                is_scalar.then_some(DataType::Utf8)
            };
            let is_joined = |kind: &DataType| is_text(kind) || kind.is_null() || text(kind).is_some();
            let is_other = text(left).is_some() || text(right).is_some();
            (is_other && is_joined(left) && is_joined(right)).then(|| (text(left), text(right)))
        }
        Minus if is_time(left) && is_text(right) => Some((None, Some(left.clone()))),
        _ => None,
    }
}

fn as_kind(expr: Expr, kind: Option<DataType>) -> Expr {
    match kind {
        Some(kind) => Expr::Cast(Cast::new(Box::new(expr), kind)),
        None => expr,
    }
}
