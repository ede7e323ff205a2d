//! Queries as trees: each node is written in the engine's SQL, and in the SQL of a batch engine over the rows that were on time.
//!
//! Every node gives the same columns, so that any node can stand on any other: `ts` (event time), `w` (window), `k`, `g`, `v`,
//! `x`, `id`, and the measures `e0`, `e1`, … of aggregates. To the batch engines times are whole numbers: `us`, `ws`, `we`; so no
//! function of time has to mean the same in three dialects. Their column `l` is the watermark by which a row can be late.

mod aggregate;
mod explode;
mod filter;
mod join;
mod lookup;
mod measure;
mod session;
mod shape;
mod simplify;

pub use aggregate::{Aggregate, Sets, Window};
pub use explode::Explode;
pub use filter::Filter;
pub use join::{Join, JoinKind, Spelling};
pub use lookup::{Lookup, STATIC};
pub use measure::Measure;
pub use session::{Gap, Session};

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
    /// Other values: CASE, arithmetic.
    Shaped {
        input: Box<Query>,
    },
    /// The input by a name: WITH.
    Named {
        input: Box<Query>,
    },
    Aggregate(Aggregate),
    Session(Session),
    /// SELECT DISTINCT of `k` and `g`, with the time or without.
    Distinct {
        input: Box<Query>,
        with_time: bool,
    },
    /// The table's `deduplicate`; it stands at the top.
    Deduplicated {
        input: Box<Query>,
        keys: Vec<&'static str>,
        within_us: Option<i64>,
    },
    Join(Box<Join>),
    Union(Vec<Query>),
    /// The first rows of each window, or of each key, by `v` and `id`.
    Top {
        input: Box<Query>,
        by: &'static str,
        rows: i64,
    },
    /// A running sum and the value before it, in each window, or of each key.
    Over {
        input: Box<Query>,
        by: &'static str,
    },
    /// Rows out of an array or a map.
    Exploded {
        input: Box<Query>,
        by: Explode,
    },
    /// Beside a static table.
    Looked {
        input: Box<Query>,
        by: Lookup,
    },
    /// ORDER BY and LIMIT of a table in complete mode; it stands at the top.
    Limited {
        input: Box<Query>,
        rows: i64,
    },
}

