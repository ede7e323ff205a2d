//! Functions that give several rows or columns: `explode`, `posexplode`, `inline`, `json_tuple`, in SELECT and as LATERAL VIEW.

use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Fields};
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, LateralView, Query, Select,
    SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::calls::{arguments, call, name_of, number, relation_name, text};
use crate::problem::SqlProblem;
use crate::walk::walk_mut;

/// One column of a generator: its expression and its name.
type Columns = Vec<(Expr, Ident)>;

/// The columns that a generator's call gives under these names (or its own, if there are none); none if it is no generator.
pub fn columns(function: &Function, names: &[Ident], outer: bool) -> Result<Option<Columns>, SqlProblem> {
    let name = name_of(function);
    let (base, outer) = match name.strip_suffix("_outer") {
        Some(base) => (base, true),
        None => (name.as_str(), outer),
    };
    let Some(arguments) = arguments(function).or_else(|| only_named(function)) else { return Ok(None) };
    let own = |names: &[&str]| -> Vec<Ident> { names.iter().map(|name| Ident::new(*name)).collect() };
    let rows = |name: &str| {
        let name = if outer { format!("{name}_outer_rows") } else { format!("{name}_rows") };
        call("unnest", vec![call(&name, arguments.clone())])
    };
    let (value, names, is_struct) = match (base, arguments.len()) {
        ("explode", 1) => {
            let is_single = names.len() < 2;
            (rows("explode"), if names.is_empty() { own(&["col"]) } else { names.to_vec() }, !is_single)
        }
        ("posexplode", 1) => {
            (rows("posexplode"), if names.is_empty() { own(&["pos", "col"]) } else { names.to_vec() }, true)
        }
        ("inline", 1) if names.is_empty() => {
            return Err(SqlProblem::new("inline(…) needs names for its columns", "write inline(…) AS (a, b)"));
        }
        ("inline", 1) => (rows("explode"), names.to_vec(), true),
        ("variant_explode", 1) => (
            rows("variant_explode"),
            if names.is_empty() { own(&["pos", "key", "value"]) } else { names.to_vec() },
            true,
        ),
        ("stack", count) if count > 1 => {
            let (rows, width) = stacked(&arguments)?;
            let default = (0..width).map(|at| Ident::new(format!("col{at}"))).collect();
            (call("unnest", vec![rows]), if names.is_empty() { default } else { names.to_vec() }, true)
        }
        ("json_tuple", count) if count > 1 => {
            let count = count - 1;
            if !names.is_empty() && names.len() != count {
                let message = format!("json_tuple gives {count} columns, and {} names are given for them", names.len());
                return Err(SqlProblem::new(message, "give each a name: json_tuple(j, 'a', 'b') AS (a, b)")
                    .code("UDTF_ALIAS_NUMBER_MISMATCH"));
            }
            let default = (0..count).map(|at| Ident::new(format!("c{at}"))).collect();
            (call("json_tuple", arguments), if names.is_empty() { default } else { names.to_vec() }, true)
        }
        _ => return Ok(None),
    };
    if !is_struct {
        return Ok(Some(names.into_iter().map(|name| (value.clone(), name)).collect()));
    }
    let column = |at: usize| call("nth_field", vec![value.clone(), number(at)]);
    Ok(Some(names.into_iter().enumerate().map(|(at, name)| (column(at), name)).collect()))
}

/// The argument of a generator that is called by its name, such as `explode(collection => items)`: it has but one.
fn only_named(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.as_slice() {
        [FunctionArg::Named { arg: FunctionArgExpr::Expr(value), .. }]
        | [FunctionArg::ExprNamed { arg: FunctionArgExpr::Expr(value), .. }] => Some(vec![value.clone()]),
        _ => None,
    }
}

/// `stack(2, a, b, c)`: an array of as many rows as the first argument says, and how many columns they have.
fn stacked(arguments: &[Expr]) -> Result<(Expr, usize), SqlProblem> {
    let count = match &arguments[0] {
        Expr::Value(value) => value.to_string().parse::<usize>().ok().filter(|count| *count > 0),
        _ => None,
    };
    let Some(count) = count else {
        let message = "the first argument of stack is the number of its rows, a constant from 1";
        return Err(SqlProblem::new(message, "write stack(2, 'a', a, 'b', b) AS (name, value)"));
    };
    let values = &arguments[1..];
    let width = values.len().div_ceil(count);
    let null = Expr::value(datafusion::sql::sqlparser::ast::Value::Null);
    let row = |at: usize| {
        let cells = (0..width).flat_map(|column| {
            let value = values.get(at * width + column).unwrap_or(&null);
            [text(format!("col{column}")), value.clone()]
        });
        call("named_struct", cells.collect())
    };
    Ok((call("array", (0..count).map(row).collect()), width))
}

