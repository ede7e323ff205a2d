//! Where a job stands in a table's log.

use std::collections::HashSet;

use epoch::EpochId;

/// Where we stand in a table's log, as far as we have read it.
pub(crate) struct Head {
    /// Newest version read.
    pub version: i64,
    /// Our transaction's version in it.
    pub epoch: Option<i64>,
    /// Our files in the table when it was opened; dropped with the first commit, which is checked against it.
    pub live: Option<HashSet<String>>,
    /// Files that others took out of the table since.
    pub removed_by_others: HashSet<String>,
}

impl Head {
    pub(crate) fn new(version: i64, epoch: Option<i64>, live: HashSet<String>) -> Self {
        Head { version, epoch, live: Some(live), removed_by_others: HashSet::new() }
    }

    /// Takes in the entry that we have just put for an epoch.
    pub(crate) fn committed(&mut self, epoch: i64) {
        debug_assert!(self.epoch < Some(epoch), "epoch {epoch} was published after {:?}", self.epoch);
        self.version += 1;
        self.epoch = Some(epoch);
    }

    /// Takes in an entry that was read: ours with its epoch, or another program's with the files that it removed.
    pub(crate) fn read(&mut self, version: i64, epoch: Option<i64>, removed: Vec<String>) {
        debug_assert_eq!(version, self.version + 1, "entries are read one after the other");
        self.version = version;
        match epoch {
            // Transactions do not go back, whatever another process of the job wrote.
            Some(epoch) => self.epoch = self.epoch.max(Some(epoch)),
            None => self.removed_by_others.extend(removed),
        }
    }

    /// The newest version, and our last epoch in it.
    pub(crate) fn position(&self) -> (i64, Option<EpochId>) {
        (self.version, self.epoch.map(|epoch| EpochId(epoch.cast_unsigned())))
    }
}
