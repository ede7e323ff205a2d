//! `state('gold.table')` in FROM: what a table's operators keep, read by whoever opened the session.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;

/// Reads what operators keep, by the name of their table, or of one store such as `gold.sessions/join.left`; an error is a text for
/// the reader. It may block: it is called on a thread of its own.
pub type ReadState = Arc<dyn Fn(&str) -> std::result::Result<RecordBatch, String> + Send + Sync>;

/// The function; each call reads anew.
pub(crate) struct StateFunction {
    /// `None` if the session has no job, so that there is no state to ask for.
    pub(crate) read: Option<ReadState>,
}

impl fmt::Debug for StateFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateFunction").field("has_job", &self.read.is_some()).finish()
    }
}

impl TableFunctionImpl for StateFunction {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let Some(read) = &self.read else {
            return datafusion::common::plan_err!(
                "state(…) reads the checkpoint of a job: begin with engine sql --job JOB"
            );
        };
        let [Expr::Literal(ScalarValue::Utf8(Some(name)), _)] = arguments.exprs() else {
            return datafusion::common::plan_err!("state(…) takes the name of a table: state('gold.counts')");
        };
        // On a thread of its own: reading static tables waits, which the query's threads must not.
        let outcome = std::thread::scope(|scope| scope.spawn(|| read(name)).join());
        let rows = match outcome.unwrap_or_else(|_| Err("the state cannot be read".to_owned())) {
            Ok(rows) => rows,
            Err(reason) => return datafusion::common::plan_err!("{reason}"),
        };
        Ok(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))
    }
}
