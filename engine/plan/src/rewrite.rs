//! Spark's way of writing to DataFusion's, on the parsed SQL: names, `window.start`, `SELECT *` over a source, generators.

mod calls;
mod cells;
mod counts;
mod forms;
mod generators;
pub mod groups;
mod headings;
mod lateral;
mod names;
mod over;
mod pivot;
mod sets;
mod special;
mod structs;
mod subqueries;
mod types;
mod using;
mod wildcards;
mod window;
mod with;
mod within_group;

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArgumentList, FunctionArguments, Ident, NamedWindowDefinition,
    NamedWindowExpr, ObjectName, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, Statement,
    TableFactor, TableWithJoins, VisitorMut, WildcardAdditionalOptions,
};

use expr::typing::TypeRules;

use crate::error::to_problem;
use crate::job_function::call::positional;
use crate::problem::SqlProblem;
use crate::relation::Relation;
use crate::walk::walk_mut;
pub use calls::relation_name;
pub use special::is_special_form;
use using::Merged;
use window::{replace_in_item, replace_window, window_call};
pub use with::WithNames;

/// Rewrites a statement in place.
///
/// # Errors
/// If it uses a form that the engine has no way to run.
pub fn rewrite(
    statement: &mut Statement,
    sql: &str,
    relations: &HashMap<String, Relation>,
    state: &SessionState,
) -> Result<(), SqlProblem> {
    names::spell(statement, relations);
    lowered(statement, Rewriter::new(sql, relations, state))
}

/// Rewrites a statement whose columns are shown under their names: those that have none get the ones that Spark gives.
///
/// # Errors
/// If it uses a form that the engine has no way to run.
pub fn rewrite_to_show(
    statement: &mut Statement,
    sql: &str,
    relations: &HashMap<String, Relation>,
    state: &SessionState,
) -> Result<(), SqlProblem> {
    names::spell(statement, relations);
    headings::name_all(statement);
    lowered(statement, Rewriter { reads: true, ..Rewriter::new(sql, relations, state) })
}

