//! Publishing: a commit becomes visible in a table, once, whatever the store answers.
//!
//! It is one conditional put of the next log entry, which holds the rows and the job's record: compare-and-set. The position in the
//! log is kept in memory, so nothing is listed and nothing is read back. If the entry is taken, it is read: ours (an answer that was
//! lost) or somebody else's (go behind it). Before the put, and after it, the entry that it follows is looked at: a log that others have
//! summarised and cleaned up in the meantime has room at every old version, where no reader would ever see what is put.

use connector::SinkError;
use epoch::{Commit, CommitId, Contradiction, Owner, StagedFile, TableCommit};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode};
use storage::{Aside, Patience, retried, store_error};

use crate::ahead::put_options;
use crate::definition::define;
use crate::entry::{EntryActions, commit_entry, entry_path, log_time_ms, read_entry, record_entry, unreadable_entry};
use crate::head::{ABSENT, Head};
use crate::record::Record;
use crate::table::Table;

impl Table {
    /// Makes a commit visible and returns the table's version: one log entry with the removed and added files and our record.
    ///
    /// Does nothing if the commit was published before, or does not touch the table. Survives failing stores, answers that come after
    /// an error, and commits of others in between; gives up after a bounded time, and can be called again.
    ///
    /// # Errors
    /// `Unavailable`, `DiskFull`, `Settings`; `Contradiction` if the record is not what must be there before, or a staged file is
    /// gone; `Data` if another program removed a file that this commit replaces. Another program that changed the table's definition
    /// makes it `Unavailable`, for it must be opened again, or `Refused` if that shows only once the log is read anew.
    pub async fn publish(&self, owner: Owner, commit: &Commit) -> Result<i64, SinkError> {
        let mut head = self.shared.head.lock().await;
        let (Some(touch), Some(change)) = (commit.touch(&self.shared.name), commit.tables.get(&self.shared.name))
        else {
            // An empty epoch makes no version: an idle job would fill its tables' logs otherwise.
            return Ok(head.version);
        };
        if head.awaits(&self.shared.name, owner, &touch).is_err() {
            // Somebody may have written since the log was read.
            self.catch_up(&mut head).await?;
        }
        self.check_files(&mut head, owner, commit, change).await?;
        let record = Record { commit: touch.id, owner };
        let mut patience = Patience::default();
        while head.awaits(&self.shared.name, owner, &touch)? {
            self.define_anew(&mut head).await?;
            self.check_removed(&mut head, change).await?;
            if let Err(error) = self.try_commit(&mut head, &record, commit, change).await {
                patience.wait_after(error).await?;
            }
        }
        if commit.owner == owner {
            // What this run stages it knows; the files of earlier runs need not be remembered any longer.
            head.live = None;
        }
        let version = head.version;
        drop(head);
        self.shared.upkeep.summarise_if_due(version);
        Ok(version)
    }

    /// Sets the job's record to a commit and leaves the rows as they are.
    ///
    /// # Errors
    /// As [`Table::publish`]; `Contradiction` only if an owner that came later has published.
    pub async fn adopt(&self, owner: Owner, commit: CommitId) -> Result<(), SinkError> {
        let mut head = self.shared.head.lock().await;
        self.catch_up(&mut head).await?;
        let record = Record { commit, owner };
        let mut patience = Patience::default();
        while head.record != Some(record) {
            head.fence(&self.shared.name, owner)?;
            self.define_anew(&mut head).await?;
            if let Err(error) = self.try_adopt(&mut head, &record).await {
                patience.wait_after(error).await?;
            }
        }
        Ok(())
    }

    async fn try_adopt(&self, head: &mut Head, record: &Record) -> Result<(), SinkError> {
        let version = head.version;
        self.check_log(head, version).await?;
        if head.version == ABSENT || head.record == Some(*record) {
            return Ok(());
        }
        let entry = record_entry(&self.shared.apps, record, head.version, log_time_ms())?;
        self.put(head, (entry, None), record, &TableCommit::default()).await
    }

