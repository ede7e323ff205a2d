//! Pipe syntax as nested queries: `FROM t |> WHERE a > 1 |> AGGREGATE count(*) AS n GROUP BY k`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, BinaryOperator, ExceptSelectItem, Expr, ExprWithAlias, ExprWithAliasAndOrderBy,
    GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause, Offset, OffsetRows, OrderBy, OrderByExpr,
    OrderByKind, OrderByOptions, PipeOperator, Query, ReplaceSelectElement, ReplaceSelectItem, Select, SelectFlavor,
    SelectItem, SetExpr, SetOperator, SetQuantifier, Statement, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins, Visitor, VisitorMut, WildcardAdditionalOptions,
};

use crate::problem::SqlProblem;
use crate::walk::{walk, walk_mut};

/// What the rows of an earlier step are called where nothing else names them.
const STEP: &str = "__pipe";

/// Writes every query with pipes, and every one that begins with FROM, as Spark's other way has it.
///
/// # Errors
/// For an operator that Spark does not have.
pub fn lower(statement: &mut Statement, sql: &str) -> Result<(), SqlProblem> {
    struct Lowering<'a>(&'a str);
    impl VisitorMut for Lowering<'_> {
        type Break = SqlProblem;

        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlProblem> {
            select_first(&mut query.body);
            for operator in std::mem::take(&mut query.pipe_operators) {
                let word = operator.to_string();
                if !apply(query, operator) {
                    let word = word.split_whitespace().next().unwrap_or_default();
                    let message = format!("`|> {word}` is not supported, or not in this form");
                    let help = "the operators are SELECT, EXTEND, SET, DROP, AS, WHERE, AGGREGATE, JOIN, UNION, INTERSECT, EXCEPT, \
                                PIVOT, UNPIVOT, ORDER BY and LIMIT";
                    return ControlFlow::Break(SqlProblem::new(message, help).at_text(self.0, word));
                }
            }
            ControlFlow::Continue(())
        }
    }
    match walk_mut(statement, &mut Lowering(sql)) {
        ControlFlow::Break(problem) => Err(problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// `FROM t SELECT a` is `SELECT a FROM t`, and `FROM t` alone all of it.
fn select_first(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => {
            if select.flavor == SelectFlavor::FromFirstNoSelect {
                select.projection = vec![all(WildcardAdditionalOptions::default())];
            }
            select.flavor = SelectFlavor::Standard;
        }
        SetExpr::SetOperation { left, right, .. } => {
            select_first(left);
            select_first(right);
        }
        _ => {}
    }
}

fn all(options: WildcardAdditionalOptions) -> SelectItem {
    SelectItem::Wildcard(options)
}

/// One operator over what the query gives. False if it is none of Spark's.
fn apply(query: &mut Query, operator: PipeOperator) -> bool {
    match operator {
        PipeOperator::Where { expr } => in_order(query, |select| filter(select, expr)),
        PipeOperator::Select { exprs } => project(query, exprs),
        PipeOperator::Extend { exprs } => {
            let added = std::iter::once(all(WildcardAdditionalOptions::default())).chain(exprs);
            project(query, added.collect());
        }
        PipeOperator::Set { assignments } => return assignments.into_iter().all(|one| set(query, one)),
        PipeOperator::Drop { columns } => return drop_columns(query, columns),
        PipeOperator::As { alias } => wrap(query, alias),
        PipeOperator::Aggregate { full_table_exprs, group_by_expr } => {
            let is_ordered = |one: &ExprWithAliasAndOrderBy| one.order_by != OrderByOptions::default();
            if full_table_exprs.iter().chain(&group_by_expr).any(is_ordered) {
                return false;
            }
            aggregate(query, full_table_exprs, group_by_expr);
        }
        PipeOperator::OrderBy { exprs } => order(query, exprs),
        PipeOperator::Limit { expr, offset } => limit(query, expr, offset),
        PipeOperator::Join(join) => joined(query, join),
        PipeOperator::Union { set_quantifier, queries } => {
            with_queries(query, SetOperator::Union, set_quantifier, queries)
        }
        PipeOperator::Intersect { set_quantifier, queries } => {
            with_queries(query, SetOperator::Intersect, set_quantifier, queries);
        }
        PipeOperator::Except { set_quantifier, queries } => {
            with_queries(query, SetOperator::Except, set_quantifier, queries)
        }
        PipeOperator::Pivot { aggregate_functions, value_column, value_source, alias } => {
            let value_column = value_column.into_iter().map(Expr::Identifier).collect();
            let (alias, default_on_null) = (alias.map(named), None);
            turned(query, |table| TableFactor::Pivot {
                table,
                aggregate_functions,
                value_column,
                value_source,
                default_on_null,
                alias,
            });
        }
        PipeOperator::Unpivot { value_column, name_column, unpivot_columns, alias } => {
            let column = |name: Ident| ExprWithAlias { expr: Expr::Identifier(name), alias: None };
            let columns = unpivot_columns.into_iter().map(column).collect();
            let (value, name, alias) = (Expr::Identifier(value_column), name_column, alias.map(named));
            turned(query, |table| TableFactor::Unpivot { table, value, name, columns, null_inclusion: None, alias });
        }
        PipeOperator::TableSample { .. } | PipeOperator::Rename { .. } | PipeOperator::Call { .. } => return false,
    }
    true
}

fn named(name: Ident) -> TableAlias {
    TableAlias { explicit: true, name, columns: Vec::new(), at: None }
}

/// Changes a SELECT of everything over what the query gives.
fn staged(query: &mut Query, change: impl FnOnce(&mut Select)) {
    if query.order_by.is_some() && query.limit_clause.is_none() {
        let name = name_of_rows(&query.body);
        wrap(query, name);
    }
    in_order(query, change);
}

/// The same for a change that may as well be made before the rows are ordered: they stay in order then, as they do in Spark.
fn in_order(query: &mut Query, change: impl FnOnce(&mut Select)) {
    let is_fresh =
        query.limit_clause.is_none() && matches!(query.body.as_ref(), SetExpr::Select(select) if is_plain(select));
    if !is_fresh {
        let name = name_of_rows(&query.body);
        wrap(query, name);
    }
    if let SetExpr::Select(select) = query.body.as_mut() {
        change(select);
    }
}

/// True of `SELECT * FROM … WHERE …`.
fn is_plain(select: &Select) -> bool {
    let is_all = matches!(select.projection.as_slice(), [SelectItem::Wildcard(options)] if *options == WildcardAdditionalOptions::default());
    let has_no_groups = matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    is_all
        && has_no_groups
        && select.distinct.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && select.sort_by.is_empty()
        && select.lateral_views.is_empty()
}

/// The name by which columns of one input are still known behind an operator.
fn name_of_rows(body: &SetExpr) -> Ident {
    let step = Ident::with_quote('`', STEP);
    let SetExpr::Select(select) = body else { return step };
    match select.from.as_slice() {
        [TableWithJoins { relation, joins }] if joins.is_empty() => match relation {
            TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
                alias.name.clone()
            }
            TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident().cloned()).unwrap_or(step),
            _ => step,
        },
        _ => step,
    }
}

