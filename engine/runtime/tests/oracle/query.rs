//! Queries as trees: each node is written in the engine's SQL, and in the SQL of a batch engine over the rows that were on time.
//!
//! Every node gives the same columns, so that any node can stand on any other: `ts` (event time), `w` (window), `k`, `g`, `v`,
//! `x`, `id`, and the figures `e0`, `e1`, … of aggregates. To the batch engines times are whole numbers: `us`, `ws`, `we`; so no
//! function of time has to mean the same in three dialects. Their column `l` is the watermark by which a row can be late.

mod aggregate;
mod figure;
mod filter;

pub use aggregate::{Aggregate, Window};
pub use figure::Figure;
pub use filter::Filter;

use crate::case::{Case, Mode, SOURCES, Table};
use crate::model::{NEVER, OF_BOTH};

/// A node of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// The rows of a source.
    Rows {
        source: usize,
    },
    /// The rows of another table.
    Table(usize),
    /// Rows for which all of these are true.
    Where {
        input: Box<Query>,
        filters: Vec<Filter>,
    },
    Aggregate(Aggregate),
}

/// Which columns a node gives besides `k`, `g`, `v`, `x` and `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    pub has_time: bool,
    pub has_window: bool,
    pub figures: usize,
}

/// Which batch engine is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Fusion,
    Duck,
}

/// When, and for whom, the batch answer is asked for.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub case: &'a Case,
    /// Position of the table in the job.
    pub table: usize,
    pub dialect: Dialect,
    /// Rows of epochs up to this one are there.
    pub epoch: i64,
    /// The watermarks of the last epoch.
    pub watermarks_us: [i64; 3],
}

impl Ask<'_> {
    fn table(&self) -> &Table {
        &self.case.tables[self.table]
    }

    pub fn mode(&self) -> Mode {
        self.table().mode
    }

    /// The watermark that the table goes by.
    pub fn watermark_us(&self) -> i64 {
        self.watermarks_us[self.table().query.clock(self.case)]
    }
}

impl Query {
    pub fn columns(&self, case: &Case) -> Columns {
        match self {
            Query::Rows { .. } => Columns { has_time: true, has_window: false, figures: 0 },
            Query::Table(table) => Columns { has_window: false, ..case.tables[*table].query.columns(case) },
            Query::Where { input, .. } => input.columns(case),
            Query::Aggregate(aggregate) => aggregate.columns(),
        }
    }

    /// The nodes below.
    pub fn inputs(&self) -> Vec<&Query> {
        match self {
            Query::Rows { .. } | Query::Table(_) => Vec::new(),
            Query::Where { input, .. } => vec![input],
            Query::Aggregate(aggregate) => vec![&aggregate.input],
        }
    }

    pub fn inputs_mut(&mut self) -> Vec<&mut Query> {
        match self {
            Query::Rows { .. } | Query::Table(_) => Vec::new(),
            Query::Where { input, .. } => vec![input],
            Query::Aggregate(aggregate) => vec![&mut aggregate.input],
        }
    }

    /// True if it reads this table.
    pub fn reads(&self, table: usize) -> bool {
        matches!(self, Query::Table(read) if *read == table) || self.inputs().iter().any(|input| input.reads(table))
    }

    /// True if something in it has memory.
    pub fn has_memory(&self, case: &Case) -> bool {
        match self {
            Query::Rows { .. } => false,
            Query::Table(table) => case.tables[*table].query.has_memory(case) || !case.tables[*table].extra.is_empty(),
            Query::Where { input, .. } => input.has_memory(case),
            _ => true,
        }
    }

    fn has_source(&self, source: usize, case: &Case) -> bool {
        match self {
            Query::Rows { source: read } => *read == source,
            Query::Table(table) => case.tables[*table].query.has_source(source, case),
            _ => self.inputs().iter().any(|input| input.has_source(source, case)),
        }
    }

