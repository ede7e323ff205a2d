//! Which rows make a bucket, and how they are filed.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use expr::types::instant;
use expr::types::instants;
use state::KeyPartitioning;

use crate::OperatorError;
use crate::aggregate::shard::key_buckets;
use crate::store::StoreSpec;

/// The bucket of rows without a time. They are never evicted.
pub(super) const UNTIMED: i64 = i64::MIN;

/// A table that is kept whole, bucket by bucket.
#[derive(Debug, Clone)]
pub struct MaterializeSpec {
    /// Stable name of the operator.
    pub name: String,
    /// Columns of the table.
    pub schema: SchemaRef,
    /// What makes a bucket.
    pub bucket: Bucket,
}

/// What makes a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bucket {
    /// A share of the keys in these columns, one of 16 as in an aggregate by keys.
    Hash(Vec<usize>),
    /// A time. Once the watermark has reached the end of it, the rows are evicted and what was emitted stands.
    Time {
        /// An instant, which is the bucket; or a window: then its start is.
        column: usize,
        /// How long after its start a bucket ends, microseconds: the size of the window; 0 if the instant is its end.
        length_us: i64,
    },
    /// A stretch of time, of which there are few whatever the times are: as [`Bucket::Time`], but rows whose times end within the
    /// same stretch are one bucket.
    Stretch {
        /// An instant, or a window: then its end counts.
        column: usize,
        /// How long a stretch is, microseconds. Stretches begin at multiples of it since 1970 UTC, which belong to those before.
        length_us: i64,
    },
    /// All rows are bucket 0, which is emitted on any change and in the first epoch.
    Whole,
}

impl MaterializeSpec {
    /// Columns that stand before the table's own in the state: the bucket, and when it ends if that is a matter of time.
    pub(super) fn extra_columns(&self) -> usize {
        if self.time().is_some() { 2 } else { 1 }
    }

    /// The column with the time of a row, and how long buckets are, if they are a matter of time.
    pub(super) fn time(&self) -> Option<(usize, i64)> {
        match self.bucket {
            Bucket::Time { column, length_us } | Bucket::Stretch { column, length_us } => Some((column, length_us)),
            Bucket::Hash(_) | Bucket::Whole => None,
        }
    }

    /// True if no row of this bucket can change any more.
    pub(super) fn is_final(&self, bucket: i64, watermark_us: Option<i64>) -> bool {
        let (Some((_, length_us)), Some(watermark_us)) = (self.time(), watermark_us) else { return false };
        bucket != UNTIMED && bucket.saturating_add(length_us) <= watermark_us
    }

    /// What is filed.
    pub(super) fn store_spec(&self) -> StoreSpec {
        let mut fields = vec![Arc::new(Field::new("_bucket", DataType::Int64, false))];
        if self.time().is_some() {
            fields.push(Arc::new(Field::new("_ends", instant(), true)));
        }
        let ends = fields.len() - 1;
        fields.extend(self.schema.fields().iter().cloned());
        StoreSpec {
            name: self.name.clone(),
            schema: Arc::new(Schema::new(fields)),
            keys: 1,
            expires: (ends > 0).then_some(ends),
            expires_at_batch_time: None,
            keeps_rows: true,
        }
    }

    /// Rows of the table as they are filed, in columns of this schema.
    ///
    /// # Errors
    /// If a key column has no hash, or the time is none.
    pub(super) fn filed(
        &self,
        rows: &RecordBatch,
        schema: &SchemaRef,
        partitioning: KeyPartitioning,
    ) -> Result<RecordBatch, OperatorError> {
        let mut columns: Vec<ArrayRef> = match &self.bucket {
            Bucket::Whole => vec![Arc::new(Int64Array::from(vec![0; rows.num_rows()]))],
            Bucket::Hash(keys) => {
                let keys: Vec<ArrayRef> = keys.iter().map(|key| Arc::clone(rows.column(*key))).collect();
                vec![Arc::new(Int64Array::from(key_buckets(&keys, rows.num_rows(), partitioning)?))]
            }
            Bucket::Time { column, length_us } => times(rows.column(*column), *length_us)?.into(),
            Bucket::Stretch { column, length_us } => stretches(rows.column(*column), *length_us)?.into(),
        };
        columns.extend(rows.columns().iter().cloned());
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }

    /// # Errors
    /// If the time of its buckets is none.
    pub(super) fn check(&self) -> Result<(), OperatorError> {
        let Some((column, _)) = self.time() else { return Ok(()) };
        match self.schema.field(column).data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, _) | DataType::Struct(_) => Ok(()),
            _ => Err(self.fault("the column that holds the time of its buckets is neither an instant nor a window")),
        }
    }

    /// A fault of whoever made the spec, or of the operators before it.
    pub(super) fn fault(&self, what: &str) -> OperatorError {
        OperatorError::fault(&self.name, what)
    }
}

/// The bucket of each row, and when it ends.
fn times(column: &ArrayRef, length_us: i64) -> Result<[ArrayRef; 2], OperatorError> {
    let ends = instants(column)?;
    let (starts, ends) = match column.data_type() {
        DataType::Struct(_) => {
            let start = column.as_struct().column_by_name("start").map(Arc::clone);
            (start.ok_or_else(|| OperatorError::Compute("a window without a start".to_string()))?, ends)
        }
        _ => {
            let after = ends.as_primitive::<TimestampMicrosecondType>();
            let after = after.unary::<_, TimestampMicrosecondType>(|us| us.saturating_add(length_us));
            (ends, Arc::new(after.with_data_type(instant())) as ArrayRef)
        }
    };
    let start = starts.as_primitive::<TimestampMicrosecondType>();
    // A null window has a null end, whatever its start says.
    let bucket = |row: usize| if ends.is_null(row) || start.is_null(row) { UNTIMED } else { start.value(row) };
    let buckets: Int64Array = (0..ends.len()).map(|row| Some(bucket(row))).collect();
    let ends = ends.as_primitive::<TimestampMicrosecondType>().clone().with_data_type(instant());
    Ok([Arc::new(buckets), Arc::new(ends)])
}

/// As [`times`], for buckets that are stretches of time.
fn stretches(column: &ArrayRef, length_us: i64) -> Result<[ArrayRef; 2], OperatorError> {
    let ends = instants(column)?;
    let ends = ends.as_primitive::<TimestampMicrosecondType>();
    // A row that ends with a stretch is final with it: it is the last of it, not the first of the next.
    let start = |us: i64| us.saturating_sub(1).div_euclid(length_us).saturating_mul(length_us);
    let buckets: Int64Array = ends.iter().map(|us| Some(us.map_or(UNTIMED, start))).collect();
    let after = ends.unary::<_, TimestampMicrosecondType>(|us| start(us).saturating_add(length_us));
    Ok([Arc::new(buckets), Arc::new(after.with_data_type(instant()))])
}
