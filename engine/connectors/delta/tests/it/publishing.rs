//! Publishing once, whatever happens on the way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use connector::SinkError;
use delta::Warehouse;
use epoch::offsets::OffsetRange;
use epoch::{ArtifactId, Contradiction, EpochId, Split, SplitIdentities, SplitIdentity, TableCommit};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use storage::faults::{Fault, Operation, Rule};

use crate::fixture::{
    NAME, added, artifact, at, at_version, commit, data_files, entry_path, faulty, id, newest, open, open_as, owner,
    owner_of, publish, publish_after, replaced, schema, stage, stage_as, try_open,
};

#[tokio::test(flavor = "multi_thread")]
async fn staged_rows_are_invisible_until_published() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let table = open(&warehouse).await;
    let file = stage(&table, 0, 0, &[(1, 10), (2, 20)]).await;
    // A crash here: the epoch never happened.
    assert_eq!(newest(&warehouse).await, []);
    let table = open(&warehouse).await;
    assert_eq!(publish(&table, 0, &added(&[&file])).await.unwrap(), 1);
    assert_eq!(newest(&warehouse).await, [(1, 10), (2, 20)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_published_again_changes_nothing() {
    let (warehouse, _) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 3, 0, &[(1, 10)]).await]);
    let version = publish(&table, 3, &change).await.unwrap();
    assert_eq!(publish(&table, 3, &change).await.unwrap(), version);
    let back = publish_after(&table, Some(1), 2, &change).await;
    assert!(matches!(back, Err(SinkError::Contradiction(Contradiction::NotBefore { .. }))), "{back:?}");
    let again = open(&warehouse).await;
    assert_eq!(publish(&again, 3, &change).await.unwrap(), version);
    assert_eq!(publish_after(&again, Some(1), 3, &change).await.unwrap(), version, "whatever stood before it");
    assert_eq!(at(&again).await, (version, Some(EpochId(3))));
    assert_eq!(newest(&warehouse).await, [(1, 10)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_without_change_makes_no_version() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    store.take_log();
    assert_eq!(publish_after(&table, None, 0, &TableCommit::default()).await.unwrap(), 0);
    assert_eq!(store.take_log(), []);
    let change = added(&[&stage(&table, 1, 0, &[(1, 10)]).await]);
    assert_eq!(publish_after(&table, None, 1, &change).await.unwrap(), 1);
    assert_eq!(publish_after(&table, Some(1), 2, &TableCommit::default()).await.unwrap(), 1);
    let again = open(&warehouse).await;
    assert_eq!(publish_after(&again, Some(1), 2, &TableCommit::default()).await.unwrap(), 1);
    assert_eq!(at(&again).await, (1, Some(EpochId(1))), "the chain goes on from the last epoch that changed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undisturbed_commit_is_a_put_between_two_looks() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let first = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    publish(&table, 0, &first).await.unwrap();
    let second = added(&[&stage(&table, 1, 0, &[(2, 20)]).await]);
    store.take_log();
    publish_after(&table, Some(0), 1, &second).await.unwrap();
    let of = |operation, version| (operation, entry_path(version).to_string());
    // Once more, because somebody may have cleaned the log up in between.
    assert_eq!(store.take_log(), [of(Operation::Get, 1), of(Operation::Put, 2), of(Operation::Get, 1)]);
    publish_after(&table, Some(0), 1, &second).await.unwrap();
    assert_eq!(store.take_log(), [], "it is known to be there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_recognised() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::ApplyThenFail));
    assert_eq!(publish_after(&table, None, 0, &change).await.unwrap(), 1);
    assert_eq!((store.fired(), store.left()), (1, 0));
    let next = added(&[&stage(&table, 1, 0, &[(2, 20)]).await]);
    assert_eq!(publish_after(&table, Some(0), 1, &next).await.unwrap(), 2);
    assert_eq!(newest(&warehouse).await, [(1, 10), (2, 20)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_before_a_crash_is_recognised_after_it() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::ApplyThenFail));
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::Fail).times(100));
    // The look before the put is answered, and nothing after it.
    store.add(Rule::next(Operation::Get, "_delta_log", Fault::Fail).times(100).after(1));
    assert!(matches!(publish_after(&table, None, 0, &change).await, Err(SinkError::Unavailable(_))));
    store.heal();
    assert!(store.head(&entry_path(1)).await.is_ok(), "it was put");
    let table = open(&warehouse).await;
    assert_eq!(publish_after(&table, None, 0, &change).await.unwrap(), 1);
    assert_eq!(newest(&warehouse).await, [(1, 10)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_is_unavailable_and_then_works() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::Fail).times(100));
    let error = publish_after(&table, None, 0, &change).await.unwrap_err();
    assert!(
        matches!(&error, SinkError::Unavailable(text) if text.as_str().contains("commit 1 of table gold.counts")),
        "{error}"
    );
    assert!(store.fired() > 2, "tried {} times", store.fired());
    store.heal();
    assert_eq!(newest(&warehouse).await, []);
    assert_eq!(publish(&table, 0, &change).await.unwrap(), 1);
    assert_eq!(newest(&warehouse).await, [(1, 10)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retrying_cannot_help_is_told_at_once() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::DiskFull));
    assert!(matches!(publish_after(&table, None, 0, &change).await, Err(SinkError::DiskFull(_))));
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::Forbidden));
    assert!(
        matches!(publish_after(&table, None, 0, &change).await, Err(SinkError::Settings(text)) if text.as_str().contains("AWS_SECRET_ACCESS_KEY"))
    );
    assert_eq!((store.fired(), store.left()), (2, 0));
    assert_eq!(publish_after(&table, None, 0, &change).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_store_is_waited_for() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::DelayMs(300)));
    assert_eq!(publish(&table, 0, &change).await.unwrap(), 1);
    assert_eq!(store.fired(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_others_are_gone_behind() {
    let (warehouse, _) = faulty();
    let ours = open(&warehouse).await;
    let theirs = open_as(&warehouse, "other", "9f").await;
    for (epoch, key) in [(0, 1), (1, 2), (2, 3)] {
        let change = added(&[&stage(&theirs, epoch, 0, &[(key, 0)]).await]);
        publish(&theirs, epoch, &change).await.unwrap();
    }
    let change = added(&[&stage(&ours, 0, 0, &[(9, 0)]).await]);
    assert_eq!(publish_after(&ours, None, 0, &change).await.unwrap(), 4);
    let change = added(&[&stage(&theirs, 3, 0, &[(4, 0)]).await]);
    assert_eq!(publish_after(&theirs, Some(2), 3, &change).await.unwrap(), 5);
    assert_eq!(newest(&warehouse).await, [(1, 0), (2, 0), (3, 0), (4, 0), (9, 0)]);
}

/// Some stores refuse both of two puts that meet: nobody has made the entry then, and looking for it at once would go on for ever.
#[tokio::test(flavor = "multi_thread")]
async fn two_puts_that_meet_are_tried_again_with_pauses() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 10)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::Conflict).times(3));
    store.take_log();
    let started = Instant::now();
    assert_eq!(publish_after(&table, None, 0, &change).await.unwrap(), 1);
    // 100, 200 and 400 ms.
    assert!(started.elapsed() >= Duration::from_millis(700), "{:?}", started.elapsed());
    let puts = store.take_log().into_iter().filter(|(operation, _)| *operation == Operation::Put).count();
    assert_eq!((store.fired(), puts), (3, 4));
    assert_eq!(newest(&warehouse).await, [(1, 10)]);

    let change = added(&[&stage(&table, 1, 0, &[(2, 20)]).await]);
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::Conflict).times(1000));
    let answer = publish_after(&table, Some(0), 1, &change).await;
    assert!(
        matches!(&answer, Err(SinkError::Unavailable(text)) if text.as_str().contains("commit 2 of table gold.counts")),
        "{answer:?}"
    );
    assert!(store.fired() < 13, "tried {} times", store.fired() - 3);
    store.heal();
    assert_eq!(publish_after(&table, Some(0), 1, &change).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_moment_all_come_in_once() {
    let (warehouse, _) = faulty();
    open(&warehouse).await;
    let writers = (0..6_i64).map(|who| {
        let warehouse = warehouse.clone();
        tokio::spawn(async move {
            let table = open_as(&warehouse, "job", &format!("{who}")).await;
            for epoch in 0..5_u64 {
                let change = added(&[&stage(&table, epoch, 0, &[(who, epoch.cast_signed())]).await]);
                publish_after(&table, epoch.checked_sub(1), epoch, &change).await.unwrap();
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
    try_open(&warehouse, NAME, wider, ("other", "9f")).await.unwrap();
    let change = added(&[&stage(&ours, 0, 0, &[(1, 10)]).await]);
    assert!(
        matches!(publish_after(&ours, None, 0, &change).await, Err(SinkError::Unavailable(text)) if text.as_str().contains("version 1"))
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
        let version = publish(&table, epoch, &change).await.unwrap();
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
        publish(&ours, 0, &added(&[&file])).await.unwrap();
        let theirs = open_as(&warehouse, "optimize", "1a2b").await;
        let compacted = stage(&theirs, 900, 0, &[(1, 10)]).await;
        publish(&theirs, 900, &replaced(&[&file], &[&compacted])).await.unwrap();
        if reopened {
            ours = open(&warehouse).await;
        }
        let newer = stage(&ours, 1, 0, &[(1, 11)]).await;
        let answer = publish_after(&ours, Some(0), 1, &replaced(&[&file], &[&newer])).await;
        assert!(matches!(&answer, Err(SinkError::Data(text)) if text.as_str().contains(&file.path)), "{answer:?}");
        assert_eq!(newest(&warehouse).await, [(1, 10)]);
    }
}

/// A run that goes on where another stopped knows what that one has put into the table, though it did not see the answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_committed_can_be_replaced_though_an_answer_was_lost() {
    for by_another in [false, true] {
        let (warehouse, store) = faulty();
        let table = open(&warehouse).await;
        let file = stage(&table, 0, 0, &[(1, 10)]).await;
        let owed = commit(NAME, None, 0, &added(&[&file]));
        if by_another {
            // The run before is not quite dead yet.
            open(&warehouse).await.publish(owner_of(1), &owed).await.unwrap();
        } else {
            store.add(Rule::next(Operation::Put, "_delta_log", Fault::ApplyThenFail));
        }
        assert_eq!(table.publish(owner_of(2), &owed).await.unwrap(), 1);
        let newer = stage(&table, 1, 0, &[(1, 11)]).await;
        let next = commit(NAME, Some(owed.id()), 1, &replaced(&[&file], &[&newer]));
        assert_eq!(table.publish(owner_of(2), &epoch::Commit { owner: owner_of(2), ..next }).await.unwrap(), 2);
        assert_eq!((store.left(), newest(&warehouse).await), (0, vec![(1, 11)]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_staged_is_not_published_if_it_was_lost_or_changed() {
    for is_changed in [false, true] {
        let (warehouse, store) = faulty();
        let before = open(&warehouse).await;
        let file = stage(&before, 0, 0, &[(1, 10)]).await;
        let path = Path::from(format!("lake/gold/counts/{}", file.path));
        match is_changed {
            true => drop(store.put(&path, "something else".into()).await.unwrap()),
            false => store.delete(&path).await.unwrap(),
        }
        let owed = commit(NAME, None, 0, &added(&[&file]));
        let answer = open(&warehouse).await.publish(owner_of(2), &owed).await;
        assert!(
            matches!(&answer, Err(SinkError::Contradiction(Contradiction::ArtifactMissing { artifact, .. }))
                if artifact.contains(&file.path)),
            "{answer:?}"
        );
        assert_eq!(newest(&warehouse).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sweeping_takes_the_orphans_of_later_epochs_only() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let other = open_as(&warehouse, "shop", "77").await;
    let published = stage(&table, 4, 0, &[(1, 10)]).await;
    publish(&table, 4, &added(&[&published])).await.unwrap();
    let owed = stage(&table, 5, 0, &[(2, 20)]).await;
    let orphans = [stage(&table, 6, 0, &[(3, 30)]).await, stage(&table, 50, 1, &[(4, 40)]).await];
    let others = stage(&other, 6, 0, &[(5, 50)]).await;
    // An engine of format 1 had neither owner nor attempt in its names; Spark begins its own alike.
    let (old, sparks) = ("part-1a2b-0000000007-00000.parquet", "part-00000-5fba94ed-9794-4965-ba6e.c000.parquet");
    for name in [old, sparks] {
        store.put(&Path::from(format!("lake/gold/counts/{name}")), "x".into()).await.unwrap();
    }
    let mut left = vec![published.path.clone(), owed.path.clone(), others.path.clone(), sparks.to_string()];
    left.sort();
    table.sweep(owner(), Some(EpochId(5))).await.unwrap();
    assert_eq!(data_files(&store).await, left, "{orphans:?}");
    table.sweep(owner(), Some(EpochId(5))).await.unwrap();
    assert_eq!(data_files(&store).await, left);
    // A checkpoint that knows less than the table: what readers see stays.
    table.sweep(owner(), None).await.unwrap();
    left.retain(|name| *name != owed.path);
    assert_eq!(data_files(&store).await, left);
    assert_eq!(newest(&warehouse).await, [(1, 10)]);
}

/// The note of an attempt is lost with power that fails; once a later attempt at its epoch was committed, its files stood for ever.
#[tokio::test(flavor = "multi_thread")]
async fn fault_orphans_of_an_epoch_that_another_attempt_committed_are_swept() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let orphan = stage(&table, 4, 0, &[(1, 1)]).await;
    let kept = stage(&table, 4, 0, &[(1, 10)]).await;
    // Of the same attempt as the file that stays.
    let other = ArtifactId { number: 1, ..artifact(5, 0) };
    let replaced_later = stage_as(&table, other, &[(2, 20)]).await.unwrap();
    let stays = stage_as(&table, ArtifactId { number: 0, ..other }, &[(3, 30)]).await.unwrap();
    publish(&table, 4, &added(&[&kept])).await.unwrap();
    publish(&table, 5, &added(&[&replaced_later, &stays])).await.unwrap();
    let instead = stage(&table, 6, 1, &[(2, 21)]).await;
    publish(&table, 6, &replaced(&[&replaced_later], &[&instead])).await.unwrap();
    let unknown = stage(&table, 3, 0, &[(9, 9)]).await;
    let wiped_out = stage(&table, 6, 1, &[(2, 22)]).await;
    table.sweep(owner(), Some(EpochId(6))).await.unwrap();
    // What the table has, what readers of an old version need, and an epoch of which the log says nothing.
    let mut left: Vec<String> =
        [&kept, &replaced_later, &stays, &instead, &unknown].map(|file| file.path.clone()).to_vec();
    left.sort();
    assert_eq!(data_files(&store).await, left, "{orphan:?} {wiped_out:?}");
    assert_eq!(newest(&warehouse).await, [(1, 10), (2, 21), (3, 30)]);
}

/// Offsets alone say nothing of a topic that was made anew under its old name.
#[tokio::test(flavor = "multi_thread")]
async fn fault_a_commit_says_which_topic_its_offsets_are_of() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let identity = SplitIdentity(serde_json::json!({"topic_id": "Zm9v/+=", "leader_epoch": 3}));
    for epoch in 0..2_u64 {
        let change = added(&[&stage(&table, epoch, 0, &[(epoch.cast_signed(), 0)]).await]);
        let mut commit = commit(NAME, epoch.checked_sub(1).map(id), epoch, &change);
        let events = commit.plan.sources.entry("events".to_string()).or_default();
        events.ranges.insert(Split::new("t", 0), OffsetRange { from: 0, until: 10 }.into());
        // The first is as an engine of before wrote it.
        if epoch == 1 {
            events.identity.insert(Split::new("t", 0), identity.clone());
        }
        table.publish(owner(), &commit).await.unwrap();
        let read = open(&warehouse).await.read_by_then().await.unwrap().unwrap();
        let found = read.identities.get("events").and_then(|of| of.get(&Split::new("t", 0)));
        assert_eq!((read.positions.len(), found), (1, (epoch == 1).then_some(&identity)));
    }
    let entry = store.get(&entry_path(2)).await.unwrap().bytes().await.unwrap();
    let entry = String::from_utf8(entry.to_vec()).unwrap();
    for (field, version) in [("topic_id=Zm9v/+=", 1), ("leader_epoch", 3)] {
        // In a transaction, which outlives the log's clean-up.
        let transaction = format!(r#""appId":"engine-shop-1a2b/identity/events/t/*/{field}","version":{version}"#);
        assert!(entry.contains(&transaction), "{transaction} is not in {entry}");
    }
}

/// As the release before wrote it: beside the operation, in no transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_before_says_its_topics_in_its_words() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 0)]).await]);
    let mut first = commit(NAME, None, 0, &change);
    let events = first.plan.sources.entry("events".to_string()).or_default();
    events.ranges.insert(Split::new("t", 0), OffsetRange { from: 0, until: 10 }.into());
    table.publish(owner(), &first).await.unwrap();
    let entry = store.get(&entry_path(1)).await.unwrap().bytes().await.unwrap();
    let entry = String::from_utf8(entry.to_vec()).unwrap();
    let said = r#"{"identities":"{\"events\":{\"t\":{\"0\":{\"topic_id\":\"Zm9v\"}}}}","#;
    let older = entry.replacen(r#""operationParameters":{"#, &format!(r#""operationParameters":{said}"#), 1);
    store.put(&entry_path(1), older.into()).await.unwrap();
    let read = open(&warehouse).await.read_by_then().await.unwrap().unwrap();
    let found = read.identities["events"].get(&Split::new("t", 0)).unwrap();
    assert_eq!(found.0, serde_json::json!({"topic_id": "Zm9v"}));
}

/// A source that left the job: its offsets, and whose they are, are told on.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_says_where_sources_stood_that_left_the_job() {
    let (warehouse, _) = faulty();
    let table = open(&warehouse).await;
    let change = added(&[&stage(&table, 0, 0, &[(1, 0)]).await]);
    let mut first = commit(NAME, None, 0, &change);
    let (one, other) = (Split::new("t", 0), Split::new("t", 1));
    let positions = [(one.clone(), 7.into()), (other.clone(), 9.into())].into_iter().collect();
    let id = |leader: i64| SplitIdentity(serde_json::json!({"topic_id": "Zm9v", "leader_epoch": leader}));
    let identities: SplitIdentities = [(one, id(1)), (other, id(2))].into_iter().collect();
    first.set_aside = BTreeMap::from([("gone".to_string(), positions)]);
    first.set_aside_identities = BTreeMap::from([("gone".to_string(), identities.clone())]);
    table.publish(owner(), &first).await.unwrap();
    let read = open(&warehouse).await.read_by_then().await.unwrap().unwrap();
    assert_eq!((&read.positions["gone"], &read.identities["gone"]), (&first.set_aside["gone"], &identities));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_summarised_and_read_from_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let table = open(&warehouse).await;
    for epoch in 0..105 {
        let change = added(&[&stage(&table, epoch, 0, &[(epoch.cast_signed(), 1)]).await]);
        publish(&table, epoch, &change).await.unwrap();
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
    assert_eq!(at(&again).await, (105, Some(EpochId(104))));
    assert_eq!(newest(&warehouse).await.len(), 105);
}

/// Each run that made a hundredth version was killed before the summary was done: after 5,000 versions a start took ten gigabytes of memory
/// to read them, and none lived to make a summary any more.
#[tokio::test(flavor = "multi_thread")]
async fn fault_a_log_that_no_run_lived_to_summarise_is_summarised_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let log = folder.path().join("gold/counts/_delta_log");
    let hint = log.join("_last_checkpoint");
    let go_on = async |epochs: std::ops::Range<u64>| {
        let table = open(&warehouse).await;
        let before = hint.exists();
        for epoch in epochs {
            let change = added(&[&stage(&table, epoch, 0, &[(epoch.cast_signed(), 1)]).await]);
            publish(&table, epoch, &change).await.unwrap();
        }
        table.wait_idle().await;
        before
    };
    // What a killed upkeep leaves: nothing.
    let kill = || {
        std::fs::remove_file(&hint).unwrap();
        for entry in std::fs::read_dir(&log).unwrap().flatten() {
            if entry.path().extension().is_some_and(|kind| kind == "parquet") {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
    };
    assert!(!go_on(0..105).await);
    kill();
    assert!(!go_on(105..150).await, "a start waits for no summary that is only just due");
    assert!(hint.exists(), "the first commit of the run made it");
    assert!(go_on(150..260).await);
    kill();
    assert!(go_on(260..261).await, "the start made it");
    assert!(log.join("00000000000000000260.checkpoint.parquet").is_file());
    assert_eq!(newest(&warehouse).await.len(), 261);
}
