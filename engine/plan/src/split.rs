//! Cuts a query at its aggregate: what runs before it on every chunk, what it keeps, what runs after it on its result.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::datasource::provider_as_source;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, col};
use operators::aggregate::GroupColumn;

use crate::casts::to_instant;
use crate::relation::StreamTable;
use crate::window::window_call;
use crate::words::words;

/// A query cut at its aggregate. Without one, `below` is the whole query.
pub struct Split {
    /// The part that has no memory.
    pub below: LogicalPlan,
    /// The aggregate and what stands above it.
    pub above: Option<Above>,
}

/// The aggregate of a query, over the columns of the part below it.
pub struct Above {
    /// The aggregate as it was written.
    pub aggregate: Aggregate,
    /// Its function calls, whose arguments are columns of `below`.
    pub calls: Vec<Expr>,
    /// Its grouping columns.
    pub group: Vec<GroupColumn>,
    /// Column of `below` with the time of the window.
    pub time: Option<usize>,
    /// Columns of `below` with the other keys.
    pub keys: Vec<usize>,
    /// The other keys as they were written.
    pub key_names: Vec<String>,
    /// First column of `below` that only passes the input row on, for late rows.
    pub passed_from: usize,
    /// What stands above, reading the aggregate's result as a table of columns `c0, c1, …`.
    pub plan: LogicalPlan,
}

