//! Artifacts of buckets: completed side by side, a few at a time, and handed over in the order of the buckets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use arrow::array::Int64Array;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use connector::SinkPosition;
use epoch::{Commit, CommitId};

use super::*;

/// A table whose artifacts say that they are being completed, and go on when the test lets them.
struct Slow {
    schema: SchemaRef,
    begun: Sender<i64>,
    go_on: Arc<Mutex<Receiver<()>>>,
    completed: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

struct SlowWriter {
    bucket: i64,
    rows: u64,
    begun: Sender<i64>,
    go_on: Arc<Mutex<Receiver<()>>>,
    completed: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

impl StageWriter for SlowWriter {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), SinkError> {
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Option<StagedFile>, SinkError> {
        self.begun.send(self.bucket).unwrap();
        // Nobody is waited for without end: a lane that closes one after the other fails here.
        let went_on = self.go_on.lock().unwrap().recv_timeout(Duration::from_secs(20));
        self.completed.fetch_add(1, Ordering::AcqRel);
        if went_on.is_err() || self.fails.load(Ordering::Acquire) {
            return Err(SinkError::DiskFull(format!("bucket {}", self.bucket).into()));
        }
        Ok(Some(StagedFile {
            path: format!("bucket-{}", self.bucket),
            bytes: 1,
            rows: self.rows,
            bucket: Some(self.bucket),
            stats: String::new(),
            effect: Default::default(),
        }))
    }
}

#[async_trait]
impl SinkTable for Slow {
    fn name(&self) -> &str {
        "gold.slow"
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn define(&self, _: Owner) -> Result<(), SinkError> {
        Ok(())
    }

    fn stage(&self, _: ArtifactId, content: Content) -> Result<Box<dyn StageWriter>, SinkError> {
        Ok(Box::new(SlowWriter {
            bucket: content.bucket().unwrap(),
            rows: 0,
            begun: self.begun.clone(),
            go_on: Arc::clone(&self.go_on),
            completed: Arc::clone(&self.completed),
            fails: Arc::clone(&self.fails),
        }))
    }

    async fn publish(&self, _: Owner, _: &Commit) -> Result<i64, SinkError> {
        unreachable!("nothing is published here")
    }

    async fn adopt(&self, _: Owner, _: CommitId) -> Result<(), SinkError> {
        unreachable!("nothing is published here")
    }

    async fn position(&self) -> Result<SinkPosition, SinkError> {
        Ok(SinkPosition::default())
    }

    async fn sweep(&self, _: Owner, _: Option<EpochId>) -> Result<(), SinkError> {
        Ok(())
    }

    async fn rows(&self) -> Result<Vec<RecordBatch>, SinkError> {
        Ok(Vec::new())
    }

    async fn wait_idle(&self) {}
}

/// The table, and the other ends of its channels.
fn slow() -> (Slow, Receiver<i64>, Sender<()>) {
    let (begun, has_begun) = channel();
    let (go, go_on) = channel();
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let (completed, fails) = (Arc::default(), Arc::default());
    (Slow { schema, begun, go_on: Arc::new(Mutex::new(go_on)), completed, fails }, has_begun, go)
}

fn rows(sink: &Slow) -> RecordBatch {
    RecordBatch::try_new(Arc::clone(&sink.schema), vec![Arc::new(Int64Array::from(vec![1, 2]))]).unwrap()
}

fn attempt() -> AttemptId {
    AttemptId { epoch: EpochId(0), owner: Owner { term: 1, run: 1 }, number: 0 }
}

fn replace(lane: &mut TableLane, sink: &Slow, bucket: i64) {
    lane.replace(sink, bucket, &rows(sink), attempt(), (0, 1)).unwrap();
}

#[test]
fn buckets_are_completed_side_by_side_and_handed_over_in_their_order() {
    let (sink, has_begun, go) = slow();
    let mut lane = TableLane::default();
    for bucket in [7, 3, 5] {
        replace(&mut lane, &sink, bucket);
    }
    lane.finish_bucket().unwrap();
    // All three are being completed, and none of them is.
    let mut begun: Vec<i64> = (0..CLOSING_MAX).map(|_| has_begun.recv().unwrap()).collect();
    begun.sort_unstable();
    assert_eq!((begun, sink.completed.load(Ordering::Acquire)), (vec![3, 5, 7], 0));
    (0..CLOSING_MAX).for_each(|_| go.send(()).unwrap());
    let replaced = lane.take_replaced().unwrap();
    let buckets: Vec<_> = replaced.iter().map(|(bucket, file)| (*bucket, file.as_ref().unwrap().rows)).collect();
    assert_eq!(buckets, [(7, 2), (3, 2), (5, 2)]);
    assert_eq!(lane.take_replaced().unwrap(), []);
}

#[test]
fn one_that_cannot_be_completed_fails_the_epoch() {
    let (sink, _has_begun, go) = slow();
    sink.fails.store(true, Ordering::Release);
    let mut lane = TableLane::default();
    replace(&mut lane, &sink, 1);
    lane.finish_bucket().unwrap();
    go.send(()).unwrap();
    let error = lane.take_replaced().unwrap_err();
    assert!(error.to_string().contains("bucket 1"), "{error}");
}

#[test]
fn an_attempt_that_is_given_up_leaves_nobody_writing() {
    let (sink, _has_begun, go) = slow();
    let mut lane = TableLane::default();
    for bucket in 0..3 {
        replace(&mut lane, &sink, bucket);
    }
    // The third has not been finished: it is dropped as it is.
    (0..2).for_each(|_| go.send(()).unwrap());
    drop(lane);
    assert_eq!(sink.completed.load(Ordering::Acquire), 2);
}
