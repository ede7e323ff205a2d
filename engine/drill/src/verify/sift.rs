//! The batch answer of a query that has no value for some rows: they are left out one by one, as the job leaves them out.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::datasource::MemTable;
use job::Table;
use plan::batch::{Batch, Unanswered};

use super::compare;

/// So many rows are told apart from the others; each takes some forty runs of the query over a million.
const ROWS_MAX: u64 = 64;

/// An answer without some rows.
pub struct Sifted {
    /// What the others gave.
    pub rows: Vec<RecordBatch>,
    left_out: u64,
    /// What is wrong with the last of them.
    what: String,
}

impl Sifted {
    /// What a reader should know.
    pub fn note(&self) -> String {
        let Sifted { left_out, what, .. } = self;
        match left_out {
            1 => format!("its query has no value for 1 row of its input, which is left out as the job does: {what}"),
            _ => format!(
                "its query has no value for {left_out} rows of its input, which are left out as the job does: {what}"
            ),
        }
    }
}

/// Runs the query of a table without state over its one input by halves, until the rows at fault stand alone.
pub async fn sifted(batch: &mut Batch<'_>, table: &Table, schema: &SchemaRef, input: &str) -> Result<Sifted, String> {
    let mut sifted = Sifted { rows: Vec::new(), left_out: 0, what: String::new() };
    let mut parts = vec![batch.rows_of(input).await?];
    while let Some(part) = parts.pop() {
        let provider = MemTable::try_new(part.schema(), vec![vec![part.clone()]]).map_err(|error| error.to_string())?;
        batch.fill(input, Arc::new(provider))?;
        let query = compare::query(&batch.answer(table)?.plan, schema, false)?;
        match batch.run(&query).await {
            Ok((_, rows)) => sifted.rows.extend(rows),
            Err(Unanswered::Row(what)) if part.num_rows() == 1 => {
                (sifted.left_out, sifted.what) = (sifted.left_out + 1, what);
            }
            Err(Unanswered::Row(what)) if part.num_rows() == 0 || sifted.left_out >= ROWS_MAX => {
                return Err(format!(
                    "its query has no value for more than {ROWS_MAX} rows of its input, which are too many to be left out one by one: {what}"
                ));
            }
            Err(Unanswered::Row(_)) => {
                let half = part.num_rows() / 2;
                parts.push(part.slice(half, part.num_rows() - half));
                parts.push(part.slice(0, half));
            }
            Err(Unanswered::Other(what)) => return Err(what),
        }
    }
    Ok(sifted)
}
