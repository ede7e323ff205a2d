//! DataFusion's front door: SQL to a plan or to rows.
//!
//! An async function of a library is compiled by each crate that awaits it, and behind these stands all of DataFusion's planning:
//! a minute and more of building for every crate and every test that calls them. Here they are compiled once.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use futures::future::BoxFuture;

/// The plan of a statement, not optimised.
///
/// # Errors
/// DataFusion's, of a query that means nothing.
pub fn plan(state: &SessionState, statement: Statement) -> BoxFuture<'_, Result<LogicalPlan>> {
    Box::pin(state.statement_to_plan(statement))
}

/// The rows of a query.
///
/// # Errors
/// DataFusion's, of planning and of running.
pub fn rows<'a>(context: &'a SessionContext, sql: &'a str) -> BoxFuture<'a, Result<Vec<RecordBatch>>> {
    Box::pin(async move { context.sql(sql).await?.collect().await })
}

/// The plan of a query as it would be run.
///
/// # Errors
/// DataFusion's, of planning.
pub fn physical_plan<'a>(context: &'a SessionContext, sql: &'a str) -> BoxFuture<'a, Result<Arc<dyn ExecutionPlan>>> {
    Box::pin(async move { context.sql(sql).await?.create_physical_plan().await })
}
