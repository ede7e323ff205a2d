//! Which functions give the same value however their states were merged.

use datafusion::physical_expr::aggregate::AggregateFunctionExpr;

/// Functions of exact sums, of extremes, of sets, and of lists in the order of the rows. Of the others, the last bits of a value (or, of
/// an approximation, more than that) depend on which states were merged first.
const STEADY: &[&str] = &[
    "any_value",
    "approx_count_distinct",
    "approx_distinct",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "collect_list",
    "collect_set",
    "count",
    "count_if",
    "first",
    "first_value",
    "last",
    "last_value",
    "max",
    "max_by",
    "median",
    "min",
    "min_by",
    "mode",
    "mode_ascending",
    "mode_descending",
    "percentile",
    "percentile_approx",
    "percentile_descending",
    "percentile_disc",
    "percentile_disc_descending",
    "sum",
    "try_sum",
];

/// True if the states of a call may be merged in any grouping, in the order of time, without a change of its value.
pub fn is_steady(function: &AggregateFunctionExpr) -> bool {
    // With DISTINCT the state is the set of values, in the order in which they came.
    function.is_distinct() || function.order_bys().is_empty() && STEADY.contains(&function.fun().name())
}
