//! The graph of a job as its lanes see it: nodes, who is fed by whom, where each table is written, what time it is for each node.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{SinkTable, Tables};
use epoch::{EpochId, Plan, SourceTime};
use job::WatermarkPolicyKind;
use operators::lookup::Lookup;
use operators::operator::{EpochTime, OperatorSpec};
use plan::{Graph, NodeKind, OperatorNode, Origin, TablePlan};

use crate::error::RunError;
use crate::stage::AttemptId;

/// The tables of a job as its lanes see them; the same for all lanes.
pub struct Topology {
    /// What rows go through, each node after those that feed it.
    pub nodes: Vec<NodeSetup>,
    /// Tables, each after those it reads.
    pub tables: Vec<TableSetup>,
    /// The nodes that read each source, with the port at which they do.
    pub roots: BTreeMap<String, Vec<(usize, usize)>>,
    /// Tables for rejected records, by source; none if rejects are dropped.
    pub rejected: Tables,
    /// How the watermarks of several sources become one.
    pub policy: WatermarkPolicyKind,
}

/// One node as its lanes see it.
pub struct NodeSetup {
    /// Position of its table.
    pub table: usize,
    /// What it does.
    pub kind: NodeKind,
    /// True if it reads a source or another table.
    pub is_entry: bool,
    /// Who takes its rows, and at which port.
    pub consumers: Vec<(usize, usize)>,
    /// Nodes that feed it.
    pub feeds: Vec<usize>,
    /// True if it has memory, and nothing between it and the sources has.
    pub is_fed_by_sources: bool,
}

/// One table as its lanes see it.
pub struct TableSetup {
    /// Its plan.
    pub plan: TablePlan,
    /// Where it is written.
    pub sink: Arc<dyn SinkTable>,
    /// Where its late rows are written, if they are kept.
    pub late: Option<Arc<dyn SinkTable>>,
    /// Where the rows are written that the query has no value for, if they are kept.
    pub rejected: Option<Arc<dyn SinkTable>>,
    /// The operator whose buckets its rows replace, if they are replaced.
    pub replaced_by: Option<usize>,
}

impl NodeSetup {
    /// The node's operator, if it has memory.
    pub fn operator(&self) -> Option<&OperatorNode> {
        match &self.kind {
            NodeKind::Operator(operator) => Some(operator),
            _ => None,
        }
    }
}

