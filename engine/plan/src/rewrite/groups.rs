//! GROUP BY in Spark's older forms, and aggregates that DataFusion would take for the same column.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, GroupByExpr, GroupByWithModifier, Select, SelectItem, VisitorMut,
};
use expr::scalar::conditions::KEEP;

use super::calls::{call, name_of, text};
use crate::problem::SqlProblem;
use crate::walk::walk_mut;

/// `GROUP BY a, b WITH ROLLUP` and `WITH CUBE`, which DataFusion would leave out without a word, and `GROUP BY a, b GROUPING SETS (…)`.
///
/// # Errors
/// For modifiers that Spark does not have.
pub fn modifiers(select: &mut Select, sql: &str) -> Result<(), SqlProblem> {
    let GroupByExpr::Expressions(keys, modifiers) = &mut select.group_by else { return Ok(()) };
    let Some(modifier) = modifiers.pop() else { return Ok(()) };
    let apart = || keys.iter().map(|key| vec![key.clone()]).collect();
    let sets = match (&modifier, modifiers.is_empty()) {
        (GroupByWithModifier::Rollup, true) => Expr::Rollup(apart()),
        (GroupByWithModifier::Cube, true) => Expr::Cube(apart()),
        (GroupByWithModifier::GroupingSets(sets), true) => sets.clone(),
        _ => {
            let message = format!("GROUP BY … {modifier} is not supported");
            return Err(SqlProblem::new(message, "write GROUP BY ROLLUP (…), CUBE (…) or GROUPING SETS (…)")
                .at_text(sql, "GROUP BY"));
        }
    };
    *keys = vec![sets];
    Ok(())
}

/// `grouping_id()` is of all keys.
pub fn grouping_ids(select: &mut Select) {
    let GroupByExpr::Expressions(keys, _) = &select.group_by else { return };
    if !keys.iter().any(|key| matches!(key, Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_))) {
        return;
    }
    let each = keys.iter().flat_map(|key| match key {
        Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => sets.iter().flatten().collect(),
        key => vec![key],
    });
    let keys: Vec<Expr> = each.fold(Vec::new(), |mut keys, key| {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
        keys
    });
    struct Filler(Vec<Expr>);
    impl VisitorMut for Filler {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr
                && name_of(function) == "grouping_id"
                && super::calls::arguments(function).is_some_and(|arguments| arguments.is_empty())
            {
                *expr = call("grouping_id", self.0.clone());
            }
            ControlFlow::Continue(())
        }
    }
    let mut filler = Filler(keys);
    let _: ControlFlow<()> = walk_mut(&mut select.projection, &mut filler);
    let _: ControlFlow<()> = walk_mut(&mut select.having, &mut filler);
}

/// `grouping` is a TINYINT, `grouping_id` a BIGINT; both are DataFusion's `grouping`, which is an INT.
pub fn typed(select: &mut Select) {
    struct Typed;
    impl VisitorMut for Typed {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
            let data_type = match name_of(function).as_str() {
                "grouping" => DataType::TinyInt(None),
                "grouping_id" => DataType::BigInt(None),
                _ => return ControlFlow::Continue(()),
            };
            let inner = Box::new(Expr::Function(function.clone()));
            *expr = Expr::Cast { kind: CastKind::Cast, expr: inner, data_type, array: false, format: None };
            ControlFlow::Continue(())
        }
    }
    let _: ControlFlow<()> = walk_mut(&mut select.projection, &mut Typed);
}

/// DataFusion names a column by its expression without casts, and takes `max(x)` and `max(CAST(x AS DOUBLE))` for one. Where
/// a query has both, the cast gets a name.
pub fn keep_casts_apart(select: &mut Select) {
    let mut forms = WrittenForms::default();
    let _: ControlFlow<()> = walk_mut(&mut select.projection, &mut forms);
    let _: ControlFlow<()> = walk_mut(&mut select.having, &mut forms);
    let mut groups = WrittenForms { is_of_groups: true, ..WrittenForms::default() };
    let _: ControlFlow<()> = walk_mut(&mut select.group_by, &mut groups);
    let same = |forms: WrittenForms| forms.by_plain_form.into_values().filter(|written| written.len() > 1).flatten();
    let both: Vec<Expr> = same(forms).chain(same(groups)).collect();
    if both.is_empty() {
        return;
    }
    // A cast that is a column of its own is named after its column, as Spark does.
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr @ Expr::Cast { .. }) = item
            && both.contains(expr)
            && let Expr::Cast { expr: inner, .. } = expr
            && let Expr::Identifier(name) = inner.as_ref()
        {
            let alias = name.clone();
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
        }
    }
    let mut keeper = Keeper(&both);
    let _: ControlFlow<()> = walk_mut(&mut select.projection, &mut keeper);
    let _: ControlFlow<()> = walk_mut(&mut select.having, &mut keeper);
    let _: ControlFlow<()> = walk_mut(&mut select.group_by, &mut keeper);
}

/// Calls, or keys of GROUP BY, as they are written, by what they are without casts.
#[derive(Default)]
struct WrittenForms {
    by_plain_form: HashMap<String, Vec<Expr>>,
    is_of_groups: bool,
}

impl VisitorMut for WrittenForms {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.is_of_groups || matches!(expr, Expr::Function(_)) {
            let mut plain = expr.clone();
            let _: ControlFlow<()> = walk_mut(&mut plain, &mut Plain);
            let written = self.by_plain_form.entry(plain.to_string()).or_default();
            if !written.contains(expr) {
                written.push(expr.clone());
            }
        }
        ControlFlow::Continue(())
    }
}

/// Takes casts away.
struct Plain;

impl VisitorMut for Plain {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Cast { expr: inner, .. } | Expr::Nested(inner) = expr {
            *expr = inner.as_ref().clone();
        }
        ControlFlow::Continue(())
    }
}

/// Names the casts inside of those expressions.
struct Keeper<'a>(&'a [Expr]);

impl VisitorMut for Keeper<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match self.0.contains(expr) {
            true => walk_mut(expr, &mut Named),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Names every cast.
struct Named;

impl VisitorMut for Named {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Cast { kind, data_type, .. } = expr {
            let name = format!("{kind:?} {data_type}");
            *expr = call(KEEP, vec![expr.clone(), text(name)]);
        }
        ControlFlow::Continue(())
    }
}
