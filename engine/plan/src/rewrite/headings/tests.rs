//! Names of columns beside those that Spark gives.

use datafusion::sql::sqlparser::ast::{Expr, SelectItem, SetExpr, Statement};
use expr::typing::TypeRules;

use super::name_columns;
use crate::guard::parse;

/// Recorded from Spark 4.3: a query or an expression, and the names of its columns.
const RECORDED: &str = include_str!("tests/spark.jsonl");

/// The names that a query's columns get, if each has one before it is planned.
fn names(query: &str) -> Option<Vec<String>> {
    let Ok(Statement::Query(query)) = parse(query, TypeRules::default()) else { return None };
    let SetExpr::Select(mut select) = *query.body else { return None };
    name_columns(&mut select);
    let name = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.value.clone()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last().map(|name| name.value.clone()),
        _ => None,
    };
    select.projection.iter().map(name).collect()
}

#[test]
fn columns_without_a_name_are_named_as_in_spark() {
    let recorded = RECORDED.lines().map(|line| serde_json::from_str::<(String, Vec<String>)>(line).unwrap());
    let (mut compared, mut wrong) = (0, Vec::new());
    for (query, expected) in recorded {
        let whole = ["SELECT ", "WITH ", "FROM ", "VALUES ", "("].iter().any(|start| query.starts_with(start));
        let Some(found) = names(&if whole { query.clone() } else { format!("SELECT {query}") }) else { continue };
        compared += 1;
        if found != expected {
            wrong.push(format!("{query}\n  spark {expected:?}\n  here  {found:?}"));
        }
    }
    assert!(compared > 1_000, "only {compared} names are compared");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}
