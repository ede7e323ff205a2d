//! Names on disk: they are a contract with checkpoints and warehouses that exist.

use super::*;

#[test]
fn names_never_change() {
    assert_eq!(DATABASE, "db");
    assert_eq!(OWNER, "OWNER");
    assert_eq!(table_folder("gold.event_counts"), "gold/event_counts");
    assert_eq!(rejected_table("events"), "rejected.events");
    assert_eq!(late_table("gold.event_counts"), "gold.event_counts__late");
    assert_eq!(data_file("00c0ffee", EpochId(12), 3), "part-00c0ffee-0000000012-00003.parquet");
    assert_eq!(published_pointer("ecommerce"), "_engine/ecommerce.json");
}

#[test]
fn a_prefix_finds_the_files_of_its_epoch_and_no_others() {
    for epoch in [0, 1, 12, 9_999_999_999, u64::MAX] {
        let prefix = data_file_prefix("00c0ffee", EpochId(epoch));
        assert!(data_file("00c0ffee", EpochId(epoch), 0).starts_with(&prefix));
        assert!(data_file("00c0ffee", EpochId(epoch), u32::MAX).starts_with(&prefix));
        for (job_id, other) in [("00c0ffee", epoch / 10 + 2), ("00c0ffef", epoch)] {
            assert!(!data_file(job_id, EpochId(other), 0).starts_with(&prefix), "{epoch} {other}");
        }
    }
}

#[test]
fn the_name_of_a_data_file_says_where_it_comes_from() {
    for epoch in [0, 7, 9_999_999_999] {
        let name = data_file("00c0ffee", EpochId(epoch), 3);
        assert_eq!(origin_of(&name), Some(("00c0ffee", EpochId(epoch))));
        assert_eq!(origin_of(&format!("file:///w/gold/t/{name}")), Some(("00c0ffee", EpochId(epoch))));
    }
    for other in ["", "part-", "part-00001-5d0f-c000.snappy.parquet", "part-a-1-2.parquet"] {
        assert_eq!(origin_of(other), None, "{other}");
    }
}

#[test]
fn files_sort_as_their_epochs_do() {
    let names: Vec<String> =
        [0, 9, 10, 99, 100, 1_000_000].map(|epoch| data_file("00c0ffee", EpochId(epoch), 1)).into();
    assert!(names.is_sorted());
}
