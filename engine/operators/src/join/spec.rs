//! What a join is told by the plan, and the columns of its two states.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;

use super::condition::Condition;
use super::operator::Join;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::keyed::{EventTime, KeyedLane, KeyedPort};
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::{self, StateRows};
use crate::store::StoreSpec;
use crate::stored::Stored;

/// Which rows a join gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs.
    Inner,
    /// Pairs, and left rows that match nothing.
    Left,
    /// Pairs, and right rows that match nothing.
    Right,
    /// Pairs, and rows of both sides that match nothing.
    Full,
    /// Left rows that match something, once each.
    LeftSemi,
    /// Left rows that match nothing.
    LeftAnti,
}

/// How a join gives its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinMode {
    /// A row that went out is never taken back: rows that match nothing go out when nothing can match them any more.
    Append,
    /// Input rows may be taken back, and the result is right after every epoch. Inner joins only.
    Changes,
}

/// A side of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Port 0.
    Left,
    /// Port 1.
    Right,
}

impl Side {
    /// Both sides, in the order in which an epoch takes them.
    pub const BOTH: [Side; 2] = [Side::Left, Side::Right];

    /// The side that it is joined with.
    pub fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Side::Left => "left",
            Side::Right => "right",
        }
    }
}

/// What a join is told of one side.
#[derive(Debug, Clone)]
pub struct JoinSide {
    /// Schema of the rows that come in.
    pub input: SchemaRef,
    /// Key columns; those at equal places of the two sides must be equal. Their types are the same.
    pub keys: Vec<usize>,
    /// What tells that a row is late; `None` if no row is.
    pub event_time: Option<EventTime>,
    /// Column (timestamp, microseconds) with the watermark at which no row that is still to come on the other side can
    /// match this one; a null stays. `None`: rows stay.
    pub expires: Option<usize>,
    /// Column (timestamp, microseconds) with the epoch time at which the row goes, matched or not; a null stays.
    pub expires_at_batch_time: Option<usize>,
    /// A condition over this side's columns: a row for which it is not true matches nothing.
    pub only_if: Option<Arc<dyn PhysicalExpr>>,
}

impl JoinSide {
    /// A side without times and conditions.
    pub fn new(input: SchemaRef, keys: Vec<usize>) -> JoinSide {
        JoinSide { input, keys, event_time: None, expires: None, expires_at_batch_time: None, only_if: None }
    }
}

/// A column of one side.
pub(super) type SideColumn = (Side, usize);

/// What one side keeps, and how.
#[derive(Debug)]
pub(super) struct SidePlan {
    pub(super) side: JoinSide,
    pub(super) only_if: Option<Condition>,
    /// Input columns in the order of the state: keys first.
    layout: Vec<usize>,
    /// Where each input column stands in the state.
    pub(super) stored_at: Vec<usize>,
    pub(super) stored: SchemaRef,
}

/// A join of two streams.
#[derive(Debug)]
pub struct JoinSpec {
    name: String,
    kind: JoinKind,
    mode: JoinMode,
    left: SidePlan,
    right: SidePlan,
    residual: Option<Condition>,
    residual_words: String,
    output: SchemaRef,
    columns: Vec<SideColumn>,
}

impl JoinSpec {
    /// A join that appends, without a residual condition, with all columns in its result: left, then right; the left ones
    /// only for semi and anti joins.
    ///
    /// # Errors
    /// If there is no key, keys differ in type, or a column is not there or not of the type that it must have.
    pub fn new(name: String, kind: JoinKind, left: JoinSide, right: JoinSide) -> Result<JoinSpec, OperatorError> {
        let fault = |what: String| OperatorError::from(DataFusionError::Internal(format!("{name}: {what}")));
        if left.keys.is_empty() || left.keys.len() != right.keys.len() {
            return Err(fault(format!("{} keys on the left, {} on the right", left.keys.len(), right.keys.len())));
        }
        let (left, right) = (SidePlan::new(left).map_err(fault)?, SidePlan::new(right).map_err(fault)?);
        for place in 0..left.side.keys.len() {
            let (one, other) = (left.key_field(place), right.key_field(place));
            if !one.data_type().equals_datatype(other.data_type()) {
                return Err(fault(format!("{} = {}: a key of two types", one.name(), other.name())));
            }
        }
        let mut columns: Vec<SideColumn> = (0..left.stored_at.len()).map(|column| (Side::Left, column)).collect();
        if kind.emits_pairs() {
            columns.extend((0..right.stored_at.len()).map(|column| (Side::Right, column)));
        }
        let output = Arc::new(Schema::empty());
        let spec = JoinSpec {
            name,
            kind,
            mode: JoinMode::Append,
            left,
            right,
            residual: None,
            residual_words: String::new(),
            output,
            columns,
        };
        Ok(spec.with_output())
    }

