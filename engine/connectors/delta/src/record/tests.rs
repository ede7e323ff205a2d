//! A job's record in a log: what is written is what is read, also of engines that wrote less.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

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
fn the_applications_of_jobs_are_told_from_all_others() {
    assert_eq!(writer_of("engine-shop-00c0ffee"), Some(("shop", "00c0ffee")));
    assert_eq!(writer_of("engine-shop-eu-00c0ffee"), Some(("shop-eu", "00c0ffee")));
    for other in ["engine-shop-00c0ffee/commit", "engine-00c0ffee", "engine-shop-00c0ffeg", "spark"] {
        assert_eq!(writer_of(other), None, "{other}");
    }
}

#[test]
fn what_was_read_up_to_is_known_by_its_application() {
    let apps = Applications::of("shop", "00c0ffee");
    let split = Split::new("t", 3);
    match apps.position_of(&apps.offset("events", &split)) {
        Some(ReadUpTo::Offset(source, found)) => assert_eq!((source.as_str(), found), ("events", split)),
        _ => panic!("no offset"),
    }
    assert!(
        matches!(apps.position_of(&apps.watermark("events")), Some(ReadUpTo::Watermark(source)) if source == "events")
    );
    assert!(apps.position_of(&apps.commit()).is_none() && apps.position_of("spark").is_none());
}
