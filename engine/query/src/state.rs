//! `state('gold.table')` in FROM: what a table's operators keep, from the job's checkpoint as of its last committed epoch.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;

use crate::ending::Failure;
use crate::job_file::JobFile;

/// The function; each call looks at the checkpoint anew.
#[derive(Debug)]
pub struct StateFunction {
    /// The job file, if the command was given one.
    pub job: Option<PathBuf>,
}

impl TableFunctionImpl for StateFunction {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let Some(path) = &self.job else {
            return datafusion::common::plan_err!(
                "state(…) reads the checkpoint of a job: begin with engine sql --job JOB"
            );
        };
        let [Expr::Literal(ScalarValue::Utf8(Some(name)), _)] = arguments.exprs() else {
            return datafusion::common::plan_err!("state(…) takes the name of a table: state('gold.counts')");
        };
        // On a thread of its own: reading static tables waits, which the query's threads must not.
        let read = std::thread::scope(|scope| scope.spawn(|| read(path, name)).join());
        let rows = match read.unwrap_or_else(|_| Err("the state cannot be read".to_owned())) {
            Ok(rows) => rows,
            Err(reason) => return datafusion::common::plan_err!("{reason}"),
        };
        Ok(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))
    }
}

fn read(path: &std::path::Path, name: &str) -> std::result::Result<arrow::array::RecordBatch, String> {
    let file = JobFile { path: path.to_path_buf(), overrides: Vec::new() };
    let (job, graph) = file.plan().map_err(|failure| match failure {
        Failure::Problems(text) | Failure::WrongInput(text) | Failure::Failed(text) => text,
        _ => format!("{} cannot be used", path.display()),
    })?;
    let table = name.split('/').next().unwrap_or(name);
    let mut all = runtime::state_rows(&job, &graph, table).map_err(|error| error.to_string())?;
    if table != name {
        all.retain(|state| state.name == name);
    }
    match all.len() {
        1 => Ok(all.swap_remove(0).rows),
        0 if table == name => Err(format!("{table} keeps no state")),
        _ => {
            let states = runtime::states(&graph).into_iter().filter(|(known, _)| known.eq_ignore_ascii_case(table));
            let names: Vec<String> =
                states.flat_map(|(_, names)| names).map(|name| format!("state('{name}')")).collect();
            Err(format!("{table} keeps several: ask {}", names.join(" or ")))
        }
    }
}
