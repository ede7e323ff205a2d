//! What lies in a table: the rows of each data file, read from the files themselves and not from what a log says of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use connector::TableSnapshot;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use epoch::paths;
use futures::StreamExt;

/// Rows and files of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// Rows.
    pub rows: u64,
    /// Data files.
    pub files: u64,
    /// Rows of each data file, by its name without folders; `None` if they cannot be told apart.
    pub by_file: Option<BTreeMap<String, u64>>,
}

/// Counts the rows of a table. `file_column`: the one with the data file of each row; `whole`: every column is read, else only what says how many rows a file has.
///
/// # Errors
/// Why it cannot be read.
pub async fn read(
    context: &SessionContext,
    table: &TableSnapshot,
    file_column: &str,
    whole: bool,
) -> Result<Present, String> {
    let files = table.info.files;
    match by_file(context, table, file_column, whole).await {
        Ok(read) => {
            // A file of an epoch in which no row was read is there all the same.
            let listed = table.files.iter().filter(|file| paths::origin_of(file).is_some());
            let mut by_file: BTreeMap<String, u64> = listed.map(|file| (name_of(file), 0)).collect();
            read.into_iter().for_each(|(file, rows)| *by_file.entry(file).or_default() += rows);
            Ok(Present { rows: by_file.values().sum(), files, by_file: Some(by_file) })
        }
        // Where rows are deleted beside the files, nobody says which file a row is in.
        Err(error) => match all(context, table, file_column).await {
            Ok(rows) => Ok(Present { rows, files, by_file: None }),
            Err(_) => Err(error.to_string()),
        },
    }
}

async fn by_file(
    context: &SessionContext,
    table: &TableSnapshot,
    file_column: &str,
    whole: bool,
) -> Result<BTreeMap<String, u64>, DataFusionError> {
    let mut frame = context.read_table(Arc::clone(&table.provider))?;
    if !whole {
        frame = frame.select_columns(&[file_column])?;
    }
    let (mut batches, mut rows) = (frame.execute_stream().await?, BTreeMap::new());
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let at = batch.schema().index_of(file_column)?;
        // The rows of a batch share a few names: those are looked up, not the rows.
        let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let files = cast(batch.column(at), &kind)?;
        let files = files.as_dictionary::<Int32Type>();
        let names = files.values().as_string::<i32>();
        let mut counts = vec![0_u64; names.len()];
        files.keys().iter().flatten().for_each(|name| counts[name as usize] += 1);
        for (name, count) in names.iter().zip(counts) {
            *rows.entry(name_of(name.unwrap_or_default())).or_default() += count;
        }
    }
    Ok(rows)
}

/// All rows, with every column but that of files.
async fn all(context: &SessionContext, table: &TableSnapshot, file_column: &str) -> Result<u64, DataFusionError> {
    let frame = context.read_table(Arc::clone(&table.provider))?.drop_columns(&[file_column])?;
    let (mut batches, mut rows) = (frame.execute_stream().await?, 0);
    while let Some(batch) = batches.next().await {
        rows += batch?.num_rows() as u64;
    }
    Ok(rows)
}

/// The name of a file without the folders that it is in.
fn name_of(file: &str) -> String {
    file.rsplit('/').next().unwrap_or(file).to_owned()
}
