//! Whether what the queries give can be kept in tables: names and types of their columns.

use connector::{Registry, SinkError};
use job::Job;
use plan::{Graph, JobProblem, SqlProblem};

/// The columns that no table of the job's warehouse can have, by table: a name that is there twice or has a blank, a value that is always NULL.
pub fn table_problems(job: &Job, graph: &Graph, registry: &Registry) -> Vec<JobProblem> {
    let problem = |plan: &plan::TablePlan| {
        let text = match registry.table_schema(&job.warehouse, &plan.schema).err()? {
            SinkError::Refused(text) => text.to_string(),
            other => other.to_string(),
        };
        let (message, help) = text.split_once("; ").unwrap_or((&text, "give the column another type or name"));
        let problem = SqlProblem::new(message, help).code("INVALID_COLUMN_NAME_OR_TYPE");
        Some(JobProblem::of_table(&plan.name, problem))
    };
    graph.tables.iter().filter_map(problem).collect()
}
