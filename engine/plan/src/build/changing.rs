//! What is up to date after every epoch although rows are retracted: parts of the query that are computed anew for the keys that changed.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::Column;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use expr::display::{expr_text, key_name};
use futures::executor::block_on;
use job::OutputMode;
use operators::materialize::{Bucket, MaterializeSpec};
use operators::newest::NewestSpec;
use operators::operator::Bound;
use operators::recompute::{BatchPlan, RecomputePort, RecomputeSpec};
use operators::{Emission, keyed};

use super::cut::place;
use super::timed::with_time_below;
use super::{Builder, Stream};
use crate::fault::Result;
use crate::logical::with_columns;
use crate::node::NodeKind;
use crate::normalize::with_window_column;
use crate::times::{EventTime, TimeKind, most_lag_us};

/// Rows of a table that close within so long of each other are one bucket, and one file, if nothing says how many times there
/// are. State is filed by it: never change it.
const STRETCH_US: i64 = 600_000_000;

/// What is kept up to date, and what is known of its result.
pub(super) struct RecomputePlan {
    /// What is run over the rows of some keys.
    pub(super) plan: BatchPlan,
    /// What leaves rows out that no later result needs.
    pub(super) prune: Option<BatchPlan>,
    /// Event times of the result's columns.
    pub(super) times: Vec<Option<EventTime>>,
    /// Column by which a row of the result is final.
    pub(super) closes_by: Option<usize>,
    /// How far the input may lie behind the watermark, microseconds.
    pub(super) lag_us: i64,
    /// Time after which keys are forgotten that were not written, by the epochs' time, microseconds.
    pub(super) forgotten_after_us: Option<i64>,
    /// What is computed.
    pub(super) definition: String,
    /// True if it has rows without any input.
    pub(super) emits_when_empty: bool,
}

