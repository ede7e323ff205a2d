//! `PIVOT (sum(v) FOR k IN ('a' AS a, 'b' AS b))` as aggregates with a FILTER each, grouped by the columns that it does not name.

use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Fields};
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, ExprWithAlias, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    GroupByExpr, Ident, NullTreatment, PivotValueSource, Select, SelectItem, TableFactor, TableWithJoins, Value,
    Visitor, VisitorMut, WildcardAdditionalOptions,
};

use super::calls::{call, name_of};
use super::generators::{bare, query_of};
use crate::problem::SqlProblem;
use crate::walk::{walk, walk_mut};

/// What a pivot must ask the planner.
pub struct PivotContext<'a> {
    /// The columns that a SELECT gives.
    pub columns: &'a dyn Fn(Select) -> Option<Fields>,
    /// True for the names of aggregates.
    pub is_aggregate: &'a dyn Fn(&str) -> bool,
}

/// Puts a subquery in the place of each PIVOT of FROM.
///
/// # Errors
/// If its values are not listed, or a column cannot be named.
pub fn lower(select: &mut Select, context: &PivotContext<'_>) -> Result<(), SqlProblem> {
    let is_pivot = |factor: &TableFactor| matches!(factor, TableFactor::Pivot { .. });
    let has_pivot =
        |from: &TableWithJoins| is_pivot(&from.relation) || from.joins.iter().any(|join| is_pivot(&join.relation));
    if !select.from.iter().any(has_pivot) {
        return Ok(());
    }
    let like = bare(select);
    for from in &mut select.from {
        let joined = from.joins.iter_mut().map(|join| &mut join.relation);
        for factor in std::iter::once(&mut from.relation).chain(joined) {
            let lowered = match factor {
                TableFactor::Pivot { .. } => subquery(factor, &like, context)?,
                _ => continue,
            };
            *factor = lowered;
        }
    }
    Ok(())
}

fn subquery(pivot: &TableFactor, like: &Select, context: &PivotContext<'_>) -> Result<TableFactor, SqlProblem> {
    let TableFactor::Pivot { table, aggregate_functions, value_column, value_source, default_on_null, alias } = pivot
    else {
        return Ok(pivot.clone());
    };
    let PivotValueSource::List(values) = value_source else {
        let help = "list the values: PIVOT (sum(amount) FOR kind IN ('a' AS a, 'b' AS b))";
        return Err(SqlProblem::new("PIVOT without a list of values: its columns would depend on the data", help));
    };
    if default_on_null.is_some() {
        return Err(SqlProblem::new(
            "PIVOT … DEFAULT ON NULL is not supported",
            "write coalesce(…) around the columns",
        ));
    }
    let mut select = like.clone();
    select.lateral_views = Vec::new();
    select.from = vec![TableWithJoins { relation: table.as_ref().clone(), joins: Vec::new() }];
    select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
    let Some(columns) = (context.columns)(select.clone()) else {
        let help = "write the columns down: FROM (SELECT user_id, kind, amount FROM events) PIVOT (…)";
        return Err(SqlProblem::new("PIVOT over a table whose columns are not known", help));
    };
    let is_null_where_none = aggregate_functions.iter().all(|aggregate| {
        let item = SelectItem::ExprWithAlias { expr: aggregate.expr.clone(), alias: Ident::new("it") };
        let kinds = (context.columns)(Select { projection: vec![item], ..select.clone() });
        kinds.is_none_or(|fields| fields.iter().all(|field| is_kept_in_place(field.data_type())))
    });
    let mut named = Named::default();
    let _: ControlFlow<()> = walk(aggregate_functions, &mut named);
    let _: ControlFlow<()> = walk(value_column, &mut named);
    let names = columns.iter().map(|column| column.name().clone());
    let keys = names.filter(|column| !named.0.contains(&column.to_lowercase()));
    let keys: Vec<Expr> = keys.map(|name| Expr::Identifier(Ident::with_quote('`', name))).collect();
    select.projection = keys.iter().cloned().map(SelectItem::UnnamedExpr).collect();
    for value in values {
        let condition = condition(value_column, &value.expr)?;
        for aggregate in aggregate_functions {
            let alias = column_name(value, aggregate, aggregate_functions.len())?;
            let expr = match is_null_where_none {
                true => where_any(filtered(&aggregate.expr, &condition, context), &condition),
                false => ignoring_nulls(filtered(&aggregate.expr, &condition, context)),
            };
            select.projection.push(SelectItem::ExprWithAlias { expr, alias });
        }
    }
    select.group_by = GroupByExpr::Expressions(keys, Vec::new());
    let subquery = Box::new(query_of(select));
    Ok(TableFactor::Derived { lateral: false, subquery, alias: alias.clone(), sample: None })
}

