//! Names that mean something in a call without being functions that DataFusion knows.

use datafusion::sql::sqlparser::ast::Expr;
use expr::typing::TypeRules;

use super::calls::name_of;
use super::forms;
use crate::guard::parse_expression;

/// Functions that make rows, which are lowered elsewhere.
const GENERATORS: &[&str] = &[
    "explode",
    "explode_outer",
    "posexplode",
    "posexplode_outer",
    "inline",
    "inline_outer",
    "stack",
    "json_tuple",
    "unnest",
    "unnest_outer",
    "map",
    "make_map",
    "grouping",
    "grouping_id",
    "state",
];

/// True if the parser or a rewrite makes something of its own of calls of this name, such as CAST, EXTRACT or `nvl2`.
pub fn is_special_form(name: &str) -> bool {
    let is_changed = |arguments: &str| {
        let Ok(mut expr) = parse_expression(&format!("{name}({arguments})"), TypeRules::Before) else { return true };
        forms::rewrite(&mut expr);
        !matches!(&expr, Expr::Function(function) if name_of(function) == name)
    };
    GENERATORS.contains(&name) || ["a", "a, b", "a, b, c"].into_iter().any(is_changed)
}
