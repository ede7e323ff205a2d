//! What the follower hands over: each epoch once, in order, and those that were published ahead of what ended it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::mpsc::{Receiver, Sender, channel};

use async_trait::async_trait;
use connector::{Capabilities, SinkError, TableDefinition};
use epoch::{CommitId, StagedFile, TableCommit};
use tokio::runtime::Runtime;

use super::*;
use crate::bounds::COMMITS_MAX;

/// A warehouse whose answers the test gives, one for each call.
struct Asked {
    asks: Sender<u64>,
    answers: Mutex<Receiver<Result<(), SinkError>>>,
}

#[async_trait]
impl Sink for Asked {
    fn title(&self) -> &'static str {
        "Asked"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::FILES
    }

    async fn open_table(&self, _: &TableDefinition, _: &WriterId) -> Result<Arc<dyn SinkTable>, SinkError> {
        unreachable!("the follower opens nothing")
    }

    async fn find_table(&self, _: &str, _: &WriterId) -> Result<Option<Arc<dyn SinkTable>>, SinkError> {
        unreachable!("the follower opens nothing")
    }

    async fn publish(
        &self,
        _: &WriterId,
        _: Owner,
        _: &Tables,
        commit: &Commit,
    ) -> Result<BTreeMap<String, i64>, SinkError> {
        self.asks.send(commit.plan.epoch.0).unwrap();
        let answer = self.answers.lock().unwrap().recv().expect("the test answers each call");
        answer.map(|()| BTreeMap::from([("gold.t".to_string(), commit.plan.epoch.0.cast_signed())]))
    }

    async fn mark_published(
        &self,
        _: &WriterId,
        _: Owner,
        _: &Commit,
        _: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        Ok(())
    }
}

/// A follower, and the answers of its warehouse.
struct Bed {
    follower: Follower,
    asked: Receiver<u64>,
    answers: Sender<Result<(), SinkError>>,
    _runtime: Runtime,
}

impl Bed {
    fn new() -> Bed {
        Bed::within(Bounds { commits: COMMITS_MAX, bytes: u64::MAX, age: Duration::MAX })
    }

    fn within(bounds: Bounds) -> Bed {
        let ((answers, theirs), (asks, asked)) = (channel(), channel());
        let runtime = Runtime::new().unwrap();
        let sink: Arc<dyn Sink> = Arc::new(Asked { asks, answers: Mutex::new(theirs) });
        let publisher = Publisher {
            sink,
            writer: WriterId { job: "shop".to_string(), job_id: "0000002a".to_string() },
            owner: Owner { term: 1, run: 7 },
            tables: Tables::new(),
            runtime: runtime.handle().clone(),
        };
        let follower = Follower::start(publisher, bounds, &Arc::new(Steps::new(None)), &Arc::default());
        Bed { follower, asked, answers, _runtime: runtime }
    }

    /// Hands over the commit of an epoch that adds half a MiB.
    fn follow(&self, epoch: u64) -> Result<(), RunError> {
        let file = StagedFile {
            path: format!("part-{epoch}"),
            bytes: 1 << 19,
            rows: 1,
            bucket: None,
            stats: String::new(),
            effect: Default::default(),
        };
        let change = TableCommit { added: vec![file], ..TableCommit::default() };
        let commit = Commit::bare(CommitId::new(EpochId(epoch), epoch + 9));
        let commit = commit.with_tables(None, BTreeMap::from([("gold.t".to_string(), change)]));
        self.follower.follow(Permit::for_durable(commit))
    }

    fn answer(&self, answer: Result<(), SinkError>) {
        self.answers.send(answer).unwrap();
    }

    /// The number of the next epoch that is handed over, once none is waiting.
    fn taken(&self) -> Result<Option<u64>, RunError> {
        let published = self.follower.take_published(true)?;
        let number = |published: PublishedEpoch| {
            assert_eq!(published.versions["gold.t"], published.epoch().0.cast_signed());
            published.epoch().0
        };
        Ok(published.map(number))
    }
}

#[test]
fn each_epoch_is_handed_over_once_also_if_several_were_published_since_the_last_look() {
    let bed = Bed::new();
    for epoch in 0..3 {
        bed.follow(epoch).unwrap();
        bed.answer(Ok(()));
    }
    let taken: Vec<_> = (0..4).map(|_| bed.taken().unwrap()).collect();
    assert_eq!(taken, [Some(0), Some(1), Some(2), None]);
    bed.follow(3).unwrap();
    bed.answer(Ok(()));
    assert_eq!((bed.taken().unwrap(), bed.taken().unwrap()), (Some(3), None));
}

