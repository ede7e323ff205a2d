//! Expressions that read what time it is, over rows that may be retracted: what is retracted must be what was emitted, so they are
//! evaluated once, in an operator that remembers what they gave.
//!
//! All projections and conditions above a node with memory are taken together here, so that the conditions that do not read the time
//! are met before anything is remembered.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::{Aggregate, Expr, Filter, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Window, col};
use datafusion::scalar::ScalarValue;
use futures::executor::block_on;
use job::OutputMode;
use operators::Pipeline;
use operators::timed::TimedSpec;

use super::cut::{cut, place};
use super::{Builder, Stream};
use crate::bounds::conjuncts;
use crate::fault::Result;
use crate::logical::{columns_of, with_columns};
use crate::times::{EventTime, event_times, passed_to};

/// Projections and conditions that stand on each other, over the columns of the node below them.
struct Flat {
    columns: Vec<Expr>,
    conditions: Vec<Expr>,
}

impl Builder<'_> {
    /// The rows of a query, if an expression or a condition of it reads the time over rows that may be retracted.
    pub(super) fn timed(&mut self, plan: &LogicalPlan, at_top: bool) -> Result<Option<Stream>> {
        if self.table.mode == OutputMode::Append || !reads_time(plan) || !self.reads_changes(plan) {
            return Ok(None);
        }
        let bottom = below_expressions(plan);
        let Flat { columns, conditions } = flat(plan, bottom)?;
        let (timed, others): (Vec<Expr>, Vec<Expr>) = conditions.into_iter().partition(Expr::is_volatile);
        let is_rechecked = !timed.is_empty();
        let below = match others.into_iter().reduce(Expr::and) {
            Some(condition) => LogicalPlan::Filter(Filter::try_new(condition, Arc::new(bottom.clone()))?),
            None => bottom.clone(),
        };
        let base = match bottom {
            LogicalPlan::Unnest(unnest) if reads_time(&unnest.input) => {
                let input = self.stream(&unnest.input, false)?;
                self.pipeline(&cut(below.clone(), &unnest.input, &input.schema)?, input)?
            }
            // Rows that nobody else reads are not retracted: their bucket is written anew, with the time of the epoch that does it.
            _ => self.stream(&below, at_top && !is_rechecked && !self.has_readers)?,
        };
        let rows = place_of_all(&below, &base)?;
        let columns = columns.into_iter().zip(plan.schema().iter());
        let mut columns: Vec<Expr> = columns
            .map(|(column, (qualifier, field))| column.alias_qualified(qualifier.cloned(), field.name()))
            .collect();
        let query = |columns: Vec<Expr>| -> PlanResult<LogicalPlan> {
            let rows = LogicalPlanBuilder::from(rows.clone());
            let rows = match timed.iter().cloned().reduce(Expr::and) {
                Some(condition) => rows.filter(condition)?,
                None => rows,
            };
            rows.project(columns)?.build()
        };
        let mut segment = query(columns.clone())?;
        let reads_time = is_rechecked || columns.iter().any(Expr::is_volatile);
        if base.is_replacing || !base.is_changing || !reads_time {
            return Ok(Some(self.pipeline(&segment, base)?));
        }
        let closes = base.closes_by.and_then(|column| Some((column, base.times[column]?))).filter(|_| !is_rechecked);
        if let Some((column, time)) = closes
            && passed_to(&segment, column, time).is_none()
        {
            // One column more, which is left out above.
            columns.push(columns_of(&rows)[column].clone().alias("__closes"));
            segment = query(columns)?;
        }
        Ok(Some(self.timed_operator(&segment, base, closes, is_rechecked)?))
    }

    fn timed_operator(
        &mut self,
        plan: &LogicalPlan,
        base: Stream,
        closes: Option<(usize, EventTime)>,
        is_rechecked: bool,
    ) -> Result<Stream> {
        let physical = block_on(self.state.create_physical_plan(plan))?;
        let pipeline = Pipeline::compile(physical, self.state.task_ctx())?;
        pipeline.run(&RecordBatch::new_empty(Arc::clone(&base.schema)))?;
        let schema = Arc::clone(pipeline.schema());
        let closes_by = closes.and_then(|(column, time)| passed_to(plan, column, time));
        let times = match is_rechecked {
            // A row comes and goes at any time.
            true => vec![None; schema.fields().len()],
            false => event_times(plan, &base.times),
        };
        let spec = TimedSpec {
            name: self.name("timed"),
            input: Arc::clone(&base.schema),
            pipeline,
            is_rechecked,
            closes_by: closes.map(|(column, _)| column),
        };
        let lag_us = closes.map(|(_, time)| time.lag_us);
        let from = self.operator(Arc::new(spec), &[&base], lag_us, None);
        Ok(Stream { from: vec![from], schema, times, is_entry: false, closes_by, ..base })
    }

    /// A join with a condition on the time of rows that may be retracted: the condition stands above it.
    pub(super) fn timed_join(&mut self, join: &Join) -> Result<Option<Stream>> {
        let conditions = join.filter.iter().flat_map(conjuncts).cloned();
        let (timed, others): (Vec<Expr>, Vec<Expr>) = conditions.partition(Expr::is_volatile);
        let is_inner = join.join_type == JoinType::Inner;
        let has_timed_key = join.on.iter().any(|(left, right)| left.is_volatile() || right.is_volatile());
        let plan = LogicalPlan::Join(join.clone());
        if self.table.mode == OutputMode::Append || !self.reads_changes(&plan) {
            return Ok(None);
        }
        if !is_inner && (has_timed_key || !timed.is_empty()) {
            let message = "the current time in ON would be another when rows of this join are retracted";
            let help = "compute it in a subquery, SELECT *, current_timestamp() AS now FROM …, and compare with its column; or write an inner join with the condition in WHERE";
            return self.refuse(message, help, "JOIN");
        }
        let Some(condition) = timed.into_iter().reduce(Expr::and) else { return Ok(None) };
        let join = Join { filter: others.into_iter().reduce(Expr::and), ..join.clone() };
        let plan = LogicalPlan::Filter(Filter::try_new(condition, Arc::new(LogicalPlan::Join(join)))?);
        Ok(Some(self.stream(&plan, false)?))
    }

    /// Refuses window functions over the current time whose results would be retracted.
    pub(super) fn check_timed_window(&self, window: &Window) -> Result<()> {
        if self.table.mode == OutputMode::Append || !window.window_expr.iter().any(Expr::is_volatile) {
            return Ok(());
        }
        let message = "the current time inside of OVER (…) would be another when rows are retracted";
        let help = "compute it in a subquery, SELECT *, current_timestamp() AS now FROM …, and use its column";
        self.refuse(message, help, "OVER")
    }
}