/// Makes the query a SELECT of everything that it gave; its WITH stays outside.
fn wrap(query: &mut Query, name: Ident) {
    let with = query.with.take();
    let mut like = empty_select();
    let inner = std::mem::replace(query, query_of(like.clone()));
    let mut alias = named(name);
    if let SetExpr::Values(values) = inner.body.as_ref() {
        let width = values.rows.first().map_or(0, |row| row.content.len());
        // As Spark names the columns of VALUES.
        alias.columns = (1..=width).map(|at| TableAliasColumnDef::from_name(format!("col{at}"))).collect();
    }
    let relation = TableFactor::Derived { lateral: false, subquery: Box::new(inner), alias: Some(alias), sample: None };
    like.from = vec![TableWithJoins { relation, joins: Vec::new() }];
    *query.body = SetExpr::Select(Box::new(like));
    query.with = with;
}

/// A query of only a SELECT.
fn query_of(select: Select) -> Query {
    Query {
        with: None,
        body: Box::new(SetExpr::Select(Box::new(select))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

fn empty_select() -> Select {
    Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: vec![all(WildcardAdditionalOptions::default())],
        exclude: None,
        into: None,
        from: Vec::new(),
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    }
}

/// The columns of the SELECT; rows stay in order unless a new name stands in it.
fn project(query: &mut Query, items: Vec<SelectItem>) {
    struct Names<'a>(&'a [SelectItem]);
    impl Visitor for Names<'_> {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let is_named = |name: &Ident| {
                self.0.iter().any(|item| matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value.eq_ignore_ascii_case(&name.value)))
            };
            match expr {
                Expr::Identifier(name) if is_named(name) => ControlFlow::Break(()),
                // `ORDER BY 1` is by the columns as they are.
                Expr::Value(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let is_by_new_name = walk(&query.order_by, &mut Names(&items)).is_break();
    let is_by_all = matches!(&query.order_by, Some(OrderBy { kind: OrderByKind::All(_), .. }));
    match is_by_new_name || is_by_all {
        true => staged(query, |select| select.projection = items),
        false => in_order(query, |select| select.projection = items),
    }
}

fn filter(select: &mut Select, condition: Expr) {
    select.selection = Some(match select.selection.take() {
        Some(before) => Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(before))),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(Box::new(condition))),
        },
        None => condition,
    });
}

