//! What thousands of small epochs leave behind.

use std::path::Path;

use super::*;
use crate::fixture::open;
use crate::rocksdb::RocksStore;

/// Ends a checkpoint and counts the ranges of deleted keys in its files.
fn ranges_after(checkpoint: Checkpoint, folder: &Path) -> u64 {
    checkpoint.close().unwrap();
    // Read-only, so that nothing is merged away while it is counted.
    RocksStore::open_read_only(folder).unwrap().range_deletes().unwrap()
}

/// Every epoch that retired another left a range for each kind of deleted keys, and RocksDB sorts all of them anew for the first read after
/// each write.
#[test]
fn retiring_epoch_by_epoch_leaves_no_ranges_of_deleted_keys() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = open(folder.path());
    for epoch in 0..300 {
        run(&checkpoint, epoch, StateChanges::default());
        checkpoint.set_published(EpochId(epoch), &BTreeMap::new()).unwrap();
        checkpoint.retire(10, None).unwrap();
    }
    assert_eq!(checkpoint.commits(EpochId(0)..=EpochId(u64::MAX)).unwrap().count(), 10);
    assert_eq!(ranges_after(checkpoint, folder.path()), 0);
    // A shorter memory than before: the many that are too old are removed at once.
    let checkpoint = open(folder.path());
    for epoch in 300..900 {
        run(&checkpoint, epoch, StateChanges::default());
    }
    checkpoint.retire(10, None).unwrap();
    assert_eq!(checkpoint.commits(EpochId(0)..=EpochId(u64::MAX)).unwrap().count(), 10);
    assert_sound(&checkpoint);
    assert_eq!(ranges_after(checkpoint, folder.path()), 2);
}
