//! A materialized table as the runtime and `engine explain` ask for it.

use std::sync::Arc;

use super::lane::MaterializeLane;
use super::operator::Materialize;
use super::spec::{Bucket, MaterializeSpec};
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::first_emission::FirstEmission;
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::StateRows;
use crate::store;
use crate::stored::Stored;
use arrow::datatypes::SchemaRef;
use state::KeyPartitioning;

impl OperatorSpec for MaterializeSpec {
    fn name(&self) -> &str {
        &self.name
    }

    fn input(&self, _: usize) -> &SchemaRef {
        &self.schema
    }

    fn output(&self) -> &SchemaRef {
        &self.schema
    }

    fn stores(&self) -> Vec<String> {
        let first_emission = (self.bucket == Bucket::Whole).then(|| FirstEmission::name(&self.name));
        std::iter::once(self.name.clone()).chain(first_emission).collect()
    }

    fn lane(self: Arc<Self>, partitioning: KeyPartitioning) -> Result<Box<dyn OperatorLane>, OperatorError> {
        Ok(Box::new(MaterializeLane::new(self, partitioning)))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        self.check()?;
        Ok(Box::new(Materialize::open(self, stored)))
    }

    // The words are part of every checkpoint: state of a query that stays the same is read back only if they do.
    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let column = |column: usize| self.schema.field(column).name().clone();
        let bucket = match &self.bucket {
            Bucket::Hash(keys) => format!("({})", keys.iter().map(|key| column(*key)).collect::<Vec<_>>().join(", ")),
            Bucket::Time { column: time, length_us } => format!("{} for {length_us} µs", column(*time)),
            Bucket::Stretch { column: time, length_us } => format!("{length_us} µs of {}", column(*time)),
            Bucket::Whole => "all rows".to_string(),
        };
        let columns = self.schema.fields().iter().map(|field| format!("column {} {}", field.name(), field.data_type()));
        Ok(columns.chain([format!("bucket {bucket}")]).collect())
    }

    fn describe(&self) -> String {
        let of = match &self.bucket {
            Bucket::Hash(_) => "share of the keys",
            Bucket::Time { .. } => "time",
            Bucket::Stretch { .. } => "stretch of time",
            Bucket::Whole => "change",
        };
        format!("materialize: keeps the rows of the table, rewrites all of them for each {of} that an epoch touched")
    }

    fn bound(&self) -> Bound {
        let Some((column, _)) = self.time() else { return Bound::Table("all rows of the table".to_string()) };
        let name = self.schema.field(column).name();
        Bound::Watermark(format!("rows are evicted when the watermark reaches the end of {name}"))
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        store::state_rows(vec![self.store_spec()], stored, committed)
    }
}
