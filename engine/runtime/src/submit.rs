//! `engine submit`: a job from start to end, opened again whenever something was away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use connector::{ErrorKind, Message, SourceError};
use job::{Job, Trigger};
use plan::plan_job;
use tokio::runtime::Runtime;

use crate::backends::Backends;
use crate::error::RunError;
use crate::job_run::{JobRun, RunOptions, Summary};
use crate::place_fault::{ArmedFault, Fault};
use crate::progress::ProgressListener;
use crate::replay;
use crate::schemas::{problems, schemas};
use crate::statics::StaticSchemas;
use crate::step::FailPoint;
use crate::stop::Abort;
use crate::waiting::Waiting;

/// How a job is run.
pub struct SubmitOptions {
    /// Ends the job once everything that is there now is done.
    pub available_now: bool,
    /// Set to end the job after the running epoch.
    pub stop: Arc<AtomicBool>,
    /// Gets a report of every epoch.
    pub listener: Box<dyn ProgressListener>,
    /// What is to go wrong, for drills and tests; `None`: nothing.
    pub fault: Option<Fault>,
    /// The words of the contradictions that somebody has decided to go on in spite of ([`epoch::Contradiction::word`]).
    pub accepted: BTreeSet<String>,
    /// The tables whose unpublished epochs somebody has decided to drop.
    pub abandoned: BTreeSet<String>,
    /// A checkpoint whose epochs are run again, and no others: `engine replay`.
    pub replayed: Option<PathBuf>,
}

/// Runs a job until it is stopped, or until everything that is there is done. What is away is waited for: the job is opened again from
/// its checkpoint, so that nothing of the attempt that failed is left in memory.
///
/// Must be called on a plain thread, not on an async runtime: clients of sources live and die on it.
///
/// # Errors
/// Why the job cannot go on. What was committed stays; a new run goes on from there.
pub fn submit(job: Job, options: SubmitOptions, backends: &Backends) -> Result<Summary, RunError> {
    let SubmitOptions { available_now, stop, mut listener, fault, accepted, abandoned, replayed } = options;
    let (fail_point, place_fault) = match fault {
        None => (None, None),
        Some(Fault::Kill(point)) => (Some(point), None),
        Some(Fault::Place(fault)) => (None, Some(Arc::new(ArmedFault::new(fault)))),
    };
    let available_now = available_now || replayed.is_some();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| RunError::Internal(Message::caused_by(format!("no async runtime: {error}"), &error)))?;
    let trigger =
        if (available_now || job.ends()) && job.trigger != Trigger::Once { Trigger::AvailableNow } else { job.trigger };
    let (mut total, mut waiting, mut is_retry) = (Summary::default(), Waiting::default(), false);
    loop {
        let replayed = replayed.as_deref();
        let run = Attempt {
            job: &job,
            trigger,
            stop: &stop,
            fail_point,
            place_fault: place_fault.as_ref(),
            accepted: &accepted,
            abandoned: &abandoned,
            replayed,
            is_retry,
            runtime: &runtime,
        };
        let (summary, ended) = run.until_it_ends(listener.as_mut(), backends);
        total.add(&summary);
        is_retry = true;
        if summary.epochs > 0 {
            waiting.is_over();
        }
        match ended {
            Ok(()) | Err(RunError::Stopped) => return Ok(total),
            Err(error) if error.kind() == ErrorKind::Unavailable => match waiting.after(&error, &stop) {
                Ok(()) => {}
                Err(_) => return Ok(total),
            },
            Err(RunError::Source(SourceError::DataLoss(loss))) if replayed.is_some() => {
                return Err(replay::lost(&loss));
            }
            Err(error) => return Err(error),
        }
    }
}

/// One opening of a job.
struct Attempt<'a> {
    job: &'a Job,
    trigger: Trigger,
    stop: &'a Arc<AtomicBool>,
    fail_point: Option<FailPoint>,
    place_fault: Option<&'a Arc<ArmedFault>>,
    accepted: &'a BTreeSet<String>,
    abandoned: &'a BTreeSet<String>,
    replayed: Option<&'a Path>,
    is_retry: bool,
    runtime: &'a Runtime,
}

impl Attempt<'_> {
    /// Opens the job, runs it, and closes it again. What was done until it ended, and why it did.
    fn until_it_ends(
        &self,
        listener: &mut dyn ProgressListener,
        backends: &Backends,
    ) -> (Summary, Result<(), RunError>) {
        let abort = Abort::after(self.stop);
        let mut run = match self.open(&abort, listener, backends) {
            Ok(run) => run,
            Err(error) => return (Summary::default(), Err(error)),
        };
        let result = run.go_on(self.trigger, listener);
        drop(abort);
        let summary = run.summary().clone();
        let closed = run.end();
        match result {
            Ok(()) | Err(RunError::Stopped) => (summary, closed),
            // What ended the run is the cause; that closing fails too can only follow from it.
            Err(error) => (summary, Err(error)),
        }
    }

    fn open(
        &self,
        abort: &Abort,
        listener: &mut dyn ProgressListener,
        backends: &Backends,
    ) -> Result<JobRun, RunError> {
        let statics = StaticSchemas::find(self.job, &backends.registry, self.runtime.handle())?;
        let capabilities = backends.registry.capabilities(&self.job.warehouse);
        let graph = plan_job(self.job, &schemas(self.job, &statics.schemas), &capabilities).map_err(problems)?;
        let options = RunOptions {
            trigger: self.trigger,
            stop: Arc::clone(self.stop),
            abort,
            fail_point: self.fail_point,
            place_fault: self.place_fault,
            accepted: self.accepted,
            abandoned: self.abandoned,
            replayed: self.replayed,
            is_retry: self.is_retry,
        };
        let note = &mut |text: &str| listener.note(text);
        JobRun::open(self.job.clone(), (Arc::new(graph), statics), options, self.runtime.handle(), backends, note)
    }
}
