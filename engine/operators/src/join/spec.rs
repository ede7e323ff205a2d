//! What a join computes: its sides, its condition, and the columns of its result.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;

use super::kind::{JoinKind, JoinMode};
use super::side::{JoinSide, Side, SideColumn, SidePlan};
use crate::OperatorError;
use crate::condition::Condition;
use crate::store::StoreSpec;

/// A join of two streams.
#[derive(Debug)]
pub struct JoinSpec {
    pub(super) name: String,
    kind: JoinKind,
    mode: JoinMode,
    left: SidePlan,
    right: SidePlan,
    residual: Option<Condition>,
    pub(super) residual_words: String,
    pub(super) output: SchemaRef,
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
    /// If a join of the kind cannot emit in that mode.
    pub fn with_mode(mut self, mode: JoinMode) -> Result<JoinSpec, OperatorError> {
        if mode == JoinMode::Changes && self.kind != JoinKind::Inner {
            let what = format!("{}: a {} join with changes is Recompute's", self.name, self.kind.name());
            return Err(DataFusionError::Internal(what).into());
        }
        self.mode = mode;
        Ok(self)
    }

    /// Which rows it emits.
    pub fn kind(&self) -> JoinKind {
        self.kind
    }

    /// How it emits them.
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

    pub(super) fn store_name(&self, side: Side) -> String {
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