/// The aggregate with every argument that reads the time as a column below it.
pub(super) fn with_time_below(aggregate: Aggregate) -> Result<Aggregate> {
    if !aggregate.aggr_expr.iter().any(Expr::is_volatile) {
        return Ok(aggregate);
    }
    let mut further: Vec<Expr> = Vec::new();
    let mut lift = |expr: Expr| match &expr {
        Expr::AggregateFunction(_) | Expr::Alias(_) => Ok(Transformed::no(expr)),
        _ if expr.is_volatile() => {
            let name = format!("__time{}", further.len());
            further.push(expr.alias(&name));
            Ok(Transformed::new(col(name), true, TreeNodeRecursion::Jump))
        }
        _ => Ok(Transformed::no(expr)),
    };
    let calls = aggregate.aggr_expr.iter().map(|call| call.clone().transform_down(&mut lift).data());
    let calls = calls.collect::<PlanResult<Vec<_>>>()?;
    let input = with_columns(&aggregate.input, further)?;
    Ok(Aggregate::try_new(Arc::new(input), aggregate.group_expr, calls)?)
}

/// True if an expression between the top of a plan and its first node with memory reads the time.
fn reads_time(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => {
            projection.expr.iter().any(Expr::is_volatile) || reads_time(&projection.input)
        }
        LogicalPlan::Filter(filter) => filter.predicate.is_volatile() || reads_time(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => reads_time(&alias.input),
        LogicalPlan::Unnest(unnest) => reads_time(&unnest.input),
        _ => false,
    }
}

/// The first node from the top that is neither a projection nor a condition.
fn below_expressions(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Projection(projection) => below_expressions(&projection.input),
        LogicalPlan::Filter(filter) => below_expressions(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => below_expressions(&alias.input),
        other => other,
    }
}

/// What a plan makes of the columns of its node `bottom`, which only projections and conditions stand on.
fn flat(plan: &LogicalPlan, bottom: &LogicalPlan) -> PlanResult<Flat> {
    if std::ptr::eq(plan, bottom) {
        return Ok(Flat { columns: columns_of(bottom), conditions: Vec::new() });
    }
    match plan {
        LogicalPlan::Projection(projection) => {
            let below = flat(&projection.input, bottom)?;
            let columns = projection.expr.iter().map(|expr| over(expr, projection.input.schema(), &below.columns));
            Ok(Flat { columns: columns.collect::<PlanResult<_>>()?, ..below })
        }
        LogicalPlan::Filter(filter) => {
            let mut below = flat(&filter.input, bottom)?;
            for condition in conjuncts(&filter.predicate) {
                below.conditions.push(over(condition, filter.input.schema(), &below.columns)?);
            }
            Ok(below)
        }
        LogicalPlan::SubqueryAlias(alias) => flat(&alias.input, bottom),
        other => Err(datafusion::error::DataFusionError::Internal(format!("{} is no expression", other.display()))),
    }
}

/// An expression over columns of `schema`, which stand for the expressions `columns`, as one over what these read.
fn over(expr: &Expr, schema: &DFSchema, columns: &[Expr]) -> PlanResult<Expr> {
    let replaced = expr.clone().unalias().transform_up(|expr| match &expr {
        Expr::Column(column) => Ok(Transformed::yes(columns[schema.index_of_column(column)?].clone())),
        _ => Ok(Transformed::no(expr)),
    });
    replaced.data()
}

/// A place for the rows of a plan, also for columns that it does not know, which nodes below it have added.
fn place_of_all(plan: &LogicalPlan, stream: &Stream) -> Result<LogicalPlan> {
    let width = plan.schema().fields().len();
    let further = (width..stream.schema.fields().len())
        .map(|at| Expr::Literal(ScalarValue::Null, None).alias(format!("__added{at}")));
    Ok(place(&with_columns(plan, further)?, &stream.schema, 0)?)
}
