//! Every kind of request is spoken of while it is waited for, and no line comes of one that is answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::net::TcpListener;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;

use crate::faults::{Fault, FaultyStore, Operation, Rule};
use crate::location::s3_root;

use super::*;

const SOON: Duration = Duration::from_millis(50);

type Lines = Arc<Mutex<Vec<String>>>;

fn watched(inner: Arc<dyn ObjectStore>) -> (Watched, Lines) {
    let lines = Lines::default();
    let kept = Arc::clone(&lines);
    let say: Say = Arc::new(move |line| kept.lock().unwrap().push(line.to_string()));
    (Watched::saying(inner, "s3://bucket/lake", SOON, say), lines)
}

/// A store that hangs was waited for half a minute without a word.
#[tokio::test(flavor = "multi_thread")]
async fn fault_a_store_that_hangs_is_said_to_be_waited_for() {
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    let (store, lines) = watched(Arc::new(faulty.clone()));
    let path = Path::from("gold/t/1.json");
    for (operation, what) in [
        (Operation::Put, "writing gold/t/1.json"),
        (Operation::Get, "reading gold/t/1.json"),
        (Operation::Delete, "deleting objects"),
    ] {
        faulty.add(Rule::next(operation, "", Fault::DelayMs(500)));
        match operation {
            Operation::Put => drop(store.put(&path, "x".into()).await.unwrap()),
            Operation::Get => assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "x"),
            _ => store.delete(&path).await.unwrap(),
        }
        let said = std::mem::take(&mut *lines.lock().unwrap());
        // At 50, 100, 200 and 400 ms, if the machine is not slow.
        assert!((2..=4).contains(&said.len()), "{said:?}");
        let first = &said[0];
        assert!(first.starts_with("s3://bucket/lake has not answered for 0.") && first.contains(what), "{said:?}");
    }
    assert_eq!(faulty.left(), 0);
    store.put(&path, "x".into()).await.unwrap();
    assert_eq!(store.list(None).try_collect::<Vec<_>>().await.unwrap().len(), 1);
    assert!(lines.lock().unwrap().is_empty(), "nothing is said of answers that come");
}

/// Delta's reader asks a listing once more behind its end; that ended every job on S3.
#[tokio::test]
async fn a_listing_that_is_asked_behind_its_end_stays_at_its_end() {
    let (store, _) = watched(Arc::new(InMemory::new()));
    store.put(&Path::from("a"), "x".into()).await.unwrap();
    let mut listing = store.list(None);
    assert!(listing.try_next().await.unwrap().is_some());
    for _ in 0..3 {
        assert!(listing.try_next().await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_that_wait_are_said_once() {
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    let (store, lines) = watched(Arc::new(faulty.clone()));
    faulty.add(Rule::next(Operation::Put, "", Fault::DelayMs(75)).times(20));
    let paths: Vec<Path> = (0..20).map(|number| Path::from(format!("{number}"))).collect();
    futures::future::try_join_all(paths.iter().map(|path| store.put(path, "x".into()))).await.unwrap();
    let said = lines.lock().unwrap().len();
    assert!((1..=2).contains(&said), "{said} lines");
}

/// As a store that was stopped with SIGSTOP: it takes connections and never answers. Of its listings, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_on_s3_is_watched() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
        ("AWS_ENDPOINT_URL", address.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string());
    let (_, root) = s3_root("s3://bucket/lake", &find).unwrap();
    assert!(format!("{root:?}").starts_with("Watched"), "{root:?}");
    let (store, lines) = watched(root);
    let listed = tokio::time::timeout(Duration::from_millis(500), store.list(None).try_collect::<Vec<_>>()).await;
    assert!(listed.is_err(), "it answered: {listed:?}");
    assert!(lines.lock().unwrap()[0].contains("(listing)"));
    const { assert!(NOTICE_AFTER.as_secs() < 5) };
}
