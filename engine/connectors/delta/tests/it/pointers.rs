//! Pointers: put on condition of what was read, and never back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector::{Catalog, Pointer, SinkError, WriterId};
use delta::{Warehouse, write_pointer};
use epoch::offsets::OffsetRange;
use epoch::{Commit, Contradiction, EpochId, Owner, Split, WatermarkState};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use storage::faults::{Fault, FaultyStore, Operation, Rule};

use crate::fixture::{NAME, faulty, id, in_store, owner_of, pointer};

const PATH: &str = "lake/_engine/shop.json";

fn of(owner: Owner, epoch: u64) -> Pointer {
    pointer("shop", owner, epoch, &[(NAME, epoch.cast_signed() + 1)])
}

async fn pointed(warehouse: &Warehouse) -> (Owner, EpochId) {
    let pointers = warehouse.pointers().await.unwrap();
    assert_eq!(pointers.len(), 1, "{pointers:?}");
    (pointers[0].owner, pointers[0].epoch)
}

fn is_fenced(answer: &Result<(), SinkError>, by_owner: Owner) -> bool {
    matches!(answer, Err(SinkError::Contradiction(Contradiction::Fenced { by, .. })) if *by == by_owner)
}

/// The same by a process that has just put the last one, and by another that has to read it; in a store and on a disk, which
/// cannot put on condition.
#[tokio::test(flavor = "multi_thread")]
async fn a_pointer_never_goes_back_but_by_an_owner_that_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let location = folder.path().to_str().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for (place, is_one_process) in [("memory", true), ("memory", false), ("disk", true), ("disk", false)] {
        let scratch = format!("{location}/{is_one_process}");
        let job = if is_one_process { "shop" } else { "books" };
        let held = match place {
            "memory" => in_store(Arc::clone(&store)),
            _ => Warehouse::open(&scratch).await.unwrap(),
        };
        let write = async |owner: Owner, epoch: u64| {
            let warehouse = match place {
                _ if is_one_process => held.clone(),
                "memory" => in_store(Arc::clone(&store)),
                _ => Warehouse::open(&scratch).await.unwrap(),
            };
            let answer = write_pointer(&warehouse, &pointer(job, owner, epoch, &[])).await;
            let pointers = warehouse.pointers().await.unwrap();
            let now = pointers.into_iter().find(|pointer| pointer.job == job).unwrap();
            (answer, (now.owner, now.epoch.0))
        };
        let case = format!("{place}, {is_one_process}");
        let (first, second, third) = (owner_of(1), owner_of(2), owner_of(3));
        assert_eq!(write(second, 5).await, (Ok(()), (second, 5)), "{case}");
        assert_eq!(write(second, 4).await, (Ok(()), (second, 5)), "{case}: an older epoch is left out");
        assert_eq!(write(second, 5).await, (Ok(()), (second, 5)), "{case}");
        assert_eq!(write(second, 6).await, (Ok(()), (second, 6)), "{case}");
        let (answer, now) = write(first, 9).await;
        assert!(is_fenced(&answer, second) && now == (second, 6), "{case}: {answer:?}, {now:?}");
        let (answer, now) = write(Owner { run: 1, ..second }, 9).await;
        assert!(is_fenced(&answer, second) && now == (second, 6), "{case}: a twin: {answer:?}, {now:?}");
        assert_eq!(write(third, 3).await, (Ok(()), (third, 3)), "{case}: somebody has decided to go back");
    }
}

