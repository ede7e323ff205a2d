//! The rows that the tests of a job give its static tables.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use job::{Job, StaticTable};

use crate::statics::{StaticError, StaticRows};

/// The rows of one static table in the tests of a job. All have the same columns, so that the job is planned once.
pub struct Given {
    /// Before any step gave it rows: none.
    pub at_first: StaticRows,
    /// From a step on, by the place of the step in the job file.
    pub steps: BTreeMap<usize, StaticRows>,
}

/// The columns of each static table of a job in its tests, or why they cannot be told.
pub fn static_schemas(job: &Job) -> Vec<(String, Result<SchemaRef, StaticError>)> {
    let schema = |table| Ok(of_table(job, table)?.at_first.schema());
    job.statics.iter().map(|(name, table)| (name.clone(), schema(table))).collect()
}

/// The rows of all static tables of a job in its tests.
///
/// # Errors
/// Rows that do not fit the columns that the job gives a table.
pub fn of_tests(job: &Job) -> Result<BTreeMap<String, Given>, StaticError> {
    job.statics.iter().map(|(name, table)| Ok((name.clone(), of_table(job, table)?))).collect()
}

fn of_table(job: &Job, table: &StaticTable) -> Result<Given, StaticError> {
    let steps = job.tests.iter().flat_map(|test| &test.steps);
    let giving: Vec<_> = steps.filter_map(|step| Some((step.place.start, step.statics.get(&table.name)?))).collect();
    let all: Vec<_> = std::iter::once(Vec::new()).chain(giving.iter().map(|(_, rows)| rows.to_vec())).collect();
    let mut rows = StaticRows::of_test(table, &all)?.into_iter();
    let at_first =
        rows.next().ok_or_else(|| StaticError::Internal("a static table of a test has no rows".to_string()))?;
    Ok(Given { at_first, steps: giving.into_iter().map(|(place, _)| place).zip(rows).collect() })
}
