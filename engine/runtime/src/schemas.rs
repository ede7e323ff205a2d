//! The columns that a job's queries read: those of its sources and of its static tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use job::Job;

use crate::error::RunError;

/// Columns of the records of each source, for [`plan::plan_job`].
pub fn source_schemas(job: &Job) -> BTreeMap<String, SchemaRef> {
    job.sources.iter().map(|(name, source)| (name.clone(), formats::source_schema(source))).collect()
}

/// Columns of each source and of each static table, for [`plan::plan_job`].
pub fn schemas(job: &Job, statics: &BTreeMap<String, SchemaRef>) -> BTreeMap<String, SchemaRef> {
    let mut schemas = source_schemas(job);
    schemas.extend(statics.iter().map(|(name, schema)| (name.clone(), Arc::clone(schema))));
    schemas
}

/// The problems of a job's SQL as one error.
pub fn problems(problems: Vec<plan::JobProblem>) -> RunError {
    let lines: Vec<String> = problems
        .iter()
        .map(|plan::JobProblem { of, problem }| {
            let code = problem.code.map(|code| format!("[{code}] ")).unwrap_or_default();
            format!("{of}: {code}{}; {}", problem.message, problem.help)
        })
        .collect();
    RunError::Plan(format!("the job's SQL has problems (see `engine check`):\n{}", lines.join("\n")))
}