/// Which columns a node gives besides `k`, `g`, `v`, `x` and `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    pub has_time: bool,
    pub has_window: bool,
    pub measures: usize,
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
            Query::Rows { .. } => Columns { has_time: true, has_window: false, measures: 0 },
            Query::Table(table) => Columns { has_window: false, ..case.tables[*table].query.columns(case) },
            Query::Aggregate(aggregate) => aggregate.columns(),
            Query::Session(session) => session.columns(),
            Query::Distinct { with_time, .. } => Columns { has_time: *with_time, ..Columns::default() },
            Query::Join(join) => join.columns(case),
            Query::Union(inputs) => {
                Columns { has_time: inputs.iter().all(|input| input.columns(case).has_time), ..Columns::default() }
            }
            Query::Where { input, .. }
            | Query::Shaped { input }
            | Query::Named { input }
            | Query::Deduplicated { input, .. }
            | Query::Top { input, .. }
            | Query::Over { input, .. }
            | Query::Exploded { input, .. }
            | Query::Looked { input, .. }
            | Query::Limited { input, .. } => input.columns(case),
        }
    }

    /// The nodes below.
    pub fn inputs(&self) -> Vec<&Query> {
        match self {
            Query::Rows { .. } | Query::Table(_) => Vec::new(),
            Query::Aggregate(Aggregate { input, .. })
            | Query::Session(Session { input, .. })
            | Query::Where { input, .. }
            | Query::Shaped { input }
            | Query::Named { input }
            | Query::Distinct { input, .. }
            | Query::Deduplicated { input, .. }
            | Query::Top { input, .. }
            | Query::Over { input, .. }
            | Query::Exploded { input, .. }
            | Query::Looked { input, .. }
            | Query::Limited { input, .. } => vec![input],
            Query::Join(join) => vec![&join.left, &join.right],
            Query::Union(inputs) => inputs.iter().collect(),
        }
    }

    pub fn inputs_mut(&mut self) -> Vec<&mut Query> {
        match self {
            Query::Rows { .. } | Query::Table(_) => Vec::new(),
            Query::Aggregate(Aggregate { input, .. })
            | Query::Session(Session { input, .. })
            | Query::Where { input, .. }
            | Query::Shaped { input }
            | Query::Named { input }
            | Query::Distinct { input, .. }
            | Query::Deduplicated { input, .. }
            | Query::Top { input, .. }
            | Query::Over { input, .. }
            | Query::Exploded { input, .. }
            | Query::Looked { input, .. }
            | Query::Limited { input, .. } => vec![input],
            Query::Join(join) => vec![&mut join.left, &mut join.right],
            Query::Union(inputs) => inputs.iter_mut().collect(),
        }
    }

    /// True if it reads this table.
    pub fn reads(&self, table: usize) -> bool {
        matches!(self, Query::Table(read) if *read == table) || self.inputs().iter().any(|input| input.reads(table))
    }

    /// True if this or a node below it is such a one; tables that are read are looked into.
    pub fn any(&self, case: &Case, is: &dyn Fn(&Query) -> bool) -> bool {
        let below = match self {
            Query::Table(table) => case.tables[*table].query.any(case, is),
            _ => self.inputs().iter().any(|input| input.any(case, is)),
        };
        below || is(self)
    }

    /// True if something in it has memory.
    pub fn has_memory(&self, case: &Case) -> bool {
        let is = |query: &Query| {
            !matches!(
                query,
                Query::Rows { .. }
                    | Query::Table(_)
                    | Query::Where { .. }
                    | Query::Shaped { .. }
                    | Query::Named { .. }
                    | Query::Exploded { .. }
                    | Query::Looked { .. }
                    | Query::Union(_)
            )
        };
        self.any(case, &is)
    }

    /// True if it is the rows of a source, filtered at most: they have their epoch and their place in the order.
    pub fn is_rows(&self) -> bool {
        match self {
            Query::Rows { .. } => true,
            Query::Where { input, .. } => input.is_rows(),
            _ => false,
        }
    }

    /// How far the time of its rows may lie behind the watermark.
    pub fn lag_us(&self, case: &Case) -> i64 {
        match self {
            Query::Join(join) => join.lag_us(case),
            Query::Table(table) => case.tables[*table].query.lag_us(case),
            Query::Aggregate(_) | Query::Session(_) => 0,
            _ => self.inputs().iter().map(|input| input.lag_us(case)).max().unwrap_or_default(),
        }
    }

    /// True if no two of its rows have the same `id`, unless they are the same in all.
    pub fn has_unique_ids(&self, case: &Case) -> bool {
        match self {
            Query::Table(table) => case.tables[*table].query.has_unique_ids(case),
            Query::Distinct { .. } => false,
            Query::Aggregate(Aggregate { window: Some(window), .. }) if window.slide_us != window.size_us => false,
            Query::Aggregate(Aggregate { sets, .. }) if *sets != Sets::None => false,
            // A source may stand in it twice.
            Query::Union(inputs) => {
                inputs.iter().all(|input| input.has_unique_ids(case))
                    && !(0..2).any(|source| inputs.iter().filter(|input| input.has_source(source, case)).count() > 1)
            }
            _ => self.inputs().iter().all(|input| input.has_unique_ids(case)),
        }
    }

    pub fn has_source(&self, source: usize, case: &Case) -> bool {
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

    /// The late rows of a table, if it keeps them: number, the watermark that they missed, epoch.
    pub fn late_sql(&self, ask: &Ask<'_>) -> Option<String> {
        let (input, is_late) = match self {
            _ if ask.mode() == Mode::Complete => return None,
            Query::Aggregate(Aggregate { input, window: Some(window), .. }) => (input, window.is_late()),
            Query::Session(Session { input, gap, .. }) => (input, format!("us + {0} <= l AND {0} > 0", gap.batch())),
            Query::Deduplicated { input, .. } => (input, "us <= l".to_string()),
            _ => return None,
        };
        let sql = || format!("SELECT id, l, epoch FROM ({}) q WHERE {is_late}", input.batch(ask));
        input.is_rows().then(sql)
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
            Query::Session(session) => session.engine(case),
            Query::Join(join) => join.engine(case),
            Query::Exploded { input, by } => by.engine(input, case),
            Query::Looked { input, by } => by.engine(input, case),
            _ => self.shape_engine(case),
        }
    }

    /// The node in a batch engine's SQL.
    pub fn batch(&self, ask: &Ask<'_>) -> String {
        match self {
            Query::Rows { source } => {
                let late = ask.table().query.clock(ask.case);
                format!(
                    "SELECT us, k, g, v, x, id, late_{late} AS l, mark, epoch, seq FROM {} WHERE epoch <= {}",
                    relation_of(ask.table(), *source),
                    ask.epoch
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
            Query::Session(session) => session.batch(ask),
            Query::Join(join) => join.batch(ask),
            Query::Exploded { input, by } => by.batch(input, ask),
            Query::Looked { input, by } => by.batch(input, ask),
            _ => self.shape_batch(ask),
        }
    }
}

impl Columns {
    /// The columns that have the same name everywhere.
    pub fn rest(&self) -> Vec<String> {
        let measures = (0..self.measures).map(|measure| format!("e{measure}"));
        ["k", "g", "v", "x", "id"].map(str::to_string).into_iter().chain(measures).collect()
    }

    /// The columns of time in the engine's SQL, each with a comma behind it.
    pub fn engine_times(&self) -> String {
        format!("{}{}", if self.has_window { "w, " } else { "" }, if self.has_time { "ts, " } else { "" })
    }

    /// The columns of time in the batch engines' SQL, each with a comma behind it, and `l`.
    pub fn batch_times(&self) -> String {
        format!("{}{}l, ", if self.has_window { "ws, we, " } else { "" }, if self.has_time { "us, " } else { "" })
    }

    /// The measures, each with a comma before it.
    pub fn more(&self) -> String {
        (0..self.measures).map(|measure| format!(", e{measure}")).collect()
    }
}

/// What the rows of a source are called for a table: its own copy, if a model makes marks for it.
pub fn relation_of(table: &Table, source: usize) -> String {
    match table.query.is_marked() {
        true => format!("{}_{}", SOURCES[source], table.name.replace('.', "_")),
        false => SOURCES[source].to_string(),
    }
}

/// The column `l` of rows that are never late.
pub fn never_late() -> String {
    format!("CAST({NEVER} AS BIGINT) AS l")
}