/// Waits until a fault has struck.
async fn struck(store: &FaultyStore, times: u32) {
    for _ in 0..1_000 {
        if store.fired() >= times {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no fault struck");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pointer_written_between_reading_and_putting_is_seen() {
    // There was none, one that was read, or one that this process had put itself.
    for before in ["none", "read", "put"] {
        let inner = Arc::new(InMemory::new());
        let store = FaultyStore::new(Arc::<InMemory>::clone(&inner));
        let (ours, theirs) = (in_store(Arc::new(store.clone())), in_store(inner));
        match before {
            "read" => write_pointer(&theirs, &of(owner_of(1), 0)).await.unwrap(),
            "put" => write_pointer(&ours, &of(owner_of(1), 0)).await.unwrap(),
            _ => {}
        }
        store.add(Rule::next(Operation::Put, PATH, Fault::DelayMs(500)));
        let late = tokio::spawn(async move { write_pointer(&ours, &of(owner_of(1), 1)).await });
        struck(&store, 1).await;
        write_pointer(&theirs, &of(owner_of(2), 0)).await.unwrap();
        let answer = late.await.unwrap();
        assert!(is_fenced(&answer, owner_of(2)), "{before}: {answer:?}");
        assert_eq!(pointed(&theirs).await, (owner_of(2), EpochId(0)), "{before}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pointer_survives_lost_answers_and_a_failing_store() {
    for fault in [Fault::Fail, Fault::ApplyThenFail, Fault::Conflict] {
        for operation in [Operation::Put, Operation::Get] {
            let (warehouse, store) = faulty();
            for epoch in 0..3 {
                // Once the first is put the next needs no look before it.
                let strikes = epoch < 2 && !(operation == Operation::Get && epoch > 0);
                if strikes {
                    store.add(Rule::next(operation, PATH, fault));
                }
                write_pointer(&warehouse, &of(owner_of(1), epoch)).await.unwrap();
                assert_eq!(store.left(), 0, "{operation:?} {fault:?} {epoch}");
                assert_eq!(pointed(&warehouse).await, (owner_of(1), EpochId(epoch)), "{operation:?} {fault:?}");
            }
        }
    }
    let (warehouse, store) = faulty();
    store.add(Rule::next(Operation::Put, PATH, Fault::Conflict).times(1000));
    let answer = write_pointer(&warehouse, &of(owner_of(1), 0)).await;
    assert!(
        matches!(&answer, Err(SinkError::Unavailable(text)) if text.as_str().contains("_engine/shop.json")),
        "{answer:?}"
    );
    assert!(store.fired() < 10, "tried {} times", store.fired());
}

#[tokio::test(flavor = "multi_thread")]
async fn pointers_of_format_1_are_read_and_replaced_and_newer_ones_are_refused() {
    let (warehouse, store) = faulty();
    let put = async |text: &str| store.put(&Path::from(PATH), text.to_string().into()).await.unwrap();
    put(r#"{"format":1,"job":"shop","epoch":4,"versions":{"gold.counts":5}}"#).await;
    let old = warehouse.pointers().await.unwrap().remove(0);
    assert_eq!((old.epoch, old.versions, old.owner), (EpochId(4), [(NAME.to_string(), 5)].into(), Owner::default()));
    assert_eq!((old.job_id.as_str(), old.nonce, old.positions.len()), ("", 0, 0));
    let new = of(owner_of(1), 5);
    write_pointer(&warehouse, &new).await.unwrap();
    assert_eq!(warehouse.pointers().await.unwrap(), [new]);
    put(r#"{"format":3,"job":"shop","epoch":4,"versions":{}}"#).await;
    for answer in [warehouse.pointers().await.map(|_| ()), write_pointer(&warehouse, &of(owner_of(1), 6)).await] {
        assert!(matches!(&answer, Err(SinkError::Data(text)) if text.as_str().contains("newer engine")), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pointer_says_what_the_job_had_read() {
    let (warehouse, _) = faulty();
    let mut commit = Commit::bare(id(3));
    let events = commit.plan.sources.entry("events".to_string()).or_default();
    events.ranges.insert(Split::new("t", 0), OffsetRange { from: 5, until: 12 }.into());
    let watermark = WatermarkState { watermark_us: Some(7_000), ..WatermarkState::default() };
    commit.watermarks.insert("events".to_string(), watermark);
    let writer = WriterId { job: "shop".to_string(), job_id: "00c0ffee".to_string() };
    let versions = BTreeMap::from([(NAME.to_string(), 4)]);
    write_pointer(&warehouse, &Pointer::of(&writer, owner_of(1), &commit, &versions)).await.unwrap();
    let read = warehouse.pointers().await.unwrap().remove(0);
    assert_eq!((read.job_id.as_str(), read.epoch, read.nonce), ("00c0ffee", EpochId(3), id(3).nonce));
    assert_eq!((read.versions, read.owner), (versions, owner_of(1)));
    assert_eq!(read.positions["events"].get(&Split::new("t", 0)).and_then(epoch::Position::offset), Some(12));
    assert_eq!(read.watermarks_us, [("events".to_string(), 7_000)].into());
}
