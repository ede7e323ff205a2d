//! A case's job, opened in memory, and what happens to it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use connector::StaticRows;
use runtime::RunError;
use testkit::{MemoryOptions, MemoryRun};

use crate::case::{Act, BEGIN_US, Case, SOURCES, Static};
use crate::query::STATIC;
use crate::times::{Part, spent};

/// Why a case's job cannot be opened.
pub enum Refusal {
    /// The generator made a job that is refused.
    Job(String),
    Engine(RunError),
}

/// Plans a case's job and opens it.
pub fn open(case: &Case) -> Result<MemoryRun, Refusal> {
    let job =
        job::parse("oracle.toml", &case.job_file(), &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
            .map_err(|problems| Refusal::Job(problems.render(false)))?;
    let graph = spent(Part::Plan, || {
        let mut schemas = runtime::source_schemas(&job);
        for (name, table) in &job.statics {
            schemas.insert(name.clone(), formats::arrow_schema(&table.schema));
        }
        plan::plan_job(&job, &schemas, &connector::Capabilities::FILES)
    });
    let graph = graph.map_err(|problems| Refusal::Job(format!("the job is refused: {problems:#?}")))?;
    let options = MemoryOptions { lanes: case.lanes, lanes_span_min: 0, time_us: BEGIN_US };
    let statics = case.fixed.iter().map(|fixed| (STATIC.to_string(), fixed.rows(0))).collect();
    spent(Part::Open, || MemoryRun::with_statics(job, graph.into(), &options, statics)).map_err(Refusal::Engine)
}

/// Lets time pass and rows come. `version` is that of the static table.
pub fn arrive(run: &mut MemoryRun, case: &Case, act: &Act, version: &mut usize) -> Result<(), RunError> {
    run.set_time(run.time_us() + act.passes_us);
    if let (true, Some(fixed)) = (act.refreshes, &case.fixed) {
        *version += 1;
        run.set_static(STATIC, fixed.rows(*version))?;
    }
    for (source, partition, row) in &act.rows {
        run.append(SOURCES[*source], *partition, [row.record()])?;
    }
    Ok(())
}

impl Static {
    /// The rows of a version as the engine has them.
    fn rows(&self, version: usize) -> StaticRows {
        let rows = &self.versions[version];
        let columns: [(&str, ArrayRef, bool); 3] = [
            ("k", Arc::new(rows.iter().map(|row| row.k.clone()).collect::<StringArray>()), true),
            ("n", Arc::new(rows.iter().map(|row| Some(row.n)).collect::<Int64Array>()), true),
            ("c", Arc::new(rows.iter().map(|row| row.c).collect::<Int64Array>()), true),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        StaticRows { version: format!("v{version}"), batch }
    }
}
