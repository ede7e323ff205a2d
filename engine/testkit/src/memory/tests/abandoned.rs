//! Epochs that were committed and that a table never got: published once it is there, dropped by word alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use connector::{
    AsOf, Capabilities, Catalog, Pointer, Sink, SinkError, SinkTable, TableDefinition, TableSnapshot, Tables,
    Warehouse, WarehouseConnector, WriterId,
};
use datafusion::prelude::SessionContext;
use epoch::{Commit, Owner};

use super::{click, job, rows};
use crate::{MemoryOptions, MemoryRun};

const BOTH: &str = "[table.bronze.one]\nsql = \"SELECT user FROM clicks\"\n\n\
                    [table.bronze.two]\nsql = \"SELECT user, price FROM clicks\"\n";
const TWO_ALONE: &str = "[table.bronze.two]\nsql = \"SELECT user, price FROM clicks\"\n";
const REPLACED: &str =
    "[table.gold.users]\nmode = \"update\"\nsql = \"SELECT user, count(*) AS clicks FROM clicks GROUP BY user\"\n";

/// Tables in memory that take no epochs while it is said so, are deleted, or are another warehouse's.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_shut: bool,
    deleted: BTreeSet<String>,
    has_moved: bool,
    first: ::memory::MemorySink,
    second: ::memory::MemorySink,
}

impl Gate {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    fn tables(&self) -> ::memory::MemorySink {
        let state = self.0.lock().unwrap();
        if state.has_moved { state.second.clone() } else { state.first.clone() }
    }
}

#[async_trait]
impl WarehouseConnector for Gate {
    fn opens(&self, _: &str) -> bool {
        true
    }

    fn capabilities(&self) -> Capabilities {
        Sink::capabilities(&self.tables())
    }

    async fn open(&self, _: &str) -> Result<Arc<dyn Warehouse>, SinkError> {
        Ok(Arc::new(self.clone()))
    }

    fn table_schema(&self, schema: &Schema) -> Result<SchemaRef, SinkError> {
        self.tables().table_schema(schema)
    }
}

#[async_trait]
impl Sink for Gate {
    fn title(&self) -> &'static str {
        "Gate"
    }

    fn capabilities(&self) -> Capabilities {
        Sink::capabilities(&self.tables())
    }

    async fn open_table(
        &self,
        definition: &TableDefinition,
        writer: &WriterId,
    ) -> Result<Arc<dyn SinkTable>, SinkError> {
        self.tables().open_table(definition, writer).await
    }

    async fn find_table(&self, name: &str, writer: &WriterId) -> Result<Option<Arc<dyn SinkTable>>, SinkError> {
        if self.0.lock().unwrap().deleted.contains(name) {
            return Ok(None);
        }
        self.tables().find_table(name, writer).await
    }

    async fn publish(
        &self,
        writer: &WriterId,
        owner: Owner,
        tables: &Tables,
        commit: &Commit,
    ) -> Result<BTreeMap<String, i64>, SinkError> {
        if self.0.lock().unwrap().is_shut {
            return Err(SinkError::Settings("the gate is shut".to_string().into()));
        }
        self.tables().publish(writer, owner, tables, commit).await
    }

    async fn mark_published(
        &self,
        writer: &WriterId,
        owner: Owner,
        commit: &Commit,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        self.tables().mark_published(writer, owner, commit, versions).await
    }
}

#[async_trait]
impl Catalog for Gate {
    fn location(&self) -> String {
        self.tables().location()
    }

    async fn pointers(&self) -> Result<Vec<Pointer>, SinkError> {
        self.tables().pointers().await
    }

    async fn tables(&self, as_of: AsOf, file_column: Option<&str>) -> Result<Vec<TableSnapshot>, SinkError> {
        self.tables().tables(as_of, file_column).await
    }

    fn prepare(&self, context: &SessionContext) -> Result<(), SinkError> {
        self.tables().prepare(context)
    }

    async fn remove_all(&self) -> Result<usize, SinkError> {
        self.tables().remove_all().await
    }
}

/// A job whose epoch 0 (one row) is published, and whose epoch 1 (two rows) is committed and is not.
fn unpublished(tables: &str) -> (MemoryRun, Gate) {
    let mut run = MemoryRun::open(job(tables), &MemoryOptions::default()).unwrap();
    let gate = Gate::default();
    run.backends.registry =
        connector::Registry::new(Arc::new(gate.clone())).with_source(Arc::new(run.place.topics.clone()));
    run.restart().unwrap();
    run.append("clicks", 0, [click("ann", 1, 1.0)]).unwrap();
    run.step().unwrap();
    run.append("clicks", 0, [click("bob", 2, 2.0), click("cid", 3, 3.0)]).unwrap();
    gate.set(|state| state.is_shut = true);
    let error = run.step().unwrap_err().to_string();
    assert!(error.contains("the gate is shut"), "{error}");
    gate.set(|state| state.is_shut = false);
    (run, gate)
}

