//! What thousands of small epochs leave behind.

use super::*;
use crate::memory::MemoryDisk;

/// Every epoch that retired another left three ranges of deleted keys, and RocksDB sorts all of them anew for the first read after
/// each write.
#[test]
fn retiring_epoch_by_epoch_leaves_no_ranges_of_deleted_keys() {
    let checkpoint = Checkpoint::open_in_memory(&MemoryDisk::new().unwrap(), "shop").unwrap();
    for epoch in 0..300 {
        run(&checkpoint, epoch, StateChanges::default());
        checkpoint.set_published(EpochId(epoch), &BTreeMap::new()).unwrap();
        checkpoint.retire(10).unwrap();
    }
    assert_eq!(checkpoint.plans(EpochId(0)..=EpochId(u64::MAX)).unwrap().count(), 10);
    assert_eq!(checkpoint.commits(EpochId(0)..=EpochId(u64::MAX)).unwrap().count(), 10);
    checkpoint.database.flush().unwrap();
    assert_eq!(checkpoint.database.range_deletes().unwrap(), 0);
    // A shorter memory than before: the many that are too old go at once.
    for epoch in 300..900 {
        run(&checkpoint, epoch, StateChanges::default());
    }
    checkpoint.retire(10).unwrap();
    assert_eq!(checkpoint.plans(EpochId(0)..=EpochId(u64::MAX)).unwrap().count(), 10);
    checkpoint.database.flush().unwrap();
    assert_eq!(checkpoint.database.range_deletes().unwrap(), 3);
    assert_sound(&checkpoint);
}
