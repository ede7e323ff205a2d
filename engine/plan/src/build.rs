//! From a query to nodes: cuts it at everything that has memory, and makes pipelines of what lies between.

mod aggregate;
mod below;
mod changing;
mod changing_join;
mod cut;
mod distinct;
mod grouping;
mod join;
mod lookup;
mod over;
mod timed;
mod union;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlan, TableScan};
use futures::executor::block_on;
use job::{OutputMode, StateTtl};
use operators::operator::OperatorSpec;
use operators::plain_rows::{null_row, plain_row};
use operators::{OperatorError, Pipeline};

use crate::fault::{Result, UNSUPPORTED, no_aggregate};
use crate::made::Made;
use crate::node::{Edge, LatePlan, Node, NodeKind, OperatorNode, Origin};
use crate::normalize::with_window_columns;
use crate::problem::SqlProblem;
use crate::relation::{Relation, Rows, name_of};
use crate::times::{EventTime, event_times, passed_to};
use cut::cut;
pub use cut::place;
use grouping::all_without_sets;

/// Rows on their way through the graph.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Where they come from; several are taken together, one after the other.
    pub from: Vec<Origin>,
    /// Their columns.
    pub schema: SchemaRef,
    /// The columns that carry event time.
    pub times: Vec<Option<EventTime>>,
    /// True if rows may be retracted.
    pub is_changing: bool,
    /// True if whole buckets of rows are replaced, which only a table can take.
    pub is_replacing: bool,
    /// True if they come from a source or another table as they are.
    pub is_entry: bool,
    /// Column of windows or instants: a row never changes once the watermark has passed it there.
    pub closes_by: Option<usize>,
}

/// Makes the nodes of one table.
pub struct Builder<'a> {
    pub state: &'a SessionState,
    pub table: &'a job::Table,
    pub relations: &'a HashMap<String, Relation>,
    /// Position of the table.
    pub position: usize,
    /// True if other tables read this one.
    pub has_readers: bool,
    /// Number of nodes before this table's.
    pub first: usize,
    pub nodes: Vec<Node>,
    /// Sources that the table reads, directly or through other tables.
    pub sources: BTreeSet<String>,
    /// The table's rows, if they are kept below the query while readers get the changes.
    pub shown: Option<Stream>,
    /// True if an operator of the table goes by its `state_ttl`.
    pub forgets: bool,
    names: BTreeMap<&'static str, usize>,
}

