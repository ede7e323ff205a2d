//! RocksDB as the checkpoint uses it: three column families, one bounded memory, every option chosen here.

use std::path::{Path, PathBuf};

use ::rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, DB, DBCompressionType, DBRecoveryMode, Env, ErrorKind, InfoLogger,
    LogLevel, Options, ReadOptions, WriteBatch, WriteBufferManager, WriteOptions,
};
use epoch::paths;

use crate::error::StateError;

/// What a column family holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Identity, manifest, and the records of the epochs.
    Records,
    /// State blocks.
    Blocks,
    /// Lengths of the state blocks.
    Index,
}

impl Family {
    pub(crate) const ALL: [Family; 3] = [Family::Records, Family::Blocks, Family::Index];

    /// The family's name in RocksDB.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Family::Records => "records",
            Family::Blocks => "blocks",
            Family::Index => "index",
        }
    }
}

/// An open database of a checkpoint.
pub(crate) struct Database {
    db: DB,
    cache: Cache,
    folder: PathBuf,
}

const MIB: usize = 1 << 20;

/// Times a reader tries again when the owner has just removed a file that it was about to open.
const READ_ONLY_ATTEMPTS: usize = 5;

impl Database {
    /// Opens the database of a checkpoint for its owner, and makes it if there is none.
    ///
    /// # Errors
    /// `Corrupt` if RocksDB finds its files damaged, `Io` if the system refuses.
    pub(crate) fn open(folder: &Path, memory_bytes: usize) -> Result<Database, StateError> {
        let cache = Cache::new_lru_cache(memory_bytes.max(8 * MIB));
        let mut options = shared_options(memory_bytes, &cache);
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_log_level(LogLevel::Warn);
        options.set_max_log_file_size(MIB);
        options.set_keep_log_file_num(2);
        let families = Family::ALL.map(|family| (family.name(), family_options(family, memory_bytes, &cache)));
        let db = DB::open_cf_with_opts(&options, folder.join(paths::DATABASE), families)
            .map_err(|error| failed(folder, "open the database of", "the database", &error))?;
        Ok(Database { db, cache, folder: folder.to_path_buf() })
    }

