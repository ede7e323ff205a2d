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

/// Words of the language: the parser takes a call of most of them that it cannot read for a function of that name.
const WORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "between",
    "by",
    "case",
    "cast",
    "convert",
    "current_date",
    "current_timestamp",
    "current_user",
    "distinct",
    "else",
    "end",
    "exists",
    "extract",
    "false",
    "from",
    "group",
    "having",
    "if",
    "in",
    "interval",
    "is",
    "join",
    "like",
    "not",
    "null",
    "on",
    "or",
    "order",
    "overlay",
    "position",
    "rlike",
    "safe_cast",
    "select",
    "some",
    "struct",
    "substr",
    "substring",
    "table",
    "then",
    "trim",
    "true",
    "try_cast",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
];

/// True if the parser or a rewrite makes something of its own of calls of this name, such as CAST, EXTRACT or `nvl2`.
pub fn is_special_form(name: &str) -> bool {
    let is_changed = |arguments: &str| {
        let Ok(mut expr) = parse_expression(&format!("{name}({arguments})"), TypeRules::Before) else { return true };
        forms::rewrite(&mut expr);
        !matches!(&expr, Expr::Function(function) if name_of(function) == name)
    };
    WORDS.contains(&name) || GENERATORS.contains(&name) || ["a", "a, b", "a, b, c"].into_iter().any(is_changed)
}
