//! The functions that a query may call: what is said of a name that none of them has.

use datafusion::execution::SessionState;

use crate::error::nearest;
use crate::problem::SqlProblem;

/// Functions of Spark that are not built, and what to write instead.
const NOT_BUILT: &[(&[&str], &str)] = &[
    (&["count_min_sketch", "approx_top_k", "histogram_numeric"], "count by value: GROUP BY x, and join that table"),
    (
        &["kll_sketch_agg_bigint", "kll_sketch_agg_float", "kll_sketch_agg_double"],
        "use percentile_approx(x, 0.5); what a KLL sketch keeps is drawn by chance, and an epoch that runs again would keep other values",
    ),
    (
        &["tuple_sketch_agg_integer", "tuple_sketch_agg_double"],
        "use theta_sketch_agg(x) for the number of keys, and sum(y) for what belongs to them",
    ),
    (&["from_avro", "from_protobuf", "to_avro", "to_protobuf"], "set `format` of the source in the job file"),
    (
        &["monotonically_increasing_id", "spark_partition_id", "input_file_name"],
        "use the record's place: _topic, _partition, _offset",
    ),
];

/// The refusal of a function that there is not, with the nearest name that there is.
pub fn unknown_function(name: &str, sql: &str, state: &SessionState) -> SqlProblem {
    let lower = name.to_lowercase();
    if let Some((_, help)) = NOT_BUILT.iter().find(|(names, _)| names.contains(&lower.as_str())) {
        let message = format!("`{lower}` of Spark is not built");
        return SqlProblem::new(message, *help).code("UNRESOLVED_ROUTINE").at_text(sql, name);
    }
    let help = match nearest(&lower, &names(state)) {
        Some(other) => format!("did you mean `{other}`?"),
        None => "see docs/sql.md for the functions there are".to_string(),
    };
    SqlProblem::new(format!("there is no function `{name}`"), help).code("UNRESOLVED_ROUTINE").at_text(sql, name)
}

/// The names of all functions that a query may call. They are sorted: of several that are as near the same is named in every process.
fn names(state: &SessionState) -> Vec<&str> {
    let scalar = state.scalar_functions().keys();
    let of_rows = state.aggregate_functions().keys().chain(state.window_functions().keys());
    let all = scalar.chain(of_rows).chain(state.higher_order_functions().keys());
    let mut names: Vec<&str> = all.map(String::as_str).filter(|name| !name.starts_with("__")).collect();
    names.sort_unstable();
    names.dedup();
    names
}
