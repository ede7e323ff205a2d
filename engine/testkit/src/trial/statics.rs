//! The rows that the tests of a job give its static tables.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use job::{Job, StaticFormat, StaticTable};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_128;

use bytes::Bytes;
use connector::error::named;
use connector::{StaticError, StaticRows};

/// The rows of one static table in the tests of a job. All have the same columns, so that the job is planned once.
pub struct StaticSteps {
    /// Before any step gave it rows: none.
    pub at_first: StaticRows,
    /// From a step on, by the place of the step in the job file.
    pub steps: BTreeMap<usize, StaticRows>,
}

/// The columns of each static table of a job in its tests, or why they are not known.
pub fn static_schemas(job: &Job) -> Vec<(String, Result<SchemaRef, StaticError>)> {
    let schema = |table| Ok(of_table(job, table)?.at_first.schema());
    job.statics.iter().map(|(name, table)| (name.clone(), schema(table))).collect()
}

/// The rows of all static tables of a job in its tests.
///
/// # Errors
/// Rows that do not fit the columns that the job gives a table.
pub fn of_tests(job: &Job) -> Result<BTreeMap<String, StaticSteps>, StaticError> {
    job.statics.iter().map(|(name, table)| Ok((name.clone(), of_table(job, table)?))).collect()
}

fn of_table(job: &Job, table: &StaticTable) -> Result<StaticSteps, StaticError> {
    let steps = job.tests.iter().flat_map(|test| &test.steps);
    let giving: Vec<_> = steps.filter_map(|step| Some((step.place.start, step.statics.get(&table.name)?))).collect();
    let all: Vec<_> = std::iter::once(Vec::new()).chain(giving.iter().map(|(_, rows)| rows.to_vec())).collect();
    let mut rows = rows_of(table, &all)?.into_iter();
    let at_first =
        rows.next().ok_or_else(|| StaticError::Internal("a static table of a test has no rows".to_string().into()))?;
    Ok(StaticSteps { at_first, steps: giving.into_iter().map(|(place, _)| place).zip(rows).collect() })
}

/// What a test gives a static table from step to step, as the lines of JSON files. All have the same columns.
fn rows_of(table: &StaticTable, steps: &[Vec<Map<String, Value>>]) -> Result<Vec<StaticRows>, StaticError> {
    let fault = |text: &str| StaticError::Data(named(&table.name, text).into());
    if table.schema.is_empty() && steps.iter().all(Vec::is_empty) {
        let text = format!(
            "it has no columns in this test; give it rows with static.{} = [{{ … }}], or add [static.{}.schema]",
            table.name, table.name
        );
        return Err(fault(&text));
    }
    let mut files = Vec::with_capacity(steps.len());
    for rows in steps {
        let lines: Vec<String> = rows.iter().map(|row| Value::Object(row.clone()).to_string()).collect();
        files.push((format!("static.{}", table.name), Bytes::from(lines.join("\n"))));
    }
    let (_, batches) = formats::files::read_each(table, StaticFormat::Json, &files).map_err(|text| fault(&text))?;
    let with_version = |(file, batch): (&(String, Bytes), arrow::array::RecordBatch)| StaticRows {
        version: format!("test:{:032x}", xxh3_128(&file.1)),
        batch,
    };
    Ok(files.iter().zip(batches).map(with_version).collect())
}

#[cfg(test)]
mod tests;
