//! `*` with EXCEPT and REPLACE, column by column.

use datafusion::sql::sqlparser::ast::{Expr, Ident, ReplaceSelectElement, SelectItem, WildcardAdditionalOptions};

use super::calls::excluded;
use crate::error::nearest;
use crate::problem::SqlProblem;

/// The items that a `*` stands for, of these columns.
pub fn written_out(options: &WildcardAdditionalOptions, columns: &[&String]) -> Vec<SelectItem> {
    let excluded = excluded(options);
    let shown = columns.iter().filter(|name| !excluded.contains(&name.to_lowercase()));
    let item = |name: &&String| {
        let column = Ident::with_quote('`', name.as_str());
        match replaced(options).iter().find(|element| element.column_name.value.eq_ignore_ascii_case(name)) {
            Some(element) => SelectItem::ExprWithAlias { expr: element.expr.clone(), alias: column },
            None => SelectItem::UnnamedExpr(Expr::Identifier(column)),
        }
    };
    shown.map(item).collect()
}

/// # Errors
/// A column is replaced that is not there.
pub fn check_replaced(options: &WildcardAdditionalOptions, columns: &[&String], sql: &str) -> Result<(), SqlProblem> {
    let is_there = |name: &Ident| columns.iter().any(|column| column.eq_ignore_ascii_case(&name.value));
    let Some(missing) = replaced(options).iter().map(|element| &element.column_name).find(|name| !is_there(name))
    else {
        return Ok(());
    };
    let names: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    let help = match nearest(&missing.value.to_lowercase(), &names) {
        Some(other) => format!("did you mean `{other}`? EXTEND adds a column"),
        None => format!("the columns are {}; EXTEND adds a column", names.join(", ")),
    };
    let problem = SqlProblem::new(format!("there is no column `{}`", missing.value), help);
    Err(problem.code("UNRESOLVED_COLUMN.WITH_SUGGESTION").at_text(sql, &missing.value))
}

fn replaced(options: &WildcardAdditionalOptions) -> &[Box<ReplaceSelectElement>] {
    options.opt_replace.as_ref().map_or(&[], |replace| replace.items.as_slice())
}
