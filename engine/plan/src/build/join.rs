//! Joins: of two streams, of a stream with a static table, and in update mode of rows that may be retracted.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, JoinType, NullEquality};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, lit};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::scalar::ScalarValue;
use expr::display::qualified_expr_text;
use expr::scalar::time_windows::end_of;
use expr::window::duration;
use job::OutputMode;
use operators::join::{JoinKind, JoinMode, JoinSide, JoinSpec};
use operators::keyed;

use super::{Builder, Stream};
use crate::bounds::{Bounds, conjuncts, reads_only};
use crate::fault::Result;
use crate::logical::with_columns;
use crate::optimize::optimized;
use crate::problem::SqlProblem;
use crate::times::{EventTime, TimeKind, most_lag_us};

/// One side of a join on its way to the operator.
pub(super) struct PreparedSide {
    pub(super) stream: Stream,
    pub(super) keys: Vec<usize>,
    /// Columns that the query knows; the others are keys and times of ours.
    pub(super) width: usize,
    /// When its rows can match nothing any more, if anything says so.
    expires: Option<Expiry>,
}

/// When rows of a side can match nothing any more.
#[derive(Clone, Copy)]
pub(super) struct Expiry {
    /// The column with event time.
    pub(super) column: usize,
    /// How long after it, microseconds.
    pub(super) after_us: i64,
}

impl Expiry {
    /// The instant in words, for explanations. State carries it as the name of a column: another text is another query to a checkpoint.
    fn words(&self, schema: &SchemaRef) -> String {
        let name = schema.field(self.column).name();
        match self.after_us {
            0 => format!("{name} (the end of it)"),
            us if us > 0 => format!("{name} + {}", duration(us)),
            us => format!("{name} - {}", duration(-us)),
        }
    }
}

