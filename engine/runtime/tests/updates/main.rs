//! Tables in update mode that others read, over many epochs: what is retracted is what was emitted. DataFusion's batch answer over all
//! records is the oracle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod doubles;
mod nexmark;
mod order;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use testkit::{MemoryOptions, MemoryRun};

/// Opens a job in memory.
fn open(text: &str, lanes: u32) -> MemoryRun {
    let job = job::parse("updates.toml", text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    MemoryRun::open(job, &MemoryOptions { lanes, ..MemoryOptions::default() }).unwrap()
}

/// Rows as text in any order; doubles in nine digits: a batch adds them up in another order, and rounds at each step.
fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let cell = |rows: &RecordBatch, column: usize, row: usize| {
        let column = rows.column(column);
        let text = array_value_to_string(column, row).unwrap();
        match column.data_type() {
            DataType::Float64 if column.is_valid(row) => format!("{:.8e}", text.parse::<f64>().unwrap()),
            _ => text,
        }
    };
    let line = |rows: &RecordBatch, row: usize| {
        (0..rows.num_columns()).map(|column| cell(rows, column, row)).collect::<Vec<_>>().join(" ")
    };
    let mut lines: Vec<String> =
        batches.iter().flat_map(|rows| (0..rows.num_rows()).map(|row| line(rows, row)).collect::<Vec<_>>()).collect();
    lines.sort();
    lines
}

/// The batch answer over whole tables.
fn answer(sql: &str, tables: &[(&str, RecordBatch)]) -> Vec<String> {
    let mut config = SessionConfig::new().with_target_partitions(1);
    config.options_mut().sql_parser.map_string_types_to_utf8view = false;
    let context = SessionContext::new_with_config(config);
    for (name, rows) in tables {
        let table = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
        context.register_table(*name, Arc::new(table)).unwrap();
    }
    // Some of its plans start tasks of their own.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    lines(&runtime.block_on(batch::rows(&context, sql)).unwrap())
}

/// Numbers that a seed repeats (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit) as i64
    }
}