/// A generator in FROM is a subquery: `FROM explode(…) AS t(x)`.
pub fn lower_inputs(select: &mut Select) {
    const GENERATORS: [&str; 8] = [
        "explode",
        "explode_outer",
        "posexplode",
        "posexplode_outer",
        "variant_explode",
        "variant_explode_outer",
        "stack",
        "json_tuple",
    ];
    let like = bare(select);
    for from in &mut select.from {
        let TableFactor::Table { name, alias, args: Some(args), .. } = &from.relation else { continue };
        if !GENERATORS.contains(&relation_name(name).as_str()) {
            continue;
        }
        let Expr::Function(mut function) = call(&relation_name(name), Vec::new()) else { continue };
        if let FunctionArguments::List(list) = &mut function.args {
            list.args = args.args.clone();
        }
        let mut inner = like.clone();
        (inner.from, inner.lateral_views) = (Vec::new(), Vec::new());
        inner.projection = vec![SelectItem::UnnamedExpr(Expr::Function(function))];
        from.relation = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(query_of(inner)),
            alias: alias.clone(),
            sample: None,
        };
    }
}

/// The columns of VALUES without names are `col1`, `col2` and so on.
pub fn name_values(select: &mut Select) {
    for from in &mut select.from {
        let joined = from.joins.iter_mut().map(|join| &mut join.relation);
        for factor in std::iter::once(&mut from.relation).chain(joined) {
            let TableFactor::Derived { subquery, alias, .. } = factor else { continue };
            let SetExpr::Values(values) = subquery.body.as_ref() else { continue };
            let width = values.rows.first().map_or(0, |row| row.content.len());
            let alias = alias.get_or_insert_with(|| TableAlias {
                explicit: true,
                name: Ident::new("__values"),
                columns: vec![],
                at: None,
            });
            if alias.columns.is_empty() {
                let column = |at: usize| TableAliasColumnDef::from_name(format!("col{at}"));
                alias.columns = (1..=width).map(column).collect();
            }
        }
    }
}

/// Puts the columns of generators in SELECT in their place. `columns_of` are those that a SELECT gives.
pub fn expand_items(
    select: &mut Select,
    columns_of: &dyn Fn(Select) -> Option<Fields>,
    sql: &str,
) -> Result<(), SqlProblem> {
    let items = std::mem::take(&mut select.projection);
    let like = bare(select);
    for item in items {
        let (function, mut names) = match &item {
            SelectItem::UnnamedExpr(Expr::Function(function)) => (function, Vec::new()),
            SelectItem::ExprWithAlias { expr: Expr::Function(function), alias } => (function, vec![alias.clone()]),
            SelectItem::ExprWithAliases { expr: Expr::Function(function), aliases } => (function, aliases.clone()),
            _ => {
                select.projection.push(item);
                continue;
            }
        };
        let name = name_of(function);
        if names.is_empty() {
            names = own_names(&name, function, &like, columns_of);
        }
        match columns(function, &names, false).map_err(|problem| problem.at_text(sql, &name))? {
            Some(columns) => {
                let named = columns.into_iter().map(|(expr, alias)| SelectItem::ExprWithAlias { expr, alias });
                select.projection.extend(named);
            }
            None => select.projection.push(item),
        }
    }
    Ok(())
}

