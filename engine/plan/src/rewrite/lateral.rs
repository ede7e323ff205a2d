//! Lateral column aliases: `SELECT a + 1 AS b, b * 2 AS c`, where `b` is the expression that has that name to the left.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, Visitor, VisitorMut};

use super::calls::{field_of, name_of};
use crate::problem::SqlProblem;
use crate::walk::{walk, walk_mut};

/// Functions that give another value each time: an alias of one must be computed once.
const VOLATILE: [&str; 8] =
    ["rand", "random", "randn", "uuid", "shuffle", "randstr", "uniform", "monotonically_increasing_id"];

/// What the rewrite asks of the query around it.
pub struct LateralContext<'a> {
    /// The columns of FROM in small letters; asked only if an alias might be meant.
    pub columns: &'a dyn Fn(&Select) -> HashSet<String>,
    /// True for the name of an aggregate.
    pub is_aggregate: &'a dyn Fn(&str) -> bool,
}

/// Puts the expression of an alias in the place of its name in the columns to its right. A column of FROM wins over an alias.
///
/// # Errors
/// Spark's, where the name means two aliases, or stands inside an aggregate or a window.
pub fn resolve(select: &mut Select, context: &LateralContext<'_>, sql: &str) -> Result<(), SqlProblem> {
    if !may_be_meant(select) {
        return Ok(());
    }
    let columns = (context.columns)(select);
    let mut known: Vec<(String, Expr)> = Vec::new();
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let mut replacer = Replacer { known: &known, columns: &columns, context, sql, queries: 0, inside: None };
            if let ControlFlow::Break(problem) = walk_mut(expr, &mut replacer) {
                return Err(problem);
            }
        }
        if let SelectItem::ExprWithAlias { expr, alias } = item {
            known.push((alias.value.to_lowercase(), expr.clone()));
        }
    }
    Ok(())
}

/// True if a name in the SELECT list is also an alias to its left.
fn may_be_meant(select: &Select) -> bool {
    struct Names(HashSet<String>);
    impl Visitor for Names {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let name = match expr {
                Expr::Identifier(name) => Some(name),
                Expr::CompoundIdentifier(names) => names.first(),
                _ => None,
            };
            self.0.extend(name.map(|name| name.value.to_lowercase()));
            ControlFlow::Continue(())
        }
    }
    let mut aliases: HashSet<String> = HashSet::new();
    for item in &select.projection {
        let mut names = Names(HashSet::new());
        let _: ControlFlow<()> = walk(item, &mut names);
        if names.0.iter().any(|name| aliases.contains(name)) {
            return true;
        }
        if let SelectItem::ExprWithAlias { alias, .. } = item {
            aliases.insert(alias.value.to_lowercase());
        }
    }
    false
}

struct Replacer<'a> {
    known: &'a [(String, Expr)],
    columns: &'a HashSet<String>,
    context: &'a LateralContext<'a>,
    sql: &'a str,
    /// Queries around the place that is visited: inside of them a name is theirs.
    queries: usize,
    /// The aggregate or window function around the place, and what Spark calls an alias there.
    inside: Option<(Expr, &'static str)>,
}

impl Replacer<'_> {
    /// The expression that a name stands for, if it is an alias to the left.
    fn meant(&self, name: &Ident) -> Result<Option<Expr>, SqlProblem> {
        let small = name.value.to_lowercase();
        if self.queries > 0 || self.columns.contains(&small) {
            return Ok(None);
        }
        let mut found = self.known.iter().filter(|(alias, _)| *alias == small);
        let Some((_, expr)) = found.next() else { return Ok(None) };
        let problem = |message: String, help: &str, code: &'static str| {
            Err(SqlProblem::new(message, help).code(code).at_text(self.sql, &name.value))
        };
        if found.next().is_some() {
            let message = format!("`{}` names several columns to the left of it", name.value);
            return problem(message, "give each column a name of its own", "AMBIGUOUS_LATERAL_COLUMN_ALIAS");
        }
        if let Some((_, code)) = self.inside {
            let message = format!("`{}` is a column of this SELECT, which is not known inside of the call", name.value);
            return problem(message, "compute it in a subquery: FROM (SELECT …)", code);
        }
        if is_volatile(expr) {
            let message = format!("`{}` would be computed again here, and be another value", name.value);
            let code = "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS";
            return problem(message, "compute it in a subquery: FROM (SELECT …)", code);
        }
        Ok(Some(Expr::Nested(Box::new(expr.clone()))))
    }
}

fn is_volatile(expr: &Expr) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if VOLATILE.contains(&name_of(function).as_str()) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    walk(expr, &mut Finder).is_break()
}

impl VisitorMut for Replacer<'_> {
    type Break = SqlProblem;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<SqlProblem> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<SqlProblem> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlProblem> {
        if let Expr::Function(function) = expr
            && self.inside.is_none()
        {
            let code = match (function.over.is_some(), (self.context.is_aggregate)(&name_of(function))) {
                (true, _) => Some("UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_WINDOW"),
                (false, true) => Some("UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_AGGREGATE_FUNC"),
                (false, false) => None,
            };
            self.inside = code.map(|code| (expr.clone(), code));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlProblem> {
        let replaced = match expr {
            Expr::Identifier(name) => self.meant(name),
            Expr::CompoundIdentifier(names) => match names.split_first() {
                Some((first, fields)) => self.meant(first).map(|meant| {
                    meant.map(|meant| fields.iter().fold(meant, |inner, field| field_of(inner, &field.value)))
                }),
                None => Ok(None),
            },
            _ => Ok(None),
        };
        match replaced {
            Ok(Some(meant)) => *expr = meant,
            Ok(None) => {}
            Err(problem) => return ControlFlow::Break(problem),
        }
        if matches!(&self.inside, Some((call, _)) if call == expr) {
            self.inside = None;
        }
        ControlFlow::Continue(())
    }
}
