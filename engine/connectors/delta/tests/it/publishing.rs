//! Publishing once, whatever happens on the way.

use connector::SinkError;
use delta::{Table, Warehouse};
use epoch::{EpochId, TableCommit};
use storage::faults::{Fault, Operation, Rule};

use crate::fixture::{NAME, added, at_version, data_files, faulty, newest, open, replaced, schema, stage};

#[tokio::test(flavor = "multi_thread")]
async fn staged_rows_are_invisible_until_published() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let table = open(&warehouse).await;
    let file = stage(&table, 0, 0, &[(1, 10), (2, 20)]).await;
    // A crash here: the epoch never happened.
    assert_eq!(newest(&warehouse).await, []);
    let table = open(&warehouse).await;
    assert_eq!(table.publish(EpochId(0), &added(&[&file])).await.unwrap(), 1);
    assert_eq!(newest(&warehouse).await, [(1, 10), (2, 20)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_published_again_changes_nothing() {
    let (warehouse, _) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 3, 0, &[(1, 10)]).await]);
    let version = table.publish(EpochId(3), &change).await.unwrap();
    assert_eq!(table.publish(EpochId(3), &change).await.unwrap(), version);
    assert_eq!(table.publish(EpochId(2), &change).await.unwrap(), version, "transactions do not go back");
    let again = open(&warehouse).await;
    assert_eq!(again.publish(EpochId(3), &change).await.unwrap(), version);
    assert_eq!(again.position().await, (version, Some(EpochId(3))));
    assert_eq!(newest(&warehouse).await, [(1, 10)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_without_change_makes_no_version() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    store.take_log();
    assert_eq!(table.publish(EpochId(0), &TableCommit::default()).await.unwrap(), 0);
    assert_eq!(store.take_log(), []);
    let change = added(&[&stage(&table, 1, 0, &[(1, 10)]).await]);
    assert_eq!(table.publish(EpochId(1), &change).await.unwrap(), 1);
    assert_eq!(table.publish(EpochId(2), &TableCommit::default()).await.unwrap(), 1);
    assert_eq!(open(&warehouse).await.publish(EpochId(2), &TableCommit::default()).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undisturbed_commit_is_one_request() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let first = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    table.publish(EpochId(0), &first).await.unwrap();
    let second = added(&[&stage(&table, 1, 0, &[(2, 20)]).await]);
    store.take_log();
    table.publish(EpochId(1), &second).await.unwrap();
    assert_eq!(
        store.take_log(),
        [(Operation::Put, "lake/gold/counts/_delta_log/00000000000000000002.json".to_string())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_recognised() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::ApplyThenFail));
    assert_eq!(table.publish(EpochId(0), &change).await.unwrap(), 1);
    assert_eq!((store.fired(), store.left()), (1, 0));
    let next = added(&[&stage(&table, 1, 0, &[(2, 20)]).await]);
    assert_eq!(table.publish(EpochId(1), &next).await.unwrap(), 2);
    assert_eq!(newest(&warehouse).await, [(1, 10), (2, 20)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_before_a_crash_is_recognised_after_it() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::ApplyThenFail));
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::Fail).times(100));
    store.add(Rule::next(Operation::Get, "_delta_log", Fault::Fail).times(100));
    assert!(matches!(table.publish(EpochId(0), &change).await, Err(SinkError::Unavailable(_))));
    store.heal();
    let table = open(&warehouse).await;
    assert_eq!(table.publish(EpochId(0), &change).await.unwrap(), 1);
    assert_eq!(newest(&warehouse).await, [(1, 10)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_is_unavailable_and_then_works() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::Fail).times(100));
    let error = table.publish(EpochId(0), &change).await.unwrap_err();
    assert!(
        matches!(&error, SinkError::Unavailable(text) if text.contains("commit 1 of table gold.counts")),
        "{error}"
    );
    assert!(store.fired() > 2, "tried {} times", store.fired());
    store.heal();
    assert_eq!(newest(&warehouse).await, []);
    assert_eq!(table.publish(EpochId(0), &change).await.unwrap(), 1);
    assert_eq!(newest(&warehouse).await, [(1, 10)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retrying_cannot_help_is_told_at_once() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::DiskFull));
    assert!(matches!(table.publish(EpochId(0), &change).await, Err(SinkError::DiskFull(_))));
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::Forbidden));
    assert!(
        matches!(table.publish(EpochId(0), &change).await, Err(SinkError::Settings(text)) if text.contains("AWS_SECRET_ACCESS_KEY"))
    );
    assert_eq!((store.fired(), store.left()), (2, 0));
    assert_eq!(table.publish(EpochId(0), &change).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_store_is_waited_for() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::DelayMs(300)));
    assert_eq!(table.publish(EpochId(0), &change).await.unwrap(), 1);
    assert_eq!(store.fired(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_others_are_gone_behind() {
    let (warehouse, _) = faulty();
    let ours = open(&warehouse).await;
    let theirs = Table::open(&warehouse, NAME, schema(), "other", "9f").await.unwrap();
    for (epoch, key) in [(0, 1), (1, 2), (2, 3)] {
        let change = added(&[&stage(&theirs, epoch, 0, &[(key, 0)]).await]);
        theirs.publish(EpochId(epoch), &change).await.unwrap();
    }
    let change = added(&[&stage(&ours, 0, 0, &[(9, 0)]).await]);
    assert_eq!(ours.publish(EpochId(0), &change).await.unwrap(), 4);
    let change = added(&[&stage(&theirs, 3, 0, &[(4, 0)]).await]);
    assert_eq!(theirs.publish(EpochId(3), &change).await.unwrap(), 5);
    assert_eq!(newest(&warehouse).await, [(1, 0), (2, 0), (3, 0), (4, 0), (9, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_moment_all_come_in_once() {
    let (warehouse, _) = faulty();
    open(&warehouse).await;
    let writers = (0..6_i64).map(|who| {
        let warehouse = warehouse.clone();
        tokio::spawn(async move {
            let table = Table::open(&warehouse, NAME, schema(), "job", &format!("{who}")).await.unwrap();
            for epoch in 0..5 {
                let change = added(&[&stage(&table, epoch, 0, &[(who, epoch.cast_signed())]).await]);
                table.publish(EpochId(epoch), &change).await.unwrap();
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let expected: Vec<_> = (0..6).flat_map(|who| (0..5).map(move |epoch| (who, epoch))).collect();
    assert_eq!(newest(&warehouse).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_redefined_by_others_stops_the_job() {
    let (warehouse, _) = faulty();
    let ours = open(&warehouse).await;
    let mut fields: Vec<_> = schema().fields().iter().cloned().collect();
    fields.push(std::sync::Arc::new(arrow::datatypes::Field::new("more", arrow::datatypes::DataType::Utf8, true)));
    let wider = std::sync::Arc::new(arrow::datatypes::Schema::new(fields));
    Table::open(&warehouse, NAME, wider, "other", "9f").await.unwrap();
    let change = added(&[&stage(&ours, 0, 0, &[(1, 10)]).await]);
    assert!(
        matches!(ours.publish(EpochId(0), &change).await, Err(SinkError::Refused(text)) if text.contains("version 1"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn update_mode_has_one_row_per_key_at_every_version() {
    let (warehouse, _) = faulty();
    let mut table = open(&warehouse).await;
    let mut live = Vec::new();
    let mut expected = Vec::new();
    for epoch in 0..6_u64 {
        let value = epoch.cast_signed();
        // Two buckets: bucket 0 is rewritten every epoch, bucket 1 every second one.
        let mut new = vec![stage(&table, epoch, 0, &[(1, value), (2, value)]).await];
        if epoch % 2 == 0 {
            new.push(stage(&table, epoch, 1, &[(3, value)]).await);
        }
        let buckets: Vec<_> = new.iter().map(|file| file.bucket).collect();
        let old: Vec<_> = live.extract_if(.., |file: &mut epoch::StagedFile| buckets.contains(&file.bucket)).collect();
        let change = replaced(&old.iter().collect::<Vec<_>>(), &new.iter().collect::<Vec<_>>());
        let version = table.publish(EpochId(epoch), &change).await.unwrap();
        live.extend(new);
        expected.push((version, [(1, value), (2, value), (3, value / 2 * 2)]));
        if epoch == 3 {
            table = open(&warehouse).await;
        }
    }
    for (version, rows) in expected {
        assert_eq!(at_version(&warehouse, version).await, rows, "version {version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_a_file_that_others_removed_is_refused() {
    for reopened in [false, true] {
        let (warehouse, _) = faulty();
        let mut ours = open(&warehouse).await;
        let file = stage(&ours, 0, 0, &[(1, 10)]).await;
        ours.publish(EpochId(0), &added(&[&file])).await.unwrap();
        let theirs = Table::open(&warehouse, NAME, schema(), "optimize", "1a2b").await.unwrap();
        let compacted = stage(&theirs, 900, 0, &[(1, 10)]).await;
        theirs.publish(EpochId(900), &replaced(&[&file], &[&compacted])).await.unwrap();
        if reopened {
            ours = open(&warehouse).await;
        }
        let newer = stage(&ours, 1, 0, &[(1, 11)]).await;
        let answer = ours.publish(EpochId(1), &replaced(&[&file], &[&newer])).await;
        assert!(matches!(&answer, Err(SinkError::Data(text)) if text.contains(&file.path)), "{answer:?}");
        assert_eq!(newest(&warehouse).await, [(1, 10)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staged_file_that_was_lost_is_not_published() {
    let (warehouse, _) = faulty();
    let table = open(&warehouse).await;
    let file = stage(&table, 0, 0, &[(1, 10)]).await;
    table.discard(EpochId(0)).await.unwrap();
    let answer = table.publish(EpochId(0), &added(&[&file])).await;
    assert!(matches!(&answer, Err(SinkError::Data(text)) if text.contains(&file.path)), "{answer:?}");
    assert_eq!(newest(&warehouse).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn discard_takes_the_orphans_of_one_epoch_only() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let other = Table::open(&warehouse, NAME, schema(), "shop", "77").await.unwrap();
    let published = stage(&table, 4, 0, &[(1, 10)]).await;
    table.publish(EpochId(4), &added(&[&published])).await.unwrap();
    let orphans = [stage(&table, 5, 0, &[(2, 20)]).await, stage(&table, 5, 1, &[(3, 30)]).await];
    let later = stage(&table, 50, 0, &[(4, 40)]).await;
    let others = stage(&other, 5, 0, &[(5, 50)]).await;
    let mut left = vec![published.path, later.path, others.path];
    left.sort();
    table.discard(EpochId(5)).await.unwrap();
    assert_eq!(data_files(&store).await, left, "{orphans:?}");
    table.discard(EpochId(5)).await.unwrap();
    table.discard(EpochId(4)).await.unwrap();
    assert_eq!(data_files(&store).await, left, "a published epoch keeps its files");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_summarised_and_read_from_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let table = open(&warehouse).await;
    for epoch in 0..105 {
        let change = added(&[&stage(&table, epoch, 0, &[(epoch.cast_signed(), 1)]).await]);
        table.publish(EpochId(epoch), &change).await.unwrap();
    }
    table.wait_idle().await;
    let log = folder.path().join("gold/counts/_delta_log");
    assert!(
        log.join("00000000000000000100.checkpoint.parquet").is_file(),
        "{:?}",
        std::fs::read_dir(&log).unwrap().count()
    );
    // Without the entries before it, the summary alone must know rows and transaction.
    for version in 0..100 {
        std::fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    let again = open(&warehouse).await;
    assert_eq!(again.position().await, (105, Some(EpochId(104))));
    assert_eq!(newest(&warehouse).await.len(), 105);
}