/// They were lost with the error: published, and never reported.
#[test]
fn what_was_published_is_handed_over_before_what_ended_the_follower() {
    let bed = Bed::new();
    for (epoch, answer) in [(0, Ok(())), (1, Ok(())), (2, Err(SinkError::Data("torn".to_string().into())))] {
        bed.follow(epoch).unwrap();
        bed.answer(answer);
    }
    assert_eq!((bed.taken().unwrap(), bed.taken().unwrap()), (Some(0), Some(1)));
    let error = bed.taken().unwrap_err();
    assert!(error.kind() == ErrorKind::Data && error.to_string().contains("torn"), "{error}");
    assert!(bed.follow(3).is_err(), "nothing follows what could not be published");
}

#[test]
fn who_does_not_wait_gets_what_there_is() {
    let bed = Bed::new();
    bed.follow(0).unwrap();
    assert!(bed.follower.take_published(false).unwrap().is_none(), "it is not answered yet");
    bed.answer(Ok(()));
    assert_eq!(bed.taken().unwrap(), Some(0));
    assert!(bed.follower.take_published(false).unwrap().is_none());
}

#[test]
fn how_far_the_warehouse_is_behind_is_told_with_the_reason_until_there_is_room() {
    let bed = Bed::new();
    let behind = || bed.follower.behind(Duration::ZERO).unwrap();
    for epoch in 0..COMMITS_MAX as u64 {
        assert_eq!(behind(), None, "epoch {epoch}");
        bed.follow(epoch).unwrap();
    }
    let told = behind().unwrap();
    assert_eq!((told.commits, told.first.0, told.last.0, told.bytes), (4, 0, 3, 2 << 20));
    let text = told.to_string();
    assert!(text.starts_with("4 epochs (0 to 3, 2.0 MiB) are committed and not yet published"), "{text}");
    assert!(text.ends_with("the warehouse takes that long"), "{text}");

    // Asked once more, it has said why by then.
    bed.answer(Err(SinkError::Unavailable("the bucket is away".to_string().into())));
    assert_eq!((bed.asked.recv().unwrap(), bed.asked.recv().unwrap()), (0, 0));
    let text = behind().unwrap().to_string();
    assert!(text.ends_with("the warehouse is not available: the bucket is away"), "{text}");

    bed.answer(Ok(()));
    assert_eq!(bed.asked.recv().unwrap(), 1, "it is at the next one");
    assert_eq!(behind(), None);
    bed.follow(4).unwrap();
    let told = behind().unwrap();
    assert_eq!((told.first.0, told.last.0, told.trouble), (1, 4, None));
    (1..5).for_each(|_| bed.answer(Ok(())));
    let taken: Vec<_> = (0..5).map(|_| bed.taken().unwrap().unwrap()).collect();
    assert_eq!(taken, [0, 1, 2, 3, 4]);
}

#[test]
fn a_follower_that_has_ended_is_not_waited_for() {
    let bed = Bed::new();
    for epoch in 0..COMMITS_MAX as u64 {
        bed.follow(epoch).unwrap();
    }
    bed.answer(Err(SinkError::Data("torn".to_string().into())));
    let error = bed.follower.behind(Duration::from_secs(60)).unwrap_err();
    assert!(error.to_string().contains("torn"), "{error}");
}

#[test]
fn a_warehouse_is_waited_for_by_the_bytes_and_the_age_of_what_it_lacks() {
    let by_bytes = Bounds { commits: 100, bytes: 1 << 20, age: Duration::MAX };
    let by_age = Bounds { commits: 100, bytes: u64::MAX, age: Duration::ZERO };
    for (bounds, epochs, word) in [(by_bytes, 2, "max_unpublished_size"), (by_age, 1, "max_unpublished_age")] {
        let bed = Bed::within(bounds);
        for epoch in 0..epochs {
            assert_eq!(bed.follower.behind(Duration::ZERO).unwrap(), None, "{word}: epoch {epoch}");
            bed.follow(epoch).unwrap();
        }
        let told = bed.follower.behind(Duration::ZERO).unwrap().expect("the bound is reached");
        assert_eq!(told.commits as u64, epochs);
        assert!(told.to_string().contains(&format!("until one is ({word}). Epoch 0 has waited")), "{told}");
        (0..epochs).for_each(|_| bed.answer(Ok(())));
        (0..epochs).for_each(|epoch| assert_eq!(bed.taken().unwrap(), Some(epoch)));
        assert_eq!(bed.follower.behind(Duration::ZERO).unwrap(), None, "{word}: there is room again");
    }
}