impl Builder<'_> {
    pub(super) fn join(&mut self, join: &Join) -> Result<Stream> {
        if let Some(stream) = self.timed_join(join)? {
            return Ok(stream);
        }
        match (self.is_static(&join.left), self.is_static(&join.right)) {
            (true, true) => return self.refuse("both sides of the join are static", "read a source in FROM", "JOIN"),
            (false, true) => return self.lookup(join, false),
            (true, false) => return self.lookup(join, true),
            (false, false) => {}
        }
        if join.on.is_empty() {
            let help = "add an equality between columns of the two sides to ON";
            return self.refuse("Stream-stream join without equality predicate is not supported", help, "JOIN");
        }
        if join.null_equality == NullEquality::NullEqualsNull {
            let help = "compare with =, or coalesce the keys to a value that stands for null";
            return self.refuse("a join of streams with <=> is not supported", help, "<=>");
        }
        let Some((join, kind)) = self.left_first(join)? else {
            let help = "write the condition with AND, or as a join";
            return self.refuse("EXISTS or IN under OR is not supported on streams", help, "OR");
        };
        if join.null_aware && kind == JoinKind::LeftAnti {
            let help =
                "write NOT EXISTS (SELECT 1 FROM … WHERE …), or say in the schema that the columns are `required`";
            let message =
                "NOT IN (subquery) of a stream is not supported: one NULL that comes later would retract every row";
            return self.refuse(message, help, "NOT IN");
        }
        let is_changing = self.reads_changes(&join.left) || self.reads_changes(&join.right);
        if self.table.mode != OutputMode::Append && kind != JoinKind::Inner {
            return self.changing_join(&join);
        }
        self.symmetric(&join, kind, is_changing)
    }

    /// The join with its semi or anti side on the left.
    fn left_first(&self, join: &Join) -> Result<Option<(Join, JoinKind)>> {
        let kind = match join.join_type {
            JoinType::Inner => JoinKind::Inner,
            JoinType::Left => JoinKind::Left,
            JoinType::Right => JoinKind::Right,
            JoinType::Full => JoinKind::Full,
            JoinType::LeftSemi => JoinKind::LeftSemi,
            JoinType::LeftAnti => JoinKind::LeftAnti,
            JoinType::RightSemi | JoinType::RightAnti => {
                let is_semi = join.join_type == JoinType::RightSemi;
                let mut swapped = join.clone();
                std::mem::swap(&mut swapped.left, &mut swapped.right);
                swapped.on = join.on.iter().map(|(left, right)| (right.clone(), left.clone())).collect();
                swapped.join_type = if is_semi { JoinType::LeftSemi } else { JoinType::LeftAnti };
                let kind = if is_semi { JoinKind::LeftSemi } else { JoinKind::LeftAnti };
                return Ok(Some((swapped, kind)));
            }
            _ => return Ok(None),
        };
        Ok(Some((join.clone(), kind)))
    }

    fn symmetric(&mut self, join: &Join, kind: JoinKind, is_changing: bool) -> Result<Stream> {
        let (left_keys, right_keys): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
        let mut left = self.side(&join.left, &left_keys)?;
        let mut right = self.side(&join.right, &right_keys)?;
        let conditions: Vec<Expr> = join.filter.iter().flat_map(conjuncts).cloned().collect();
        self.expiries(join, &conditions, &mut left, &mut right);
        self.check_bounds(kind, &left, &right)?;
        let left_columns = self.join_side(&mut left)?;
        let right_columns = self.join_side(&mut right)?;
        let (left_schema, right_schema) = (join.left.schema(), join.right.schema());
        let only = |schema: &DFSchema| {
            let own: Vec<Expr> = conditions.iter().filter(|condition| reads_only(condition, schema)).cloned().collect();
            own.into_iter().reduce(Expr::and)
        };
        let mut sides = [left_columns, right_columns];
        for (side, schema) in sides.iter_mut().zip([left_schema, right_schema]) {
            let Some(condition) = only(schema) else { continue };
            // In checkpoints it stands as it is without the optimizer.
            side.only_if_words = Some(self.unoptimized(&condition, schema)?.to_string());
            side.only_if = Some(self.physical(&condition, schema)?);
        }
        let [left_side, right_side] = sides;
        let mixed = conditions
            .iter()
            .filter(|condition| !reads_only(condition, left_schema) && !reads_only(condition, right_schema))
            .cloned()
            .reduce(Expr::and);
        let extra = left_side.input.fields().len() - left.width;
        let name = self.name("join");
        let mut spec = JoinSpec::new(name, kind, left_side, right_side)?;
        if let Some(condition) = mixed {
            let schema = left_schema.join(right_schema)?;
            let parts: Vec<String> = conjuncts(&condition).into_iter().map(qualified_expr_text).collect();
            let words = parts.join(" and ");
            let condition = shifted(self.physical(&condition, &schema)?, left.width, extra)?;
            spec = spec.with_residual(condition, words)?;
        }
        let pairs = !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let mut columns: Vec<usize> = (0..left.width).collect();
        if pairs {
            columns.extend((0..right.width).map(|at| left.width + extra + at));
        }
        spec = spec.with_projection(&columns)?;
        if is_changing {
            spec = spec.with_mode(JoinMode::Changes)?;
        }
        let both = left.stream.times.iter().chain(&right.stream.times);
        let lag_us = most_lag_us(both.flatten().copied());
        let times = joined_times(&left, &right, lag_us, pairs);
        let spec = Arc::new(spec);
        let schema = Arc::clone(operators::operator::OperatorSpec::output(spec.as_ref()));
        let from = self.operator(spec, &[&left.stream, &right.stream], Some(lag_us), None);
        Ok(Stream {
            from: vec![from],
            schema,
            times,
            is_changing,
            is_replacing: false,
            is_entry: false,
            closes_by: None,
        })
    }

    /// The rows of a side with its keys as columns.
    pub(super) fn side(&mut self, plan: &LogicalPlan, keys: &[Expr]) -> Result<PreparedSide> {
        let width = plan.schema().fields().len();
        let mut further = Vec::new();
        let mut places = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let own = match key {
                Expr::Column(column) => plan.schema().maybe_index_of_column(column),
                _ => None,
            };
            places.push(own.unwrap_or(width + further.len()));
            if own.is_none() {
                further.push(key.clone().alias(format!("__key{at}")));
            }
        }
        let stream = self.stream(&with_columns(plan, further)?, false)?;
        Ok(PreparedSide { stream, keys: places, width, expires: None })
    }

    /// Finds when rows of each side can match nothing any more (Spark: the state watermarks, from the key or from a range of times).
    fn expiries(&self, join: &Join, conditions: &[Expr], left: &mut PreparedSide, right: &mut PreparedSide) {
        let timed = |side: &PreparedSide, place: usize| side.stream.times[side.keys[place]].is_some();
        let by_key = (0..left.keys.len()).find(|place| timed(left, *place) || timed(right, *place));
        if let Some(place) = by_key {
            left.expires = Some(Expiry { column: left.keys[place], after_us: 0 });
            right.expires = Some(Expiry { column: right.keys[place], after_us: 0 });
            return;
        }
        let bounds = Bounds::of(conditions, join, &left.stream.times, &right.stream.times);
        // A right row that is still to come is newer than the watermark: it cannot be within reach of an old left row.
        left.expires =
            bounds.least_us.map(|(column, _, least_us)| Expiry { column, after_us: least_us.saturating_neg() });
        right.expires = bounds.most_us.map(|(_, column, most_us)| Expiry { column, after_us: most_us });
    }

    /// What nothing bounds grows for ever: the user must know, and rows without a match must be emitted some day.
    fn check_bounds(&self, kind: JoinKind, left: &PreparedSide, right: &PreparedSide) -> Result<()> {
        let needs_left = matches!(kind, JoinKind::Left | JoinKind::Full | JoinKind::LeftSemi | JoinKind::LeftAnti);
        let needs_right = matches!(kind, JoinKind::Right | JoinKind::Full);
        let missing = needs_left && left.expires.is_none() || needs_right && right.expires.is_none();
        if missing && self.table.mode == OutputMode::Append && kind != JoinKind::LeftSemi {
            let message = "Stream-stream outer join between two streaming tables is not supported without a watermark in the join keys, or a watermark on the nullable side and an appropriate range condition";
            let help = "give both sources a watermark and add a range of their event times to ON, such as r.event_time BETWEEN l.event_time AND l.event_time + INTERVAL 10 MINUTES";
            return self.refuse(message, help, "JOIN");
        }
        if left.expires.is_none() || right.expires.is_none() {
            let side = if left.expires.is_none() { "left" } else { "right" };
            return self.check_unbounded(&format!("rows of its {side} side"));
        }
        Ok(())
    }

    /// Somebody must have said that rows of a join which nothing bounds may stay.
    pub(super) fn check_unbounded(&self, what: &str) -> Result<()> {
        if self.table.state_ttl.is_some() {
            return Ok(());
        }
        let message = format!("nothing bounds the state of this join: {what} would be kept for ever");
        let help = "add a range of event times or an event-time key to ON, or set state_ttl = \"7 days\" (or \"unbounded\") on the table";
        self.refuse(message, help, "JOIN")
    }

    /// A side as the operator takes it; its stream gets the columns that say when its rows are evicted.
    fn join_side(&mut self, side: &mut PreparedSide) -> Result<JoinSide> {
        let last = side.stream.schema.fields().len();
        let stream = side.stream.clone();
        let forgotten_after_us = if side.expires.is_none() { self.forgotten_after_us() } else { None };
        let (by_watermark, by_age) = match (side.expires, forgotten_after_us) {
            (Some(expires), _) => {
                side.stream = self.with_expiry(stream, expires)?;
                (true, false)
            }
            (None, Some(us)) => {
                let span = lit(ScalarValue::DurationMicrosecond(Some(us)));
                let instant = self.batch_time()? + span;
                side.stream = self.with_column(stream, format!("{} after they came", duration(us)), instant)?;
                (false, true)
            }
            _ => {
                let names: Vec<String> = names_of(&stream.schema);
                let schema = named(&names, &stream.schema);
                side.stream = self.relabel(stream, &schema);
                (false, false)
            }
        };
        let event_time = side.stream.times[..side.width].iter().position(Option::is_some);
        Ok(JoinSide {
            input: Arc::clone(&side.stream.schema),
            keys: side.keys.clone(),
            event_time: event_time.map(|column| keyed::EventTime { column, required: false }),
            expires: by_watermark.then_some(last),
            expires_at_batch_time: by_age.then_some(last),
            time_to_live_us: forgotten_after_us,
            only_if: None,
            only_if_words: None,
        })
    }

    /// The stream with a last column that says when its rows are evicted.
    pub(super) fn with_expiry(&mut self, stream: Stream, expires: Expiry) -> Result<Stream> {
        let column = Expr::Column(Column::new_unqualified(format!("s{}", expires.column)));
        let is_window = matches!(stream.schema.field(expires.column).data_type(), DataType::Struct(_));
        let instant = if is_window { end_of(column) } else { column };
        let span = lit(ScalarValue::DurationMicrosecond(Some(expires.after_us)));
        let instant = if expires.after_us == 0 { instant } else { instant + span };
        let words = expires.words(&stream.schema);
        self.with_column(stream, words, instant)
    }

    /// The stream with one more column, over columns that are `s0, s1, …`.
    fn with_column(&mut self, stream: Stream, name: String, column: Expr) -> Result<Stream> {
        let mut names = names_of(&stream.schema);
        names.push(name);
        let plan = with_columns(&plain(&stream)?, [column.alias("expires")])?;
        let stream = self.pipeline(&plan, stream)?;
        let schema = named(&names, &stream.schema);
        Ok(self.relabel(stream, &schema))
    }

    /// A condition as it is computed. No plan optimizes it, so it is done here; and it has been computed over no rows once.
    pub(super) fn physical(&self, expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        let physical = self.unoptimized(&optimized(expr.clone(), schema, self.state)?, schema)?;
        physical.evaluate(&RecordBatch::new_empty(Arc::clone(schema.inner())))?;
        Ok(physical)
    }

    fn unoptimized(&self, expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        let planning = PhysicalPlanningContext::default();
        Ok(create_physical_expr(expr, schema, self.state.execution_props(), &planning)?)
    }

    fn batch_time(&self) -> Result<Expr> {
        let functions = self.state.scalar_functions();
        let now = functions.get("now").ok_or_else(|| {
            datafusion::error::DataFusionError::Internal("the session does not know what time it is".to_string())
        })?;
        Ok(expr::casts::to_instant(now.call(Vec::new())))
    }
}