    /// A table that is not there is made: rows without a definition before them could never be read.
    async fn define_anew(&self, head: &mut Head) -> Result<(), SinkError> {
        if head.version != ABSENT {
            return Ok(());
        }
        define(&self.shared, head).await?;
        match head.version {
            ABSENT => Err(SinkError::Data(format!(
                "table {} was deleted while the job held it open; restore it, or start the job again to make it anew",
                self.shared.name
            ).into())),
            _ => Ok(()),
        }
    }

    /// Puts the entry of a commit, or takes in the one that is already there.
    async fn try_commit(
        &self,
        head: &mut Head,
        record: &Record,
        commit: &Commit,
        change: &TableCommit,
    ) -> Result<(), SinkError> {
        let version = head.version;
        self.check_log(head, version).await?;
        if head.version == ABSENT
            || head.record.map(|held| held.commit) != commit.touch(&self.shared.name).and_then(|touch| touch.before)
        {
            // The log was not where it had been left: the caller compares again.
            return Ok(());
        }
        let entry = match self.shared.next_entry.take(record, head.version).await {
            Some(begun) => begun,
            None => (commit_entry(&self.shared.apps, (record, commit), head.version, change, log_time_ms())?, None),
        };
        self.put(head, entry, record, change).await
    }

    /// Puts the next entry, or takes in the one that is already there.
    async fn put(
        &self,
        head: &mut Head,
        (entry, aside): (bytes::Bytes, Option<Aside>),
        record: &Record,
        change: &TableCommit,
    ) -> Result<(), SinkError> {
        let before = head.version;
        let next = before + 1;
        let place = format!("commit {next} of table {}", self.shared.name);
        let options = put_options(PutMode::Create, aside);
        match self.shared.store.put_opts(&entry_path(next), entry.into(), options).await {
            Ok(_) => {
                // Others may have gone on and cleaned up since the log was looked at, however short that is: the entry counts only if
                // the one that it follows is there behind it. If it is not, the log was read anew, and the caller compares again.
                if self.check_log(head, before).await? {
                    head.committed(*record, change);
                }
                Ok(())
            }
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                match self.take_in_next(head).await? {
                    true => Ok(()),
                    // Two puts that meet are both refused by some stores, and neither entry is there yet.
                    false => Err(SinkError::Unavailable(
                        format!("{place}: it was refused, and nobody else has made it").into(),
                    )),
                }
            }
            Err(error) => Err(store_error(&place, &error)),
        }
    }

    /// True if the log still stands where it was read: the entry of `version` is there. If it is not, others have gone on and cleaned
    /// up, and everything is read anew.
    ///
    /// Entries are cleaned up from the oldest on: as long as one is there, so are those behind it.
    pub(crate) async fn check_log(&self, head: &mut Head, version: i64) -> Result<bool, SinkError> {
        let place = format!("log entry {version} of table {}", self.shared.name);
        match self.shared.store.head(&entry_path(version)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => {
                tracing::warn!(
                    table = self.shared.name,
                    version,
                    "the log was cleaned up by another program; it is read anew"
                );
                *head = self.read_head(head.is_defined).await?;
                Ok(false)
            }
            Err(error) => Err(store_error(&place, &error)),
        }
    }

    /// Takes in all entries that are newer than what we know.
    pub(crate) async fn catch_up(&self, head: &mut Head) -> Result<(), SinkError> {
        let mut patience = Patience::default();
        loop {
            match self.take_in_next(head).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => patience.wait_after(error).await?,
            }
        }
    }

    /// Reads the entry after the newest that was read; false if there is none.
    async fn take_in_next(&self, head: &mut Head) -> Result<bool, SinkError> {
        let version = head.version + 1;
        let Some(actions) = self.entry(version).await? else { return Ok(false) };
        self.take_in(head, version, actions)?;
        Ok(true)
    }

    /// Reads one entry of the log; `None` if it is not there.
    pub(crate) async fn entry(&self, version: i64) -> Result<Option<EntryActions>, SinkError> {
        let place = format!("log entry {version} of table {}", self.shared.name);
        let read = async { self.shared.store.get(&entry_path(version)).await?.bytes().await };
        let bytes = match read.await {
            Ok(bytes) => bytes,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(store_error(&place, &error)),
        };
        read_entry(&bytes).map(Some).map_err(|error| unreadable_entry(&self.shared.name, version, &error))
    }

    fn take_in(&self, head: &mut Head, version: i64, actions: EntryActions) -> Result<(), SinkError> {
        if actions.redefined {
            // Whoever drives the job opens everything again, and then it is compared with what the job wants.
            return Err(SinkError::Unavailable(format!(
                "another program changed the definition of table {} in version {version}; the table is opened again",
                self.shared.name
            ).into()));
        }
        head.read(version, self.shared.apps.find(&actions.transactions), &actions);
        Ok(())
    }

    /// What another run has staged is still there as it was. (This run's own files were seen to be made.)
    async fn check_files(
        &self,
        head: &mut Head,
        owner: Owner,
        commit: &Commit,
        change: &TableCommit,
    ) -> Result<(), SinkError> {
        if commit.owner == owner || head.record.map(|record| record.commit) == Some(commit.id()) {
            return Ok(());
        }
        for file in &change.added {
            let place = format!("staged file {} of table {}", file.path, self.shared.name);
            let path = Path::from(file.path.as_str());
            let stored = retried(&place, || async {
                match self.shared.store.head(&path).await {
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    stored => stored.map(|stored| Some(stored.size)),
                }
            });
            let stored = stored.await?;
            if stored != Some(file.bytes) {
                let what =
                    stored.map_or("is not there".to_string(), |bytes| format!("has {bytes} bytes, not {}", file.bytes));
                return Err(SinkError::Contradiction(Contradiction::ArtifactMissing {
                    sink: self.shared.name.clone(),
                    commit: commit.id(),
                    artifact: format!("file {} ({what})", file.path),
                }));
            }
        }
        Ok(())
    }

    /// What a commit replaces is in the table.
    async fn check_removed(&self, head: &mut Head, change: &TableCommit) -> Result<(), SinkError> {
        if change.removed.is_empty() {
            return Ok(());
        }
        if head.was_changed {
            // Another program took files out. Which ones is not kept, it may be any number of them: the list is read once more.
            head.live = self.read_head(head.is_defined).await?.live;
            head.was_changed = false;
        }
        self.check_live(head, &change.removed).await
    }

    /// Files that later commits replace are in the table.
    ///
    /// # Errors
    /// `Data` if another program removed one; `Unavailable`, `Settings`.
    pub async fn check_replaceable(&self, files: &[StagedFile]) -> Result<(), SinkError> {
        let mut head = self.shared.head.lock().await;
        if head.version == ABSENT || files.is_empty() {
            return Ok(());
        }
        if head.live.is_none() {
            head.live = self.read_head(head.is_defined).await?.live;
        }
        self.check_live(&head, files).await
    }

    async fn check_live(&self, head: &Head, files: &[StagedFile]) -> Result<(), SinkError> {
        let Some(live) = &head.live else { return Ok(()) };
        match files.iter().find(|file| !live.contains(&file.path)) {
            Some(gone) => Err(self.gone(&gone.path, head.version).await),
            None => Ok(()),
        }
    }

    async fn gone(&self, path: &str, version: i64) -> SinkError {
        let before = self.own_before_others(version).await;
        let before = before.map_or("the version before".to_owned(), |version| format!("version {version}"));
        SinkError::Data(format!(
            "file {path} of table {} is no longer part of it, so the rows it held cannot be replaced; another program (OPTIMIZE, DELETE) \
             rewrote the table: restore {before} (RESTORE; once VACUUM has taken its files away, from a copy of the table), and keep such \
             programs off update and complete tables",
            self.shared.name
        ).into())
    }
}
