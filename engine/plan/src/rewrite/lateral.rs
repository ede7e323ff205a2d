//! Lateral column aliases: `SELECT a + 1 AS b, b * 2 AS c`, where `b` is the expression that has that name to the left.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, Visitor, VisitorMut};

use super::calls::{field_of, name_of};
use super::structs::inputs;
use crate::guard::{CHAIN_MAX, depth};
use crate::problem::SqlProblem;
use crate::walk::{walk, walk_mut};

/// Functions that give another value each time: an alias of one must be computed once.
const VOLATILE: [&str; 8] =
    ["rand", "random", "randn", "uuid", "shuffle", "randstr", "uniform", "monotonically_increasing_id"];

/// Most expressions that aliases of one SELECT are written out to: two uses of each alias double them with every column.
const WRITTEN_OUT_MAX: usize = 20_000;

/// What the rewrite asks of the query around it.
pub struct LateralContext<'a> {
    /// The columns of FROM, if they can be told; asked only if an alias might be meant.
    pub columns: &'a dyn Fn(&Select) -> Option<Vec<String>>,
    /// True for the name of an aggregate.
    pub is_aggregate: &'a dyn Fn(&str) -> bool,
}

/// Puts the expression of an alias in the place of its name in the columns to its right. A column or an input of FROM wins over an alias.
///
/// # Errors
/// Spark's, where the name means two aliases, or stands inside an aggregate or a window; and if what is written out would be too long
/// or too deep to be planned.
pub fn resolve(select: &mut Select, context: &LateralContext<'_>, sql: &str) -> Result<(), SqlProblem> {
    if !may_be_meant(select) {
        return Ok(());
    }
    let Some(columns) = (context.columns)(select) else { return Ok(()) };
    let columns = columns.into_iter().map(|column| (column.to_lowercase(), column)).collect();
    let inputs = inputs(select);
    let scope = Scope { columns: &columns, inputs: &inputs, context, sql };
    let (mut known, mut left): (Vec<Alias>, usize) = (Vec::new(), WRITTEN_OUT_MAX);
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let mut replacer = Replacer {
                scope: &scope,
                known: &known,
                left: &mut left,
                queries: 0,
                lambdas: Vec::new(),
                inside: None,
            };
            if let ControlFlow::Break(problem) = walk_mut(expr, &mut replacer) {
                return Err(problem);
            }
            if depth(expr) > CHAIN_MAX {
                return Err(too_long(sql));
            }
        }
        if let SelectItem::ExprWithAlias { expr, alias } = item {
            known.push(Alias { name: alias.value.to_lowercase(), size: size(expr), expr: expr.clone() });
        }
    }
    Ok(())
}

/// A column of the SELECT list with a name.
struct Alias {
    name: String,
    expr: Expr,
    /// Expressions in it.
    size: usize,
}

fn size(expr: &Expr) -> usize {
    struct Counter(usize);
    impl Visitor for Counter {
        type Break = ();

        fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
            self.0 += 1;
            ControlFlow::Continue(())
        }
    }
    let mut counter = Counter(0);
    let _: ControlFlow<()> = walk(expr, &mut counter);
    counter.0
}

/// Each use of an alias is its expression once more: twice its length each time, if it is used twice.
fn too_long(sql: &str) -> SqlProblem {
    let message = "the columns that are made of columns to the left of them are too long, or too many in a row";
    SqlProblem::new(message, "compute some of them in a subquery: FROM (SELECT …)").at_text(sql, "SELECT")
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

/// What names can mean around a SELECT list.
struct Scope<'a> {
    /// The columns of FROM by their small letters.
    columns: &'a HashMap<String, String>,
    /// The inputs of FROM, see [`inputs`].
    inputs: &'a [String],
    context: &'a LateralContext<'a>,
    sql: &'a str,
}

struct Replacer<'a> {
    scope: &'a Scope<'a>,
    known: &'a [Alias],
    /// Expressions that may still be written out.
    left: &'a mut usize,
    /// Queries around the place that is visited: inside of them a name is theirs.
    queries: usize,
    /// The arguments of the lambdas around the place.
    lambdas: Vec<Vec<String>>,
    /// The aggregate or window function around the place, and what Spark calls an alias there.
    inside: Option<(Expr, &'static str)>,
}

impl Replacer<'_> {
    /// The expression that a name stands for, if it is an alias to the left.
    fn meant(&mut self, name: &Ident) -> Result<Option<Expr>, SqlProblem> {
        let small = name.value.to_lowercase();
        let is_argument = self.lambdas.iter().flatten().any(|argument| *argument == small);
        if self.queries > 0 || is_argument {
            return Ok(None);
        }
        if let Some(column) = self.scope.columns.get(&small) {
            // An alias of the same name may have another spelling.
            let is_other = *column != name.value;
            return Ok(is_other.then(|| Expr::Identifier(Ident::with_quote('`', column))));
        }
        let mut found = self.known.iter().filter(|alias| alias.name == small);
        let Some(alias) = found.next() else { return Ok(None) };
        let problem = |message: String, help: &str, code: &'static str| {
            Err(SqlProblem::new(message, help).code(code).at_text(self.scope.sql, &name.value))
        };
        if found.next().is_some() {
            let message = format!("`{}` names several columns to the left of it", name.value);
            return problem(message, "give each column a name of its own", "AMBIGUOUS_LATERAL_COLUMN_ALIAS");
        }
        if let Some((_, code)) = self.inside {
            let message = format!("`{}` is a column of this SELECT, which is not known inside of the call", name.value);
            return problem(message, "compute it in a subquery: FROM (SELECT …)", code);
        }
        if is_volatile(&alias.expr) {
            let message = format!("`{}` would be computed again here, and be another value", name.value);
            let code = "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS";
            return problem(message, "compute it in a subquery: FROM (SELECT …)", code);
        }
        *self.left = self.left.checked_sub(alias.size).ok_or_else(|| too_long(self.scope.sql))?;
        Ok(Some(Expr::Nested(Box::new(alias.expr.clone()))))
    }

    /// The field of an alias that is a struct; `t.a` of an input `t` is none.
    fn field_meant(&mut self, names: &[Ident]) -> Result<Option<Expr>, SqlProblem> {
        let Some((first, fields)) = names.split_first() else { return Ok(None) };
        let small = first.value.to_lowercase();
        let is_of = |input: &String| input.split('.').next() == Some(small.as_str());
        if self.scope.inputs.iter().any(is_of) {
            return Ok(None);
        }
        let meant = self.meant(first)?;
        Ok(meant.map(|meant| fields.iter().fold(meant, |inner, field| field_of(inner, &field.value))))
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
        if let Expr::Lambda(lambda) = expr {
            self.lambdas.push(lambda.params.iter().map(|argument| argument.name.value.to_lowercase()).collect());
        }
        if let Expr::Function(function) = expr
            && self.inside.is_none()
        {
            let code = match (function.over.is_some(), (self.scope.context.is_aggregate)(&name_of(function))) {
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
            Expr::CompoundIdentifier(names) => self.field_meant(names),
            _ => Ok(None),
        };
        match replaced {
            Ok(Some(meant)) => *expr = meant,
            Ok(None) => {}
            Err(problem) => return ControlFlow::Break(problem),
        }
        if matches!(expr, Expr::Lambda(_)) {
            self.lambdas.pop();
        }
        if matches!(&self.inside, Some((call, _)) if call == expr) {
            self.inside = None;
        }
        ControlFlow::Continue(())
    }
}
