//! Every option of RocksDB that the checkpoint chooses, and why.

use ::rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, Options, WriteBufferManager};

use crate::store::Family;

pub(super) const MIB: usize = 1 << 20;

/// Options of the database as a whole.
pub(super) fn shared_options(memory_bytes: usize, cache: &Cache) -> Options {
    let mut options = Options::default();
    // A quarter for write buffers, charged to the same cache: the two together never pass the cap by more than one batch.
    let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(memory_bytes / 4, false, cache.clone());
    options.set_write_buffer_manager(&buffers);
    // The log is replayed at start, so its length is the length of a start after a crash.
    options.set_max_total_wal_size((memory_bytes / 4).clamp(8 * MIB, 32 * MIB) as u64);
    // Only an unfinished record at the very end may be left out: that write was never acknowledged. The default mode
    // would also stop at damage in the middle, and so undo commits whose tables are already published.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_paranoid_checks(true);
    // A log that was synced and is gone, or shorter than it was, is found at once. Readers need it too: without it,
    // RocksDB 11.8 crashes when it opens a database read-only whose owner has it.
    options.set_track_and_verify_wals_in_manifest(true);
    // Files are of 64 MiB: 256 of them are 16 GiB of state, and more only costs opening some again.
    options.set_max_open_files(256);
    // Flushing and compacting go on beside the lanes, which want the cores.
    options.set_max_background_jobs(2);
    // Table files are brought to the device as they are written, so that a commit's sync does not wait behind a whole one.
    options.set_bytes_per_sync(MIB as u64);
    // Nobody reads them.
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

/// Options of one column family.
pub(super) fn family_options(family: Family, memory_bytes: usize, cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    // Its checksums also find a block that lies where another belongs.
    table.set_format_version(6);
    // No filters: a block is only looked up under a key that stands in the index.
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
