//! RocksDB as the checkpoint uses it: three column families, one bounded memory, every option chosen by us.

use std::path::{Path, PathBuf};

use ::rocksdb::{Cache, ColumnFamily, DB, DBRawIterator, ErrorKind, InfoLogger, LogLevel, ReadOptions, WriteOptions};
use epoch::{Message, paths};

use crate::error::StateError;
use crate::store::{Change, Cursor, Entry, Family, Place, Store, WriteBatch};
use options::{MIB, family_options, shared_options};

mod options;

/// An open database of a checkpoint.
pub(crate) struct RocksStore {
    db: DB,
    cache: Cache,
    folder: PathBuf,
}

/// Times a reader tries again when the owner has just removed a file that it was about to open.
const READ_ONLY_ATTEMPTS: usize = 5;

impl RocksStore {
    /// Opens the database of a checkpoint for its owner, and makes it if there is none.
    ///
    /// # Errors
    /// `Corrupt` if RocksDB finds its files damaged, `Io` if the system refuses.
    pub(crate) fn open(folder: &Path, memory_bytes: usize) -> Result<RocksStore, StateError> {
        check_beginning(folder)?;
        // Below this, the write buffers, 1 MiB a family, would leave little for what is read.
        let cache = Cache::new_lru_cache(memory_bytes.max(8 * MIB));
        let mut options = shared_options(memory_bytes, &cache);
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        // RocksDB's log of itself is for people: what went wrong, and 2 MiB of that at most.
        options.set_log_level(LogLevel::Warn);
        options.set_max_log_file_size(MIB);
        options.set_keep_log_file_num(2);
        let families = Family::ALL.map(|family| (family.name(), family_options(family, memory_bytes, &cache)));
        let db = DB::open_cf_with_opts(&options, folder.join(paths::DATABASE), families)
            .map_err(|error| not_opened(folder, &error))?;
        Ok(RocksStore { db, cache, folder: folder.to_path_buf() })
    }

    /// Opens the database as it is now, beside its owner if there is one. Writes nothing.
    ///
    /// # Errors
    /// As [`RocksStore::open`].
    pub(crate) fn open_read_only(folder: &Path) -> Result<RocksStore, StateError> {
        // A look reads most things once, and the owner on the same machine has memory of its own.
        let memory_bytes = 16 * MIB;
        let cache = Cache::new_lru_cache(memory_bytes);
        let mut options = shared_options(memory_bytes, &cache);
        options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| {}));
        let mut attempt = 1;
        loop {
            let families = Family::ALL.map(|family| (family.name(), family_options(family, memory_bytes, &cache)));
            match DB::open_cf_with_opts_for_read_only(&options, folder.join(paths::DATABASE), families, false) {
                Ok(db) => return Ok(RocksStore { db, cache, folder: folder.to_path_buf() }),
                Err(error) if attempt == READ_ONLY_ATTEMPTS => {
                    return Err(not_opened(folder, &error));
                }
                Err(_) => attempt += 1,
            }
        }
    }

    /// The handle of a family.
    fn family(&self, family: Family) -> Result<&ColumnFamily, StateError> {
        self.db.cf_handle(family.name()).ok_or_else(|| StateError::Corrupt {
            place: format!("the database in {}", self.folder.display()),
            detail: format!("it has no column family {}", family.name()).into(),
        })
    }

    /// The batch as RocksDB takes it.
    fn rocks_batch(&self, batch: WriteBatch) -> Result<::rocksdb::WriteBatch, StateError> {
        let changes = batch.into_changes();
        let mut rocks = ::rocksdb::WriteBatch::with_capacity_bytes(changes.iter().map(room).sum());
        // One by one and by value: each block is freed as soon as RocksDB has copied it.
        for change in changes {
            match change {
                Change::Put { family, key, value } => rocks.put_cf(self.family(family)?, key, value),
                Change::Delete { family, key } => rocks.delete_cf(self.family(family)?, key),
                Change::DeleteRange { family, from, until } => {
                    rocks.delete_range_cf(self.family(family)?, from, until);
                }
            }
        }
        Ok(rocks)
    }

    /// What a failed read means: damage, or a system that refuses.
    fn read_failed(&self, place: &str, error: &::rocksdb::Error) -> StateError {
        failed(&self.folder, "read", place, error)
    }

    /// Ranges of deleted keys in the table files that are not merged away yet.
    #[cfg(test)]
    pub(crate) fn range_deletes(&self) -> Result<u64, StateError> {
        let mut ranges = 0;
        for family in Family::ALL {
            let property = self.db.property_value_cf(self.family(family)?, "rocksdb.aggregated-table-properties");
            let text = property.map_err(|error| self.read_failed("the properties", &error))?.unwrap_or_default();
            let named = text.split(';').find_map(|part| part.trim().strip_prefix("# range deletions="));
            ranges += named.and_then(|count| count.trim().parse().ok()).unwrap_or(u64::from(!text.is_empty()) << 40);
        }
        Ok(ranges)
    }
}

impl Store for RocksStore {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn get(&self, family: Family, key: &[u8], place: Place<'_>) -> Result<Option<Vec<u8>>, StateError> {
        let handle = self.family(family)?;
        let options = read_options(family);
        self.db.get_cf_opt(handle, key, &options).map_err(|error| self.read_failed(&place(), &error))
    }

