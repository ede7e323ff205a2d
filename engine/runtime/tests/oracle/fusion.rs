//! DataFusion's batch engine as an oracle, in this process.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::datasource::MemTable;
use datafusion::execution::context::{SessionConfig, SessionContext};
use tokio::runtime::{Builder, Runtime};

use crate::case::StaticRow;
use crate::cell::{Lines, lines_of_batches};
use crate::model::ReadRow;
use crate::query::STATIC;

/// A session of DataFusion, one a thread.
pub struct Fusion {
    context: SessionContext,
    runtime: Runtime,
}

impl Fusion {
    pub fn start() -> Fusion {
        // With DataFusion's own rules but one, which is wrong: see there.
        let mut config = SessionConfig::new().with_target_partitions(1).with_information_schema(false);
        // It forgets which columns of a UNION can be null and then stumbles over it.
        config.options_mut().execution.skip_physical_aggregate_schema_check = true;
        // A text of the tables is Utf8, a cast to VARCHAR would be Utf8View, and it does not compare the two everywhere.
        config.options_mut().sql_parser.map_string_types_to_utf8view = false;
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Fusion { context: plan::session(config), runtime }
    }

    /// Makes a table of all rows that were read of a source.
    pub fn load(&mut self, name: &str, rows: &[ReadRow]) {
        let longs =
            |of: &dyn Fn(&ReadRow) -> Option<i64>| Arc::new(rows.iter().map(of).collect::<Int64Array>()) as ArrayRef;
        let text = rows.iter().map(|read| read.row.k.clone()).collect::<StringArray>();
        let double = rows.iter().map(|read| read.row.x).collect::<Float64Array>();
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("id", longs(&|read| Some(read.row.id)), true),
            ("us", longs(&|read| read.row.us), true),
            ("k", Arc::new(text) as ArrayRef, true),
            ("g", longs(&|read| read.row.g), true),
            ("v", longs(&|read| read.row.v), true),
            ("x", Arc::new(double) as ArrayRef, true),
            ("epoch", longs(&|read| Some(read.epoch)), true),
            ("late_0", longs(&|read| Some(read.late_us[0])), true),
            ("late_1", longs(&|read| Some(read.late_us[1])), true),
            ("late_2", longs(&|read| Some(read.late_us[2])), true),
            ("mark", longs(&|read| Some(read.mark)), true),
            ("seq", longs(&|read| Some(read.seq)), true),
        ])
        .unwrap();
        self.put(name, batch);
    }

    /// Makes the static table: the rows that each epoch saw.
    pub fn load_static(&mut self, rows: &[(i64, StaticRow)]) {
        let longs = |of: &dyn Fn(&(i64, StaticRow)) -> Option<i64>| {
            Arc::new(rows.iter().map(of).collect::<Int64Array>()) as ArrayRef
        };
        let text = rows.iter().map(|(_, row)| row.k.clone()).collect::<StringArray>();
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("epoch", longs(&|(epoch, _)| Some(*epoch)), true),
            ("k", Arc::new(text) as ArrayRef, true),
            ("n", longs(&|(_, row)| Some(row.n)), true),
            ("c", longs(&|(_, row)| row.c), true),
        ])
        .unwrap();
        self.put(STATIC, batch);
    }

    fn put(&mut self, name: &str, batch: RecordBatch) {
        let _ = self.context.deregister_table(name).unwrap();
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
        self.context.register_table(name, Arc::new(table)).unwrap();
    }

    /// The rows of a query, each as a line, sorted; or what is wrong.
    pub fn ask(&mut self, sql: &str) -> Result<Lines, String> {
        let context = &self.context;
        let batches = self.runtime.block_on(batch::rows(context, sql)).map_err(|error| error.to_string())?;
        Ok(lines_of_batches(&batches))
    }
}