fn lowered(statement: &mut Statement, mut rewriter: Rewriter<'_>) -> Result<(), SqlProblem> {
    match walk_mut(statement, &mut rewriter) {
        ControlFlow::Break(problem) => Err(problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Rewriter<'a> {
    /// True of a query over tables that stand still: in a stream the value of a subquery would change with every epoch.
    reads: bool,
    sql: &'a str,
    relations: &'a HashMap<String, Relation>,
    state: &'a SessionState,
    with: WithNames,
    /// Of each query around the place that is visited: what the columns of USING mean in it.
    merged: Vec<Merged>,
}

impl VisitorMut for Rewriter<'_> {
    type Break = SqlProblem;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlProblem> {
        self.with.enter(query);
        self.merged.push(Merged::default());
        let (call, views) = match query.body.as_ref() {
            SetExpr::Select(select) => (window_call(select), select.lateral_views.clone()),
            _ => (None, Vec::new()),
        };
        if let Some(order_by) = &mut query.order_by
            && let OrderByKind::Expressions(terms) = &mut order_by.kind
        {
            for term in terms {
                generators::unqualify(&mut term.expr, &views);
                if let Some(call) = &call {
                    replace_window(&mut term.expr, call);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlProblem> {
        if let (Some(merged), SetExpr::Select(_)) = (self.merged.pop(), query.body.as_ref()) {
            merged.order(query);
        }
        if self.has_spark_types() {
            cells::mark(&mut query.body);
        }
        if let Err(problem) = sets::lower(&mut query.body, &|body| self.columns_of_body(body)) {
            return ControlFlow::Break(problem);
        }
        if let Err(problem) = self.order_by_all(query) {
            return ControlFlow::Break(problem);
        }
        self.with.leave(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlProblem> {
        generators::lower_inputs(select);
        generators::name_values(select);
        if let Err(problem) = self.lower_pivots(select) {
            return ControlFlow::Break(problem.at_text(self.sql, "PIVOT"));
        }
        if self.has_spark_types() {
            for NamedWindowDefinition(_, window) in &mut select.named_window {
                if let NamedWindowExpr::WindowSpec(spec) = window {
                    types::frame(spec);
                }
            }
        }
        if let Err(problem) = self.expand_wildcards(select) {
            return ControlFlow::Break(problem);
        }
        let lowered = self.lower_views(select).and_then(|()| self.expand_generators(select));
        if let Err(problem) = lowered.and_then(|()| groups::modifiers(select, self.sql)) {
            return ControlFlow::Break(problem);
        }
        let known = self.with.known().cloned().collect();
        structs::expand(select, known, self.state, |statement| {
            rewrite(statement, self.sql, self.relations, self.state).is_ok()
        });
        if self.reads {
            let is_aggregate = |name: &str| self.state.aggregate_functions().contains_key(name);
            if let Err(problem) = subqueries::as_values(select, &is_aggregate, self.sql) {
                return ControlFlow::Break(problem);
            }
        }
        groups::grouping_ids(select);
        if self.has_spark_types() {
            groups::typed(select);
        }
        if let Some(call) = window_call(select) {
            select.projection.iter_mut().for_each(|item| replace_in_item(item, &call));
            select.having.iter_mut().for_each(|having| replace_window(having, &call));
        }
        structs::name_fields(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlProblem> {
        if let Err(problem) = self.check_replaced(select).and_then(|()| self.resolve_aliases(select)) {
            return ControlFlow::Break(problem);
        }
        groups::keep_casts_apart(select);
        match (self.lower_using(select), self.merged.last_mut()) {
            (Ok(merged), Some(of_query)) => *of_query = merged,
            (Ok(_), None) => {}
            (Err(problem), _) => return ControlFlow::Break(problem),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlProblem> {
        if let Expr::Lambda(lambda) = expr {
            forms::lambda_fields(lambda);
        }
        if let Expr::Function(function) = expr {
            if let Some(problem) = over::problem_of(function) {
                return ControlFlow::Break(problem);
            }
            if let Some(problem) = self.beside_a_value(function) {
                return ControlFlow::Break(problem);
            }
            if let Err(problem) = positional(function, self.sql, self.state) {
                return ControlFlow::Break(problem);
            }
        }
        if let Some(field) = forms::unknown_part(expr) {
            return ControlFlow::Break(unknown_part(&field));
        }
        if self.has_spark_types() {
            types::rewrite(expr);
        }
        forms::rewrite(expr);
        if let Expr::Function(function) = expr {
            match relation_name(&function.name).as_str() {
                "explode" | "explode_outer" => {
                    if let Ok(Some(columns)) = generators::columns(function, &[], false)
                        && let Some((unnested, _)) = columns.into_iter().next()
                    {
                        *expr = unnested;
                    }
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}

fn unknown_part(field: &str) -> SqlProblem {
    let help = "a time has YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFWEEK, DOY, HOUR, MINUTE and SECOND (with its fraction); unix_millis(t) and \
                unix_micros(t) count from 1970";
    SqlProblem::new(format!("a time has no part called {field}"), help).code("INVALID_EXTRACT_FIELD")
}

impl<'a> Rewriter<'a> {
    fn new(sql: &'a str, relations: &'a HashMap<String, Relation>, state: &'a SessionState) -> Rewriter<'a> {
        Rewriter { reads: false, sql, relations, state, with: WithNames::default(), merged: Vec::new() }
    }

    /// True if the query goes by Spark's types.
    fn has_spark_types(&self) -> bool {
        TypeRules::of(self.state) != TypeRules::Before
    }

    /// What only aggregates have, beside a function of one row: it would be left out without a word.
    fn beside_a_value(&self, function: &Function) -> Option<SqlProblem> {
        let name = relation_name(&function.name);
        let is_of_rows = self.state.aggregate_functions().contains_key(&name)
            || self.state.window_functions().contains_key(&name)
            || !self.state.scalar_functions().contains_key(&name);
        let is_distinct = |list: &FunctionArgumentList| list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        let beside = [
            (matches!(&function.args, FunctionArguments::List(list) if is_distinct(list)), "DISTINCT"),
            (function.filter.is_some(), "FILTER"),
            (function.null_treatment.is_some(), "NULLS"),
            (!function.within_group.is_empty(), "WITHIN GROUP"),
            (function.over.is_some(), "OVER"),
        ];
        let (_, word) = beside.into_iter().find(|(is_there, _)| *is_there && !is_of_rows)?;
        let message = format!("{word} beside `{name}`, which is no aggregate");
        Some(
            SqlProblem::new(message, "leave it out, or use an aggregate such as count, first or max")
                .at_text(self.sql, word),
        )
    }

    /// The source or table that a name in FROM means, unless a WITH gave the name to something else.
    fn relation(&self, name: &ObjectName) -> Option<&Relation> {
        let name = relation_name(name);
        if self.with.contains(&name) { None } else { self.relations.get(&name) }
    }

    /// `ORDER BY ALL` is by every column, from the left; DataFusion's takes plain columns alone.
    fn order_by_all(&self, query: &mut Query) -> Result<(), SqlProblem> {
        let Some(order_by) = &query.order_by else { return Ok(()) };
        let OrderByKind::All(options) = order_by.kind else { return Ok(()) };
        let columns = self.columns_of_body(&query.body)?.len();
        let key = |place: usize| OrderByExpr { expr: calls::number(place), options, with_fill: None };
        let kind = OrderByKind::Expressions((1..=columns).map(key).collect());
        query.order_by = Some(OrderBy { kind, interpolate: None });
        Ok(())
    }

    /// Puts what lateral column aliases stand for in their places.
    fn resolve_aliases(&self, select: &mut Select) -> Result<(), SqlProblem> {
        let columns = |select: &Select| {
            let columns = self.columns_of_from(select)?;
            Some(columns.into_iter().map(|(name, _)| name).collect())
        };
        let is_aggregate = |name: &str| self.state.aggregate_functions().contains_key(name);
        let context = lateral::LateralContext { columns: &columns, is_aggregate: &is_aggregate };
        lateral::resolve(select, &context, self.sql)
    }

    fn lower_pivots(&self, select: &mut Select) -> Result<(), SqlProblem> {
        let known: Vec<_> = self.with.known().cloned().collect();
        let rewrite = |statement: &mut Statement| rewrite(statement, self.sql, self.relations, self.state).is_ok();
        let columns = |select: Select| structs::columns_of(select, &known, self.state, &rewrite);
        let is_aggregate = |name: &str| self.state.aggregate_functions().contains_key(name);
        pivot::lower(select, &pivot::PivotContext { columns: &columns, is_aggregate: &is_aggregate })
    }

    fn expand_generators(&self, select: &mut Select) -> Result<(), SqlProblem> {
        let known: Vec<_> = self.with.known().cloned().collect();
        let rewrite = |statement: &mut Statement| rewrite(statement, self.sql, self.relations, self.state).is_ok();
        let columns = |select: Select| structs::columns_of(select, &known, self.state, &rewrite);
        generators::expand_items(select, &columns, self.sql)
    }

    fn lower_using(&self, select: &mut Select) -> Result<Merged, SqlProblem> {
        if !using::is_needed(select) {
            return Ok(Merged::default());
        }
        let like = generators::bare(select);
        let columns = |factor: &TableFactor| self.columns_of_input(factor, &like);
        using::lower(select, &columns, self.sql)
    }

    /// The columns that an input of FROM shows; its subqueries are rewritten.
    fn columns_of_input(&self, factor: &TableFactor, like: &Select) -> Result<Vec<(String, bool)>, SqlProblem> {
        if let TableFactor::Table { name, args: None, alias, .. } = factor
            && let Some(relation) = self.relation(name)
            && alias.as_ref().is_none_or(|alias| alias.columns.is_empty())
        {
            let column = |name: &String| (name.clone(), !relation.hidden.contains(name));
            return Ok(relation.schema.fields().iter().map(|field| column(field.name())).collect());
        }
        let from = TableWithJoins { relation: factor.clone(), joins: Vec::new() };
        let projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
        let select = Select { from: vec![from], projection, ..like.clone() };
        let names = self.columns_of_body(&SetExpr::Select(Box::new(select)))?;
        Ok(names.into_iter().map(|name| (name, true)).collect())
    }

    /// The columns that a part of a query gives; its subqueries are rewritten.
    fn columns_of_body(&self, body: &SetExpr) -> Result<Vec<String>, SqlProblem> {
        let known: Vec<_> = self.with.known().cloned().collect();
        let query = generators::query_of_body(body.clone());
        let fields = structs::columns_of_rewritten(query, &known, self.state);
        let fields = fields.map_err(|error| to_problem(&error, self.sql))?;
        Ok(fields.iter().map(|field| field.name().clone()).collect())
    }

    /// Turns LATERAL VIEWs into subqueries of FROM, the last one here, those before it when the subquery is visited.
    fn lower_views(&self, select: &mut Select) -> Result<(), SqlProblem> {
        if select.lateral_views.is_empty() {
            return Ok(());
        }
        let views = select.lateral_views.clone();
        generators::unqualify(select, &views);
        let all = match select.from.as_slice() {
            [from] => match &from.relation {
                TableFactor::Table { name, .. } => self.relation(name),
                _ => None,
            },
            _ => None,
        };
        let name_of = |field: &arrow::datatypes::FieldRef| Ident::with_quote('`', field.name());
        let all = all.map(|relation| relation.schema.fields().iter().map(name_of).collect());
        generators::lower_view(select, all, self.sql)
    }

    /// `SELECT *` over a relation with hidden columns names the others.
    fn expand_wildcards(&self, select: &mut Select) -> Result<(), SqlProblem> {
        let [from] = select.from.as_slice() else { return Ok(()) };
        let has_views = !select.lateral_views.is_empty();
        let (TableFactor::Table { name, .. }, true) = (&from.relation, from.joins.is_empty()) else { return Ok(()) };
        let Some(relation) = self.relation(name).filter(|relation| !relation.hidden.is_empty() || has_views) else {
            return Ok(());
        };
        let generated: Vec<Ident> = select.lateral_views.iter().flat_map(generators::view_columns).collect();
        let fields = relation.schema.fields().iter().map(|field| field.name());
        let columns: Vec<&String> = fields.filter(|name| !relation.hidden.contains(*name)).collect();
        let inputs = structs::inputs(select);
        let items = std::mem::take(&mut select.projection);
        for item in items {
            match &item {
                // The fields of a struct; see `structs`.
                item if structs::wildcard_struct(item, &inputs).is_some() => select.projection.push(item.clone()),
                SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options)
                    if options.opt_rename.is_none() =>
                {
                    wildcards::check_replaced(options, &columns, self.sql)?;
                    select.projection.extend(wildcards::written_out(options, &columns));
                    if matches!(item, SelectItem::Wildcard(_)) {
                        let named =
                            generated.iter().cloned().map(|name| SelectItem::UnnamedExpr(Expr::Identifier(name)));
                        select.projection.extend(named);
                    }
                }
                _ => select.projection.push(item),
            }
        }
        Ok(())
    }

    /// What `* REPLACE` names must be there: DataFusion leaves it out without a word.
    fn check_replaced(&self, select: &Select) -> Result<(), SqlProblem> {
        for item in &select.projection {
            let SelectItem::Wildcard(options) = item else { continue };
            if options.opt_replace.is_some()
                && let Some(columns) = self.columns_of_from(select)
            {
                let shown: Vec<&String> = columns.iter().map(|(name, _)| name).collect();
                wildcards::check_replaced(options, &shown, self.sql)?;
            }
        }
        Ok(())
    }

    /// The columns of all inputs of FROM, whose subqueries are rewritten, and whether `*` shows them; none if one of them cannot be told by
    /// itself, such as a generator over another input.
    fn columns_of_from(&self, select: &Select) -> Option<Vec<(String, bool)>> {
        let like = generators::bare(select);
        let factors = select
            .from
            .iter()
            .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
        let columns = factors.map(|factor| self.columns_of_input(factor, &like).ok()).collect::<Option<Vec<_>>>()?;
        Some(columns.into_iter().flatten().collect())
    }
}