fn has_noted(run: &MemoryRun, text: &str) -> bool {
    run.log.notes.iter().any(|note| note.contains(text))
}

#[test]
fn a_table_that_left_the_job_with_an_epoch_unpublished_gets_it_all_the_same() {
    let (mut run, _) = unpublished(BOTH);
    run.restart_as(job(TWO_ALONE)).unwrap();
    assert!(has_noted(&run, "not yet in bronze.one, bronze.two"), "{:?}", run.log.notes);
    run.restart_as(job(BOTH)).unwrap();
    assert_eq!(rows(&mut run, "bronze.one"), ["ann", "bob", "cid"]);
}

#[test]
fn a_table_that_left_job_and_warehouse_with_an_epoch_unpublished_is_dropped_by_word_alone() {
    let (mut run, gate) = unpublished(BOTH);
    gate.set(|state| {
        state.deleted.insert("bronze.one".to_string());
    });
    for _ in 0..2 {
        let error = run.restart_as(job(TWO_ALONE)).unwrap_err().to_string();
        for part in
            ["bronze.one is neither in the job nor in the warehouse", "1 epoch (1, 2 rows)", "--abandon bronze.one"]
        {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
    }
    run.abandon("bronze.one");
    run.restart_as(job(TWO_ALONE)).unwrap();
    assert!(has_noted(&run, "abandoned: 1 epoch (1, 2 rows) were committed to bronze.one"), "{:?}", run.log.notes);
    assert_eq!(rows(&mut run, "bronze.two").len(), 3);
    // Decided once: the next start needs no word, and one that is still there does nothing, and says so.
    run.append("clicks", 0, [click("dan", 4, 4.0)]).unwrap();
    run.step().unwrap();
    run.restart().unwrap();
    assert!(
        has_noted(&run, "--abandon bronze.one: nothing that was committed to it is unpublished"),
        "{:?}",
        run.log.notes
    );
    assert_eq!(rows(&mut run, "bronze.two").len(), 4);
}

#[test]
fn what_a_table_of_the_job_lacks_is_abandoned_by_word_and_it_goes_on() {
    let (mut run, _) = unpublished(BOTH);
    run.abandon("bronze.one");
    run.restart().unwrap();
    run.append("clicks", 0, [click("dan", 4, 4.0)]).unwrap();
    run.step().unwrap();
    assert_eq!(rows(&mut run, "bronze.one"), ["ann", "dan"]);
    assert_eq!(rows(&mut run, "bronze.two").len(), 4, "the other one lacks nothing");
}

#[test]
fn rows_that_are_replaced_cannot_be_abandoned_while_the_job_builds_on_them() {
    let (mut run, _) = unpublished(&format!("{TWO_ALONE}{REPLACED}"));
    run.abandon("gold.users");
    let error = run.restart().unwrap_err().to_string();
    assert!(error.contains("gold.users lacks 1 epoch (1, ") && error.contains("cannot be abandoned"), "{error}");
    run.restart_as(job(TWO_ALONE)).unwrap();
    assert!(has_noted(&run, "were committed to gold.users and are not published to it"), "{:?}", run.log.notes);
}

#[test]
fn a_warehouse_that_moves_with_an_epoch_unpublished_is_gone_on_with_by_word_alone() {
    let (mut run, gate) = unpublished(TWO_ALONE);
    gate.set(|state| state.has_moved = true);
    let error = run.restart().unwrap_err().to_string();
    assert!(error.contains("--accept record-lost"), "{error}");
    run.accept("record-lost");
    let error = run.restart().unwrap_err().to_string();
    for part in ["bronze.two has no record of this job", "1 epoch (1, 2 rows)", "--abandon bronze.two"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    // Back where it was until it is drained: nothing is lost.
    gate.set(|state| state.has_moved = false);
    run.restart().unwrap();
    assert_eq!(rows(&mut run, "bronze.two").len(), 3);
    // Then it may move: what it had stays where it is.
    gate.set(|state| state.has_moved = true);
    run.restart().unwrap();
    run.append("clicks", 0, [click("dan", 4, 4.0)]).unwrap();
    run.step().unwrap();
    assert_eq!(rows(&mut run, "bronze.two"), ["dan 4.0"]);
}
