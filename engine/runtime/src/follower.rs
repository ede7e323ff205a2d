//! Step Publish: the warehouse follows the commits, in order, on a thread of its own, while the next epoch is read.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use connector::{ErrorKind, Sink, SinkTable, Tables, WriterId};
use epoch::{Commit, EpochId, Owner, Permit, Step};
use tokio::runtime::Handle;

use crate::bounds::{Bounds, Reached};
use crate::error::RunError;
use crate::step::Steps;
use crate::waiting::Waiting;

/// Publishes commits of one job to its warehouse.
pub struct Publisher {
    /// The warehouse.
    pub sink: Arc<dyn Sink>,
    /// Who writes.
    pub writer: WriterId,
    /// The owner that this run is.
    pub owner: Owner,
    /// All tables of the job, rejected and late ones included.
    pub tables: Tables,
    /// What async calls run on.
    pub runtime: Handle,
}

impl Publisher {
    /// Makes a commit visible in every table, and says so. May be repeated; only a durable commit can be published.
    ///
    /// # Errors
    /// The store's errors; publishing goes on where it stopped when it is repeated.
    pub fn publish(&self, permit: &Permit) -> Result<BTreeMap<String, i64>, RunError> {
        let publish = self.sink.publish(&self.writer, self.owner, &self.tables, permit.commit());
        Ok(self.runtime.block_on(publish)?)
    }
}

/// An epoch that was published.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedEpoch {
    /// Its commit.
    pub commit: Arc<Commit>,
    /// Version of each table, where it is known.
    pub versions: BTreeMap<String, i64>,
    /// What publishing took, microseconds.
    pub spent_us: u64,
}

impl PublishedEpoch {
    /// Its number.
    pub fn epoch(&self) -> EpochId {
        self.commit.plan.epoch
    }
}

/// What the follower's thread and the run share.
#[derive(Default)]
struct Progress {
    /// Commits that are to be published and since when, the first of them being at work.
    waiting: VecDeque<(Permit, Instant)>,
    /// Why the first of them is not published yet, if that is known.
    trouble: Option<String>,
    /// What was published and not yet taken, oldest first.
    published: VecDeque<PublishedEpoch>,
    /// Why nothing more is published, until somebody has heard it.
    ended: Option<Ended>,
    has_ended: bool,
    is_closing: bool,
}

/// How far the warehouse is behind, once nothing more may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Commits that are not published.
    pub commits: usize,
    /// The first of them.
    pub first: EpochId,
    /// The last of them.
    pub last: EpochId,
    /// Bytes of the data files that they add.
    pub bytes: u64,
    /// How long the first has waited.
    pub age: Duration,
    /// The bound that this reaches.
    pub reached: Reached,
    /// Why it is not published, if that is known.
    pub trouble: Option<String>,
}

impl Behind {
    /// How far the warehouse is behind, if that reaches a bound.
    fn of(progress: &Progress, bounds: &Bounds) -> Option<Behind> {
        let ((first, since), (last, _)) = (progress.waiting.front()?, progress.waiting.back()?);
        let added = progress.waiting.iter().flat_map(|(permit, _)| permit.commit().tables.values());
        let bytes = added.flat_map(|table| &table.added).map(|file| file.bytes).sum();
        let (commits, age) = (progress.waiting.len(), since.elapsed());
        Some(Behind {
            commits,
            first: first.commit().plan.epoch,
            last: last.commit().plan.epoch,
            bytes,
            age,
            reached: bounds.reached(commits, bytes, age)?,
            trouble: progress.trouble.clone(),
        })
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Behind { commits, first, last, bytes, age, reached, trouble } = self;
        let why = trouble.as_deref().unwrap_or("the warehouse takes that long");
        write!(
            f,
            "{commits} epochs ({first} to {last}, {:.1} MiB) are committed and not yet published; nothing more is read until one is{reached}. \
             Epoch {first} has waited for {} s: {why}",
            *bytes as f64 / f64::from(1 << 20),
            age.as_secs()
        )
    }
}

enum Ended {
    Failed(RunError),
    Panicked(Box<dyn Any + Send>),
}

#[derive(Default)]
struct Shared {
    progress: Mutex<Progress>,
    changed: Condvar,
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is so, or the follower has ended.
    fn wait_until(&self, is_so: impl Fn(&Progress) -> bool) -> MutexGuard<'_, Progress> {
        let mut progress = self.progress();
        while !progress.has_ended && !is_so(&progress) {
            progress = self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
        progress
    }
}

/// The warehouse as a follower.
pub struct Follower {
    publisher: Arc<Publisher>,
    bounds: Bounds,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Follows with what is committed from now on. `abort`: set to give up waiting for a warehouse that is away.
    pub fn start(publisher: Publisher, bounds: Bounds, steps: &Arc<Steps>, abort: &Arc<AtomicBool>) -> Follower {
        let (publisher, shared) = (Arc::new(publisher), Arc::new(Shared::default()));
        let (own, theirs) = (Arc::clone(&publisher), Arc::clone(&shared));
        let (steps, abort) = (Arc::clone(steps), Arc::clone(abort));
        let thread = std::thread::spawn(move || {
            // What unwinds here is passed on to the run: a fail point, or a fault of the engine.
            let work = std::panic::AssertUnwindSafe(|| follow(&own, &theirs, &steps, &abort));
            let ended = match std::panic::catch_unwind(work) {
                Ok(Ok(())) => return,
                Ok(Err(error)) => Ended::Failed(error),
                Err(panic) => Ended::Panicked(panic),
            };
            let mut progress = theirs.progress();
            (progress.ended, progress.has_ended) = (Some(ended), true);
            drop(progress);
            theirs.changed.notify_all();
        });
        Follower { publisher, bounds, shared, thread: Some(thread) }
    }