    /// Opens a database whose files are in memory, and makes it if there is none. Nothing is logged there.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub(crate) fn open_in_memory(folder: &Path, memory_bytes: usize, env: &Env) -> Result<Database, StateError> {
        let cache = Cache::new_lru_cache(memory_bytes);
        let mut options = shared_options(memory_bytes, &cache);
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_env(env);
        options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| {}));
        let families = Family::ALL.map(|family| (family.name(), family_options(family, memory_bytes, &cache)));
        // RocksDB's binding makes the folder on the disk, whatever the files are on; this one is there.
        let db = DB::open_cf_with_opts(&options, ".", families)
            .map_err(|error| failed(folder, "open the database of", "the database", &error))?;
        Ok(Database { db, cache, folder: folder.to_path_buf() })
    }

    /// Opens the database as it is now, beside its owner if there is one. Writes nothing.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub(crate) fn open_read_only(folder: &Path) -> Result<Database, StateError> {
        let memory_bytes = 16 * MIB;
        let cache = Cache::new_lru_cache(memory_bytes);
        let mut options = shared_options(memory_bytes, &cache);
        options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| {}));
        let mut attempt = 1;
        loop {
            let families = Family::ALL.map(|family| (family.name(), family_options(family, memory_bytes, &cache)));
            match DB::open_cf_with_opts_for_read_only(&options, folder.join(paths::DATABASE), families, false) {
                Ok(db) => return Ok(Database { db, cache, folder: folder.to_path_buf() }),
                Err(error) if attempt == READ_ONLY_ATTEMPTS => {
                    return Err(failed(folder, "open the database of", "the database", &error));
                }
                Err(_) => attempt += 1,
            }
        }
    }

    /// The checkpoint's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The handle of a family.
    pub(crate) fn family(&self, family: Family) -> Result<&ColumnFamily, StateError> {
        self.db.cf_handle(family.name()).ok_or_else(|| StateError::Corrupt {
            place: format!("the database in {}", self.folder.display()),
            detail: format!("it has no column family {}", family.name()),
        })
    }

    /// The value under a key, as stored.
    pub(crate) fn get(
        &self,
        family: Family,
        key: &[u8],
        place: impl Fn() -> String,
    ) -> Result<Option<Vec<u8>>, StateError> {
        let handle = self.family(family)?;
        let mut options = ReadOptions::default();
        options.fill_cache(family != Family::Blocks);
        self.db.get_cf_opt(handle, key, &options).map_err(|error| self.read_failed(&place(), &error))
    }

    /// A raw iterator over keys from `from` to before `until`.
    pub(crate) fn iterate(
        &self,
        family: Family,
        from: Vec<u8>,
        until: Vec<u8>,
    ) -> Result<rocksdb::DBRawIterator<'_>, StateError> {
        let handle = self.family(family)?;
        let mut options = ReadOptions::default();
        // A block is read once, when its window closes: keeping it would push out what is read again.
        options.fill_cache(family != Family::Blocks);
        options.set_iterate_lower_bound(from);
        options.set_iterate_upper_bound(until);
        Ok(self.db.raw_iterator_cf_opt(handle, options))
    }

    /// Writes a batch. When this returns with `sync`, the batch is on the device as a whole.
    pub(crate) fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), rocksdb::Error> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.db.write_opt(batch, &options)
    }

    /// What a failed read means: damage, or a system that refuses.
    pub(crate) fn read_failed(&self, place: &str, error: &rocksdb::Error) -> StateError {
        failed(&self.folder, "read", place, error)
    }

    /// Memory taken by caches and write buffers, bytes. The write buffers are charged to the cache.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.cache.get_usage()
    }

    /// Bytes of all table files, those not yet taken away included.
    pub(crate) fn file_bytes(&self) -> Result<u64, StateError> {
        let mut bytes = 0;
        for family in Family::ALL {
            let found = self.db.property_int_value_cf(self.family(family)?, "rocksdb.total-sst-files-size");
            bytes += found.map_err(|error| self.read_failed("the sizes of the files", &error))?.unwrap_or(0);
        }
        Ok(bytes)
    }

    /// Ranges of deleted keys in the table files that are not merged away yet.
    #[cfg(test)]
    pub(crate) fn range_deletes(&self) -> Result<u64, StateError> {
        let mut ranges = 0;
        for family in Family::ALL {
            let found = self.db.property_value_cf(self.family(family)?, "rocksdb.aggregated-table-properties");
            let text = found.map_err(|error| self.read_failed("the properties", &error))?.unwrap_or_default();
            let named = text.split(';').find_map(|part| part.trim().strip_prefix("# range deletions="));
            ranges += named.and_then(|count| count.trim().parse().ok()).unwrap_or(u64::from(!text.is_empty()) << 40);
        }
        Ok(ranges)
    }

    /// Writes what is only in memory and log into table files.
    pub(crate) fn flush(&self) -> Result<(), StateError> {
        for family in Family::ALL {
            let handle = self.family(family)?;
            self.db.flush_cf(handle).map_err(|error| failed(&self.folder, "flush", family.name(), &error))?;
        }
        Ok(())
    }

    /// Merges all files, so that what was dropped leaves the disk.
    pub(crate) fn compact(&self) -> Result<(), StateError> {
        self.flush()?;
        for family in Family::ALL {
            self.db.compact_range_cf(self.family(family)?, None::<&[u8]>, None::<&[u8]>);
        }
        Ok(())
    }
}

/// The error of the checkpoint that an error of RocksDB stands for.
fn failed(folder: &Path, action: &'static str, place: &str, error: &rocksdb::Error) -> StateError {
    match error.kind() {
        ErrorKind::Corruption => {
            StateError::Corrupt { place: format!("{place} in {}", folder.display()), detail: error.to_string() }
        }
        _ => StateError::Io { action, place: folder.to_path_buf(), detail: format!("{place}: {error}") },
    }
}

/// Options of the database as a whole.
fn shared_options(memory_bytes: usize, cache: &Cache) -> Options {
    let mut options = Options::default();
    // A quarter for write buffers, charged to the same cache: the two together never pass the cap by more than one batch.
    let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(memory_bytes / 4, false, cache.clone());
    options.set_write_buffer_manager(&buffers);
    // The log is replayed at start, so its length is the length of a start after a crash.
    options.set_max_total_wal_size((memory_bytes / 4).clamp(8 * MIB, 32 * MIB) as u64);
    // Only an unfinished record at the very end may be left out: that write was never acknowledged. The default mode
    // would also stop at damage in the middle, and so take back commits whose tables are already published.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_paranoid_checks(true);
    // A log that was synced and is gone, or shorter than it was, is found at once. Readers need it too: without it,
    // RocksDB 11.8 crashes when it opens a database read-only whose owner has it.
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_max_open_files(256);
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(MIB as u64);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

/// Options of one column family.
fn family_options(family: Family, memory_bytes: usize, cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_format_version(6);
    // No filters: a block is only looked up under a key that the index gave.
    table.set_block_size(16 << 10);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(match family {
        Family::Blocks => (memory_bytes / 8).clamp(MIB, 64 * MIB),
        Family::Records | Family::Index => MIB,
    });
    options.set_block_based_table_factory(&table);
    // Levels, not universal: only levels weigh range tombstones, so dropped windows leave the disk soon. Whole files are
    // never deleted by range: that would take the tombstones in them too, and bring back what they cover further down.
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_target_file_size_base(64 * MIB as u64);
    options
}

#[cfg(test)]
mod tests;