    fn iterate(&self, family: Family, from: Vec<u8>, until: Vec<u8>) -> Result<Box<dyn Cursor + '_>, StateError> {
        let handle = self.family(family)?;
        let mut options = read_options(family);
        options.set_iterate_lower_bound(from);
        options.set_iterate_upper_bound(until);
        Ok(Box::new(RocksCursor { rows: self.db.raw_iterator_cf_opt(handle, options), store: self }))
    }

    fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), Message> {
        let batch = self.rocks_batch(batch).map_err(|error| Message::caused_by(error.to_string(), &error))?;
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.db.write_opt(batch, &options).map_err(|error| Message::caused_by(error.to_string(), &error))
    }

    fn flush(&self) -> Result<(), StateError> {
        for family in Family::ALL {
            let handle = self.family(family)?;
            self.db.flush_cf(handle).map_err(|error| failed(&self.folder, "flush", family.name(), &error))?;
        }
        Ok(())
    }

    fn compact(&self) -> Result<(), StateError> {
        self.flush()?;
        for family in Family::ALL {
            self.db.compact_range_cf(self.family(family)?, None::<&[u8]>, None::<&[u8]>);
        }
        Ok(())
    }

    /// Caches and write buffers. The write buffers are charged to the cache.
    fn memory_bytes(&self) -> usize {
        self.cache.get_usage()
    }

    fn file_bytes(&self) -> Result<u64, StateError> {
        let mut bytes = 0;
        for family in Family::ALL {
            let property = self.db.property_int_value_cf(self.family(family)?, "rocksdb.total-sst-files-size");
            bytes += property.map_err(|error| self.read_failed("the sizes of the files", &error))?.unwrap_or(0);
        }
        Ok(bytes)
    }

    fn disk_bytes(&self) -> Result<u64, StateError> {
        let folder = self.folder.join(paths::DATABASE);
        let failed = |error: std::io::Error| StateError::Io {
            action: "list",
            place: folder.clone(),
            detail: Message::caused_by(error.to_string(), &error),
        };
        let mut bytes = 0;
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            // A file that compaction has just removed takes no space.
            bytes += entry.map_err(failed)?.metadata().map_or(0, |data| data.len());
        }
        Ok(bytes)
    }
}

/// Bytes that a change takes in RocksDB's batch: its own and at most 16 of kind, family and lengths. Room for all of them is reserved
/// at once: a batch of hundreds of megabytes that grows by doubling would be copied again and again.
fn room(change: &Change) -> usize {
    16 + match change {
        Change::Put { key, value, .. } => key.len() + value.len(),
        Change::Delete { key, .. } => key.len(),
        Change::DeleteRange { from, until, .. } => from.len() + until.len(),
    }
}

/// How a family is read.
fn read_options(family: Family) -> ReadOptions {
    let mut options = ReadOptions::default();
    // A block is read once, when its window closes: keeping it would push out what is read again.
    options.fill_cache(family != Family::Blocks);
    options
}

/// A place among the entries of a column family.
struct RocksCursor<'a> {
    rows: DBRawIterator<'a>,
    store: &'a RocksStore,
}

impl RocksCursor<'_> {
    /// The entry under the cursor. An iterator that has none says only through its status whether that is an error.
    fn entry(&self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        let entry = self.rows.item();
        if entry.is_none() {
            self.rows.status().map_err(|error| self.store.read_failed(&place(), &error))?;
        }
        Ok(entry)
    }
}

impl Cursor for RocksCursor<'_> {
    fn first(&mut self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        self.rows.seek_to_first();
        self.entry(place)
    }

    fn last(&mut self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        self.rows.seek_to_last();
        self.entry(place)
    }

    fn next(&mut self, place: Place<'_>) -> Result<Option<Entry<'_>>, StateError> {
        self.rows.next();
        self.entry(place)
    }
}

/// The file that says with which of its files a database begins.
const BEGINNING: &str = "CURRENT";

/// Refuses a database that has lost its beginning: RocksDB would take the folder for an empty one, begin anew in it, and delete what is
/// there. (Cut short while it is made, it has no beginning either, but holds no data.)
fn check_beginning(folder: &Path) -> Result<(), StateError> {
    let database = folder.join(paths::DATABASE);
    if database.join(BEGINNING).exists() {
        return Ok(());
    }
    let Ok(files) = std::fs::read_dir(&database) else { return Ok(()) };
    let mut names = files.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
    match names.find(|name| name.ends_with(".sst") || name.ends_with(".log")) {
        None => Ok(()),
        Some(data) => Err(StateError::Corrupt {
            place: format!("the database in {}", folder.display()),
            detail: format!("it has data ({data}) and no file {BEGINNING}, which names the newest MANIFEST").into(),
        }),
    }
}

/// A database that cannot be opened for want of one of its files is damaged; other errors are the system's.
fn not_opened(folder: &Path, error: &::rocksdb::Error) -> StateError {
    if error.to_string().contains("No such file or directory") {
        return StateError::Corrupt {
            place: format!("the database in {}", folder.display()),
            detail: Message::caused_by(format!("a file of it is missing: {error}"), error),
        };
    }
    failed(folder, "open the database of", "the database", error)
}

/// The error of the checkpoint that an error of RocksDB stands for.
fn failed(folder: &Path, action: &'static str, place: &str, error: &::rocksdb::Error) -> StateError {
    match error.kind() {
        ErrorKind::Corruption => {
            let detail = Message::caused_by(error.to_string(), error);
            StateError::Corrupt { place: format!("{place} in {}", folder.display()), detail }
        }
        _ => {
            let detail = Message::caused_by(format!("{place}: {error}"), error);
            StateError::Io { action, place: folder.to_path_buf(), detail }
        }
    }
}

#[cfg(test)]
mod tests;
