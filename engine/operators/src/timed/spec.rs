//! Which expressions are evaluated once, and how rows are filed beside what was made of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use expr::types::{instant, instants};

use crate::OperatorError;
use crate::pipeline::Pipeline;
use crate::sized_batch::sized_batch;
use crate::store::StoreSpec;

/// Expressions that read the time, over rows that may be retracted.
#[derive(Debug, Clone)]
pub struct TimedSpec {
    /// Stable name of the operator.
    pub name: String,
    /// Schema of the rows that come in.
    pub input: SchemaRef,
    /// What is made of each row: one row, or none if it does not meet a condition.
    pub pipeline: Pipeline,
    /// True if a condition reads the time.
    pub is_rechecked: bool,
    /// Column of the input, an instant or a window (then its end counts): a row never changes once the watermark has passed it there,
    /// and is evicted. What was emitted of it stands.
    pub closes_by: Option<usize>,
}

impl TimedSpec {
    /// Schema of the rows that it emits.
    pub(super) fn output(&self) -> &SchemaRef {
        self.pipeline.schema()
    }

    /// # Errors
    /// If its parts do not fit together.
    pub(super) fn check(&self) -> Result<(), OperatorError> {
        if !self.pipeline.is_row_by_row() {
            return Err(self.fault("its expressions make several rows of one"));
        }
        if self.is_rechecked && self.closes_by.is_some() {
            return Err(self.fault("a row that is evicted cannot be looked at again"));
        }
        let closes_by = self.closes_by.map(|column| self.input.field(column).data_type());
        match closes_by {
            None | Some(DataType::Timestamp(..) | DataType::Struct(_)) => Ok(()),
            Some(_) => Err(self.fault("the column that says when rows are evicted is neither an instant nor a window")),
        }
    }

    /// A fault of whoever made the spec, or of the operators before it.
    pub(super) fn fault(&self, what: &str) -> OperatorError {
        OperatorError::fault(&self.name, what)
    }

    /// What is filed: the row as it came, whether it met the conditions, what was made of it, and when it is evicted.
    pub(super) fn store_spec(&self) -> StoreSpec {
        let nullable = |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_nullable(true));
        let mut fields: Vec<Arc<Field>> = self.input.fields().iter().map(nullable).collect();
        fields.push(Arc::new(Field::new("_emitted", DataType::Boolean, false)));
        fields.extend(self.output().fields().iter().map(nullable));
        let expires = self.closes_by.map(|_| fields.len());
        fields.extend(expires.map(|_| Arc::new(Field::new("_expires", instant(), true))));
        StoreSpec {
            name: self.name.clone(),
            schema: Arc::new(Schema::new(fields)),
            keys: self.input.fields().len(),
            expires,
            expires_at_batch_time: None,
            keeps_rows: true,
        }
    }

    /// What is made of input rows now, and the row of the input that each of them comes from.
    ///
    /// # Errors
    /// If an expression fails on a row.
    pub(super) fn evaluate(&self, rows: &RecordBatch) -> Result<(RecordBatch, Vec<u32>), OperatorError> {
        Ok(self.pipeline.run_traced(rows)?)
    }

    /// Input rows as they are filed, with what was made of them.
    ///
    /// # Errors
    /// If the columns are not those of the schema.
    pub(super) fn filed(
        &self,
        rows: &RecordBatch,
        (made, origins): (&RecordBatch, &[u32]),
        schema: &SchemaRef,
    ) -> Result<RecordBatch, OperatorError> {
        let mut places: Vec<Option<u32>> = vec![None; rows.num_rows()];
        origins.iter().zip(0..).for_each(|(origin, place)| places[*origin as usize] = Some(place));
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns.push(Arc::new(places.iter().map(|place| Some(place.is_some())).collect::<BooleanArray>()));
        let places = UInt32Array::from(places);
        for column in made.columns() {
            columns.push(take(column, &places, None)?);
        }
        if let Some(column) = self.closes_by {
            columns.push(instants(rows.column(column))?);
        }
        Ok(sized_batch(schema, columns, rows.num_rows())?)
    }

    /// The input rows among filed rows.
    ///
    /// # Errors
    /// If the columns are not those of the schema.
    pub(super) fn came(&self, filed: &RecordBatch) -> Result<RecordBatch, OperatorError> {
        let columns = filed.columns()[..self.input.fields().len()].to_vec();
        let nullable: Vec<Field> =
            self.input.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        Ok(sized_batch(&Arc::new(Schema::new(nullable)), columns, filed.num_rows())?)
    }

    /// Which filed rows were emitted.
    pub(super) fn is_emitted(&self, filed: &RecordBatch) -> BooleanArray {
        filed.column(self.input.fields().len()).as_boolean().clone()
    }

    /// What was emitted of filed rows.
    ///
    /// # Errors
    /// If the columns are not those of the schema.
    pub(super) fn emitted(&self, filed: &RecordBatch) -> Result<RecordBatch, OperatorError> {
        let (mask, from) = (self.is_emitted(filed), self.input.fields().len() + 1);
        let columns = &filed.columns()[from..from + self.output().fields().len()];
        let columns = columns.iter().map(|column| filter(column, &mask)).collect::<Result<Vec<_>, _>>()?;
        Ok(sized_batch(self.output(), columns, mask.true_count())?)
    }
}