    /// With a condition over left columns followed by right columns that must hold besides the equality of the keys, and
    /// the same in words.
    ///
    /// # Errors
    /// If it reads a column that is not there.
    pub fn with_residual(mut self, residual: Arc<dyn PhysicalExpr>, words: String) -> Result<JoinSpec, OperatorError> {
        let (left, right) = (self.left.side.input.fields(), self.right.side.input.fields());
        let fields: Vec<Arc<Field>> = left.iter().chain(right.iter()).map(Arc::clone).collect();
        self.residual = Some(Condition::new(residual, &fields)?);
        self.residual_words = words;
        Ok(self)
    }

    /// With a result of these of its columns.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn with_projection(mut self, projection: &[usize]) -> Result<JoinSpec, OperatorError> {
        let pick = |column: &usize| {
            let what = || format!("{}: the projection names column {column} of {}", self.name, self.columns.len());
            self.columns.get(*column).copied().ok_or_else(|| DataFusionError::Internal(what()))
        };
        self.columns = projection.iter().map(pick).collect::<Result<_, _>>()?;
        Ok(self.with_output())
    }

    /// In another mode.
    ///
    /// # Errors
    /// If the kind cannot be given in that mode.
    pub fn with_mode(mut self, mode: JoinMode) -> Result<JoinSpec, OperatorError> {
        if mode == JoinMode::Changes && self.kind != JoinKind::Inner {
            let what = format!("{}: a {} join with changes is Recompute's", self.name, self.kind.name());
            return Err(DataFusionError::Internal(what).into());
        }
        self.mode = mode;
        Ok(self)
    }

    /// Which rows it gives.
    pub fn kind(&self) -> JoinKind {
        self.kind
    }

    /// How it gives them.
    pub fn mode(&self) -> JoinMode {
        self.mode
    }

    pub(super) fn side(&self, side: Side) -> &SidePlan {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    pub(super) fn residual(&self) -> Option<&Condition> {
        self.residual.as_ref()
    }

    /// The columns of the result, in order.
    pub(super) fn columns(&self) -> &[SideColumn] {
        &self.columns
    }

    /// A column of left columns followed by right columns.
    pub(super) fn column_of_pair(&self, column: usize) -> SideColumn {
        let left = self.left.stored_at.len();
        if column < left { (Side::Left, column) } else { (Side::Right, column - left) }
    }

    pub(super) fn field(&self, (side, column): SideColumn) -> &Field {
        self.side(side).side.input.field(column)
    }

    pub(super) fn store(&self, side: Side) -> StoreSpec {
        let plan = self.side(side);
        StoreSpec {
            name: self.store_name(side),
            schema: Arc::clone(&plan.stored),
            keys: plan.side.keys.len(),
            expires: plan.side.expires.map(|column| plan.stored_at[column]),
            expires_at_batch_time: plan.side.expires_at_batch_time.map(|column| plan.stored_at[column]),
            keeps_rows: true,
        }
    }

    fn store_name(&self, side: Side) -> String {
        format!("{}.{}", self.name, side.name())
    }

    fn with_output(mut self) -> JoinSpec {
        let fields = self.columns.iter().map(|column| {
            let field = self.field(*column).clone();
            let nullable = field.is_nullable() || (self.kind.emits_pairs() && self.kind.preserves(column.0.other()));
            field.with_nullable(nullable)
        });
        self.output = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        self
    }
}

impl JoinKind {
    /// True if a row of this side that matches nothing goes out.
    pub(super) fn preserves(self, side: Side) -> bool {
        match self {
            JoinKind::Inner | JoinKind::LeftSemi => false,
            JoinKind::Full => true,
            JoinKind::Left | JoinKind::LeftAnti => side == Side::Left,
            JoinKind::Right => side == Side::Right,
        }
    }

    /// True if its result has the columns of both sides.
    pub(super) fn emits_pairs(self) -> bool {
        !matches!(self, JoinKind::LeftSemi | JoinKind::LeftAnti)
    }

    /// Its name as in SQL.
    pub fn name(self) -> &'static str {
        match self {
            JoinKind::Inner => "inner",
            JoinKind::Left => "left outer",
            JoinKind::Right => "right outer",
            JoinKind::Full => "full outer",
            JoinKind::LeftSemi => "left semi",
            JoinKind::LeftAnti => "left anti",
        }
    }
}