/// The names of the columns of `explode` and `posexplode` of a map, and of `inline`, which depend on what they are given; none of others, which
/// have names of their own.
fn own_names(
    name: &str,
    function: &Function,
    like: &Select,
    columns_of: &dyn Fn(Select) -> Option<Fields>,
) -> Vec<Ident> {
    let base = name.strip_suffix("_outer").unwrap_or(name);
    if !["explode", "posexplode", "inline"].contains(&base) {
        return Vec::new();
    }
    let Some([given]) = arguments(function).and_then(|arguments| <[Expr; 1]>::try_from(arguments).ok()) else {
        return Vec::new();
    };
    let asked = Select { projection: vec![SelectItem::UnnamedExpr(given)], ..like.clone() };
    let Some(fields) = columns_of(asked) else { return Vec::new() };
    let names: Vec<&str> = match (base, fields.first().map(|field| field.data_type())) {
        ("explode", Some(DataType::Map(..))) => vec!["key", "value"],
        ("posexplode", Some(DataType::Map(..))) => vec!["pos", "key", "value"],
        ("inline", Some(DataType::List(element))) => match element.data_type() {
            DataType::Struct(fields) => fields.iter().map(|field| field.name().as_str()).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    names.into_iter().map(|name| Ident::with_quote('`', name)).collect()
}

/// Makes the last LATERAL VIEW a column of a subquery in FROM. `all` are the columns of the table in FROM, if they are known.
pub fn lower_view(select: &mut Select, all: Option<Vec<Ident>>, sql: &str) -> Result<(), SqlProblem> {
    let Some(view) = select.lateral_views.pop() else { return Ok(()) };
    let refuse = |message: &str, help: &str| Err(SqlProblem::new(message, help).at_text(sql, "LATERAL"));
    let Expr::Function(function) = &view.lateral_view else {
        return refuse("LATERAL VIEW takes a generator", "write LATERAL VIEW explode(…) t AS x");
    };
    let generated = match columns(function, &view.lateral_col_alias, view.outer)
        .map_err(|problem| problem.at_text(sql, "LATERAL"))?
    {
        Some(columns) => columns,
        None => {
            return refuse(
                "LATERAL VIEW takes a generator",
                "use explode, posexplode, inline, stack, variant_explode or json_tuple",
            );
        }
    };
    let [from] = select.from.as_slice() else {
        return refuse("LATERAL VIEW over several inputs is not supported", "put the join into a subquery");
    };
    if !from.joins.is_empty() {
        return refuse("LATERAL VIEW over a join is not supported", "put the join into a subquery");
    }
    // Its columns have their names inside already.
    let alias = alias_of(&from.relation).map(|alias| TableAlias { columns: vec![], ..alias });
    let mut inner = bare(select);
    inner.from = std::mem::take(&mut select.from);
    inner.lateral_views = std::mem::take(&mut select.lateral_views);
    let before: Vec<Ident> = inner.lateral_views.iter().flat_map(view_columns).collect();
    inner.projection = match all {
        Some(names) => {
            names.into_iter().chain(before).map(|name| SelectItem::UnnamedExpr(Expr::Identifier(name))).collect()
        }
        None => vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())],
    };
    inner.projection.extend(generated.into_iter().map(|(expr, alias)| SelectItem::ExprWithAlias { expr, alias }));
    let relation = TableFactor::Derived { lateral: false, subquery: Box::new(query_of(inner)), alias, sample: None };
    select.from = vec![datafusion::sql::sqlparser::ast::TableWithJoins { relation, joins: vec![] }];
    Ok(())
}

/// The names of a view's columns.
pub fn view_columns(view: &LateralView) -> Vec<Ident> {
    match &view.lateral_view {
        Expr::Function(function) => match columns(function, &view.lateral_col_alias, view.outer) {
            Ok(Some(columns)) => columns.into_iter().map(|(_, name)| name).collect(),
            _ => view.lateral_col_alias.clone(),
        },
        _ => view.lateral_col_alias.clone(),
    }
}

fn alias_of(relation: &TableFactor) -> Option<TableAlias> {
    match relation {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.clone())
        }
        TableFactor::Table { name, .. } => {
            let last = name.0.last()?.as_ident()?.clone();
            Some(TableAlias { explicit: true, name: last, columns: vec![], at: None })
        }
        _ => None,
    }
}

/// A SELECT with nothing in it.
pub fn bare(like: &Select) -> Select {
    let mut bare = like.clone();
    bare.distinct = None;
    bare.selection = None;
    bare.group_by = GroupByExpr::Expressions(vec![], vec![]);
    bare.cluster_by = vec![];
    bare.distribute_by = vec![];
    bare.sort_by = vec![];
    bare.having = None;
    bare.named_window = vec![];
    bare.qualify = None;
    bare
}

/// A query of only a SELECT.
pub fn query_of(select: Select) -> Query {
    query_of_body(SetExpr::Select(Box::new(select)))
}

/// A query of only a SELECT, or of several put together.
pub fn query_of_body(body: SetExpr) -> Query {
    Query {
        with: None,
        body: Box::new(body),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: vec![],
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: vec![],
    }
}

/// Takes the names of views off their columns: `t.item` is `item`.
pub fn unqualify(place: &mut impl VisitMut, views: &[LateralView]) {
    struct Unqualifier<'a>(&'a [LateralView]);
    impl VisitorMut for Unqualifier<'_> {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let Expr::CompoundIdentifier(names) = expr else { return ControlFlow::Continue(()) };
            let is_of = |view: &LateralView| relation_name(&view.lateral_view_name) == names[0].value.to_lowercase();
            if self.0.iter().any(is_of) {
                names.remove(0);
                if let [only] = names.as_slice() {
                    *expr = Expr::Identifier(only.clone());
                }
            }
            ControlFlow::Continue(())
        }
    }
    let _: ControlFlow<()> = walk_mut(place, &mut Unqualifier(views));
}
