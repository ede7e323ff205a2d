//! An aggregate of a query: which operator keeps it, what it is fed with, what it emits.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, LogicalPlan};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::{AggregateFunctionExpr, LoweredAggregateBuilder};
use expr::casts::to_instant;
use expr::display::{expr_text, type_name};
use expr::scalar::time_windows::{session_call, session_end};
use expr::types::{instant, window_type};
use expr::window::WindowSpec;
use job::{Late, OutputMode, StateTtl};
use operators::Emission;
use operators::aggregate::{AggregateCall, AggregateOperator, AggregateSpec, GroupColumn};
use operators::session::{GroupTime, SessionSpec};

use super::below::Below;
use super::grouping::{check_windows, has_sets, without_sets};
use super::{Builder, Stream, bottom_of};
use crate::fault::{Result, UNSUPPORTED};
use crate::node::LatePlan;
use crate::normalize::{GROUPED, with_window_column};
use crate::times::{EventTime, TimeKind};
use crate::window::{timed_call, window_call, window_spec};

/// The parts of one aggregate.
struct Parts {
    grouping: Grouping,
    calls: Vec<AggregateCall>,
    output: SchemaRef,
    late: Option<LatePlan>,
    /// The time that is cut into windows or sessions, as it was written.
    time: Option<String>,
}

/// The grouping columns of the query, over the columns below the operator.
pub struct Grouping {
    /// The grouping columns of the result.
    pub group: Vec<GroupColumn>,
    /// The time window, with the column of its time.
    pub window: Option<(WindowSpec, usize)>,
    /// The session window: columns with its start and its end if a row were alone.
    pub session: Option<(usize, usize)>,
    /// Columns with the other keys.
    pub keys: Vec<usize>,
    /// The other keys as they were written.
    pub key_names: Vec<String>,
}

