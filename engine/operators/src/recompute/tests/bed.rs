//! Runs an operator as the runtime does, over a checkpoint that is a map, beside a twin that is opened anew from the checkpoint now and
//! then: both must emit the same and write the same, whatever the order of the tasks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::array_value_to_string;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use epoch::EpochId;
use futures::executor::block_on;
use state::{KeyPartitioning, OperatorId};

use crate::block_changes::BlockChanges;
use crate::change::{Change, Sign};
use crate::epoch_time::EpochTime;
use crate::memory_blocks::MemoryBlocks;
use crate::operator::{LateRows, Operator, OperatorSpec};
use crate::recompute::BatchPlan;
use crate::stored::Stored;
use crate::{OperatorError, SlotExec};

/// Rows of an epoch: for each lane ports with signs and batches.
pub type Lanes = Vec<Vec<(usize, Sign, RecordBatch)>>;

pub fn epoch_time(epoch: u64, late_us: Option<i64>, watermark_us: Option<i64>) -> EpochTime {
    EpochTime { epoch: EpochId(epoch), batch_time_us: 1_000 * epoch as i64, watermark_us, late_us }
}

pub struct Bed {
    spec: Arc<dyn OperatorSpec>,
    blocks: MemoryBlocks,
    last: Option<EpochTime>,
    operator: Box<dyn Operator>,
    twin: Box<dyn Operator>,
    pub left: LateRows,
}

impl Bed {
    pub fn new(spec: Arc<dyn OperatorSpec>) -> Bed {
        let open = || Arc::clone(&spec).open(Stored::default()).unwrap();
        let (operator, twin) = (open(), open());
        Bed { spec, blocks: MemoryBlocks::default(), last: None, operator, twin, left: LateRows::default() }
    }

    /// Opens one of the two anew.
    pub fn restart(&mut self) {
        let anew =
            Arc::clone(&self.spec).open(self.blocks.stored(self.spec.as_ref(), self.last, Arc::default())).unwrap();
        self.twin = std::mem::replace(&mut self.operator, anew);
    }

    /// The same checkpoint, gone on with by another operator.
    pub fn with(self, spec: Arc<dyn OperatorSpec>) -> Bed {
        let open = || Arc::clone(&spec).open(self.blocks.stored(spec.as_ref(), self.last, Arc::default())).unwrap();
        Bed { operator: open(), twin: open(), spec, ..self }
    }

    /// Deletes all blocks of a store, as if an engine had written the checkpoint that did not know it, and opens both anew.
    pub fn without_store(mut self, name: &str) -> Bed {
        let operator = OperatorId::of(name);
        self.blocks.map.retain(|key, _| key.operator != operator);
        let spec = Arc::clone(&self.spec);
        self.with(spec)
    }

    /// Runs and commits an epoch.
    pub fn epoch(&mut self, lanes: &Lanes, time: EpochTime) -> Vec<Change> {
        self.try_epoch(lanes, time).unwrap()
    }

    pub fn try_epoch(&mut self, lanes: &Lanes, time: EpochTime) -> Result<Vec<Change>, OperatorError> {
        let (out, written, left) = run(&self.spec, self.operator.as_mut(), &self.blocks, lanes, &time, false)?;
        let (again, rewritten, _) = run(&self.spec, self.twin.as_mut(), &self.blocks, lanes, &time, true)?;
        assert_eq!(format!("{out:?}"), format!("{again:?}"), "another result when run again");
        assert_same(&written, &rewritten);
        self.blocks.apply(&written);
        self.operator.committed();
        self.twin.committed();
        self.left.late += left.late;
        self.left.untimed += left.untimed;
        self.last = Some(time);
        let rows = |operator: &dyn Operator| operator.count_rows(&self.blocks).unwrap();
        assert_eq!(rows(self.operator.as_ref()), rows(self.twin.as_ref()));
        Ok(out)
    }

    pub fn rows(&self) -> u64 {
        self.operator.count_rows(&self.blocks).unwrap()
    }

    /// Bytes in the checkpoint.
    pub fn bytes(&self) -> usize {
        self.blocks.bytes()
    }

    pub fn operator(&self) -> &dyn Operator {
        self.operator.as_ref()
    }
}

