//! The functions of docs/sql.md are those that there are.

use expr::clock::BatchClock;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use crate::session::planning_session;

const BEGIN: &str = "<!-- functions -->\n";
const END: &str = "<!-- end of functions -->\n";

/// Ours alone: what other forms are rewritten to.
const INSIDE: &[&str] = &[
    "array_sort_by",
    "filter_with_index",
    "transform_with_index",
    "item_at",
    "mode_ascending",
    "mode_descending",
    "named_rows",
    "named_zip",
    "nth_field",
    "percentile_descending",
    "percentile_disc_descending",
    "second_with_fraction",
];

/// What the rewrite knows and the registry does not.
const REWRITTEN: &[&str] = &[
    "bigint",
    "binary",
    "boolean",
    "current_timezone",
    "current_catalog",
    "current_database",
    "current_schema",
    "date",
    "dateadd",
    "datediff",
    "dayname",
    "decimal",
    "double",
    "exists",
    "explode",
    "explode_outer",
    "extract",
    "filter",
    "float",
    "forall",
    "grouping_id",
    "if",
    "iff",
    "ilike",
    "inline",
    "inline_outer",
    "int",
    "json_tuple",
    "len",
    "lcase",
    "like",
    "localtimestamp",
    "nullifzero",
    "positive",
    "posexplode",
    "posexplode_outer",
    "smallint",
    "stack",
    "string",
    "timestamp",
    "timestampadd",
    "timestampdiff",
    "tinyint",
    "to_binary",
    "transform",
    "try_avg",
    "try_make_interval",
    "try_make_timestamp_ltz",
    "try_to_binary",
    "ucase",
    "variant_explode",
    "variant_explode_outer",
    "zeroifnull",
];

fn listed(title: &str, names: BTreeSet<String>) -> String {
    let shown = names.into_iter().filter(|name| !name.starts_with("__") && !name.ends_with("_rows"));
    let shown: Vec<String> =
        shown.filter(|name| !INSIDE.contains(&name.as_str())).map(|name| format!("`{name}`")).collect();
    let mut text = format!("{title} ({}):\n", shown.len());
    let mut line = String::new();
    for name in shown {
        if line.len() + name.len() > 130 {
            let _ = writeln!(text, "{}", line.trim_end());
            line.clear();
        }
        line.push_str(&name);
        line.push(' ');
    }
    let _ = writeln!(text, "{}\n", line.trim_end());
    text
}

fn functions() -> String {
    let state = planning_session(&BatchClock::default(), expr::typing::TypeRules::default()).unwrap().state();
    let scalar = state.scalar_functions().iter();
    let repeating = scalar.filter(|(name, function)| {
        let is_fixed = function.signature().volatility == datafusion::logical_expr::Volatility::Immutable;
        is_fixed || ["now", "current_timestamp", "current_date", "today", "current_time"].contains(&name.as_str())
    });
    let mut scalar: BTreeSet<String> = repeating.map(|(name, _)| name.clone()).collect();
    scalar.extend(REWRITTEN.iter().map(ToString::to_string));
    scalar.extend(state.higher_order_functions().keys().cloned());
    let aggregate: BTreeSet<String> = state.aggregate_functions().keys().cloned().collect();
    let over = state.window_functions().keys().filter(|name| !aggregate.contains(*name)).cloned().collect();
    let mut text = listed("Of values", scalar);
    text.push_str(&listed("Of groups, each also with `DISTINCT` and `FILTER (WHERE …)`", aggregate));
    text.push_str(&listed("With `OVER (…)`, beside those of groups", over));
    text
}

#[test]
fn the_functions_that_are_listed_are_those_that_there_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sql.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{BEGIN}\n{}{END}{after}", functions());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == wanted, "docs/sql.md is old: run this test with UPDATE_DOCS=1");
}