impl Builder<'_> {
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, at_top: bool) -> Result<Stream> {
        if has_sets(aggregate) {
            check_windows(aggregate, &self.table.sql)?;
            return self.aggregate(&without_sets(aggregate)?, at_top);
        }
        let mut below = Below::default();
        let grouping = self.grouping(aggregate, &mut below)?;
        let calls = aggregate.aggr_expr.iter().map(|call| below.call(call)).collect::<Result<Vec<_>, _>>()?;
        let reads_relation = matches!(bottom_of(&aggregate.input), LogicalPlan::TableScan(_));
        if self.reads_changes(&aggregate.input) {
            return self.changing_aggregate(aggregate);
        }
        let keeps_input = self.table.late == Late::Table && reads_relation;
        if self.forgets_windows(aggregate)? {
            return self.aggregate(&with_window_column(aggregate, &self.table.sql)?, at_top);
        }
        let passed_from = below.len();
        if keeps_input {
            below.pass_on(&aggregate.input);
        }
        let plan = below.over(&aggregate.input)?;
        let input = self.stream(&plan, false)?;
        let late = keeps_input.then(|| late_plan(aggregate, &input.schema, passed_from));
        let calls = self.calls(aggregate, &calls, plan.schema(), &input.schema)?;
        let output = output_schema(aggregate, &grouping, &calls);
        let time = aggregate.group_expr.iter().find_map(|expr| Some(expr_text(timed_call(expr)?.args.first()?)));
        let parts = Parts { grouping, calls, output, late, time };
        let timed_key = parts.grouping.keys.iter().position(|key| input.times[*key].is_some());
        match (parts.grouping.session, parts.grouping.window, timed_key) {
            (Some((start, end)), ..) if self.table.mode == OutputMode::Append && input.times[start].is_none() => {
                debug_assert!(end < input.schema.fields().len());
                self.refuse_append(aggregate)
            }
            (Some((start, end)), ..) => self.of_keys(GroupTime::Session { start, end }, parts, &input, at_top),
            (None, None, Some(key)) if self.table.mode != OutputMode::Complete => {
                self.of_keys(GroupTime::Key(key), parts, &input, at_top)
            }
            (None, None, None) if self.forgets_groups() && !parts.grouping.keys.is_empty() => {
                let key_names = parts.grouping.key_names.clone();
                let stream = self.of_keys(GroupTime::Never, parts, &input, at_top)?;
                Ok(self.newest(&stream, key_names))
            }
            _ => self.of_blocks(aggregate, parts, &input, at_top),
        }
    }

    /// The aggregate with a row of state for each group: sessions, and groups of which a key is an event time.
    fn of_keys(&mut self, time: GroupTime, parts: Parts, input: &Stream, at_top: bool) -> Result<Stream> {
        let Parts { grouping, calls, output, late, time: cut_time } = parts;
        let event_time = match time {
            GroupTime::Session { start, .. } => input.times[start],
            GroupTime::Key(key) => input.times[grouping.keys[key]],
            GroupTime::Never => None,
        };
        let emission = match (self.table.mode, at_top) {
            (OutputMode::Append, _) => Emission::Append,
            (OutputMode::Complete, true) => Emission::Complete,
            _ => Emission::Changes,
        };
        let is_forgotten = event_time.is_none() && emission == Emission::Changes;
        let forgotten_after_us = if is_forgotten { self.forgotten_after_us() } else { None };
        let times = result_times(&grouping, event_time, input, &output);
        let closes = grouping.group.iter().position(|column| match (column, time) {
            (GroupColumn::Window, GroupTime::Session { .. }) => true,
            (GroupColumn::Key(key), GroupTime::Key(timed)) => *key == timed,
            _ => false,
        });
        let spec = SessionSpec {
            operator: self.name("aggregate"),
            time,
            keys: grouping.keys,
            key_names: grouping.key_names,
            calls,
            group: grouping.group,
            forgotten_after_us,
            emission,
            input: Arc::clone(&input.schema),
            output: Arc::clone(&output),
        };
        let lag_us = event_time.map(|time| time.lag_us);
        let from = self.operator(Arc::new(spec), &[input], lag_us, late);
        self.means(cut_time.map(|time| format!("sessions of the time {time}")));
        Ok(Stream {
            from: vec![from],
            schema: output,
            times,
            is_changing: emission != Emission::Append,
            is_replacing: emission == Emission::Complete,
            is_entry: false,
            closes_by: closes.filter(|_| emission == Emission::Changes && event_time.is_some()),
        })
    }

    /// The aggregate as blocks by pane or hash bucket: rows come in for good, groups are windows or plain keys.
    fn of_blocks(&mut self, aggregate: &Aggregate, parts: Parts, input: &Stream, at_top: bool) -> Result<Stream> {
        let Parts { grouping, calls, output, late, time: cut_time } = parts;
        let time = grouping.window.and_then(|(_, column)| input.times[column]);
        if self.table.mode == OutputMode::Append && time.is_none() {
            return self.refuse_append(aggregate);
        }
        let emission = self.emission(at_top);
        let spec = AggregateSpec {
            operator: self.name("aggregate"),
            window: grouping.window.map(|(window, _)| window),
            time: grouping.window.map(|(_, column)| column),
            keys: grouping.keys.clone(),
            key_names: grouping.key_names.clone(),
            calls,
            group: grouping.group.clone(),
            input: Arc::clone(&input.schema),
            output: Arc::clone(&output),
        };
        let times = result_times(&grouping, time, input, &output);
        let closes = grouping.group.iter().position(|column| matches!(column, GroupColumn::Window));
        let lag_us = time.map(|time| time.lag_us);
        let operator = AggregateOperator { spec: Arc::new(spec), emission };
        let from = self.operator(Arc::new(operator), &[input], lag_us, late);
        self.means(cut_time.map(|time| format!("windows of the time {time}")));
        Ok(Stream {
            from: vec![from],
            schema: output,
            times,
            is_changing: !matches!(emission, Emission::Append),
            is_replacing: !matches!(emission, Emission::Append | Emission::Changes),
            is_entry: false,
            closes_by: closes.filter(|_| emission == Emission::Changes && time.is_some()),
        })
    }

    /// True if groups that no watermark bounds are forgotten some time after their last row.
    fn forgets_groups(&self) -> bool {
        self.table.mode == OutputMode::Update && matches!(self.table.state_ttl, Some(StateTtl::After(_)))
    }

    /// True if such groups are windows: they are keys like others then, each with a row of state. Whether a watermark bounds them
    /// shows only below the aggregate, so that is built once to look, and thrown away.
    fn forgets_windows(&self, aggregate: &Aggregate) -> Result<bool> {
        if !self.forgets_groups() || !aggregate.group_expr.iter().any(|expr| window_call(expr).is_some()) {
            return Ok(false);
        }
        let at = (self.position, self.first, self.has_readers);
        let mut look = Builder::new(self.state, self.table, self.relations, at);
        let mut below = Below::default();
        let grouping = look.grouping(aggregate, &mut below)?;
        let input = look.stream(&below.over(&aggregate.input)?, false)?;
        Ok(grouping.window.is_some_and(|(_, column)| input.times[column].is_none()))
    }

    fn emission(&self, at_top: bool) -> Emission {
        match (self.table.mode, at_top) {
            (OutputMode::Append, _) => Emission::Append,
            (_, false) => Emission::Changes,
            (OutputMode::Update, true) if self.has_readers => Emission::ReplaceAndChanges,
            (OutputMode::Update, true) => Emission::Replace,
            (OutputMode::Complete, true) => Emission::Complete,
        }
    }

    fn grouping(&self, aggregate: &Aggregate, below: &mut Below) -> Result<Grouping> {
        let mut grouping =
            Grouping { group: Vec::new(), window: None, session: None, keys: Vec::new(), key_names: Vec::new() };
        for expr in &aggregate.group_expr {
            if let Some(call) = window_call(expr) {
                let spec = window_spec(call, &self.table.sql)?;
                let time = call
                    .args
                    .first()
                    .ok_or_else(|| DataFusionError::Internal("window() without a time".to_string()))?;
                let time = self.window_time(time, &aggregate.input)?;
                grouping.window = Some((spec, below.column(time)));
                grouping.group.push(GroupColumn::Window);
                continue;
            }
            if let Some(call) = session_call(expr) {
                let [time, gap] = call.args.as_slice() else {
                    let message = "session_window takes a time column and a gap";
                    return self.refuse(message, "write session_window(event_time, '5 minutes')", "session_window(");
                };
                let time = self.window_time(time, &aggregate.input)?;
                let end = session_end(time.clone(), gap.clone());
                grouping.session = Some((below.column(time), below.column(end)));
                grouping.group.push(GroupColumn::Window);
                continue;
            }
            grouping.group.push(GroupColumn::Key(grouping.keys.len()));
            grouping.keys.push(below.column(expr.clone().unalias()));
            let name = expr_text(expr);
            grouping.key_names.push(if name == GROUPED { "window".to_string() } else { name });
        }
        Ok(grouping)
    }

    /// The time of a window as an instant: a timestamp, or a window (then the last microsecond before its end).
    pub(super) fn window_time(&self, time: &Expr, input: &LogicalPlan) -> Result<Expr> {
        let kind = time.get_type(input.schema())?;
        match &kind {
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => Ok(time.clone()),
            DataType::Timestamp(..) => Ok(to_instant(time.clone())),
            kind if *kind == window_type() => Ok(expr::scalar::time_windows::window_time(time.clone())),
            kind => {
                let message = format!("window(…) needs a timestamp, `{}` is {}", expr_text(time), type_name(kind));
                let help =
                    "convert it with to_timestamp(…), or declare the column as \"timestamp\" in the source's schema";
                let problem =
                    crate::problem::SqlProblem::new(message, help).code("EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE");
                Err(problem.at_text(&self.table.sql, "window(").into())
            }
        }
    }

    pub(super) fn calls(
        &self,
        aggregate: &Aggregate,
        calls: &[Expr],
        logical: &DFSchema,
        physical: &SchemaRef,
    ) -> Result<Vec<AggregateCall>> {
        let planning = PhysicalPlanningContext::default();
        let lowered = calls.iter().enumerate().map(|(at, call)| {
            let written = &aggregate.aggr_expr[at];
            let lowered =
                LoweredAggregateBuilder::new(call, logical, physical, self.state.execution_props(), &planning)
                    .with_name(written.schema_name().to_string())
                    .build()?;
            try_call(&lowered.aggregate, lowered.filter.as_ref(), physical)?;
            Ok(AggregateCall { name: expr_text(written), function: lowered.aggregate, filter: lowered.filter })
        });
        lowered.collect()
    }

    pub(super) fn refuse_append(&self, aggregate: &Aggregate) -> Result<Stream> {
        let call = aggregate.group_expr.iter().find_map(window_call);
        let relation = self.relation_below(&aggregate.input);
        let with_watermark = relation.and_then(|relation| Some((relation, relation.event_time_name()?)));
        let help = match (call, with_watermark, relation) {
            (Some(_), Some((relation, event_time)), _) => format!(
                "the watermark of `{}` is on `{event_time}`: window over that column as it is (an expression over it loses the watermark)",
                relation.name
            ),
            (Some(_), None, Some(relation)) => format!(
                "give `{}` a watermark in the job file: watermark = {{ column = \"…\", delay = \"5 minutes\" }}",
                relation.name
            ),
            _ => "append mode emits a group once it is final, and nothing says when one is: group by window(<event time>, …), or set mode = \"update\" or \"complete\"".to_string(),
        };
        let message = "Append output mode not supported for streaming aggregations without watermark";
        let problem = crate::problem::SqlProblem::new(message, help).code(UNSUPPORTED);
        let text = if call.is_some() { "window(" } else { "GROUP BY" };
        Err(problem.at_text(&self.table.sql, text).into())
    }
}