    /// Which watermark it goes by.
    pub fn clock(&self, case: &Case) -> usize {
        match (self.has_source(0, case), self.has_source(1, case)) {
            (true, true) => OF_BOTH,
            (false, true) => 1,
            _ => 0,
        }
    }

    /// The whole query of a table in the engine's SQL.
    pub fn engine_sql(&self, case: &Case) -> String {
        let columns = self.columns(case);
        let mut given: Vec<String> = Vec::new();
        if columns.has_window {
            given.extend(["w.start AS ws".to_string(), "w.end AS we".to_string()]);
        }
        given.extend(columns.has_time.then(|| "ts".to_string()));
        given.extend(columns.rest());
        format!("SELECT {} FROM ({}) q", given.join(", "), self.engine(case))
    }

    /// The whole query of a table in a batch engine's SQL.
    pub fn batch_sql(&self, ask: &Ask<'_>) -> String {
        let columns = self.columns(ask.case);
        let mut given: Vec<String> = Vec::new();
        if columns.has_window {
            given.extend(["ws".to_string(), "we".to_string()]);
        }
        given.extend(columns.has_time.then(|| "us".to_string()));
        given.extend(columns.rest());
        format!("SELECT {} FROM ({}) q", given.join(", "), self.batch(ask))
    }

    /// The node in the engine's SQL.
    pub fn engine(&self, case: &Case) -> String {
        match self {
            Query::Rows { source } => format!("SELECT ts, k, g, v, x, id FROM {}", SOURCES[*source]),
            Query::Table(table) => {
                let columns = self.columns(case);
                let given: Vec<String> =
                    columns.has_time.then(|| "ts".to_string()).into_iter().chain(columns.rest()).collect();
                format!("SELECT {} FROM {}", given.join(", "), case.tables[*table].name)
            }
            Query::Where { input, filters } => {
                let filters: Vec<&str> = filters.iter().map(|filter| filter.sql()).collect();
                format!("SELECT * FROM ({}) q WHERE {}", input.engine(case), filters.join(" AND "))
            }
            Query::Aggregate(aggregate) => aggregate.engine(case),
        }
    }

    /// The node in a batch engine's SQL.
    pub fn batch(&self, ask: &Ask<'_>) -> String {
        match self {
            Query::Rows { source } => {
                let late = ask.table().query.clock(ask.case);
                format!(
                    "SELECT us, k, g, v, x, id, late_{late} AS l, mark FROM {} WHERE epoch <= {}",
                    SOURCES[*source], ask.epoch
                )
            }
            Query::Table(table) => {
                let query = &ask.case.tables[*table].query;
                match query.has_memory(ask.case) {
                    // What it gives is never late for its readers.
                    true => query.batch(&Ask { table: *table, ..*ask }),
                    false => query.batch(ask),
                }
            }
            Query::Where { input, filters } => {
                let filters: Vec<&str> = filters.iter().map(|filter| filter.sql()).collect();
                format!("SELECT * FROM ({}) q WHERE {}", input.batch(ask), filters.join(" AND "))
            }
            Query::Aggregate(aggregate) => aggregate.batch(ask),
        }
    }
}

impl Columns {
    /// The columns that have the same name everywhere.
    pub fn rest(&self) -> Vec<String> {
        let figures = (0..self.figures).map(|figure| format!("e{figure}"));
        ["k", "g", "v", "x", "id"].map(str::to_string).into_iter().chain(figures).collect()
    }
}

/// The column `l` of rows that are never late.
pub fn never_late() -> String {
    format!("CAST({NEVER} AS BIGINT) AS l")
}

impl Query {
    /// Leaves its part of this number out. False if it has no such part.
    pub fn simplify(&mut self, part: usize) -> bool {
        match self {
            Query::Rows { .. } | Query::Table(_) => false,
            Query::Where { input, filters } => {
                if part >= filters.len() {
                    return false;
                }
                filters.remove(part);
                if filters.is_empty() {
                    *self = input.as_ref().clone();
                }
                true
            }
            Query::Aggregate(aggregate) => aggregate.simplify(part),
        }
    }
}
