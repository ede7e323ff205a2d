//! Aggregate functions of Spark that DataFusion lacks, or keeps in a state that is too large or differs from run to run.

mod aggregate_def;
mod approx_count_distinct;
mod array_agg;
mod bitmaps;
pub mod checked_totals;
mod collect_list;
mod collect_set;
mod count_if;
mod distinct;
mod exact_function;
mod exact_sum;
mod exact_whole;
mod extreme_values;
mod extremes;
mod first_last;
mod folding;
mod folds;
pub mod inputs;
mod later_column;
mod moments;
mod percentiles;
mod single;
mod sketch;
mod sketch_values;
mod sliding;
mod statistics;
mod try_sum;
mod variant_shapes;
mod vector_totals;
mod with_distinct;

use std::sync::Arc;

use datafusion::functions_aggregate;
use datafusion::logical_expr::AggregateUDF;

pub use approx_count_distinct::approx_count_distinct;
pub use collect_list::collect_list;
pub use folding::is_steady;
pub use later_column::is_later_column;

/// Names that Spark has for functions of DataFusion.
const ALIASES: &[(&str, &[&str])] =
    &[("bool_and", &["every"]), ("bool_or", &["some", "any"]), ("string_agg", &["listagg"])];

/// All aggregate functions, to be registered over DataFusion's own: Spark's names, and states that are the same on every run.
pub fn aggregates() -> Vec<AggregateUDF> {
    let mut all: Vec<AggregateUDF> = functions_aggregate::all_default_aggregate_functions()
        .into_iter()
        .map(|function| {
            let names = ALIASES.iter().find(|(name, _)| *name == function.name()).map_or(&[][..], |(_, names)| names);
            let named = match names.is_empty() {
                true => function,
                false => Arc::new(function.as_ref().clone().with_aliases(names.iter().copied())),
            };
            match named.name() {
                "grouping" | "first_value" | "last_value" | "nth_value" => named.as_ref().clone(),
                "array_agg" => with_distinct::with_distinct(Arc::new(array_agg::array_agg(named))),
                _ => with_distinct::with_distinct(named),
            }
        })
        .collect();
    all.push(with_distinct::with_distinct(Arc::new(approx_count_distinct())));
    let defined = [
        first_last::first_last(),
        vec![collect_list(), collect_set::collect_set(), count_if::count_if(), try_sum::try_sum()],
        extremes::extremes(),
        moments::moments(),
        statistics::statistics(),
        percentiles::percentiles(),
        bitmaps::bitmaps(),
        sketch_values::sketch_values(),
        vector_totals::vector_totals(),
        vec![variant_shapes::variant_shapes()],
    ];
    all.extend(defined.into_iter().flatten().map(|function| with_distinct::with_distinct(Arc::new(function))));
    all
}
