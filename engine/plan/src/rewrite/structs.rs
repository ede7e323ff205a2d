//! Fields of structs in SELECT: `payload.user` is named `user`, `payload.*` is each field under its own name.

use arrow::datatypes::{DataType, Fields};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement as DataFusionStatement;
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    Cte, Expr, Ident, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, Statement, TableFactor, With,
};
use futures::executor::block_on;

use super::calls::relation_name;
use super::generators::{bare, query_of};

/// The names by which FROM's inputs are known, in lower case, with and without their schema.
pub fn inputs(select: &Select) -> Vec<String> {
    let factors = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    factors.flat_map(names).collect()
}

fn names(factor: &TableFactor) -> Vec<String> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } => vec![alias.name.value.to_lowercase()],
        TableFactor::Table { name, .. } => {
            let whole = relation_name(name);
            let last = whole.rsplit('.').next().unwrap_or(&whole).to_string();
            vec![whole, last]
        }
        TableFactor::NestedJoin { table_with_joins, .. } => {
            let joined = table_with_joins.joins.iter().map(|join| &join.relation);
            std::iter::once(&table_with_joins.relation).chain(joined).flat_map(names).collect()
        }
        _ => Vec::new(),
    }
}

/// Gives fields of structs their own names, as Spark does.
pub fn name_fields(select: &mut Select) {
    let inputs = inputs(select);
    let is_input = |name: &str| inputs.contains(&name.to_lowercase());
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) = item else { continue };
        let is_column = match names.as_slice() {
            [input, _] => is_input(&input.value),
            [schema, input, _] => is_input(&format!("{}.{}", schema.value, input.value)),
            _ => false,
        };
        if let (false, Some(alias)) = (is_column, names.last()) {
            let alias = Ident::with_quote('`', alias.value.clone());
            *item = SelectItem::ExprWithAlias { expr: Expr::CompoundIdentifier(names.clone()), alias };
        }
    }
}

/// The struct that `….*` is of, if it is not all columns of an input.
pub fn wildcard_struct(item: &SelectItem, inputs: &[String]) -> Option<Vec<Ident>> {
    let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item else { return None };
    if inputs.contains(&relation_name(name)) {
        return None;
    }
    name.0.iter().map(|part| part.as_ident().cloned()).collect()
}

/// Puts the fields of a struct in the place of `….*`, if its type can be found: FROM is planned by itself to find it.
pub fn expand(select: &mut Select, known: Vec<Cte>, state: &SessionState, rewrite: impl Fn(&mut Statement) -> bool) {
    let inputs = inputs(select);
    if !select.projection.iter().any(|item| wildcard_struct(item, &inputs).is_some()) {
        return;
    }
    let items = std::mem::take(&mut select.projection);
    for item in items {
        let fields = wildcard_struct(&item, &inputs).and_then(|path| {
            let mut only = bare(select);
            only.lateral_views = vec![];
            let expr = as_expr(&path)?;
            only.projection = vec![SelectItem::ExprWithAlias { expr, alias: Ident::new("it") }];
            let columns = columns_of(only, &known, state, &rewrite)?;
            let DataType::Struct(fields) = columns.first()?.data_type().clone() else { return None };
            Some(fields.iter().map(|field| of_field(&path, field.name())).collect::<Vec<_>>())
        });
        match fields {
            Some(fields) => select.projection.extend(fields),
            None => select.projection.push(item),
        }
    }
}

/// The columns that a SELECT gives, if it can be planned by itself.
pub fn columns_of(
    select: Select,
    known: &[Cte],
    state: &SessionState,
    rewrite: &impl Fn(&mut Statement) -> bool,
) -> Option<Fields> {
    let mut statement = with_known(query_of(select), known);
    if !rewrite(&mut statement) {
        return None;
    }
    columns_planned(statement, state).ok()
}

/// The columns that a query gives whose parts are rewritten.
///
/// # Errors
/// DataFusion's, if it cannot be planned by itself.
pub fn columns_of_rewritten(query: Query, known: &[Cte], state: &SessionState) -> Result<Fields> {
    columns_planned(with_known(query, known), state)
}

/// A query with these parts of WITH.
fn with_known(mut query: Query, known: &[Cte]) -> Statement {
    query.with = (!known.is_empty()).then(|| With {
        with_token: AttachedToken::empty(),
        recursive: false,
        cte_tables: known.to_vec(),
    });
    Statement::Query(Box::new(query))
}

fn columns_planned(statement: Statement, state: &SessionState) -> Result<Fields> {
    let plan = block_on(::batch::plan(state, DataFusionStatement::Statement(Box::new(statement))))?;
    Ok(plan.schema().fields().clone())
}

fn as_expr(path: &[Ident]) -> Option<Expr> {
    Some(match path {
        [] => return None,
        [one] => Expr::Identifier(one.clone()),
        several => Expr::CompoundIdentifier(several.to_vec()),
    })
}

fn of_field(path: &[Ident], name: &str) -> SelectItem {
    let field = Ident::with_quote('`', name);
    let names = path.iter().cloned().chain([field.clone()]).collect();
    SelectItem::ExprWithAlias { expr: Expr::CompoundIdentifier(names), alias: field }
}
