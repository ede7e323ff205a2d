//! A query over tables that stand still, for `engine sql`: everything in it means what it means in a job.

use std::collections::HashMap;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::parser::Statement;
use expr::plan_types;
use expr::scalar::time_windows::{SESSION_WINDOW, session_call};
use expr::scalar::window::WINDOW;
use expr::typing::TypeRules;

use crate::batch::sessions;
use crate::fault::{Fault, Result};
use crate::guard::{plain_forms, unkept_in_read};
use crate::job_function::inline::inlined;
use crate::logical::{any_expr, under_names_of};
use crate::normalize::{grouped_window, with_window_column, with_windows};
use crate::problem::SqlProblem;
use crate::relation::{Relation, static_relation};
use crate::rewrite::rewrite_to_show;
use crate::window::window_call;

/// The tables that queries can read.
#[derive(Debug, Default)]
pub struct Readable {
    relations: HashMap<String, Relation>,
}

/// Why a query cannot be planned.
#[derive(Debug)]
pub enum ReadFault {
    /// It is written in a way that cannot be; what to write instead.
    Problem(SqlProblem),
    /// DataFusion refused it.
    Plan(DataFusionError),
}

impl From<Fault> for ReadFault {
    fn from(fault: Fault) -> ReadFault {
        match fault {
            Fault::Problem(problem) => ReadFault::Problem(problem),
            Fault::Plan(error) => ReadFault::Plan(error),
        }
    }
}

impl Readable {
    /// These tables, each with its columns.
    pub fn new(tables: impl IntoIterator<Item = (String, SchemaRef)>) -> Readable {
        let relation =
            |(name, schema): (String, SchemaRef)| (name.to_lowercase(), static_relation(&name, &schema, false));
        Readable { relations: tables.into_iter().map(relation).collect() }
    }

    /// Plans a statement. Names have no case, `window(…)` and `session_window(…)` group, Spark's functions and casts are
    /// Spark's.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn plan(
        &self,
        state: &SessionState,
        mut statement: Statement,
    ) -> std::result::Result<LogicalPlan, ReadFault> {
        let sql = statement.to_string();
        self.rewrite(&mut statement, &sql, state)?;
        let plan = ::batch::plan(state, statement).await.map_err(ReadFault::Plan)?;
        let plan = inlined(plan, &sql).map_err(|error| ReadFault::from(Fault::from(error)))?;
        let plan = plan_types::rewrite(plan, TypeRules::of(state)).map_err(ReadFault::Plan)?;
        if !has_windows(&plan).map_err(ReadFault::Plan)? {
            return Ok(plan);
        }
        let analyzed = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {});
        Ok(computed(analyzed.map_err(ReadFault::Plan)?, &sql)?)
    }

    fn rewrite(
        &self,
        statement: &mut Statement,
        sql: &str,
        state: &SessionState,
    ) -> std::result::Result<(), ReadFault> {
        match statement {
            Statement::Statement(statement) => {
                plain_forms(statement, sql).map_err(ReadFault::Problem)?;
                if let Some(problem) = unkept_in_read(statement, sql) {
                    return Err(ReadFault::Problem(problem));
                }
                rewrite_to_show(statement, sql, &self.relations, state).map_err(ReadFault::Problem)
            }
            Statement::Explain(explain) => self.rewrite(&mut explain.statement, sql, state),
            _ => Ok(()),
        }
    }
}

/// True if a plan groups by windows, or has them as columns.
fn has_windows(plan: &LogicalPlan) -> std::result::Result<bool, DataFusionError> {
    let is_timed = |expr: &Expr| matches!(expr, Expr::ScalarFunction(call) if [WINDOW, SESSION_WINDOW].contains(&call.func.name()));
    any_expr(plan, is_timed)
}

/// The plan with windows and sessions as columns that are computed.
fn computed(plan: LogicalPlan, sql: &str) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        Ok(match of_node(&node, sql)? {
            Some(plan) => Transformed::yes(plan),
            None => Transformed::no(node),
        })
    });
    Ok(plan.data()?)
}

fn of_node(node: &LogicalPlan, sql: &str) -> Result<Option<LogicalPlan>> {
    match node {
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.iter().any(|expr| session_call(expr).is_some()) => {
            let (plan, _) = sessions::of(aggregate, None)?;
            Ok(Some(under_names_of(plan, &aggregate.schema)?))
        }
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.iter().any(|expr| grouped_window(expr).is_some()) => {
            let windowed = with_window_column(aggregate, sql)?;
            Ok(Some(under_names_of(LogicalPlan::Aggregate(windowed), &aggregate.schema)?))
        }
        LogicalPlan::Projection(projection) if projection.expr.iter().any(has_call) => {
            let plan = with_windows(LogicalPlan::Projection(projection.clone()), sql)?;
            Ok(plan.transformed.then_some(plan.data))
        }
        _ => Ok(None),
    }
}

fn has_call(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(window_call(expr).is_some())).unwrap_or(false)
}