impl Builder<'_> {
    /// An aggregate over rows that may be retracted.
    pub(super) fn changing_aggregate(&mut self, aggregate: &Aggregate) -> Result<Stream> {
        let aggregate = with_time_below(with_window_column(aggregate, &self.table.sql)?)?;
        let passed = aggregate.input.schema().fields().len();
        let keys = aggregate.group_expr.iter().enumerate();
        let keys = keys.map(|(at, key)| key.clone().unalias().alias(key_name(at, key)));
        let input = with_columns(&aggregate.input, keys)?;
        let stream = self.stream(&input, false)?;
        let keys: Vec<usize> = (passed..passed + aggregate.group_expr.len()).collect();
        let rows = place(&input, &stream.schema, 0)?;
        let group = aggregate.group_expr.iter().enumerate();
        let group: Vec<Expr> =
            group.map(|(at, key)| Expr::Column(Column::new_unqualified(key_name(at, key)))).collect();
        let plan = Aggregate::try_new(Arc::new(rows), group, aggregate.aggr_expr.clone())?;
        let plan = self.batch_plan(&LogicalPlan::Aggregate(plan))?;
        let is_global = keys.is_empty();
        let calls: Vec<String> = aggregate.aggr_expr.iter().map(expr_text).collect();
        let of_keys: Vec<String> = aggregate.group_expr.iter().map(expr_text).collect();
        let definition = format!("aggregate of changing rows by {}: {}", of_keys.join(", "), calls.join(", "));
        let times = keys.iter().map(|key| stream.times[*key]).collect();
        let stream = self.recompute(vec![(stream, keys)], plan, None, times, (definition, is_global))?;
        let last = self.nodes.last().map(|node| &node.kind);
        match last {
            Some(NodeKind::Operator(last)) if matches!(last.bound(), Bound::KeyTimeToLive(_)) => {
                Ok(self.newest(&stream, of_keys))
            }
            _ => Ok(stream),
        }
    }

    /// Keeps the row of each group of an aggregate that forgets groups: a group that comes back finds it, and takes its place.
    pub(super) fn newest(&mut self, stream: &Stream, key_names: Vec<String>) -> Stream {
        let name = self.name("newest");
        let spec = NewestSpec { name, schema: Arc::clone(&stream.schema), keys: key_names.len(), key_names };
        let from = self.operator(Arc::new(spec), &[stream], None, None);
        Stream { from: vec![from], ..stream.clone() }
    }

    /// A part of the query that falls apart by key, kept up to date by computing the keys that changed anew.
    ///
    /// `times` are the event times of the result's columns, `definition` what is computed and whether it has rows without any input.
    pub(super) fn recompute(
        &mut self,
        inputs: Vec<(Stream, Vec<usize>)>,
        plan: BatchPlan,
        prune: Option<BatchPlan>,
        times: Vec<Option<EventTime>>,
        (definition, emits_when_empty): (String, bool),
    ) -> Result<Stream> {
        let of_keys = inputs.iter().flat_map(|(stream, keys)| keys.iter().filter_map(|key| stream.times[*key]));
        let lag_us = most_lag_us(of_keys);
        let has_keys = inputs.iter().all(|(_, keys)| !keys.is_empty());
        let ports: Vec<(Stream, RecomputePort)> = inputs
            .into_iter()
            .map(|(stream, keys)| {
                let port = port(&stream, &keys);
                (stream, port)
            })
            .collect();
        let closes = ports.iter().all(|(_, port)| port.expires.is_some());
        // A result changes for as long as the slowest of its inputs may; the start of a window lags by itself.
        let mut times: Vec<_> = times
            .into_iter()
            .map(|time| time.filter(|_| closes).map(|time| EventTime { lag_us: lag_us.max(time.lag_us), ..time }))
            .collect();
        times.resize(plan.schema().fields().len(), None);
        let closes_by = times.iter().position(Option::is_some);
        // What needs all rows at once has no keys that could be forgotten.
        let is_forgotten = self.table.mode != OutputMode::Append && !closes && has_keys;
        let forgotten_after_us = if is_forgotten { self.forgotten_after_us() } else { None };
        let recomputed =
            RecomputePlan { plan, prune, times, closes_by, lag_us, forgotten_after_us, definition, emits_when_empty };
        self.recompute_ports(ports, recomputed)
    }

    /// As [`Builder::recompute`], with ports that say what to keep how long.
    pub(super) fn recompute_ports(
        &mut self,
        ports: Vec<(Stream, RecomputePort)>,
        recomputed: RecomputePlan,
    ) -> Result<Stream> {
        let RecomputePlan { plan, prune, times, closes_by, lag_us, forgotten_after_us, definition, emits_when_empty } =
            recomputed;
        let is_final = self.table.mode == OutputMode::Append;
        let output: SchemaRef = plan.schema();
        let emission = if is_final { Emission::Append } else { Emission::Changes };
        let (streams, ports): (Vec<Stream>, Vec<RecomputePort>) = ports.into_iter().unzip();
        let spec = RecomputeSpec {
            name: self.name("recompute"),
            ports,
            plan,
            prune,
            forgotten_after_us,
            output: Arc::clone(&output),
            emission,
            emits_when_empty,
            definition,
        };
        let streams: Vec<&Stream> = streams.iter().collect();
        let from = self.operator(Arc::new(spec), &streams, Some(lag_us), None);
        Ok(Stream {
            from: vec![from],
            schema: output,
            times,
            is_changing: !is_final,
            is_replacing: false,
            is_entry: false,
            closes_by,
        })
    }

    /// Keeps the rows of a table that retracts rows, so that whole buckets of them can be replaced.
    pub fn materialize(&mut self, stream: &Stream) -> Result<Stream> {
        let closes = stream.closes_by.and_then(|column| Some((column, stream.times[column]?)));
        let bucket = match (self.table.mode, closes) {
            (OutputMode::Complete, _) => Bucket::Whole,
            (_, Some((column, EventTime { kind: TimeKind::Window(Some(length_us)), .. }))) => {
                Bucket::Time { column, length_us }
            }
            (_, Some((column, _))) => Bucket::Stretch { column, length_us: STRETCH_US },
            (_, None) => Bucket::Hash((0..stream.schema.fields().len()).collect()),
        };
        let lag_us = closes.map(|(_, time)| time.lag_us);
        let name = self.name("rows");
        let spec = MaterializeSpec { name, schema: Arc::clone(&stream.schema), bucket };
        let from = self.operator(Arc::new(spec), &[stream], lag_us, None);
        Ok(Stream { from: vec![from], is_replacing: true, ..stream.clone() })
    }

    /// A plan that is run over the rows of some keys.
    pub(super) fn batch_plan(&self, plan: &LogicalPlan) -> Result<BatchPlan> {
        let physical: Arc<dyn ExecutionPlan> = block_on(self.state.create_physical_plan(plan))?;
        Ok(BatchPlan::compile(physical, self.state.task_ctx())?)
    }
}

/// A port whose rows are evicted when the watermark has passed the event time among its keys, if there is one.
fn port(stream: &Stream, keys: &[usize]) -> RecomputePort {
    let time = keys.iter().copied().find(|key| stream.times[*key].is_some());
    RecomputePort {
        input: Arc::clone(&stream.schema),
        keys: keys.to_vec(),
        event_time: time.map(|column| keyed::EventTime { column, required: false }),
        expires: time,
    }
}