    /// A commit is being made durable: what its publishing takes and nobody sees may be done beside that. Only if nothing waits to be
    /// published: what a commit before it will have changed is not known yet, and nobody waits for this one.
    pub fn prepare(&self, commit: &Commit) {
        if !self.shared.progress().waiting.is_empty() {
            return;
        }
        let Publisher { sink, writer, owner, tables, runtime } = self.publisher.as_ref();
        let _on_runtime = runtime.enter();
        sink.prepare_publish(writer, *owner, tables, commit);
    }

    /// Hands a commit over. Waits while too many are waiting already.
    ///
    /// # Errors
    /// Why an earlier one could not be published.
    pub fn follow(&self, permit: Permit) -> Result<(), RunError> {
        let mut progress = self.shared.wait_until(|progress| progress.waiting.len() < self.bounds.commits);
        raise(&mut progress)?;
        progress.waiting.push_back((permit, Instant::now()));
        self.shared.changed.notify_all();
        Ok(())
    }

    /// The oldest epoch that was published and not yet taken: each is handed over once, those before an error ahead of it. `wait`:
    /// there is none only if nothing is waiting to be published any more.
    ///
    /// # Errors
    /// Why a commit could not be published.
    pub fn take_published(&self, wait: bool) -> Result<Option<PublishedEpoch>, RunError> {
        let is_answered = |progress: &Progress| !progress.published.is_empty() || progress.waiting.is_empty();
        let mut progress = self.shared.wait_until(|progress| !wait || is_answered(progress));
        match progress.published.pop_front() {
            Some(published) => Ok(Some(published)),
            None => raise(&mut progress).map(|()| None),
        }
    }

    /// Waits until another commit may be handed over, but for `time` at most: `None` then, else how far the warehouse is behind.
    ///
    /// # Errors
    /// Why a commit could not be published.
    pub fn behind(&self, time: Duration) -> Result<Option<Behind>, RunError> {
        let behind = |progress: &Progress| {
            if progress.has_ended { None } else { Behind::of(progress, &self.bounds) }
        };
        let is_full = |progress: &mut Progress| behind(progress).is_some();
        let waited = self.shared.changed.wait_timeout_while(self.shared.progress(), time, is_full);
        let (mut progress, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match behind(&progress) {
            Some(behind) => Ok(Some(behind)),
            None if progress.has_ended => raise(&mut progress).map(|()| None),
            None => Ok(None),
        }
    }

    /// What publishes.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// One of the tables, by name.
    pub fn table(&self, name: &str) -> Option<&Arc<dyn SinkTable>> {
        self.publisher.tables.get(name)
    }

    /// Waits for background work on the tables to end.
    pub fn wait_idle(&self) {
        self.publisher.runtime.block_on(async {
            for table in self.publisher.tables.values() {
                table.wait_idle().await;
            }
        });
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.progress().is_closing = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has said its last word.
            let _ = thread.join();
        }
    }
}

/// Passes on what ended the follower.
fn raise(progress: &mut Progress) -> Result<(), RunError> {
    match progress.ended.take() {
        None if progress.has_ended => {
            Err(RunError::Internal("the follower has ended, and was asked again".to_string().into()))
        }
        None => Ok(()),
        Some(Ended::Failed(error)) => Err(error),
        Some(Ended::Panicked(panic)) => std::panic::resume_unwind(panic),
    }
}

/// Publishes one commit after the other until the run is over.
fn follow(publisher: &Publisher, shared: &Shared, steps: &Steps, abort: &Arc<AtomicBool>) -> Result<(), RunError> {
    loop {
        let permit = {
            let progress = shared.wait_until(|progress| progress.is_closing || !progress.waiting.is_empty());
            match progress.waiting.front() {
                Some((permit, _)) if !progress.is_closing => permit.clone(),
                _ => return Ok(()),
            }
        };
        let (epoch, started) = (permit.commit().plan.epoch, Instant::now());
        let versions = steps.at(Step::Publish, epoch, || publish_waiting(publisher, &permit, shared, abort))?;
        let spent_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut progress = shared.progress();
        progress.waiting.pop_front();
        progress.trouble = None;
        progress.published.push_back(PublishedEpoch { commit: permit.shared(), versions, spent_us });
        drop(progress);
        shared.changed.notify_all();
    }
}

/// Tries to publish a commit before the job is opened again: what the place then is may be another thing than what was opened.
const TRIES: u32 = 3;

/// Publishes a commit. While the place is away it is asked again; what does not pass is left to the driver, who opens the job again and
/// waits for as long as it takes.
fn publish_waiting(
    publisher: &Publisher,
    permit: &Permit,
    shared: &Shared,
    abort: &Arc<AtomicBool>,
) -> Result<BTreeMap<String, i64>, RunError> {
    let mut waiting = Waiting::default();
    for _ in 1..TRIES {
        match publisher.publish(permit) {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                shared.progress().trouble = Some(error.to_string());
                waiting.after(&error, abort)?;
            }
            published => return published,
        }
    }
    publisher.publish(permit)
}

#[cfg(test)]
mod tests;
