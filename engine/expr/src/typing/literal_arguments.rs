//! Constants that DataFusion's aggregates read when they are planned: in the one type in which they know them.

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::AggregateFunction;

use arrow::datatypes::DataType;
use arrow::datatypes::DataType::{Float64, Int64};

/// Aggregates, and the types of their constants from the second argument on. (DataFusion puts a cast around a constant of another type,
/// and then takes it for no constant any more.)
const CONSTANTS: [(&str, &[Option<DataType>]); 4] = [
    ("nth_value", &[Some(Int64)]),
    ("approx_percentile_cont", &[Some(Float64), Some(Int64)]),
    ("approx_percentile_cont_with_weight", &[None, Some(Float64), Some(Int64)]),
    ("percentile_cont", &[Some(Float64)]),
];

/// The call with its constants in the types that the function knows; true if one was another.
pub fn known(call: &mut AggregateFunction) -> bool {
    let kinds = CONSTANTS.iter().find(|(name, _)| *name == call.func.name()).map_or(&[][..], |(_, kinds)| kinds);
    let mut changed = false;
    for (argument, kind) in call.params.args.iter_mut().skip(1).zip(kinds) {
        let (Expr::Literal(value, _), Some(kind)) = (&argument, kind) else { continue };
        if let Some(value) = value.cast_to(kind).ok().filter(|_| value.data_type() != *kind) {
            *argument = Expr::Literal(value, None);
            changed = true;
        }
    }
    changed
}
