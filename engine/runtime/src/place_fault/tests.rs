//! Faults of places are read as they are written, and happen to one place in one epoch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use connector::{Capabilities, TableDefinition, WriterId};
use epoch::{StagedFile, TableCommit};

use super::*;

fn place_fault(text: &str) -> PlaceFault {
    match Fault::parse(text) {
        Ok(Fault::Place(fault)) => fault,
        other => panic!("{text} is {other:?}"),
    }
}

/// A commit that gives each of these tables a file.
fn commit(epoch: u64, tables: &[&str]) -> Commit {
    let file = StagedFile {
        path: "part".to_string(),
        bytes: 1,
        rows: 1,
        bucket: None,
        stats: String::new(),
        effect: Default::default(),
    };
    let change = TableCommit { added: vec![file], ..TableCommit::default() };
    let tables: BTreeMap<String, TableCommit> =
        tables.iter().map(|table| ((*table).to_string(), change.clone())).collect();
    Commit::bare(CommitId::new(EpochId(epoch), 5)).with_tables(None, tables)
}

#[test]
fn every_fault_of_a_place_reads_back_as_written() {
    for text in ["publish:away:3:4:gold.t", "publish:after:0:rejected.events"] {
        assert_eq!(Fault::Place(place_fault(text)).to_string(), text);
    }
    let away = PlaceFault { place: "gold.t".to_string(), epoch: EpochId(3), failure: PlaceFailure::Away { times: 4 } };
    assert_eq!(place_fault("publish:away:3:4:gold.t"), away);
    assert_eq!(place_fault("publish:after:3:gold.t").failure, PlaceFailure::Killed);
    assert!(matches!(Fault::parse("publish:after:3"), Ok(Fault::Kill(_))), "the step, of all places");
}

#[test]
fn a_mistyped_fault_is_refused_with_an_example() {
    for text in ["publish:away", "publish:away:3", "publish:away:3:4", "publish:away:x:4:t", "publish:away:3:0:t"] {
        assert!(Fault::parse(text).unwrap_err().contains("publish:away:3:4:gold.t"), "{text}");
    }
    for text in ["publish:away:3:-1:t", "publish:away:3:4:", "publish:away:3:4:t:u", "publish:after:3:"] {
        assert!(Fault::parse(text).is_err(), "{text}");
    }
    for text in ["commit:after:3:4", "commit:away:3:4:t", "stage:after:3:gold.t"] {
        assert!(Fault::parse(text).unwrap_err().contains("commit:after:3"), "{text}");
    }
}

#[test]
fn a_place_is_away_for_so_many_tries_of_its_epoch() {
    let fault = ArmedFault::new(place_fault("publish:away:3:2:gold.t"));
    fault.check_answers(&commit(2, &["gold.t"])).unwrap();
    fault.check_answers(&commit(3, &["gold.u"])).unwrap();
    for _ in 0..2 {
        let error = fault.check_answers(&commit(3, &["gold.t", "gold.u"])).unwrap_err();
        assert_eq!(error, SinkError::Unavailable("fail point: gold.t does not answer".to_string().into()));
    }
    fault.check_answers(&commit(3, &["gold.t", "gold.u"])).unwrap();
    fault.check_answers(&commit(4, &["gold.t"])).unwrap();
}

/// Tables of one transaction, which are asked nothing each for itself.
#[derive(Default)]
struct Whole {
    published: AtomicU32,
}

#[async_trait]
impl Sink for Whole {
    fn title(&self) -> &'static str {
        "Whole"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { transaction_over_tables: true, ..Capabilities::FILES }
    }

    async fn open_table(&self, _: &TableDefinition, _: &WriterId) -> Result<Arc<dyn SinkTable>, SinkError> {
        unreachable!("nothing is opened")
    }

    async fn find_table(&self, _: &str, _: &WriterId) -> Result<Option<Arc<dyn SinkTable>>, SinkError> {
        Ok(None)
    }

    async fn publish(
        &self,
        _: &WriterId,
        _: Owner,
        _: &Tables,
        _: &Commit,
    ) -> Result<BTreeMap<String, i64>, SinkError> {
        self.published.fetch_add(1, Ordering::Relaxed);
        Ok(BTreeMap::new())
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

#[tokio::test]
async fn a_sink_that_publishes_all_tables_at_once_is_away_as_a_whole() {
    let whole = Arc::new(Whole::default());
    let fault = Arc::new(ArmedFault::new(place_fault("publish:away:3:2:gold.t")));
    let sink = over_sink(Arc::<Whole>::clone(&whole), Some(&fault));
    let writer = WriterId { job: "shop".to_string(), job_id: "00c0ffee".to_string() };
    let publish = async |epoch, tables: &[&str]| {
        sink.publish(&writer, Owner::default(), &Tables::new(), &commit(epoch, tables)).await
    };
    publish(2, &["gold.t"]).await.unwrap();
    for _ in 0..2 {
        let error = publish(3, &["gold.u", "gold.t"]).await.unwrap_err();
        assert_eq!(error, SinkError::Unavailable("fail point: gold.t does not answer".to_string().into()));
    }
    assert_eq!(whole.published.load(Ordering::Relaxed), 1, "no table has the epoch");
    publish(3, &["gold.u", "gold.t"]).await.unwrap();
    assert_eq!(whole.published.load(Ordering::Relaxed), 2);
}