fn run(
    spec: &Arc<dyn OperatorSpec>,
    operator: &mut dyn Operator,
    blocks: &MemoryBlocks,
    lanes: &Lanes,
    time: &EpochTime,
    backwards: bool,
) -> Result<(Vec<Change>, BlockChanges, LateRows), OperatorError> {
    let mut left = LateRows::default();
    for (number, chunks) in lanes.iter().enumerate() {
        let mut lane = Arc::clone(spec).lane(KeyPartitioning::default())?;
        for (port, sign, rows) in chunks {
            let of_chunk = lane.push(*port, *sign, rows, time)?;
            left.late += of_chunk.late;
            left.untimed += of_chunk.untimed;
        }
        operator.absorb(time, lane.finish()?, number as u16)?;
    }
    let mut tasks: Vec<_> = operator.tasks(time)?.into_iter().enumerate().collect();
    if backwards {
        tasks.reverse();
    }
    let mut out = BTreeMap::new();
    for (number, task) in tasks {
        out.insert(number, operator.run(task, time, blocks)?);
    }
    let out = out.into_values().flatten().collect();
    Ok((out, operator.prepare_commit(time, blocks)?, left))
}

fn assert_same(left: &BlockChanges, right: &BlockChanges) {
    let keys = |changes: &BlockChanges| changes.puts.iter().map(|(key, _)| *key).collect::<Vec<_>>();
    assert_eq!(keys(left), keys(right));
    assert!(left.puts == right.puts, "other bytes when run again");
    assert_eq!(left.deletes, right.deletes);
    assert_eq!(left.drops, right.drops);
}

/// Rows as text, one string a row.
pub fn texts(rows: &RecordBatch) -> Vec<String> {
    let text = |row: usize| {
        let cells = rows.columns().iter().map(|column| match column.is_null(row) {
            true => "null".to_string(),
            false => array_value_to_string(column, row).unwrap(),
        });
        cells.collect::<Vec<_>>().join("|")
    };
    (0..rows.num_rows()).map(text).collect()
}

/// A table that takes changes, as a multiset of rows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Table(pub BTreeMap<String, usize>);

impl Table {
    pub fn of(batches: &[RecordBatch]) -> Table {
        let mut table = Table::default();
        batches.iter().flat_map(texts).for_each(|row| *table.0.entry(row).or_default() += 1);
        table
    }

    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            assert!(change.rows.num_rows() > 0, "an empty change");
            for row in texts(&change.rows) {
                match change.sign {
                    Sign::Add => *self.0.entry(row).or_default() += 1,
                    Sign::Retract => {
                        let count = self.0.get_mut(&row).unwrap_or_else(|| panic!("retracts {row}"));
                        *count -= 1;
                        if *count == 0 {
                            self.0.remove(&row);
                        }
                    }
                    Sign::Replace { .. } => panic!("replaces"),
                }
            }
        }
    }
}

fn session() -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(1);
    config.options_mut().sql_parser.map_string_types_to_utf8view = false;
    SessionContext::new_with_config(config)
}

/// The query as a plan over ports, in the order of the tables.
pub fn plan(sql: &str, tables: &[(&str, SchemaRef)]) -> BatchPlan {
    let context = session();
    for (port, (name, schema)) in tables.iter().enumerate() {
        let places = Places { port, schema: Arc::clone(schema) };
        context.register_table(*name, Arc::new(places)).unwrap();
    }
    let plan = block_on(batch::physical_plan(&context, sql)).unwrap();
    BatchPlan::compile(plan, context.task_ctx()).unwrap()
}

/// The query's answer over whole tables.
pub fn answer(sql: &str, tables: &[(&str, RecordBatch)]) -> Table {
    let context = session();
    for (name, rows) in tables {
        let table = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
        context.register_table(*name, Arc::new(table)).unwrap();
    }
    Table::of(&block_on(batch::rows(&context, sql)).unwrap())
}

/// Places for the rows of a port, as a table of a session.
#[derive(Debug)]
pub struct Places {
    pub port: usize,
    pub schema: SchemaRef,
}

#[async_trait::async_trait]
impl TableProvider for Places {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(SlotExec::place(&self.schema, projection)?.at_port(self.port)))
    }
}

/// Numbers that a seed repeats (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
