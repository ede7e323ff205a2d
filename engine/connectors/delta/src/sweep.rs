//! Taking away what attempts have staged that were never committed.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use connector::SinkError;
use epoch::{EpochId, Owner, paths};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use storage::{patiently, retried};

use crate::definition::load;
use crate::error::delta_error;
use crate::table::Table;

/// Epochs before the newest in which orphans are looked for: a start must not list all files that a table ever had.
const EPOCHS_LOOKED_BACK: u64 = 10_000;

/// A data file of this checkpoint.
struct Staged {
    path: Path,
    epoch: EpochId,
}

impl Table {
    /// Deletes the data files that attempts at epochs after `newest` have staged, but for those that the table holds; and those of
    /// attempts at the epochs before it that were given up, if the log knows which attempt was committed. What owners have staged that
    /// came after `owner` stays: they may not have published yet.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`; `Contradiction` if there is something to delete and an owner that came later has published.
    pub async fn sweep(&self, owner: Owner, newest: Option<EpochId>) -> Result<(), SinkError> {
        let shared = &self.shared;
        let first = newest.map_or(EpochId(0), EpochId::next);
        let back = EpochId(first.0.saturating_sub(EPOCHS_LOOKED_BACK));
        let prefix = paths::data_file_prefix(&shared.job_id, back);
        let place = format!("staged files from {prefix}* on of table {}", shared.name);
        let mut staged = self.staged_from(&prefix, back, &place).await?;
        staged.retain(|file| !paths::stager_of(file.path.as_ref()).is_some_and(|stager| owner.is_fenced_by(&stager)));
        if staged.is_empty() {
            return Ok(());
        }
        let is_defined = shared.head.lock().await.is_defined;
        let head = self.read_head(is_defined).await?;
        // Who has published is looked for behind the listing: what was listed is older than that.
        head.fence(&shared.name, owner)?;
        let live = head.live.unwrap_or_default();
        let (later, earlier): (Vec<Staged>, Vec<Staged>) =
            staged.into_iter().filter(|file| !live.contains(file.path.as_ref())).partition(|file| file.epoch >= first);
        let given_up = self.given_up(earlier, &live).await?;
        for file in later.iter().chain(&given_up) {
            retried(&place, || async {
                match shared.store.delete(&file.path).await {
                    Err(object_store::Error::NotFound { .. }) => Ok(()),
                    deleted => deleted,
                }
            })
            .await?;
        }
        Ok(())
    }

    /// The data files of this checkpoint from an epoch on, in the table or not.
    async fn staged_from(&self, prefix: &str, first: EpochId, place: &str) -> Result<Vec<Staged>, SinkError> {
        let shared = &self.shared;
        // Everything before the prefix, the log above all, need not be listed where the store can skip it.
        let offset = Path::from(prefix);
        let paths = retried(place, || {
            shared.store.list_with_offset(None, &offset).map_ok(|object| object.location).try_collect::<Vec<_>>()
        })
        .await?;
        let of_job = |path: Path| {
            let (job_id, epoch) = paths::origin_of(path.as_ref())?;
            (job_id == shared.job_id && epoch >= first).then_some(Staged { epoch, path })
        };
        Ok(paths.into_iter().filter_map(of_job).collect())
    }

    /// Those of files that are not in the table, of committed epochs, that another attempt at their epoch has staged than the one that
    /// was committed. The note of an attempt is not synced: power that fails takes it, and its files were never looked for again.
    ///
    /// An epoch is committed in one attempt. Which, its files in the table say, and those that were taken out of it and that the log
    /// still names; a file of that attempt may be one that readers of old versions need. Where nothing says it, all stay.
    async fn given_up(&self, files: Vec<Staged>, live: &HashSet<String>) -> Result<Vec<Staged>, SinkError> {
        if files.is_empty() {
            return Ok(files);
        }
        let removed = self.removed_files().await?;
        let mut committed: BTreeMap<EpochId, BTreeSet<&str>> = BTreeMap::new();
        for path in live.iter().chain(&removed) {
            if let (Some((job_id, epoch)), Some(attempt)) = (paths::origin_of(path), attempt_of(path))
                && job_id == self.shared.job_id
            {
                committed.entry(epoch).or_default().insert(attempt);
            }
        }
        let is_given_up = |file: &Staged| match (committed.get(&file.epoch), attempt_of(file.path.as_ref())) {
            (Some(committed), Some(attempt)) => !removed.contains(file.path.as_ref()) && !committed.contains(attempt),
            _ => false,
        };
        Ok(files.into_iter().filter(is_given_up).collect())
    }

    /// Files that were taken out of the table, as long as its log names them.
    async fn removed_files(&self) -> Result<HashSet<String>, SinkError> {
        let place = format!("table {}", self.shared.name);
        let Some(table) = load(&self.shared.log, &self.shared.name).await? else { return Ok(HashSet::new()) };
        let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
        patiently(|| async {
            let removed = state.all_tombstones(self.shared.log.as_ref());
            let removed = removed.map_ok(|file| file.path().into_owned()).try_collect::<HashSet<String>>();
            removed.await.map_err(|error| delta_error(&place, &error))
        })
        .await
    }
}

/// What the names of all files of one attempt begin with: all but their number.
fn attempt_of(path: &str) -> Option<&str> {
    path.rsplit_once('-').map(|(attempt, _)| attempt)
}