impl Topology {
    /// The topology of a planned job, with its opened tables by name.
    ///
    /// # Errors
    /// Never in practice: every table was opened.
    pub fn new(
        graph: &Graph,
        policy: WatermarkPolicyKind,
        tables: &Tables,
        rejected: Tables,
    ) -> Result<Topology, RunError> {
        let find = |name: &str| {
            tables.get(name).cloned().ok_or_else(|| RunError::Internal(format!("table {name} was not opened").into()))
        };
        let mut nodes: Vec<NodeSetup> = graph
            .nodes
            .iter()
            .map(|node| NodeSetup {
                table: node.table,
                kind: node.kind.clone(),
                is_entry: node.is_entry,
                consumers: Vec::new(),
                feeds: Vec::new(),
                is_fed_by_sources: false,
            })
            .collect();
        let mut roots: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, node) in graph.nodes.iter().enumerate() {
            for edge in &node.inputs {
                match &edge.from {
                    Origin::Source(source) => roots.entry(source.clone()).or_default().push((at, edge.port)),
                    Origin::Node(from) => {
                        nodes[*from].consumers.push((at, edge.port));
                        nodes[at].feeds.push(*from);
                    }
                }
            }
        }
        for at in 0..nodes.len() {
            nodes[at].is_fed_by_sources = nodes[at].operator().is_some() && !has_operator_above(&nodes, at);
        }
        let mut setups = Vec::new();
        for table in &graph.tables {
            let late = table.late_schema.as_ref().map(|_| find(&epoch::paths::late_table(&table.name))).transpose()?;
            let rejected = table.keeps_rejected().then(|| find(&epoch::paths::rejected_rows_table(&table.name)));
            let rejected = rejected.transpose()?;
            let replaced_by = table.is_replaced().then(|| operator_above(&nodes, table.nodes.end - 1)).flatten();
            setups.push(TableSetup { plan: table.clone(), sink: find(&table.name)?, late, rejected, replaced_by });
        }
        Ok(Topology { nodes, tables: setups, roots, rejected, policy })
    }

    /// Every operator, with the node that it is.
    pub fn operators(&self) -> impl Iterator<Item = (usize, &Arc<dyn OperatorSpec>)> {
        self.nodes.iter().enumerate().filter_map(|(at, node)| Some((at, &node.operator()?.spec)))
    }

    /// What time it is for every node in an epoch.
    pub fn times(&self, plan: &Plan) -> Vec<EpochTime> {
        let of_tables: Vec<EpochTime> = self.tables.iter().map(|table| self.of_table(table, plan)).collect();
        let of_node = |node: &NodeSetup| {
            let time = of_tables[node.table];
            let behind = |us: Option<i64>| node.operator().map_or(us, |operator| operator.behind(us));
            EpochTime { watermark_us: behind(time.watermark_us), late_us: behind(time.late_us), ..time }
        };
        self.nodes.iter().map(of_node).collect()
    }

    /// What time it is for a table: its watermark is that of the slowest of the sources that it reads, or of the fastest.
    pub fn of_table(&self, table: &TableSetup, plan: &Plan) -> EpochTime {
        let SourceTime { watermark_us, late_us } = table_time(&table.plan, self.policy, plan);
        EpochTime { epoch: plan.epoch, batch_time_us: plan.state_time_us(&table.plan.name), watermark_us, late_us }
    }
}

/// What time it is for a table in an epoch: its watermark is that of the slowest of the sources that it reads, or of the fastest.
pub fn table_time(table: &TablePlan, policy: WatermarkPolicyKind, plan: &Plan) -> SourceTime {
    let has_watermark = |source: &&String| plan.times.is_empty() || plan.times.contains_key(*source);
    let times: Vec<SourceTime> =
        table.sources.iter().filter(has_watermark).map(|source| plan.time_of(source)).collect();
    let pick = |of: fn(&SourceTime) -> Option<i64>| match policy {
        // `None < Some`: a source that has seen nothing holds the others back (Spark §3).
        WatermarkPolicyKind::Min => times.iter().map(of).min().flatten(),
        WatermarkPolicyKind::Max => times.iter().map(of).max().flatten(),
    };
    SourceTime { watermark_us: pick(|time| time.watermark_us), late_us: pick(|time| time.late_us) }
}

/// The nearest operator on the way up from a node; between them stand pipelines only.
fn operator_above(nodes: &[NodeSetup], node: usize) -> Option<usize> {
    let feed = *nodes.get(node)?.feeds.first()?;
    match nodes[feed].kind {
        NodeKind::Operator(_) => Some(feed),
        _ => operator_above(nodes, feed),
    }
}

fn has_operator_above(nodes: &[NodeSetup], node: usize) -> bool {
    nodes[node].feeds.iter().any(|feed| nodes[*feed].operator().is_some() || has_operator_above(nodes, *feed))
}

/// An epoch on its way through the graph.
pub struct Epoch<'a> {
    /// Its plan.
    pub plan: &'a Plan,
    /// What time it is for every node.
    pub times: &'a [EpochTime],
    /// What is staged for it.
    pub attempt: AttemptId,
    /// Static tables as they are in this epoch, ready to be looked up in, by node.
    pub lookups: &'a BTreeMap<usize, Arc<Lookup>>,
}

impl Epoch<'_> {
    /// Its number.
    pub fn number(&self) -> EpochId {
        self.plan.epoch
    }
}
