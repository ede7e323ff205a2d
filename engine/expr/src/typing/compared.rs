//! Functions that compare their arguments and give one of them: `nullif(a, b)`, `decode(x, a, 'one', b, 'two', 'others')`. They are CASE,
//! whose sides meet as Spark's do.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// Most parts of an expression that is written once for each value that it is compared with. (One inside another would grow beyond measure.)
const PARTS_MAX: usize = 200;

/// The CASE that a call stands for, if it is one of these. What is drawn anew each time it is computed stays a function: in a CASE it would
/// be computed twice.
pub fn as_case(call: &ScalarFunction) -> Option<Case> {
    let value = call.args.first()?;
    match (call.func.name(), call.args.as_slice()) {
        ("nullif", [_, other]) if is_repeatable(value) => {
            let same = compared(value, Operator::Eq, other);
            let none = Expr::Literal(ScalarValue::Null, None);
            Some(case(vec![(same, none)], Some(value.clone())))
        }
        ("decode", [_, rest @ ..]) if rest.len() > 1 && is_repeatable(value) => {
            let mut pairs = rest.chunks_exact(2);
            let whens =
                pairs.by_ref().map(|pair| (compared(value, Operator::IsNotDistinctFrom, &pair[0]), pair[1].clone()));
            let whens = whens.collect();
            Some(case(whens, pairs.remainder().first().cloned()))
        }
        _ => None,
    }
}

fn is_repeatable(value: &Expr) -> bool {
    let mut parts = 0;
    let counted = value.apply(|_| {
        parts += 1;
        Ok(if parts > PARTS_MAX { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    counted.is_ok() && parts <= PARTS_MAX && !value.is_volatile()
}

fn compared(left: &Expr, op: Operator, right: &Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr { left: Box::new(left.clone()), op, right: Box::new(right.clone()) })
}

fn case(whens: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Case {
    let when_then_expr = whens.into_iter().map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    Case { expr: None, when_then_expr, else_expr: otherwise.map(Box::new) }
}