impl SidePlan {
    fn new(side: JoinSide) -> Result<SidePlan, String> {
        let fields = side.input.fields();
        let times = side.expires.iter().chain(&side.expires_at_batch_time);
        for column in side.keys.iter().chain(times.clone()).chain(side.event_time.iter().map(|time| &time.column)) {
            if *column >= fields.len() {
                return Err(format!("column {column} of {}", fields.len()));
            }
        }
        if let Some(column) = times.clone().find(|column| !is_instant(fields[**column].data_type())) {
            return Err(format!("rows expire at {}, which is not a timestamp", fields[*column].name()));
        }
        let others = (0..fields.len()).filter(|column| !side.keys.contains(column));
        let layout: Vec<usize> = side.keys.iter().copied().chain(others).collect();
        let place = |column: usize| layout.iter().position(|other| *other == column).unwrap_or_default();
        let stored_at = (0..fields.len()).map(place).collect();
        let stored = Arc::new(side.input.project(&layout).map_err(|error| error.to_string())?);
        let only_if = side.only_if.clone().map(|condition| Condition::new(condition, fields));
        let only_if = only_if.transpose().map_err(|error| error.to_string())?;
        Ok(SidePlan { side, only_if, layout, stored_at, stored })
    }

    pub(super) fn layout(&self) -> &[usize] {
        &self.layout
    }

    fn key_field(&self, place: usize) -> &Field {
        self.side.input.field(self.side.keys[place])
    }

    fn expiry(&self) -> Option<String> {
        let name = |column: usize| self.side.input.field(column).name();
        let watermark = self.side.expires.map(|column| format!("the watermark reaches {}", name(column)));
        let time = self.side.expires_at_batch_time.map(|column| format!("the epoch's time reaches {}", name(column)));
        let both: Vec<String> = watermark.into_iter().chain(time).collect();
        (!both.is_empty()).then(|| both.join(" or "))
    }

    fn fingerprint(&self, side: Side) -> Vec<String> {
        let name = side.name();
        let keys = (0..self.side.keys.len()).map(|place| {
            let field = self.key_field(place);
            format!("{name} key {} {}", field.name(), field.data_type())
        });
        let fields = self.side.input.fields().iter().enumerate();
        let columns = fields
            .filter(|(column, _)| !self.side.keys.contains(column))
            .map(|(_, field)| format!("{name} column {} {}", field.name(), field.data_type()));
        let expiry = self.expiry().map(|expiry| format!("{name} rows go when {expiry}"));
        let only_if = self.only_if.as_ref().map(|condition| format!("{name} rows only if {condition}"));
        keys.chain(columns).chain(expiry).chain(only_if).collect()
    }
}

fn is_instant(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(TimeUnit::Microsecond, _))
}

impl OperatorSpec for JoinSpec {
    fn name(&self) -> &str {
        &self.name
    }

    fn input(&self, port: usize) -> &SchemaRef {
        &self.side(if port == 0 { Side::Left } else { Side::Right }).side.input
    }

    fn output(&self) -> &SchemaRef {
        &self.output
    }

    fn stores(&self) -> Vec<String> {
        Side::BOTH.map(|side| self.store_name(side)).to_vec()
    }

    fn lane(self: Arc<Self>) -> Result<Box<dyn OperatorLane>, OperatorError> {
        let ports = Side::BOTH.map(|side| {
            let side = &self.side(side).side;
            KeyedPort { keys: side.keys.clone(), event_time: side.event_time }
        });
        Ok(Box::new(KeyedLane::new(ports.to_vec())))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        Ok(Box::new(Join::open(self, stored)))
    }

    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let mut parts = vec![format!("{} join", self.kind.name())];
        for side in Side::BOTH {
            parts.extend(self.side(side).fingerprint(side));
        }
        // How long a row is kept comes of the condition, and which rows were marked as matched.
        if self.residual.is_some() {
            parts.push(format!("condition {}", self.residual_words));
        }
        Ok(parts)
    }

    fn describe(&self) -> String {
        let keys = (0..self.left.side.keys.len())
            .map(|place| format!("{} = {}", self.left.key_field(place).name(), self.right.key_field(place).name()));
        let residual = self.residual.iter().map(|_| self.residual_words.clone());
        let on: Vec<String> = keys.chain(residual).collect();
        format!("{} join on {}", self.kind.name(), on.join(" and "))
    }

    fn bound(&self) -> Bound {
        let kept = Side::BOTH.map(|side| (side.name(), self.side(side).expiry()));
        match &kept {
            [(_, Some(left)), (_, Some(right))] => {
                Bound::Watermark(format!("left rows go when {left}, right rows when {right}"))
            }
            _ => {
                let sides: Vec<&str> =
                    kept.iter().filter(|(_, expiry)| expiry.is_none()).map(|(side, _)| *side).collect();
                Bound::Unbounded(format!("every row of the {} side is kept for ever", sides.join(" and the ")))
            }
        }
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        state_rows::of_stores(Side::BOTH.map(|side| self.store(side)).to_vec(), stored, committed)
    }
}