/// Cuts an analyzed query. With `keep_input`, the part below also passes the aggregate's input columns on.
///
/// # Errors
/// If the pieces do not make plans; an engine fault, since the rules were checked before.
pub fn split(plan: LogicalPlan, keep_input: bool) -> Result<Split> {
    let mut found: Option<Aggregate> = None;
    plan.apply(|node| {
        if let LogicalPlan::Aggregate(aggregate) = node {
            found = Some(aggregate.clone());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let Some(aggregate) = found else { return Ok(Split { below: plan, above: None }) };
    let mut below = Below::new(&aggregate);
    let (group, time, keys) = below.group(&aggregate)?;
    let calls = aggregate.aggr_expr.iter().map(|call| below.call(call)).collect::<Result<Vec<_>>>()?;
    let passed_from = below.exprs.len();
    if keep_input {
        for (at, column) in aggregate.input.schema().columns().into_iter().enumerate() {
            below.exprs.push(Expr::Column(column).alias(format!("in_{at}")));
        }
    }
    let projected = LogicalPlanBuilder::from(aggregate.input.as_ref().clone()).project(below.exprs)?.build()?;
    let plan = above(plan, &aggregate)?;
    let is_key = |expr: &&Expr| window_call(expr).is_none();
    let key_names = aggregate.group_expr.iter().filter(is_key).map(words).collect();
    let above = Above { aggregate, calls, group, time, keys, key_names, passed_from, plan };
    Ok(Split { below: projected, above: Some(above) })
}

/// Collects the columns that the part below has to make.
struct Below {
    exprs: Vec<Expr>,
    sources: Vec<Expr>,
}

impl Below {
    fn new(aggregate: &Aggregate) -> Below {
        let count = aggregate.group_expr.len() + aggregate.aggr_expr.len();
        Below { exprs: Vec::with_capacity(count), sources: Vec::with_capacity(count) }
    }

    /// The position of an expression among the columns, added if it is not there yet.
    fn column(&mut self, expr: Expr) -> usize {
        if let Some(at) = self.sources.iter().position(|other| *other == expr) {
            return at;
        }
        let at = self.exprs.len();
        self.exprs.push(expr.clone().alias(format!("b{at}")));
        self.sources.push(expr);
        at
    }

    fn group(&mut self, aggregate: &Aggregate) -> Result<(Vec<GroupColumn>, Option<usize>, Vec<usize>)> {
        let (mut group, mut time, mut keys) = (Vec::new(), None, Vec::new());
        for expr in &aggregate.group_expr {
            match window_call(expr) {
                Some(call) => {
                    let argument = call
                        .args
                        .first()
                        .cloned()
                        .ok_or_else(|| DataFusionError::Plan("window() without a time".to_string()))?;
                    let kind = argument.get_type(aggregate.input.schema())?;
                    let is_instant = matches!(kind, DataType::Timestamp(TimeUnit::Microsecond, _));
                    time = Some(self.column(if is_instant { argument } else { to_instant(argument) }));
                    group.push(GroupColumn::Window);
                }
                None => {
                    group.push(GroupColumn::Key(keys.len()));
                    keys.push(self.column(expr.clone().unalias()));
                }
            }
        }
        Ok((group, time, keys))
    }

    /// A function call with its arguments, filter and order replaced by columns; constants stay.
    fn call(&mut self, call: &Expr) -> Result<Expr> {
        let call = call.clone().unalias_nested().data;
        let Expr::AggregateFunction(mut function) = call else {
            return Err(DataFusionError::Internal(format!("{call} is not an aggregate function")));
        };
        for argument in &mut function.params.args {
            self.replace(argument);
        }
        if let Some(filter) = &mut function.params.filter {
            self.replace(filter);
        }
        for order in &mut function.params.order_by {
            self.replace(&mut order.expr);
        }
        Ok(Expr::AggregateFunction(function))
    }

    fn replace(&mut self, expr: &mut Expr) {
        if !matches!(expr, Expr::Literal(..)) {
            let at = self.column(expr.clone());
            *expr = col(format!("b{at}"));
        }
    }
}

/// What stands above the aggregate, over a table of its result.
fn above(plan: LogicalPlan, aggregate: &Aggregate) -> Result<LogicalPlan> {
    let fields: Vec<_> = aggregate
        .schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| field.as_ref().clone().with_name(format!("c{at}")).with_nullable(true))
        .collect();
    let table = StreamTable { schema: Arc::new(arrow::datatypes::Schema::new(fields)) };
    let scan = LogicalPlanBuilder::scan("aggregated", provider_as_source(Arc::new(table)), None)?;
    let names = aggregate.schema.iter().enumerate().map(|(at, (qualifier, field))| {
        let column = Expr::Column(Column::new(Some("aggregated"), format!("c{at}")));
        column.alias_qualified(qualifier.cloned(), field.name())
    });
    let result = scan.project(names.collect::<Vec<_>>())?.build()?;
    plan.transform_down(|node| match node {
        LogicalPlan::Aggregate(_) => Ok(Transformed::new(result.clone(), true, TreeNodeRecursion::Jump)),
        other => Ok(Transformed::no(other)),
    })
    .data()?
    .recompute_schema_all()
}

trait RecomputeAll: Sized {
    fn recompute_schema_all(self) -> Result<Self>;
}

impl RecomputeAll for LogicalPlan {
    /// Nullability below has changed, so every node's schema is made anew.
    fn recompute_schema_all(self) -> Result<LogicalPlan> {
        self.transform_up(|node| Ok(Transformed::yes(node.recompute_schema()?))).data()
    }
}

/// The column of the query's input that a column of a plan is, if it only passed through; an expression over it is not it.
pub fn lineage(plan: &LogicalPlan, column: &Column) -> Option<String> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            scan.projected_schema.maybe_index_of_column(column).map(|_| column.name.clone())
        }
        LogicalPlan::Projection(projection) => {
            let at = projection.schema.maybe_index_of_column(column)?;
            lineage_of(&projection.expr[at], &projection.input)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let at = alias.schema.maybe_index_of_column(column)?;
            let (qualifier, field) = alias.input.schema().qualified_field(at);
            lineage(&alias.input, &Column::new(qualifier.cloned(), field.name()))
        }
        LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) => {
            lineage(plan.inputs().first()?, column)
        }
        LogicalPlan::Unnest(unnest) => {
            let at = unnest.schema.maybe_index_of_column(column)?;
            let before = *unnest.dependency_indices.get(at)?;
            let (qualifier, field) = unnest.input.schema().qualified_field(before);
            let is_unnested = unnest.list_type_columns.iter().any(|(list, _)| *list == before);
            (!is_unnested).then(|| lineage(&unnest.input, &Column::new(qualifier.cloned(), field.name())))?
        }
        _ => None,
    }
}

/// The input column that an expression over `input` is.
pub fn lineage_of(expr: &Expr, input: &LogicalPlan) -> Option<String> {
    match expr {
        Expr::Column(column) => lineage(input, column),
        Expr::Alias(alias) => lineage_of(&alias.expr, input),
        _ => None,
    }
}

/// The schema of a plan's output without qualifiers.
pub fn plain_schema(schema: &DFSchema) -> arrow::datatypes::SchemaRef {
    Arc::clone(schema.inner())
}
