//! The graph that the runtime runs: nodes that pass rows on, in an order in which every node comes after those that feed it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use operators::Pipeline;
use operators::lookup::LookupSpec;
use operators::operator::{Bound, OperatorSpec};
use operators::slot::run_plan;

use crate::made::Made;

/// A node of the graph.
#[derive(Debug, Clone)]
pub struct Node {
    /// Position of its table among the tables.
    pub table: usize,
    /// Who feeds it, and at which port.
    pub inputs: Vec<Edge>,
    /// What it does.
    pub kind: NodeKind,
    /// True if it reads a source or another table: the rows that enter it are those that its table has read.
    pub is_entry: bool,
    /// What it makes of rows, if it has no memory.
    pub made: Option<Made>,
}

/// An edge into a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Where the rows come from.
    pub from: Origin,
    /// The port at which they come in.
    pub port: usize,
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Records of a source.
    Source(String),
    /// What a node emits.
    Node(usize),
}

/// What a node does.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// It has no memory.
    Pipeline(Pipeline),
    /// It has no memory either, and reads static tables.
    Lookup(LookupNode),
    /// It has memory.
    Operator(OperatorNode),
    /// It writes the rows of its table.
    Sink,
}

/// An operator with memory and what the runtime must know besides.
#[derive(Debug, Clone)]
pub struct OperatorNode {
    /// The operator.
    pub spec: Arc<dyn OperatorSpec>,
    /// How far its input may lag behind its table's watermark, microseconds. `None`: no watermark says anything of its rows, so
    /// none is late and none is evicted by one.
    pub lag_us: Option<i64>,
    /// How its late rows are kept, if they are.
    pub late: Option<LatePlan>,
    /// Ports whose rows may be retracted: what is retracted is computed anew, and must come to what was added.
    pub changing_ports: Vec<usize>,
    /// What its state means beyond what [`OperatorSpec::fingerprint`] says, in words.
    pub meaning: Vec<String>,
}

impl OperatorNode {
    /// A watermark of its table as the operator goes by it, microseconds since 1970 UTC.
    pub fn behind(&self, watermark_us: Option<i64>) -> Option<i64> {
        Some(watermark_us?.saturating_sub(self.lag_us?))
    }

    /// What limits its state.
    pub fn bound(&self) -> Bound {
        match (self.spec.bound(), self.lag_us) {
            (Bound::Watermark(_), None) => {
                Bound::Unbounded("every group is kept for ever: its time is not the column of a watermark".to_string())
            }
            (bound, _) => bound,
        }
    }
}

/// How an operator's late rows are kept.
#[derive(Debug, Clone)]
pub struct LatePlan {
    /// First column of the operator's input that only passes the table's input row on.
    pub passed_from: usize,
    /// Schema of `<table>__late`.
    pub schema: SchemaRef,
}

/// A join of a stream with a static table.
#[derive(Debug, Clone)]
pub struct LookupNode {
    /// The join.
    pub spec: Arc<LookupSpec>,
    /// The static side.
    pub table: StaticPlan,
}

/// A query over static tables alone.
#[derive(Debug, Clone)]
pub struct StaticPlan {
    /// The plan; its leaves stand for the static tables, one port each.
    pub plan: Arc<dyn ExecutionPlan>,
    /// What it runs in.
    pub context: Arc<TaskContext>,
    /// The static tables, port by port, in lower case.
    pub tables: Vec<String>,
    /// True if it asks what time it is: the same rows give another result in another epoch.
    pub follows_time: bool,
}

impl StaticPlan {
    /// The result over these rows of the tables, port by port.
    ///
    /// # Errors
    /// If an expression fails on a row.
    pub fn run(&self, tables: &[&RecordBatch]) -> Result<RecordBatch> {
        run_plan(&self.plan, tables, &self.context)
    }
}
