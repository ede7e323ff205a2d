//! The published state that is looked at: all tables as of one epoch, and the epochs on record up to it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connector::{AsOf, Pointer, Registry, TableSnapshot, Warehouse};
use datafusion::prelude::SessionContext;
use epoch::{Commit, EpochId, Plan, paths};
use job::Job;
use state::{Checkpoint, CheckpointReader, StateError};

use super::counting::Books;

/// The column with the data file of a row.
pub const FILE: &str = "__file";

/// How often a job that is publishing is looked at again: two seconds in all, many times what publishing an epoch takes.
const TRIES: usize = 50;

/// Time between two looks.
const WAIT: Duration = Duration::from_millis(40);

/// A warehouse as of one epoch.
pub struct WarehouseSnapshot {
    /// The last published epoch.
    pub epoch: EpochId,
    warehouse: Arc<dyn Warehouse>,
    /// Tables at their newest versions.
    tables: BTreeMap<String, TableSnapshot>,
    /// Eight hex digits that the job's data files bear.
    job_id: String,
    /// The epochs on record, up to the published one.
    pub commits: BTreeMap<EpochId, Commit>,
    /// The oldest epoch that is committed and not published, if there is one.
    pub unpublished: Option<EpochId>,
    /// Epochs after that of the warehouse which were published, as the checkpoint says: the warehouse was set back.
    lost: BTreeMap<EpochId, Commit>,
}

impl WarehouseSnapshot {
    /// Looks at a job's warehouse and checkpoint.
    pub async fn find(job: &Job, connectors: &Registry) -> Result<WarehouseSnapshot, String> {
        let warehouse = connectors.warehouse(&job.warehouse).await.map_err(|error| error.to_string())?;
        // Asked before the pointer is, which is put first: what was published by now it cannot lack.
        let was_published = reader(job)?.published().map_err(|error| error.to_string())?;
        let own = reader(job)?.job_id().to_owned();
        let first = published(warehouse.as_ref(), job).await?;
        let (mut before, mut ahead) = (first.clone(), Vec::new());
        for _ in 0..TRIES {
            let tables = warehouse.tables(AsOf::Latest, Some(FILE)).await.map_err(|error| error.to_string())?;
            // Nothing locks a warehouse. So the pointer is read before and after the tables: if it stood still and no table is ahead of it
            // (which it is while an epoch is being published), all of them were read as of one epoch.
            let after = published(warehouse.as_ref(), job).await?;
            let is_ahead = |table: &TableSnapshot| newest_epoch(table, &before, &own) > Some(before.epoch);
            if after == before && !tables.iter().any(is_ahead) {
                let (job_id, mut commits) = on_record(job, EpochId(0)..=EpochId(u64::MAX))?;
                let later = commits.split_off(&before.epoch.next());
                if !tables.iter().any(|table| has_lost_files(table, &later)) {
                    let tables = tables.into_iter().map(|table| (table.info.name.clone(), table)).collect();
                    let (epoch, unpublished) = (before.epoch, later.first_key_value().map(|(epoch, _)| *epoch));
                    let mut lost = later;
                    lost.retain(|epoch, _| was_published.as_ref().is_some_and(|known| *epoch <= known.epoch));
                    if lost.is_empty() {
                        check_age(job, &before, &job_id, &commits)?;
                    }
                    return Ok(WarehouseSnapshot { epoch, warehouse, tables, job_id, commits, unpublished, lost });
                }
            }
            (before, ahead) = (after, tables);
            tokio::time::sleep(WAIT).await;
        }
        if before == first {
            let newest = ahead.iter().filter_map(|table| newest_epoch(table, &first, &own)).max();
            return Err(unfinished(job, first.epoch, newest, &ahead)?);
        }
        Err(format!("the job {} publishes faster than its tables can be opened; stop it, or try again", job.name))
    }

    /// Lets a session read the tables.
    pub fn prepare(&self, context: &SessionContext) -> Result<(), String> {
        self.warehouse.prepare(context).map_err(|error| error.to_string())
    }