/// `SET a = a + 1`: one after the other, each sees what those before it set.
fn set(query: &mut Query, assignment: Assignment) -> bool {
    let AssignmentTarget::ColumnName(name) = assignment.target else { return false };
    let Some(column_name) = name.0.last().and_then(|part| part.as_ident().cloned()) else { return false };
    let item = ReplaceSelectElement { expr: assignment.value, column_name, as_keyword: true };
    let items = vec![Box::new(item)];
    let options = WildcardAdditionalOptions {
        opt_replace: Some(ReplaceSelectItem { items }),
        ..WildcardAdditionalOptions::default()
    };
    staged(query, |select| select.projection = vec![all(options)]);
    true
}

fn drop_columns(query: &mut Query, columns: Vec<Ident>) -> bool {
    let mut columns = columns.into_iter();
    let Some(first_element) = columns.next() else { return false };
    let except = ExceptSelectItem { first_element, additional_elements: columns.collect() };
    let options = WildcardAdditionalOptions { opt_except: Some(except), ..WildcardAdditionalOptions::default() };
    staged(query, |select| select.projection = vec![all(options)]);
    true
}

/// The keys first, then the aggregates.
fn aggregate(query: &mut Query, values: Vec<ExprWithAliasAndOrderBy>, keys: Vec<ExprWithAliasAndOrderBy>) {
    let item = |one: &ExprWithAliasAndOrderBy| match one.expr.clone() {
        ExprWithAlias { expr, alias: Some(alias) } => SelectItem::ExprWithAlias { expr, alias },
        ExprWithAlias { expr, alias: None } => SelectItem::UnnamedExpr(expr),
    };
    let items = keys.iter().chain(&values).map(item).collect();
    let keys: Vec<Expr> = keys.into_iter().map(|key| key.expr.expr).collect();
    staged(query, |select| {
        select.projection = items;
        select.group_by = GroupByExpr::Expressions(keys, Vec::new());
    });
}

fn order(query: &mut Query, keys: Vec<OrderByExpr>) {
    if query.order_by.is_some() || query.limit_clause.is_some() {
        let name = name_of_rows(&query.body);
        wrap(query, name);
    }
    query.order_by = Some(OrderBy { kind: OrderByKind::Expressions(keys), interpolate: None });
}

fn limit(query: &mut Query, limit: Expr, offset: Option<Expr>) {
    if query.limit_clause.is_some() {
        let name = name_of_rows(&query.body);
        wrap(query, name);
    }
    let offset = offset.map(|value| Offset { value, rows: OffsetRows::None });
    query.limit_clause = Some(LimitClause::LimitOffset { limit: Some(limit), offset, limit_by: Vec::new() });
}

fn joined(query: &mut Query, join: Join) {
    // A filter before the join stays before it.
    if matches!(query.body.as_ref(), SetExpr::Select(select) if select.selection.is_some()) {
        let name = name_of_rows(&query.body);
        wrap(query, name);
    }
    staged(query, |select| {
        // Inputs with a comma between them are joined before.
        let mut inputs = std::mem::take(&mut select.from).into_iter();
        let Some(mut first) = inputs.next() else { return };
        for TableWithJoins { relation, joins } in inputs {
            let join_operator = JoinOperator::CrossJoin(JoinConstraint::None);
            first.joins.push(Join { relation, global: false, join_operator });
            first.joins.extend(joins);
        }
        first.joins.push(join);
        select.from = vec![first];
    });
}

fn with_queries(query: &mut Query, op: SetOperator, set_quantifier: SetQuantifier, others: Vec<Query>) {
    for other in others {
        let with = query.with.take();
        let empty = query_of(empty_select());
        let inner = std::mem::replace(query, empty);
        let is_alone = inner.order_by.is_none() && inner.limit_clause.is_none();
        let left = if is_alone { inner.body } else { Box::new(SetExpr::Query(Box::new(inner))) };
        let right = Box::new(SetExpr::Query(Box::new(other)));
        *query.body = SetExpr::SetOperation { op, set_quantifier, left, right };
        query.with = with;
    }
}

/// The rows of the query through PIVOT or UNPIVOT.
fn turned(query: &mut Query, turn: impl FnOnce(Box<TableFactor>) -> TableFactor) {
    let name = name_of_rows(&query.body);
    wrap(query, name);
    staged(query, |select| {
        if let Some(TableWithJoins { relation, joins }) = select.from.pop() {
            select.from.push(TableWithJoins { relation: turn(Box::new(relation)), joins });
        }
    });
}

#[cfg(test)]
mod tests;