/// Makes the accumulator and gives it no rows: arguments that it cannot take are found before the job runs.
fn try_call(
    function: &AggregateFunctionExpr,
    filter: Option<&Arc<dyn PhysicalExpr>>,
    input: &SchemaRef,
) -> Result<(), DataFusionError> {
    let none = RecordBatch::new_empty(Arc::clone(input));
    if let Some(filter) = filter {
        filter.evaluate(&none)?;
    }
    let arguments = function.expressions().into_iter();
    let values = arguments.map(|argument| argument.evaluate(&none)?.into_array(0)).collect::<Result<Vec<_>, _>>()?;
    function.create_accumulator()?.update_batch(&values)
}

/// Which columns of the result carry event time.
fn result_times(
    grouping: &Grouping,
    time: Option<EventTime>,
    input: &Stream,
    output: &SchemaRef,
) -> Vec<Option<EventTime>> {
    let mut times: Vec<Option<EventTime>> = grouping
        .group
        .iter()
        .map(|column| match (column, grouping.window) {
            (GroupColumn::Window, Some((window, _))) => {
                time.map(|time| EventTime { kind: TimeKind::Window(Some(window.size_us)), ..time })
            }
            // Sessions differ in length.
            (GroupColumn::Window, None) => time.map(|time| EventTime { kind: TimeKind::Window(None), ..time }),
            (GroupColumn::Key(key), _) => input.times[grouping.keys[*key]],
        })
        .collect();
    times.resize(output.fields().len(), None);
    times
}

