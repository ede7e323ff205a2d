//! The published state that is looked at: all tables as of one epoch, and the epochs on record up to it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connector::{AsOf, Registry, TableSnapshot, Warehouse};
use datafusion::prelude::SessionContext;
use epoch::{Commit, EpochId, Plan, paths};
use job::Job;
use state::{Checkpoint, StateError};

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
    /// Eight hex digits that the job's data files bear, if the checkpoint is there.
    job_id: Option<String>,
    /// The epochs on record, up to the published one.
    pub commits: BTreeMap<EpochId, Commit>,
}

impl WarehouseSnapshot {
    /// Looks at a job's warehouse and checkpoint.
    pub async fn find(job: &Job, connectors: &Registry) -> Result<WarehouseSnapshot, String> {
        let warehouse = connectors.warehouse(&job.warehouse).await.map_err(|error| error.to_string())?;
        for _ in 0..TRIES {
            let before = published(warehouse.as_ref(), job).await?;
            let tables = warehouse.tables(AsOf::Latest, Some(FILE)).await.map_err(|error| error.to_string())?;
            // Nothing locks a warehouse. So the pointer is read before and after the tables: if it stood still and no table is ahead of it
            // (which it is while an epoch is being published), all of them were read as of one epoch.
            let is_ahead = |table: &TableSnapshot| {
                table.files.iter().filter_map(|file| paths::origin_of(file)).any(|(_, at)| at > before)
            };
            if published(warehouse.as_ref(), job).await? == before && !tables.iter().any(is_ahead) {
                let (job_id, commits) = on_record(job, before)?;
                let tables = tables.into_iter().map(|table| (table.info.name.clone(), table)).collect();
                return Ok(WarehouseSnapshot { epoch: before, warehouse, tables, job_id, commits });
            }
            tokio::time::sleep(WAIT).await;
        }
        Err(format!("the job {} publishes faster than its tables can be opened; stop it, or try again", job.name))
    }

    /// Lets a session read the tables.
    pub fn prepare(&self, context: &SessionContext) -> Result<(), String> {
        self.warehouse.prepare(context).map_err(|error| error.to_string())
    }

    /// A table as it was published.
    pub fn table(&self, table: &str) -> Result<&TableSnapshot, String> {
        self.tables.get(table).ok_or_else(|| format!("the warehouse has no table {table}: it never had a row"))
    }

    /// Refuses a table with rows that another checkpoint's epochs wrote.
    pub fn check_origin(&self, table: &str) -> Result<(), String> {
        let Some(own) = &self.job_id else { return Ok(()) };
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

async fn published(warehouse: &dyn Warehouse, job: &Job) -> Result<EpochId, String> {
    let pointers = warehouse.pointers().await.map_err(|error| error.to_string())?;
    let own = pointers.into_iter().find(|pointer| pointer.job == job.name);
    own.map(|pointer| pointer.epoch).ok_or_else(|| {
        format!("the job {} has published nothing in {}; run it first: engine submit", job.name, job.warehouse)
    })
}

fn on_record(job: &Job, until: EpochId) -> Result<(Option<String>, BTreeMap<EpochId, Commit>), String> {
    let reader = match Checkpoint::open_read_only(Path::new(&job.checkpoint)) {
        Ok(reader) => reader,
        Err(StateError::NotACheckpoint { .. }) => return Ok((None, BTreeMap::new())),
        Err(error) => return Err(error.to_string()),
    };
    let commits = reader.commits(EpochId(0)..=until).map_err(|error| error.to_string())?;
    let with_epoch = commits.map(|commit| commit.map(|commit| (commit.plan.epoch, commit)));
    let commits = with_epoch.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    Ok((Some(reader.job_id().to_owned()), commits))
}
