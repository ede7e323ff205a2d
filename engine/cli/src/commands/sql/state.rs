//! What a table's operators keep, from the job's checkpoint as of its last committed epoch, for `state('gold.table')`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use query::ReadState;

use crate::ending::Failure;
use crate::job_file::JobFile;

/// Reads the state of the job in a file. The file is read anew by each call: the job may have been changed and started again.
pub fn reader(path: PathBuf) -> ReadState {
    Arc::new(move |name| read(&path, name))
}

fn read(path: &Path, name: &str) -> Result<RecordBatch, String> {
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
            let states = runtime::states(&graph).into_iter().filter(|(name, _)| name.eq_ignore_ascii_case(table));
            let names: Vec<String> =
                states.flat_map(|(_, names)| names).map(|name| format!("state('{name}')")).collect();
            Err(format!("{table} keeps several: ask {}", names.join(" or ")))
        }
    }
}