impl<'a> Builder<'a> {
    pub fn new(
        state: &'a SessionState,
        table: &'a job::Table,
        relations: &'a HashMap<String, Relation>,
        (position, first, has_readers): (usize, usize, bool),
    ) -> Builder<'a> {
        let (nodes, sources, names) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        let (shown, forgets) = (None, false);
        Builder { state, table, relations, position, has_readers, first, nodes, sources, shown, forgets, names }
    }

    /// The rows of a query. `at_top` says that only pipelines stand between them and the table.
    pub fn stream(&mut self, plan: &LogicalPlan, at_top: bool) -> Result<Stream> {
        let (bottom, base) = match (self.timed(plan, at_top)?, bottom_of(plan)) {
            (Some(rows), _) => (plan, rows),
            (None, LogicalPlan::Window(window)) => return self.over(plan, window),
            (None, LogicalPlan::TableScan(scan)) => (bottom_of(plan), self.relation(scan)?),
            (None, bottom) => (bottom, self.stateful(bottom, at_top)?),
        };
        // A node may have added one column, which says when its rows are final.
        let is_whole = std::ptr::eq(bottom, plan) && base.schema.fields().len() == plan.schema().fields().len();
        if is_whole && !base.is_entry {
            return Ok(base);
        }
        let plan = match base.is_entry {
            true => plan.clone(),
            false => cut(plan.clone(), bottom, &base.schema)?,
        };
        match if at_top { self.closing(&plan, &base)? } else { None } {
            Some(kept) if self.has_readers => {
                self.shown = Some(self.pipeline(&plan, kept)?);
                self.pipeline(&plan, base)
            }
            Some(kept) => self.pipeline(&plan, kept),
            None => self.pipeline(&plan, base),
        }
    }

    /// Rows that may be retracted until their time has come, for a query over them that does not select this time: the table's
    /// rows are kept as they are below the query then, so that they are evicted when it has come.
    fn closing(&mut self, plan: &LogicalPlan, base: &Stream) -> Result<Option<Stream>> {
        let is_kept = base.is_changing && !base.is_replacing && self.table.mode == OutputMode::Update;
        let time = base.closes_by.and_then(|column| Some((column, base.times[column]?))).filter(|_| is_kept);
        match time {
            Some((column, time)) if passed_to(plan, column, time).is_none() => Ok(Some(self.materialize(base)?)),
            _ => Ok(None),
        }
    }

    /// A pipeline over a stream; the plan's one leaf stands for the stream.
    pub fn pipeline(&mut self, plan: &LogicalPlan, base: Stream) -> Result<Stream> {
        let physical = block_on(self.state.create_physical_plan(plan))?;
        let pipeline = Pipeline::compile(physical, self.state.task_ctx())?;
        // What cannot be computed on these types at all shows on no rows, before the job runs.
        pipeline.run(&RecordBatch::new_empty(Arc::clone(&base.schema)))?;
        try_rows(&pipeline, &base.schema)?;
        let schema = Arc::clone(pipeline.schema());
        let times = event_times(plan, &base.times);
        let is_entry = base.is_entry;
        let from = self.node(NodeKind::Pipeline(pipeline), &[&base.from], is_entry);
        self.made(Made::Plan(Box::new(plan.clone())));
        let closes_by = base.closes_by.and_then(|column| passed_to(plan, column, base.times[column]?));
        Ok(Stream { from: vec![from], schema, times, is_entry: false, closes_by, ..base })
    }

    fn relation(&mut self, scan: &TableScan) -> Result<Stream> {
        let name = name_of(&scan.table_name);
        let relation = self.relations.get(&name).ok_or_else(|| {
            DataFusionError::Internal(format!("there is no relation {name} though the query was planned"))
        })?;
        let (from, is_changing) = match &relation.rows {
            Rows::Source => {
                self.sources.insert(relation.name.clone());
                (vec![Origin::Source(relation.name.clone())], false)
            }
            Rows::Nodes { nodes, are_changing, sources } => {
                self.sources.extend(sources.iter().cloned());
                (nodes.iter().map(|node| Origin::Node(*node)).collect(), *are_changing)
            }
            Rows::Static { .. } => return Err(only_static(self.table, &relation.name).into()),
            Rows::Whole => {
                let message = format!(
                    "`{}` shows its whole result anew in every epoch; no table can be built on it",
                    relation.name
                );
                return Err(SqlProblem::new(message, "set mode = \"update\" on it, or read what it reads")
                    .at_text(&self.table.sql, &relation.name)
                    .into());
            }
        };
        if is_changing && self.table.mode == OutputMode::Append {
            let message = format!(
                "rows of `{}` are replaced after each epoch, so this table's rows are never final",
                relation.name
            );
            return Err(SqlProblem::new(
                message,
                "set mode = \"update\" on this table, or mode = \"append\" on the one that it reads",
            )
            .code(UNSUPPORTED)
            .at_text(&self.table.sql, &relation.name)
            .into());
        }
        let (schema, times) = (Arc::clone(&relation.schema), relation.times.clone());
        Ok(Stream { from, schema, times, is_changing, is_replacing: false, is_entry: true, closes_by: None })
    }

    /// The whole result of a query in complete mode: what stands above its lowest aggregate sees all rows at once.
    pub fn whole(&mut self, plan: &LogicalPlan) -> Result<Stream> {
        let Some(lowest) = lowest_aggregate(plan) else { return Err(no_aggregate().into()) };
        let base = self.stateful(lowest, true)?;
        let base = if base.is_replacing { base } else { self.materialize(&base)? };
        let plan = with_window_columns(cut(plan.clone(), lowest, &base.schema)?, &self.table.sql)?;
        self.pipeline(&all_without_sets(plan)?, base)
    }

    /// The rows of a plan whose top has memory, or several inputs.
    fn stateful(&mut self, plan: &LogicalPlan, at_top: bool) -> Result<Stream> {
        match plan {
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate, at_top),
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Distinct(distinct) => self.distinct(distinct, at_top),
            other => Err(DataFusionError::NotImplemented(format!("{} on a stream", other.display())).into()),
        }
    }

    /// The table's `state_ttl` for an operator that nothing else bounds, microseconds; ask only for one that goes by it.
    pub fn forgotten_after_us(&mut self) -> Option<i64> {
        let Some(StateTtl::After(us)) = self.table.state_ttl else { return None };
        self.forgets = true;
        Some(us)
    }

    /// Adds an operator over inputs, one a port.
    pub fn operator(
        &mut self,
        spec: Arc<dyn OperatorSpec>,
        inputs: &[&Stream],
        lag_us: Option<i64>,
        late: Option<LatePlan>,
    ) -> Origin {
        let from: Vec<&Vec<Origin>> = inputs.iter().map(|input| &input.from).collect();
        let changing = inputs.iter().enumerate().filter(|(_, input)| input.is_changing);
        let changing_ports = changing.map(|(port, _)| port).collect();
        let node = OperatorNode { spec, lag_us, late, changing_ports, meaning: Vec::new() };
        self.node(NodeKind::Operator(node), &from, false)
    }

    /// Says more of what the state of the operator means that was added last.
    fn means(&mut self, words: impl IntoIterator<Item = String>) {
        if let Some(Node { kind: NodeKind::Operator(operator), .. }) = self.nodes.last_mut() {
            operator.meaning.extend(words);
        }
    }

    /// Says what the node makes of rows that was added last.
    fn made(&mut self, made: Made) {
        if let Some(node) = self.nodes.last_mut() {
            node.made = Some(made);
        }
    }

    /// Adds a node over inputs, one a port.
    pub fn node(&mut self, kind: NodeKind, inputs: &[&Vec<Origin>], is_entry: bool) -> Origin {
        let edges = inputs
            .iter()
            .enumerate()
            .flat_map(|(port, from)| from.iter().map(move |from| Edge { from: from.clone(), port }));
        let inputs: Vec<Edge> = edges.collect();
        debug_assert!(!inputs.is_empty(), "nothing would ever reach the node");
        self.nodes.push(Node { table: self.position, inputs, kind, is_entry, made: None });
        Origin::Node(self.first + self.nodes.len() - 1)
    }

    /// A stream under another schema of the same types.
    pub fn relabel(&mut self, stream: Stream, schema: &SchemaRef) -> Stream {
        // The node that the stream comes from: it need not be the last that was added.
        let node = match stream.from.as_slice() {
            [Origin::Node(node)] => node.checked_sub(self.first).and_then(|at| self.nodes.get_mut(at)),
            _ => None,
        };
        if let Some(Node { kind: NodeKind::Pipeline(pipeline), .. }) = node {
            *pipeline = pipeline.clone().with_schema(Arc::clone(schema));
        }
        Stream { schema: Arc::clone(schema), ..stream }
    }

    /// A stable name for an operator's state: the table's own for its topmost aggregate, else the table's with what it is.
    pub fn name(&mut self, kind: &'static str) -> String {
        let count = self.names.entry(kind).or_default();
        *count += 1;
        match (kind, *count) {
            ("aggregate", 1) => self.table.name.clone(),
            (_, 1) => format!("{}/{kind}", self.table.name),
            (_, count) => format!("{}/{kind}{count}", self.table.name),
        }
    }

    /// The relation that a plan reads, if it is one.
    pub fn relation_below(&self, plan: &LogicalPlan) -> Option<&Relation> {
        match bottom_of(plan) {
            LogicalPlan::TableScan(scan) => self.relations.get(&name_of(&scan.table_name)),
            _ => None,
        }
    }

    /// A refusal at a place of the query's text.
    pub fn refuse<T>(&self, message: impl Into<String>, help: &str, text: &str) -> Result<T> {
        Err(SqlProblem::new(message, help).at_text(&self.table.sql, text).into())
    }
}

