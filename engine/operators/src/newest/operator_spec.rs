//! The newest row of each key as the runtime and `engine explain` ask for it.

use std::sync::Arc;

use super::operator::Newest;
use super::spec::NewestSpec;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::keyed::{KeyedLane, KeyedPort};
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::StateRows;
use crate::store;
use crate::stored::Stored;
use arrow::datatypes::{Field, SchemaRef};
use state::KeyPartitioning;

impl OperatorSpec for NewestSpec {
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
        vec![self.name.clone()]
    }

    fn lane(self: Arc<Self>, partitioning: KeyPartitioning) -> Result<Box<dyn OperatorLane>, OperatorError> {
        let port = KeyedPort { keys: (0..self.keys).collect(), event_time: None };
        Ok(Box::new(KeyedLane::new(vec![port], partitioning)))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        Ok(Box::new(Newest::open(self, stored)))
    }

    // The words are part of every checkpoint: state of a query that stays the same is read back only if they do.
    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let fields = self.schema.fields().iter().enumerate();
        let column = |(at, field): (usize, &Arc<Field>)| {
            let kind = if at < self.keys { "key" } else { "column" };
            format!("newest {kind} {}", field.data_type())
        };
        Ok(fields.map(column).collect())
    }

    fn describe(&self) -> String {
        format!(
            "newest: keeps the newest row of each ({}), retracts it when another takes its place",
            self.key_names.join(", ")
        )
    }

    fn bound(&self) -> Bound {
        Bound::Table(format!("the newest row of each ({})", self.key_names.join(", ")))
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        store::state_rows(vec![self.store_spec()], stored, committed)
    }
}
