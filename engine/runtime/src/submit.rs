//! `engine submit`: a job from start to end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use job::{Job, Trigger};
use plan::plan_job;

use crate::backends::Backends;
use crate::error::RunError;
use crate::job_run::{JobRun, RunOptions, Summary};
use crate::progress::ProgressListener;
use crate::schemas::{problems, schemas};
use crate::statics::StaticSchemas;
use crate::step::FailPoint;
use crate::stop::Abort;

/// How a job is run.
pub struct SubmitOptions {
    /// Ends the job once everything that is there now is done.
    pub available_now: bool,
    /// Set to end the job after the running epoch.
    pub stop: Arc<AtomicBool>,
    /// Gets a report of every epoch.
    pub listener: Box<dyn ProgressListener>,
    /// Where the process kills itself, for drills and tests; `None`: nowhere.
    pub fail_point: Option<FailPoint>,
}

/// Runs a job until it is stopped, or until everything that is there is done.
///
/// Must be called on a plain thread, not on an async runtime: clients of sources live and die on it.
///
/// # Errors
/// Why the job cannot go on. What was committed stays; a new run goes on from there.
pub fn submit(job: Job, options: SubmitOptions, backends: &Backends) -> Result<Summary, RunError> {
    let SubmitOptions { available_now, stop, mut listener, fail_point } = options;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| RunError::Internal(format!("no async runtime: {error}")))?;
    let trigger =
        if (available_now || job.ends()) && job.trigger != Trigger::Once { Trigger::AvailableNow } else { job.trigger };
    let abort = Abort::after(&stop);
    let statics = StaticSchemas::find(&job, &backends.registry, runtime.handle())?;
    let graph = Arc::new(
        plan_job(&job, &schemas(&job, &statics.schemas), &backends.registry.capabilities(&job.warehouse))
            .map_err(problems)?,
    );
    let options = RunOptions { trigger, stop, abort: &abort, fail_point };
    let mut run = JobRun::open(job, (graph, statics), options, runtime.handle(), backends)?;
    let redo = run.recover(&mut |text| listener.note(text))?;
    let result = run.go_on(redo, trigger, listener.as_mut());
    drop(abort);
    let summary = run.summary().clone();
    let closed = run.end();
    match result {
        Ok(()) | Err(RunError::Stopped) => closed.map(|()| summary),
        // What ended the run is the cause; that closing fails too can only follow from it.
        Err(error) => Err(error),
    }
}