/// A query without a stream has no epochs: nothing would ever make it run.
pub fn only_static(table: &job::Table, name: &str) -> SqlProblem {
    let message = format!("the query reads only `{name}`, which is static");
    SqlProblem::new(message, "read a source in FROM and join the static table").at_text(&table.sql, name)
}

/// The first node from the top that is not run chunk by chunk.
pub fn bottom_of(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Projection(projection) => bottom_of(&projection.input),
        LogicalPlan::Filter(filter) => bottom_of(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => bottom_of(&alias.input),
        LogicalPlan::Unnest(unnest) => bottom_of(&unnest.input),
        other => other,
    }
}

/// The aggregate nearest to the input on the one way down from the top.
fn lowest_aggregate(plan: &LogicalPlan) -> Option<&LogicalPlan> {
    let mut lowest = None;
    let mut at = plan;
    loop {
        if matches!(at, LogicalPlan::Aggregate(_)) {
            lowest = Some(at);
        }
        match at.inputs().as_slice() {
            [one] => at = one,
            _ => return lowest,
        }
    }
}

/// What goes wrong with any row, whatever is in it, shows on a row of NULLs or of plain values before the job runs.
///
/// # Errors
/// That which goes wrong.
pub fn try_rows(pipeline: &Pipeline, schema: &SchemaRef) -> Result<(), DataFusionError> {
    for rows in [null_row(schema), plain_row(schema)] {
        if let Err(error) = pipeline.run(&rows)
            && let error = OperatorError::from(error)
            && error.is_of_every_row()
        {
            return Err(DataFusionError::Plan(error.to_string()));
        }
    }
    Ok(())
}
