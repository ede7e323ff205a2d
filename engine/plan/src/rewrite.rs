//! Spark's way of writing to DataFusion's, on the parsed SQL: `window.start`, `SELECT *` over a source, `explode`.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, ExcludeSelectItem, Expr, Function, GroupByExpr, Ident, ObjectName, OrderByKind, Query, Select,
    SelectItem, SetExpr, Statement, TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};
use datafusion::sql::sqlparser::dialect::SparkSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::functions::window::WINDOW;
use crate::problem::SqlProblem;
use crate::relation::Relation;

/// Rewrites a statement in place.
///
/// # Errors
/// If it uses a form that the engine has no way to run.
pub fn rewrite(statement: &mut Statement, sql: &str, relations: &HashMap<String, Relation>) -> Result<(), SqlProblem> {
    match VisitMut::visit(statement, &mut Rewriter { sql, relations }) {
        ControlFlow::Break(problem) => Err(problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// The relation that an object name means, in lower case.
pub fn relation_name(name: &ObjectName) -> String {
    let parts: Vec<String> = name.0.iter().map(|part| part.to_string().replace('`', "").to_lowercase()).collect();
    parts.join(".")
}

struct Rewriter<'a> {
    sql: &'a str,
    relations: &'a HashMap<String, Relation>,
}

impl VisitorMut for Rewriter<'_> {
    type Break = SqlProblem;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlProblem> {
        let call = match query.body.as_ref() {
            SetExpr::Select(select) => window_call(select),
            _ => None,
        };
        if let (Some(call), Some(order_by)) = (call, &mut query.order_by)
            && let OrderByKind::Expressions(terms) = &mut order_by.kind
        {
            terms.iter_mut().for_each(|term| replace_window(&mut term.expr, &call));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlProblem> {
        if let Some(view) = select.lateral_views.first() {
            let problem = SqlProblem::new("LATERAL VIEW is not supported", "write unnest(…) (or explode(…)) in SELECT");
            return ControlFlow::Break(
                problem.at_text(self.sql, view.to_string().split_whitespace().next().unwrap_or("LATERAL")),
            );
        }
        self.expand_wildcards(select);
        if let Some(call) = window_call(select) {
            select.projection.iter_mut().for_each(|item| replace_in_item(item, &call));
            select.having.iter_mut().for_each(|having| replace_window(having, &call));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlProblem> {
        if let Expr::CompoundFieldAccess { root, access_chain } = expr
            && let Some(access) = dotted(root, access_chain)
        {
            *expr = access;
        }
        if let Expr::Function(function) = expr {
            match relation_name(&function.name).as_str() {
                "explode" => function.name = ObjectName::from(vec![Ident::new("unnest")]),
                "session_window" => {
                    let problem = SqlProblem::new(
                        "session windows are not supported yet",
                        "group by window(…) and the session's key",
                    );
                    return ControlFlow::Break(problem.at_text(self.sql, "session_window"));
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}

impl Rewriter<'_> {
    /// `SELECT *` over a relation with hidden columns names the others.
    fn expand_wildcards(&self, select: &mut Select) {
        let [from] = select.from.as_slice() else { return };
        let (TableFactor::Table { name, .. }, true) = (&from.relation, from.joins.is_empty()) else { return };
        let Some(relation) = self.relations.get(&relation_name(name)).filter(|relation| !relation.hidden.is_empty())
        else {
            return;
        };
        let plain = |options: &WildcardAdditionalOptions| options.opt_replace.is_none() && options.opt_rename.is_none();
        let shown = |options: &WildcardAdditionalOptions| {
            let excluded = excluded(options);
            let is_shown =
                move |name: &String| !relation.hidden.contains(name) && !excluded.contains(&name.to_lowercase());
            let fields = relation.schema.fields().iter().filter(move |field| is_shown(field.name()));
            fields.map(|field| SelectItem::UnnamedExpr(Expr::Identifier(Ident::with_quote('`', field.name()))))
        };
        let items = std::mem::take(&mut select.projection);
        for item in items {
            match &item {
                SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) if plain(options) => {
                    select.projection.extend(shown(options));
                }
                _ => select.projection.push(item),
            }
        }
    }
}

/// The names that `* EXCEPT (…)` or `* EXCLUDE (…)` leaves out, in lower case.
fn excluded(options: &WildcardAdditionalOptions) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if let Some(except) = &options.opt_except {
        names.push(except.first_element.value.to_lowercase());
        names.extend(except.additional_elements.iter().map(|name| name.value.to_lowercase()));
    }
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => names.push(relation_name(name)),
        Some(ExcludeSelectItem::Multiple(several)) => names.extend(several.iter().map(relation_name)),
        None => {}
    }
    names
}

/// The `window(…)` call of a GROUP BY.
fn window_call(select: &Select) -> Option<Function> {
    let GroupByExpr::Expressions(terms, _) = &select.group_by else { return None };
    terms.iter().find_map(|term| match term {
        Expr::Function(function) if relation_name(&function.name) == WINDOW => Some(function.clone()),
        _ => None,
    })
}

fn replace_in_item(item: &mut SelectItem, call: &Function) {
    match item {
        SelectItem::UnnamedExpr(expr) => {
            let alias = match expr {
                Expr::Identifier(name) if is_window(name) => Some(WINDOW.to_string()),
                Expr::CompoundIdentifier(names) => match names.as_slice() {
                    [window, field] if is_window(window) => Some(field.value.to_lowercase()),
                    _ => None,
                },
                _ => None,
            };
            replace_window(expr, call);
            if let Some(alias) = alias {
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::new(alias) };
            }
        }
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::ExprWithAliases { expr, .. } => replace_window(expr, call),
        SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => {}
    }
}

/// Puts the call in the place of `window`, and a field of it in the place of `window.start` and `window.end`.
fn replace_window(expr: &mut Expr, call: &Function) {
    let mut replacer = WindowReplacer { call };
    let _ = VisitMut::visit(expr, &mut replacer);
}

struct WindowReplacer<'a> {
    call: &'a Function,
}

impl VisitorMut for WindowReplacer<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) if is_window(name) => *expr = Expr::Function(self.call.clone()),
            Expr::CompoundIdentifier(names) => {
                if let [window, field] = names.as_slice()
                    && is_window(window)
                    && let Some(access) = field_of(self.call, &field.value)
                {
                    *expr = access;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_window(name: &Ident) -> bool {
    name.value.eq_ignore_ascii_case(WINDOW)
}

/// `window(…).start` and the like: fields of what a call gives.
fn dotted(root: &Expr, chain: &[AccessExpr]) -> Option<Expr> {
    let Expr::Function(_) = root else { return None };
    chain.iter().try_fold(root.clone(), |inner, access| match access {
        AccessExpr::Dot(Expr::Identifier(field)) => field_of(&inner, &field.value),
        _ => None,
    })
}

fn field_of(call: &impl std::fmt::Display, field: &str) -> Option<Expr> {
    let text = format!("get_field({call}, '{}')", field.to_lowercase().replace('\'', "''"));
    Parser::new(&SparkSqlDialect {}).try_with_sql(&text).ok()?.parse_expr().ok()
}
