//! What a job file says, once it is known to be sound. Plain data: no client library, no SQL.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use epoch::WatermarkPolicy;

mod column;
mod computed;
mod function;
mod settings;
mod statics;
mod test_section;

pub use column::{Column, DataType};
pub use computed::{ComputedColumn, SqlText, TimeForm, TimeUnit};
pub use function::{Argument, Function, FunctionBody};
pub use settings::ConnectorSettings;
pub use statics::{Refresh, StaticFormat, StaticTable};
pub use test_section::{ExpectedState, KillPoint, Test, TestRecord, TestRow, TestStep};

/// A job: one graph of tables over its sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Name of the job: its consumer group, its transactions in the tables, its log lines.
    pub name: String,
    /// When epochs start.
    pub trigger: Trigger,
    /// Folder of the checkpoint.
    pub checkpoint: String,
    /// Local folder or `s3://bucket/prefix` under which the tables lie.
    pub warehouse: String,
    /// Memory that state may take before it lives on disk only, bytes.
    pub state_memory_bytes: u64,
    /// Epochs whose records stay in the checkpoint.
    pub retain_epochs: u64,
    /// How the watermarks of several sources become the one that a table over them works with.
    pub watermark_policy: WatermarkPolicyKind,
    /// True if a watermark that moved makes an epoch even when there is nothing to read.
    pub no_data_epochs: bool,
    /// The types of constants and results in its queries.
    pub types: Types,
    /// True if the file says which: then it holds for a checkpoint of before as well.
    pub types_are_given: bool,
    /// Sources by name.
    pub sources: BTreeMap<String, Source>,
    /// Static tables by name. No source has the name of one, whatever the case.
    pub statics: BTreeMap<String, StaticTable>,
    /// Functions in file order; no two have the same name, whatever the case.
    pub functions: Vec<Function>,
    /// Tables in file order.
    pub tables: Vec<Table>,
    /// Tests in file order; they say what the tables hold, and change nothing in how the job runs.
    pub tests: Vec<Test>,
}

impl Job {
    /// True if reading ends in every source, so that the job ends once it has read what is there.
    pub fn ends(&self) -> bool {
        self.sources.values().all(|source| source.settings.is_bounded())
    }
}

/// The types of constants and results in the queries of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Types {
    /// Spark's.
    Spark {
        /// `spark.sql.ansi.enabled`: what has no value is an error, not NULL.
        ansi: bool,
    },
    /// DataFusion's, in which jobs were written before there were Spark's.
    Before,
}

/// When epochs start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// At multiples of the interval since 1970, as Spark's `ProcessingTime`.
    Interval(Duration),
    /// As soon as there is something to read.
    Asap,
    /// All that is there at the start, in as many epochs as the limits ask for; then the job ends.
    AvailableNow,
    /// One epoch with all that is there; then the job ends.
    Once,
}

/// How the watermarks of several sources become one (Spark's `multipleWatermarkPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WatermarkPolicyKind {
    /// The slowest source decides: no row of any is late because of another.
    #[default]
    Min,
    /// The fastest source decides: results come at once, rows of slower sources may be late.
    Max,
}

/// A source of records.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name in SQL.
    pub name: String,
    /// Name that it had before, if it was renamed: it goes on from where that one stood.
    pub was: Option<String>,
    /// What the connector that reads it is called: `kafka`.
    pub connector: String,
    /// What that connector needs to know.
    pub settings: Arc<dyn ConnectorSettings>,
    /// Records an epoch takes at most, spread over partitions in proportion to their backlog. `None`: all there is.
    pub records_per_epoch_max: Option<u64>,
    /// How a record's value is decoded.
    pub format: Format,
    /// What happens to a record that cannot be decoded.
    pub on_error: OnError,
    /// Event time, if the source has one.
    pub watermark: Option<Watermark>,
    /// Columns of the record in file order.
    pub schema: Vec<Column>,
    /// Columns that are computed of these, in file order.
    pub computed: Vec<ComputedColumn>,
    /// How the times of a column are written, where the file says it: by the column's name.
    pub times: BTreeMap<String, TimeForm>,
}

/// Records of a source that an epoch takes at most if its file does not say: few enough that a first run over a topic of any size
/// ends in bounded memory, so many that what an epoch costs besides its records does not count.
pub const RECORDS_PER_EPOCH_MAX: u64 = 500_000;

/// Written out because the compiler cannot derive it over what only the connector knows.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        let Source { name, was, connector, settings, records_per_epoch_max, format, .. } = self;
        let Source { on_error, watermark, schema, computed, times, .. } = self;
        settings.equals(other.settings.as_ref())
            && (name, connector, records_per_epoch_max) == (&other.name, &other.connector, &other.records_per_epoch_max)
            && *was == other.was
            && (format, on_error) == (&other.format, &other.on_error)
            && (watermark, schema) == (&other.watermark, &other.schema)
            && (computed, times) == (&other.computed, &other.times)
    }
}

/// How a record's value is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a record.
    Json,
    /// The value as it is, in one column `value`.
    Raw,
}

/// What happens to a record that cannot be decoded, or to a row that a query has no value for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// It goes to `rejected.<source>`, or to `<table>__rejected`, with its reason.
    DeadLetter,
    /// It is counted and left out.
    Drop,
    /// The job stops and names it.
    Fail,
}

/// The event time of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// Column with the event time: one of the record, one that is computed, or `_timestamp`.
    pub column: String,
    /// How the watermark follows it.
    pub policy: WatermarkPolicy,
    /// Records dated more than this after the batch time are rejected, microseconds. `None`: no limit.
    pub future_limit_us: Option<i64>,
}

/// A table of the job.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// `schema.name`
    pub name: String,
    /// The query.
    pub sql: String,
    /// Where the query's text lies in the job file, bytes, without its quotes: [`crate::SourceMap`] points into it.
    pub sql_span: Range<usize>,
    /// What a reader sees when.
    pub mode: OutputMode,
    /// What happens to rows that come too late.
    pub late: Late,
    /// Which rows count as duplicates of an earlier one and are left out, if any.
    pub deduplicate: Option<Deduplicate>,
    /// How long state that no watermark bounds is kept. `None`: the file does not say.
    pub state_ttl: Option<StateTtl>,
    /// What happens to a row that the query has no value for.
    pub on_error: OnError,
}

/// Leaves out rows of a table's query whose keys were seen before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deduplicate {
    /// Columns of the query that make two rows the same; `None`: all of them.
    pub keys: Option<Vec<String>>,
    /// How far apart in event time duplicates can be, microseconds; more than zero. `None`: the file does not say.
    pub within_us: Option<i64>,
    /// True for `within = "ever"`: the user knows that nothing bounds the keys that are kept.
    pub ever: bool,
}

/// How long state that no watermark bounds is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateTtl {
    /// This long after it was last written, microseconds of the epochs' time.
    After(i64),
    /// For ever: the user knows that it may grow.
    Unbounded,
}

/// What a reader of a table sees when (Spark's output modes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputMode {
    /// A row once it is final.
    Append,
    /// Every row as it stands after each epoch, exactly one per key.
    Update,
    /// The whole result after each epoch; nothing is ever forgotten.
    Complete,
}

/// What happens to rows that come too late for their windows. They are counted either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// Left out.
    Drop,
    /// Written to `<table>__late`.
    Table,
}
