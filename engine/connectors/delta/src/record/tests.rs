//! A job's record in a log: what is written is what is read, also of engines that wrote less.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_record_is_read_as_it_was_written() {
    let apps = Applications::of("shop", "00c0ffee");
    let record = Record { commit: CommitId::new(EpochId(9), u64::MAX), owner: Owner::after(4, u64::MAX - 5) };
    let mut transactions = vec![("spark".to_string(), 3), (apps.epoch.clone(), 2)];
    transactions.extend(apps.of_record(&record));
    assert!(
        transactions.iter().all(|(_, version)| *version >= 0),
        "Delta's versions are not negative: {transactions:?}"
    );
    assert_eq!(apps.find(&transactions), Some(record));
    assert_eq!(Applications::of("shop", "00c0ffef").find(&transactions), None);
}

#[test]
fn an_engine_of_format_1_wrote_the_epoch_alone() {
    let apps = Applications::of("shop", "00c0ffee");
    let record = apps.find(&[("engine-shop-00c0ffee".to_string(), 7)]).unwrap();
    assert_eq!((record.commit, record.owner), (CommitId { epoch: EpochId(7), nonce: 0 }, Owner::default()));
}

#[test]
fn the_applications_of_a_jobs_checkpoints_are_told_from_all_others() {
    assert_eq!(checkpoint_of("engine-shop-00c0ffee", "shop"), Some("00c0ffee"));
    for other in ["engine-shop-00c0ffee/commit", "engine-shopping-00c0ffee", "engine-shop-eu-00c0ffee", "spark"] {
        assert_eq!(checkpoint_of(other, "shop"), None, "{other}");
    }
}
