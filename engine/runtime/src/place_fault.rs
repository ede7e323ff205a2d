//! Faults of one place that is written to, for drills and tests: it is away for some tries, or the process dies as soon as it has an epoch,
//! whatever the other places have by then. Places follow the commits each for itself, so each has faults of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use connector::{Content, ReadByThen, Sink, SinkError, SinkPosition, SinkTable, StageWriter, Tables, Warehouse};
use epoch::{ArtifactId, Commit, CommitId, EpochId, Owner};

use crate::step::{FAIL_POINT_VARIABLE, FailPoint, kill_self};

mod sink;

use sink::FaultySink;

/// What is to go wrong in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The process kills itself at a step.
    Kill(FailPoint),
    /// A place fails when an epoch is published to it.
    Place(PlaceFault),
}

/// What is to go wrong with one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceFault {
    /// The place: a table.
    pub place: String,
    /// The epoch.
    pub epoch: EpochId,
    /// What happens when the epoch is published to it.
    pub failure: PlaceFailure,
}

/// How a place fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceFailure {
    /// It does not answer so many times.
    Away {
        /// Tries that are not answered.
        times: u32,
    },
    /// It has the epoch, and the process kills itself at once.
    Killed,
}

impl Fault {
    /// Reads `step:before|after:epoch`, `publish:away:epoch:times:table` or `publish:after:epoch:table`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Fault, String> {
        let help = || {
            format!(
                "{FAIL_POINT_VARIABLE}={text}: write publish:away:epoch:times:table or publish:after:epoch:table, such as publish:away:3:4:gold.t"
            )
        };
        let parts: Vec<&str> = text.split(':').collect();
        let (epoch, place, failure) = match parts.as_slice() {
            ["publish", "away", epoch, times, place] => {
                let times = times.parse().ok().filter(|times| *times > 0).ok_or_else(help)?;
                (epoch, place, PlaceFailure::Away { times })
            }
            ["publish", "after", epoch, place] => (epoch, place, PlaceFailure::Killed),
            ["publish", "away", ..] => return Err(help()),
            _ => return FailPoint::parse(text).map(Fault::Kill),
        };
        let epoch = EpochId(epoch.parse().map_err(|_| help())?);
        match place.is_empty() {
            true => Err(help()),
            false => Ok(Fault::Place(PlaceFault { place: (*place).to_string(), epoch, failure })),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Kill(point) => point.fmt(f),
            Fault::Place(PlaceFault { place, epoch, failure: PlaceFailure::Away { times } }) => {
                write!(f, "publish:away:{epoch}:{times}:{place}")
            }
            Fault::Place(PlaceFault { place, epoch, failure: PlaceFailure::Killed }) => {
                write!(f, "publish:after:{epoch}:{place}")
            }
        }
    }
}

impl PlaceFault {
    /// What the log says each time that the place does not answer.
    pub fn line(&self) -> String {
        format!("fail point: {} does not answer", self.place)
    }
}

/// A fault of a place that is to happen in this process. It outlives the openings of the job.
#[derive(Debug)]
pub struct ArmedFault {
    fault: PlaceFault,
    /// Tries that are still not answered.
    left: AtomicU32,
}

impl ArmedFault {
    /// Arms it.
    pub fn new(fault: PlaceFault) -> ArmedFault {
        let left = match fault.failure {
            PlaceFailure::Away { times } => times,
            PlaceFailure::Killed => 0,
        };
        ArmedFault { fault, left: AtomicU32::new(left) }
    }

    fn is_due(&self, commit: &Commit) -> bool {
        commit.plan.epoch == self.fault.epoch && commit.touch(&self.fault.place).is_some()
    }

    /// Refuses to publish while the place is away.
    fn check_answers(&self, commit: &Commit) -> Result<(), SinkError> {
        let one_less = |left: u32| left.checked_sub(1);
        let is_away =
            self.is_due(commit) && self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_ok();
        if !is_away {
            return Ok(());
        }
        let line = self.fault.line();
        tracing::warn!("{line}");
        Err(SinkError::Unavailable(line.into()))
    }

    /// The place has a commit.
    fn published(&self, commit: &Commit) {
        if self.is_due(commit) && self.fault.failure == PlaceFailure::Killed {
            kill_self();
        }
    }
}

/// What a job publishes to, and its tables, with the fault of one of them.
pub(crate) fn over(
    warehouse: &Arc<dyn Warehouse>,
    mut tables: Tables,
    fault: Option<&Arc<ArmedFault>>,
) -> (Arc<dyn Sink>, Tables) {
    let sink: Arc<dyn Sink> = Arc::<dyn Warehouse>::clone(warehouse);
    if let Some(fault) = fault
        && let Some(table) = tables.get_mut(&fault.fault.place)
    {
        *table = Arc::new(FaultyTable { inner: Arc::clone(table), fault: Arc::clone(fault) });
    }
    (over_sink(sink, fault), tables)
}

/// The sink of a job. One that publishes all tables in one transaction asks none of them: there the fault is the sink's.
fn over_sink(sink: Arc<dyn Sink>, fault: Option<&Arc<ArmedFault>>) -> Arc<dyn Sink> {
    match fault.filter(|_| sink.capabilities().transaction_over_tables) {
        Some(fault) => Arc::new(FaultySink::new(sink, Arc::clone(fault))),
        None => sink,
    }
}

/// A table that fails when an epoch is published to it.
struct FaultyTable {
    inner: Arc<dyn SinkTable>,
    fault: Arc<ArmedFault>,
}

#[async_trait]
impl SinkTable for FaultyTable {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn schema(&self) -> &SchemaRef {
        self.inner.schema()
    }

    async fn define(&self, owner: Owner) -> Result<(), SinkError> {
        self.inner.define(owner).await
    }

    fn stage(&self, artifact: ArtifactId, content: Content) -> Result<Box<dyn StageWriter>, SinkError> {
        self.inner.stage(artifact, content)
    }

    fn prepare_publish(&self, owner: Owner, commit: &Commit) -> Option<i64> {
        self.inner.prepare_publish(owner, commit)
    }

    async fn publish(&self, owner: Owner, commit: &Commit) -> Result<i64, SinkError> {
        self.fault.check_answers(commit)?;
        let version = self.inner.publish(owner, commit).await?;
        self.fault.published(commit);
        Ok(version)
    }

    async fn adopt(&self, owner: Owner, commit: CommitId) -> Result<(), SinkError> {
        self.inner.adopt(owner, commit).await
    }

    async fn position(&self) -> Result<SinkPosition, SinkError> {
        self.inner.position().await
    }

    async fn read_by_then(&self) -> Result<Option<ReadByThen>, SinkError> {
        self.inner.read_by_then().await
    }

    async fn row_count(&self) -> Result<Option<u64>, SinkError> {
        self.inner.row_count().await
    }

    async fn sweep(&self, owner: Owner, newest: Option<EpochId>) -> Result<(), SinkError> {
        self.inner.sweep(owner, newest).await
    }

    async fn rows(&self) -> Result<Vec<RecordBatch>, SinkError> {
        self.inner.rows().await
    }

    async fn wait_idle(&self) {
        self.inner.wait_idle().await;
    }
}

#[cfg(test)]
mod tests;