    /// Every table that the commits name, whether the job still has it or not.
    pub fn sinks(&self) -> impl Iterator<Item = &String> {
        let newest = self.lost.values().next_back().or_else(|| self.commits.get(&self.epoch));
        newest.into_iter().flat_map(|commit| commit.sinks.keys())
    }

    /// The epochs that were published and are no longer in the warehouse, oldest and newest.
    pub fn lost(&self) -> Option<(EpochId, EpochId)> {
        Some((*self.lost.first_key_value()?.0, *self.lost.last_key_value()?.0))
    }

    /// The epoch that the warehouse must be at, as the checkpoint says.
    pub fn must_be_at(&self) -> EpochId {
        self.lost().map_or(self.epoch, |(_, newest)| newest)
    }

    /// What the commits say of a table, those included that the warehouse has lost; `None` if that of the published epoch is not on record.
    pub fn books(&self, table: &str) -> Option<Books<'_>> {
        let is_on_record = self.commits.contains_key(&self.epoch) || !self.lost.is_empty();
        let commits = self.commits.iter().chain(&self.lost);
        Books::of(table, commits, &self.job_id).filter(|_| is_on_record)
    }

    /// A table as it lies in the warehouse, readable or not; `None` if it is not there.
    pub fn present(&self, table: &str) -> Option<&TableSnapshot> {
        self.tables.get(table)
    }

    /// A table as it was published.
    pub fn table(&self, table: &str) -> Result<&TableSnapshot, String> {
        let found = self.tables.get(table);
        let found = found.ok_or_else(|| format!("the warehouse has no table {table}"))?;
        found.info.damage.as_ref().map_or(Ok(found), |reason| Err(reason.clone()))
    }

    /// Rows that came too late for a table, in the epochs on record.
    pub fn late_rows(&self, table: &str) -> u64 {
        self.commits.values().filter_map(|commit| commit.tables.get(table)).map(|table| table.counts.late).sum()
    }

    /// Refuses a table with rows that another checkpoint's epochs wrote.
    pub fn check_origin(&self, table: &str) -> Result<(), String> {
        let own = &self.job_id;
        let files = self.table(table)?.files.iter();
        match files.filter_map(|file| paths::origin_of(file)).find(|(job_id, _)| job_id != own) {
            Some((other, _)) => Err(format!(
                "{table} holds rows written with another checkpoint ({other}, not {own}), whose epochs are not on record"
            )),
            None => Ok(()),
        }
    }

    /// The plan of the published epoch.
    pub fn last_plan(&self) -> Option<&Plan> {
        self.commits.get(&self.epoch).map(|commit| &commit.plan)
    }

    /// The oldest epoch on record, if there were older ones.
    pub fn first_missing(&self) -> Option<EpochId> {
        self.commits.keys().next().copied().filter(|first| first.0 > 0)
    }
}

async fn published(warehouse: &dyn Warehouse, job: &Job) -> Result<Pointer, String> {
    let pointers = warehouse.pointers().await.map_err(|error| error.to_string())?;
    let own = pointers.into_iter().find(|pointer| pointer.job == job.name);
    own.ok_or_else(|| {
        format!("the job {} has published nothing in {}; run it first: engine submit", job.name, job.warehouse)
    })
}

/// The newest epoch that the names of a table's data files tell of, if the table is the job's. Of files that another job or another
/// checkpoint (`own` is the job's) wrote, the epochs are others.
fn newest_epoch(table: &TableSnapshot, pointer: &Pointer, own: &str) -> Option<EpochId> {
    let is_own = pointer.versions.contains_key(&table.info.name);
    let origins = table.files.iter().filter(|_| is_own).filter_map(|file| paths::origin_of(file));
    origins.filter(|(job_id, _)| own == *job_id).map(|(_, epoch)| epoch).max()
}