fn names_of(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// A schema with its first columns under their own names again: state is known by them. A name that comes twice gets a number.
fn named(names: &[String], schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().enumerate().map(|(at, field)| {
        let Some(name) = names.get(at) else { return field.as_ref().clone() };
        let before = names[..at].iter().filter(|other| *other == name).count();
        field.as_ref().clone().with_name(if before == 0 { name.clone() } else { format!("{name}#{}", before + 1) })
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A plan over a stream whose columns are `s0, s1, …`.
fn plain(stream: &Stream) -> Result<LogicalPlan> {
    let fields: Vec<Field> = stream
        .schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| field.as_ref().clone().with_name(format!("s{at}")))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    Ok(super::cut::scan("side", schema, 0)?)
}

/// The condition with the columns of the right side further on.
pub(super) fn shifted(condition: Arc<dyn PhysicalExpr>, from: usize, by: usize) -> Result<Arc<dyn PhysicalExpr>> {
    let shifted = condition.transform_up(|expr| match expr.downcast_ref::<PhysicalColumn>() {
        Some(column) if column.index() >= from => {
            let moved: Arc<dyn PhysicalExpr> = Arc::new(PhysicalColumn::new(column.name(), column.index() + by));
            Ok(Transformed::yes(moved))
        }
        _ => Ok(Transformed::no(expr)),
    });
    Ok(shifted.data()?)
}

/// Event times of the result: a row may wait for its match as long as its state is kept.
fn joined_times(left: &PreparedSide, right: &PreparedSide, lag_us: i64, pairs: bool) -> Vec<Option<EventTime>> {
    let of_side = |side: &PreparedSide| -> Vec<Option<EventTime>> {
        (0..side.width)
            .map(|column| {
                let expires = side.expires.filter(|expires| expires.column == column)?;
                let time = side.stream.times[column]?;
                Some(EventTime { lag_us: lag_us.saturating_add(expires.after_us.max(0)), ..time })
            })
            .collect()
    };
    let mut times = of_side(left);
    if pairs {
        times.extend(of_side(right));
    }
    debug_assert!(times.iter().flatten().all(|time| time.kind != TimeKind::Window(Some(0))));
    times
}

pub(super) fn words_of(join: &Join) -> String {
    let keys: Vec<String> = join.on.iter().map(|(left, right)| format!("{left} = {right}")).collect();
    let filter = join.filter.as_ref().map(|filter| format!(" and {filter}")).unwrap_or_default();
    format!("{}{filter}", keys.join(" and "))
}

impl Builder<'_> {
    /// True if the rows of a plan may be retracted: those of a table that replaces them, or those of an aggregate in update mode.
    pub(super) fn reads_changes(&self, plan: &LogicalPlan) -> bool {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let relation = self.relations.get(&crate::relation::name_of(&scan.table_name));
                relation.is_some_and(|relation| {
                    matches!(relation.rows, crate::relation::Rows::Nodes { are_changing: true, .. })
                })
            }
            LogicalPlan::Aggregate(aggregate) => {
                self.table.mode != OutputMode::Append && !self.is_static(&aggregate.input)
            }
            LogicalPlan::Window(window) => self.table.mode != OutputMode::Append && !self.is_static(&window.input),
            LogicalPlan::Join(join) if join.join_type != JoinType::Inner => {
                let is_lookup = self.is_static(&join.left) || self.is_static(&join.right);
                self.table.mode != OutputMode::Append && !is_lookup
                    || self.reads_changes(&join.left)
                    || self.reads_changes(&join.right)
            }
            other => other.inputs().iter().any(|input| self.reads_changes(input)),
        }
    }

    /// The refusal of a join that Spark refuses too.
    pub(super) fn refuse_join<T>(&self, message: &str) -> Result<T> {
        let problem =
            SqlProblem::new(message, "turn the join round so that the stream's rows are the ones that are kept");
        Err(problem.at_text(&self.table.sql, "JOIN").into())
    }
}