pub(super) fn output_schema(aggregate: &Aggregate, grouping: &Grouping, calls: &[AggregateCall]) -> SchemaRef {
    let groups = grouping.group.len();
    let fields = aggregate.schema.fields().iter().enumerate().map(|(at, field)| {
        let is_window = grouping.group.get(at).is_some_and(|column| matches!(column, GroupColumn::Window));
        let kind = match (is_window, at.checked_sub(groups).and_then(|call| calls.get(call))) {
            (true, _) => window_type(),
            (false, Some(call)) => call.function.field().data_type().clone(),
            (false, None) => field.data_type().clone(),
        };
        Field::new(format!("c{at}"), kind, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn late_plan(aggregate: &Aggregate, input: &SchemaRef, passed_from: usize) -> LatePlan {
    let names = aggregate.input.schema().fields().iter().enumerate();
    let fields: Vec<Field> = names
        .map(|(at, field)| Field::new(field.name(), input.field(passed_from + at).data_type().clone(), true))
        .collect();
    LatePlan { passed_from, schema: late_schema(fields.into_iter().map(Arc::new)) }
}

/// Late rows keep the columns that they came with, and say which watermark they missed in which epoch.
pub(super) fn late_schema<F: AsRef<Field>>(columns: impl Iterator<Item = F>) -> SchemaRef {
    let mut fields: Vec<Field> = columns.map(|field| field.as_ref().clone().with_nullable(true)).collect();
    fields.push(Field::new("_watermark", instant(), true));
    fields.push(Field::new("_epoch", DataType::Int64, true));
    Arc::new(Schema::new(fields))
}
