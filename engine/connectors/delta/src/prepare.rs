//! What is begun of publishing while a commit is being made durable: the next entry of each table's log, and the pointer.

use bytes::Bytes;
use connector::{Pointer, Tables, WriterId};
use epoch::{Commit, Owner, paths};
use storage::Aside;

use crate::ahead::Ahead;
use crate::entry::{commit_entry, entry_path, log_time_ms};
use crate::head::{ABSENT, Head};
use crate::record::Record;
use crate::table::Table;
use crate::warehouse::Warehouse;

/// Files that a commit names at most if it is prepared: to put more into words takes longer than waiting for the disk once more, and holds up
/// the commit. Epochs that large are published beside the next one.
const FILES_MAX: usize = 100;

impl Table {
    /// Begins to write the entry of a commit. Returns the version that it makes.
    pub(crate) fn prepare(&self, owner: Owner, commit: &Commit) -> Option<i64> {
        let shared = &self.shared;
        shared.next_entry.set(None);
        // Whoever has it changes what is known of the log.
        let head = shared.head.try_lock().ok()?;
        if commit.touch(&shared.name).is_none() {
            return Some(head.version);
        }
        let folder = shared.folder.as_ref()?;
        let (record, entry) = self.entry_after(&head, owner, commit)?;
        let next = head.version + 1;
        let name = folder.join(entry_path(next).as_ref());
        let begun = Ahead::begin(name, entry, shared.next_entry.is_first());
        shared.next_entry.set(Some((record, head.version, begun)));
        Some(next)
    }

    /// Whatever stands against the commit is said when it is published.
    fn entry_after(&self, head: &Head, owner: Owner, commit: &Commit) -> Option<(Record, Bytes)> {
        let name = &self.shared.name;
        let (touch, change) = (commit.touch(name)?, commit.tables.get(name)?);
        if head.version == ABSENT || !head.awaits(name, owner, &touch).ok()? {
            return None;
        }
        let record = Record { commit: touch.id, owner };
        let entry = commit_entry(&self.shared.apps, (&record, commit), head.version, change, log_time_ms()).ok()?;
        Some((record, entry))
    }
}

impl Warehouse {
    /// Begins to write the entries of all tables that a commit touches, and the pointer to them.
    pub(crate) fn prepare(&self, writer: &WriterId, owner: Owner, tables: &Tables, commit: &Commit) {
        let files = commit.tables.values().map(|table| table.added.len() + table.removed.len()).sum::<usize>();
        let Some(folder) = self.folder().filter(|_| files <= FILES_MAX) else { return };
        // All of them begin, also if the version of one is not known.
        let versions: Vec<_> =
            tables.iter().map(|(name, table)| (name.clone(), table.prepare_publish(owner, commit))).collect();
        let versions = versions.into_iter().map(|(name, version)| Some((name, version?))).collect::<Option<_>>();
        let pointer = versions.map(|versions| Pointer::of(writer, owner, commit, &versions));
        let text = pointer.and_then(|pointer| serde_json::to_vec(&pointer).ok());
        let name = folder.join(paths::published_pointer(&writer.job));
        let begin = |text: Vec<u8>| Ahead::begin(name, Bytes::from(text), self.is_first_pointer());
        self.set_pointer_ahead(&writer.job, text.map(begin));
    }

    /// What lies aside of a pointer, if it is this text.
    pub(crate) async fn pointer_aside(&self, job: &str, text: &[u8]) -> Option<Aside> {
        let ahead = self.take_pointer_ahead(job).filter(|ahead| ahead.bytes == text)?;
        ahead.written().await
    }
}
