//! Names on disk: they are a contract with checkpoints and warehouses that exist.

use super::*;
/// The data file of an epoch by the first owner's first attempt.
fn file(job_id: &str, epoch: u64, number: u32) -> String {
    let owner = Owner { term: 4, run: 0xbeef };
    data_file(job_id, &ArtifactId { epoch: EpochId(epoch), owner, attempt: 2, number })
}

#[test]
fn names_never_change() {
    assert_eq!(DATABASE, "db");
    assert_eq!(OWNER, "OWNER");
    assert_eq!(table_folder("gold.event_counts"), "gold/event_counts");
    assert_eq!(rejected_table("events"), "rejected.events");
    assert_eq!(late_table("gold.event_counts"), "gold.event_counts__late");
    assert_eq!(file("00c0ffee", 12, 3), "part-00c0ffee-0000000012-4-000000000000beef-2-00003.parquet");
    assert_eq!(published_pointer("ecommerce"), "_engine/ecommerce.json");
}

#[test]
fn a_prefix_finds_the_files_of_its_epoch_and_no_others() {
    for epoch in [0, 1, 12, 9_999_999_999, u64::MAX] {
        let prefix = data_file_prefix("00c0ffee", EpochId(epoch));
        assert!(file("00c0ffee", epoch, 0).starts_with(&prefix));
        assert!(file("00c0ffee", epoch, u32::MAX).starts_with(&prefix));
        for (job_id, other) in [("00c0ffee", epoch / 10 + 2), ("00c0ffef", epoch)] {
            assert!(!file(job_id, other, 0).starts_with(&prefix), "{epoch} {other}");
        }
    }
}

#[test]
fn the_name_of_a_data_file_says_where_it_comes_from() {
    for epoch in [0, 7, 9_999_999_999] {
        let name = file("00c0ffee", epoch, 3);
        assert_eq!(origin_of(&name), Some(("00c0ffee", EpochId(epoch))));
        assert_eq!(origin_of(&format!("file:///w/gold/t/{name}")), Some(("00c0ffee", EpochId(epoch))));
    }
    let of_an_older_engine = "part-00c0ffee-0000000012-00003.parquet";
    assert_eq!(origin_of(of_an_older_engine), Some(("00c0ffee", EpochId(12))));
    for other in ["", "part-", "part-00001-5d0f-c000.snappy.parquet", "part-a-1-2.parquet"] {
        assert_eq!(origin_of(other), None, "{other}");
    }
}

#[test]
fn the_name_of_a_data_file_says_who_staged_it() {
    let name = file("00c0ffee", 7, 3);
    assert_eq!(stager_of(&name), Some(Owner { term: 4, run: 0xbeef }));
    assert_eq!(stager_of(&format!("file:///w/gold/part-of-1/{name}")), Some(Owner { term: 4, run: 0xbeef }));
    assert_eq!(stager_of("part-00c0ffee-0000000012-00003.parquet"), Some(Owner::default()), "an older engine's");
    assert_eq!(stager_of("part-00001-5d0f-c000.snappy.parquet"), None);
}

#[test]
fn files_sort_as_their_epochs_do() {
    let names: Vec<String> = [0, 9, 10, 99, 100, 1_000_000].map(|epoch| file("00c0ffee", epoch, 1)).into();
    assert!(names.is_sorted());
}
