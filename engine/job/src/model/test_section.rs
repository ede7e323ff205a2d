//! A test of the job, as the job file has it: records in, rows out.

use std::collections::BTreeMap;
use std::ops::Range;

use epoch::Step;
use serde_json::{Map, Value};

/// One `[[test]]`. It begins with an empty checkpoint and an empty warehouse.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What it is about. No two tests of a job have the same.
    pub name: String,
    /// Where its name stands in the job file, bytes: for messages.
    pub place: Range<usize>,
    /// The steps, in order. Empty only with `expect_error`.
    pub steps: Vec<TestStep>,
    /// The job must be refused before its first epoch, by a message that holds this text.
    pub expect_error: Option<String>,
}

/// One `[[test.step]]`: what is done, in the order of the fields, then what must be so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TestStep {
    /// Where it stands in the job file, bytes: for messages.
    pub place: Range<usize>,
    /// The engine is stopped and started again from its checkpoint before anything else of the step.
    pub restart: bool,
    /// `current_timestamp` of the epochs from here on, microseconds since 1970 UTC. `None`: as in the step before.
    pub time_us: Option<i64>,
    /// Static tables hold these rows from here on.
    pub statics: BTreeMap<String, Vec<Map<String, Value>>>,
    /// Records that arrive, by source. With any, the step runs one epoch that reads them all, and then epochs without
    /// records for as long as a watermark that moved has rows to emit (unless the job has `no_data_epochs = false`).
    pub input: BTreeMap<String, Vec<TestRecord>>,
    /// An epoch runs although nothing arrives.
    pub empty_epoch: bool,
    /// The first epoch of the step is killed here; the engine is started again and finishes the step.
    pub kill: Option<KillPoint>,
    /// All rows of these tables after the step.
    pub expect: BTreeMap<String, Vec<TestRow>>,
    /// The rows that the step wrote to these tables: added or changed; in complete mode the whole last result.
    pub expect_new: BTreeMap<String, Vec<TestRow>>,
    /// The rows of `expect` and `expect_new` must come in the order given.
    pub ordered: bool,
    /// How many rows of these tables the step left out because they came too late.
    pub expect_late: BTreeMap<String, u64>,
    /// Watermarks after the step, by source or table, microseconds since 1970 UTC; `None`: there is none yet.
    pub expect_watermark: BTreeMap<String, Option<i64>>,
    /// The state of these tables after the step.
    pub expect_state: BTreeMap<String, ExpectedState>,
    /// The job must stop in this step, with a message that holds this text. Later steps begin with a restart.
    pub expect_error: Option<String>,
}

/// A record that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRecord {
    /// Its partition, from 0 on.
    pub partition: i32,
    /// Its key.
    pub key: Option<String>,
    /// Its Kafka timestamp, microseconds since 1970 UTC; `None`: the time of the step.
    pub timestamp_us: Option<i64>,
    /// Its value, text as it lies in the topic.
    pub value: String,
}

/// A row that is expected.
#[derive(Debug, Clone, PartialEq)]
pub enum TestRow {
    /// By the names of columns. Columns that no row of the same list names are not looked at; one that only this row
    /// leaves out must be NULL.
    Named(Map<String, Value>),
    /// All columns of the table, in its order.
    Listed(Vec<Value>),
}

/// A place in an epoch at which a test kills the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillPoint {
    /// The protocol step.
    pub step: Step,
    /// True: once the step is done; false: before it does anything.
    pub after: bool,
}

/// What is expected of the state of a table's operators, all together. `None`: not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpectedState {
    /// Rows that are kept after the step.
    pub rows: Option<u64>,
    /// Rows that the step added or changed.
    pub updated: Option<u64>,
    /// Rows that the step left out because they came too late.
    pub late: Option<u64>,
}
