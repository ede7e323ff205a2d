//! Where a job stands in a table's log, as far as it has been read.

use std::collections::HashSet;

use connector::SinkError;
use epoch::{Contradiction, Owner, TableCommit, Touch};

use crate::entry::EntryActions;
use crate::record::Record;

/// The version of a table that is not there.
pub(crate) const ABSENT: i64 = -1;

/// Where we stand in a table's log.
pub(crate) struct Head {
    /// Newest version read; [`ABSENT`] before the table is made.
    pub version: i64,
    /// The job's record in it.
    pub record: Option<Record>,
    /// Our files in the table, while they are known: from an opening to the first commit of the run. What a commit replaces must be
    /// among them.
    pub live: Option<HashSet<String>>,
    /// True once the wanted columns were added.
    pub is_defined: bool,
    /// True if another program took files out of the table since they were last looked at.
    pub was_changed: bool,
}

impl Head {
    /// A table as it was read.
    pub(crate) fn new(version: i64, record: Option<Record>, live: HashSet<String>) -> Self {
        Head { version, record, live: Some(live), is_defined: false, was_changed: false }
    }

    /// A table that is not there.
    pub(crate) fn absent() -> Self {
        Head::new(ABSENT, None, HashSet::new())
    }

    /// Takes in the entry that we have just put.
    pub(crate) fn committed(&mut self, record: Record, change: &TableCommit) {
        self.version += 1;
        self.record = Some(record);
        if let Some(live) = &mut self.live {
            change.removed.iter().for_each(|file| {
                live.remove(&file.path);
            });
            live.extend(change.added.iter().map(|file| file.path.clone()));
        }
    }

    /// Takes in an entry that was read: ours with its record, or another program's that may have removed files.
    pub(crate) fn read(&mut self, version: i64, record: Option<Record>, actions: &EntryActions) {
        debug_assert_eq!(version, self.version + 1, "entries are read one after the other");
        self.version = version;
        if let Some(live) = &mut self.live {
            actions.removed.iter().for_each(|path| {
                live.remove(path);
            });
            if record.is_some() {
                live.extend(actions.added.iter().cloned());
            }
        } else if record.is_none() {
            self.was_changed |= !actions.removed.is_empty();
        }
        self.record = record.or(self.record);
    }

    /// Refuses an owner that was replaced.
    ///
    /// # Errors
    /// `Contradiction` if an owner that came later has published.
    pub(crate) fn fence(&self, table: &str, owner: Owner) -> Result<(), SinkError> {
        match self.record.map(|record| record.owner).filter(|last| owner.is_fenced_by(last)) {
            None => Ok(()),
            Some(by) => {
                let sink = table.to_string();
                Err(SinkError::Contradiction(Contradiction::Fenced { sink, by, own: owner }))
            }
        }
    }

    /// Compare: true if the commit is to be published now, false if it was.
    ///
    /// # Errors
    /// `Contradiction` if the record is neither what must be there before nor the commit itself, or of a later owner.
    pub(crate) fn awaits(&self, table: &str, owner: Owner, touch: &Touch) -> Result<bool, SinkError> {
        self.fence(table, owner)?;
        let place = self.record.map(|record| record.commit);
        if place == Some(touch.id) {
            return Ok(false);
        }
        if place == touch.before {
            return Ok(true);
        }
        let (sink, commit, before) = (table.to_string(), touch.id, touch.before);
        Err(SinkError::Contradiction(Contradiction::NotBefore { sink, commit, before, place }))
    }
}
