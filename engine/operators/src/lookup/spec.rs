//! What a lookup computes: its keys, its condition, and the columns of its result.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;

use crate::OperatorError;
use crate::condition::Condition;

/// Which rows a lookup emits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupKind {
    /// Pairs.
    Inner,
    /// Pairs, and rows of the stream that match nothing.
    Left,
    /// Rows of the stream that match something, once each.
    LeftSemi,
    /// Rows of the stream that match nothing.
    LeftAnti,
    /// All rows of the stream, each with a last column that says whether it matches something.
    LeftMark,
}

/// A join of a stream with a static table.
#[derive(Debug)]
pub struct LookupSpec {
    kind: LookupKind,
    stream: SchemaRef,
    stream_keys: Vec<usize>,
    table: SchemaRef,
    table_keys: Vec<usize>,
    residual: Option<Condition>,
    null_aware: bool,
    output: SchemaRef,
    /// Columns of the result among stream columns followed by table columns.
    columns: Vec<usize>,
}

impl LookupSpec {
    /// A lookup without a residual condition, with all columns in its result: the stream's, then the table's; the stream's
    /// only for semi and anti joins, and those with the mark behind them for mark joins. Keys at equal places must be equal; without keys every row meets every other.
    ///
    /// # Errors
    /// If keys differ in number or type, or a column is not there.
    pub fn new(
        kind: LookupKind,
        (stream, stream_keys): (SchemaRef, Vec<usize>),
        (table, table_keys): (SchemaRef, Vec<usize>),
    ) -> Result<LookupSpec, OperatorError> {
        let fault = |what: String| Err(DataFusionError::Internal(what).into());
        if stream_keys.len() != table_keys.len() {
            return fault(format!("{} keys of a stream, {} of a table", stream_keys.len(), table_keys.len()));
        }
        for (one, other) in stream_keys.iter().zip(&table_keys) {
            let (Some(one), Some(other)) = (stream.fields().get(*one), table.fields().get(*other)) else {
                return fault(format!("the key {one} = {other} names a column that is not there"));
            };
            if !one.data_type().equals_datatype(other.data_type()) {
                return fault(format!("{} = {}: a key of two types", one.name(), other.name()));
            }
        }
        let of_table = match kind {
            LookupKind::LeftMark => 1,
            kind if kind.emits_pairs() => table.fields().len(),
            _ => 0,
        };
        let width = stream.fields().len() + of_table;
        let (residual, null_aware, output) = (None, false, Arc::new(Schema::empty()));
        let columns = (0..width).collect();
        let spec = LookupSpec { kind, stream, stream_keys, table, table_keys, residual, null_aware, output, columns };
        Ok(spec.with_output())
    }

    /// With a condition over stream columns followed by table columns that must hold besides the equality of the keys.
    ///
    /// # Errors
    /// If it reads a column that is not there.
    pub fn with_residual(mut self, residual: Arc<dyn PhysicalExpr>) -> Result<LookupSpec, OperatorError> {
        let fields: Vec<Arc<Field>> = self.stream.fields().iter().chain(self.table.fields()).map(Arc::clone).collect();
        self.residual = Some(Condition::new(residual, &fields)?);
        Ok(self)
    }

    /// As `NOT IN (subquery)` has it: a null in the table equals everything perhaps, so nothing is emitted; a row of the stream
    /// with a null in its key is emitted only if the table is empty.
    ///
    /// # Errors
    /// If it is not an anti join with one key and without a residual condition.
    pub fn with_null_aware(mut self) -> Result<LookupSpec, OperatorError> {
        if self.kind != LookupKind::LeftAnti || self.stream_keys.len() != 1 || self.residual.is_some() {
            let what = "NOT IN (subquery) is looked up by one key and nothing else; write NOT EXISTS (...) instead";
            return Err(OperatorError::Compute(what.to_string()));
        }
        self.null_aware = true;
        Ok(self)
    }

    /// With a result of these of its columns.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn with_projection(mut self, projection: &[usize]) -> Result<LookupSpec, OperatorError> {
        let pick = |column: &usize| {
            let what = || format!("a projection of column {column} of {}", self.columns.len());
            self.columns.get(*column).copied().ok_or_else(|| DataFusionError::Internal(what()))
        };
        self.columns = projection.iter().map(pick).collect::<Result<_, _>>()?;
        Ok(self.with_output())
    }

    /// Which rows it emits.
    pub fn kind(&self) -> LookupKind {
        self.kind
    }

    /// True if it is a `NOT IN`.
    pub fn is_null_aware(&self) -> bool {
        self.null_aware
    }

    /// Schema of the stream.
    pub fn stream(&self) -> &SchemaRef {
        &self.stream
    }

    /// Schema of the table.
    pub fn table(&self) -> &SchemaRef {
        &self.table
    }

    /// Schema of the result.
    pub fn output(&self) -> &SchemaRef {
        &self.output
    }

    /// What it does, in words, for `engine explain`.
    pub fn describe(&self) -> String {
        let keys = self.stream_keys.iter().zip(&self.table_keys);
        let keys = keys
            .map(|(one, other)| format!("{} = {}", self.stream.field(*one).name(), self.table.field(*other).name()));
        let on: Vec<String> = keys.chain(self.residual.iter().map(ToString::to_string)).collect();
        let name = self.kind.name();
        if on.is_empty() {
            format!("{name} lookup of every row")
        } else {
            format!("{name} lookup on {}", on.join(" and "))
        }
    }

    pub(super) fn stream_keys(&self) -> &[usize] {
        &self.stream_keys
    }

    pub(super) fn table_keys(&self) -> &[usize] {
        &self.table_keys
    }

    pub(super) fn residual(&self) -> Option<&Condition> {
        self.residual.as_ref()
    }

    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// True if the condition or the result reads this column of the table.
    pub(super) fn reads(&self, column: usize) -> bool {
        let column = self.stream.fields().len() + column;
        let is_shown = self.kind.emits_pairs() && self.columns.contains(&column);
        is_shown || self.residual.iter().any(|residual| residual.columns().contains(&column))
    }

    fn with_output(mut self) -> LookupSpec {
        let width = self.stream.fields().len();
        let fields = self.columns.iter().map(|column| match column.checked_sub(width) {
            None => self.stream.field(*column).clone(),
            Some(_) if self.kind == LookupKind::LeftMark => Field::new("mark", DataType::Boolean, false),
            Some(column) => {
                let field = self.table.field(column).clone();
                let nullable = field.is_nullable() || self.kind == LookupKind::Left;
                field.with_nullable(nullable)
            }
        });
        self.output = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        self
    }
}

impl LookupKind {
    /// True if its result has the columns of both sides.
    pub(super) fn emits_pairs(self) -> bool {
        matches!(self, LookupKind::Inner | LookupKind::Left)
    }

    fn name(self) -> &'static str {
        match self {
            LookupKind::Inner => "inner",
            LookupKind::Left => "left outer",
            LookupKind::LeftSemi => "left semi",
            LookupKind::LeftAnti => "left anti",
            LookupKind::LeftMark => "marking",
        }
    }
}
