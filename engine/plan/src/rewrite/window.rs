//! `window`, `window.start` and `window.end` in a query that groups by `window(…)`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Function, GroupByExpr, Ident, Select, SelectItem, VisitorMut};
use expr::scalar::time_windows::SESSION_WINDOW;
use expr::scalar::window::WINDOW;

use super::calls::{field_of, relation_name};
use crate::walk::walk_mut;

/// The `window(…)` call of a GROUP BY.
pub fn window_call(select: &Select) -> Option<Function> {
    let GroupByExpr::Expressions(terms, _) = &select.group_by else { return None };
    terms.iter().find_map(of_term)
}

fn of_term(term: &Expr) -> Option<Function> {
    match term {
        Expr::Function(function) if is_time_window(&relation_name(&function.name)) => Some(function.clone()),
        Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => sets.iter().flatten().find_map(of_term),
        _ => None,
    }
}

/// Replaces it in an item of SELECT, which keeps its name.
pub fn replace_in_item(item: &mut SelectItem, call: &Function) {
    match item {
        SelectItem::UnnamedExpr(expr) => {
            let alias = match expr {
                Expr::Identifier(name) if is_window(name, call) => Some(relation_name(&call.name)),
                Expr::CompoundIdentifier(names) => match names.as_slice() {
                    [window, field] if is_window(window, call) => Some(field.value.to_lowercase()),
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
pub fn replace_window(expr: &mut Expr, call: &Function) {
    let mut replacer = WindowReplacer { call };
    let _ = walk_mut(expr, &mut replacer);
}

struct WindowReplacer<'a> {
    call: &'a Function,
}

impl VisitorMut for WindowReplacer<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) if is_window(name, self.call) => *expr = Expr::Function(self.call.clone()),
            Expr::CompoundIdentifier(names) => {
                if let [window, field] = names.as_slice()
                    && is_window(window, self.call)
                {
                    *expr = field_of(Expr::Function(self.call.clone()), &field.value);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// True if a name means what the call gives: `window` or `session_window`.
fn is_window(name: &Ident, call: &Function) -> bool {
    name.value.eq_ignore_ascii_case(&relation_name(&call.name))
}

fn is_time_window(function: &str) -> bool {
    [WINDOW, SESSION_WINDOW].contains(&function)
}