/// The names of columns in an expression, in lower case.
#[derive(Default)]
struct Named(Vec<String>);

impl Visitor for Named {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.0.push(name.value.to_lowercase()),
            Expr::CompoundIdentifier(names) => self.0.extend(names.iter().map(|name| name.value.to_lowercase())),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The rows of a value, or of several values of as many columns.
fn condition(columns: &[Expr], value: &Expr) -> Result<Expr, SqlProblem> {
    let values = match value {
        Expr::Tuple(values) => values.clone(),
        Expr::Nested(value) => vec![value.as_ref().clone()],
        value => vec![value.clone()],
    };
    if values.len() != columns.len() {
        let message = format!("PIVOT is FOR {} columns, and a value has {}", columns.len(), values.len());
        return Err(SqlProblem::new(message, "write a value for each column: FOR (a, b) IN ((1, 'x') AS x)"));
    }
    let equal = |(column, value): (&Expr, Expr)| match &value {
        Expr::Value(constant) if constant.value == Value::Null => Expr::IsNull(Box::new(column.clone())),
        _ => Expr::BinaryOp { left: Box::new(column.clone()), op: BinaryOperator::Eq, right: Box::new(value) },
    };
    let and = |left, right| Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) };
    let none = || SqlProblem::new("PIVOT without a column", "write FOR kind IN (…)");
    columns.iter().zip(values).map(equal).reduce(and).ok_or_else(none)
}

/// The aggregates of an expression over the rows for which a condition holds.
fn filtered(expr: &Expr, condition: &Expr, context: &PivotContext<'_>) -> Expr {
    struct Filter<'a>(&'a Expr, &'a dyn Fn(&str) -> bool);
    impl VisitorMut for Filter<'_> {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr
                && (self.1)(&name_of(function))
            {
                let both = |own: Box<Expr>| Expr::BinaryOp {
                    left: Box::new(Expr::Nested(own)),
                    op: BinaryOperator::And,
                    right: Box::new(self.0.clone()),
                };
                function.filter = Some(Box::new(function.filter.take().map_or(self.0.clone(), both)));
            }
            ControlFlow::Continue(())
        }
    }
    let mut filtered = expr.clone();
    let _: ControlFlow<()> = walk_mut(&mut filtered, &mut Filter(condition, context.is_aggregate));
    filtered
}

/// The types that Spark can put into a row in place (its `PivotFirst`). If all aggregates have such a type, they are computed by value
/// first and are NULL where no row has it; if not, each is computed over the rows of its value, and a count of none is 0.
fn is_kept_in_place(kind: &DataType) -> bool {
    kind.is_numeric() || *kind == DataType::Boolean
}

/// Over the rows of its value Spark's `first` and `last` take no NULL.
fn ignoring_nulls(mut expr: Expr) -> Expr {
    if let Expr::Function(function) = &mut expr
        && ["first", "first_value", "last", "last_value"].contains(&name_of(function).as_str())
    {
        function.null_treatment = Some(NullTreatment::IgnoreNulls);
    }
    expr
}

/// NULL where no row has the value, also of a count, as in Spark.
fn where_any(aggregate: Expr, condition: &Expr) -> Expr {
    let mut rows = call("count", Vec::new());
    if let Expr::Function(Function { args: FunctionArguments::List(list), filter, .. }) = &mut rows {
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)];
        *filter = Some(Box::new(condition.clone()));
    }
    let any = Expr::BinaryOp { left: Box::new(rows), op: BinaryOperator::Gt, right: Box::new(super::calls::number(0)) };
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition: any, result: aggregate }],
        else_result: None,
    }
}

/// A column is named after its value, and after the aggregate too if there are several.
fn column_name(value: &ExprWithAlias, aggregate: &ExprWithAlias, aggregates: usize) -> Result<Ident, SqlProblem> {
    let of_value = match (&value.alias, &value.expr) {
        (Some(alias), _) => alias.value.clone(),
        (None, Expr::Value(constant)) => match &constant.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string().to_lowercase(),
        },
        (None, other) => {
            let help = format!("give the value a name: {other} AS …");
            return Err(SqlProblem::new(format!("a column of PIVOT for `{other}` has no name"), help));
        }
    };
    let name = match (&aggregate.alias, aggregates) {
        (_, 1) => of_value,
        (Some(alias), _) => format!("{of_value}_{}", alias.value),
        (None, _) => {
            let help = format!("give the aggregate a name: {} AS …", aggregate.expr);
            return Err(SqlProblem::new("of several aggregates in PIVOT each needs a name", help));
        }
    };
    Ok(Ident::with_quote('`', name))
}