/// True if an epoch that is not published everywhere has taken files out of a table and put none into it: no name tells of it.
fn has_lost_files(table: &TableSnapshot, later: &BTreeMap<EpochId, Commit>) -> bool {
    let changes = later.values().filter_map(|commit| commit.tables.get(&table.info.name));
    let mut only_taken = changes.filter(|change| change.added.is_empty()).flat_map(|change| &change.removed);
    only_taken.any(|file| !table.files.contains(&file.path))
}

/// Why the tables do not belong to one epoch, though nothing moves: the publishing of the newest one was cut short.
fn unfinished(job: &Job, at: EpochId, in_tables: Option<EpochId>, tables: &[TableSnapshot]) -> Result<String, String> {
    let (_, commits) = on_record(job, EpochId(at.0 + 1)..=EpochId(u64::MAX))?;
    let newest = in_tables.max(commits.keys().next_back().copied()).unwrap_or(at);
    let is_there = |name: &str, path: &str| {
        tables.iter().any(|table| table.info.name == name && table.files.iter().any(|file| file == path))
    };
    let changes = commits.get(&newest).into_iter().flat_map(|commit| &commit.tables);
    let lacking = changes.filter(|(name, change)| change.added.iter().any(|file| !is_there(name, &file.path)));
    let lacking: Vec<&str> = lacking.map(|(name, _)| name.as_str()).collect();
    let what = match (commits.is_empty(), lacking.is_empty()) {
        (true, _) => format!("is in some of the tables, and epoch {at} is the last that is known to be in all of them"),
        (false, true) => format!("is in all tables, but readers are still pointed at epoch {at}"),
        (false, false) => format!("is committed, but not published in {}", lacking.join(", ")),
    };
    Ok(format!(
        "epoch {newest} of the job {} {what}; run the job, which publishes it first: engine submit. (If it is running, it waits for its store: look at its log)",
        job.name
    ))
}

/// Refuses a checkpoint that cannot say what the tables must hold.
fn check_age(job: &Job, pointer: &Pointer, own: &str, commits: &BTreeMap<EpochId, Commit>) -> Result<(), String> {
    let (checkpoint, warehouse, at) = (&job.checkpoint, &job.warehouse, pointer.epoch);
    let is_own = pointer.job_id.is_empty() || pointer.job_id == own;
    match commits.last_key_value() {
        Some((newest, _)) if is_own && *newest < at => Err(format!(
            "the checkpoint {checkpoint} is older (epoch {newest}) than the tables in {warehouse} (epoch {at}): it is an earlier copy, and \
             nothing there says what they must hold. Bring back the one that belongs to them"
        )),
        None if !is_own => Err(format!(
            "the checkpoint {checkpoint} has no epochs, and another one ({}) published the tables in {warehouse}: nothing says what they must \
             hold. Bring back the one that belongs to them",
            pointer.job_id
        )),
        None => Err(format!(
            "the checkpoint {checkpoint} has no epochs up to {at}, which the tables in {warehouse} are at: nothing says what they must hold. \
             Bring back the one that belongs to them"
        )),
        Some(_) => Ok(()),
    }
}

/// The epochs on record, and the job id of the checkpoint.
fn on_record(job: &Job, epochs: RangeInclusive<EpochId>) -> Result<(String, BTreeMap<EpochId, Commit>), String> {
    let reader = reader(job)?;
    let commits = reader.commits(epochs).map_err(|error| error.to_string())?;
    let with_epoch = commits.map(|commit| commit.map(|commit| (commit.plan.epoch, commit)));
    let commits = with_epoch.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    Ok((reader.job_id().to_owned(), commits))
}

/// The job's checkpoint as it is now.
fn reader(job: &Job) -> Result<CheckpointReader, String> {
    Checkpoint::open_read_only(Path::new(&job.checkpoint)).map_err(|error| match error {
        // Whoever only looks has no use for the remedy of a job that wants to begin there.
        StateError::NotACheckpoint { folder, reason } => format!(
            "{} is not a checkpoint: {reason}. Nothing else says what the tables must hold: bring the job's checkpoint back, or name its \
             folder as `checkpoint` in the job file",
            folder.display()
        ),
        error => error.to_string(),
    })
}
