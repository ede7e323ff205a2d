//! Rows as they were emitted, as the runtime and `engine explain` ask for it.

use std::sync::Arc;

use super::operator::Timed;
use super::spec::TimedSpec;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::keyed::{EventTime, KeyedLane, KeyedPort};
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::StateRows;
use crate::store;
use crate::stored::Stored;
use arrow::datatypes::SchemaRef;
use state::KeyPartitioning;

impl OperatorSpec for TimedSpec {
    fn name(&self) -> &str {
        &self.name
    }

    fn input(&self, _: usize) -> &SchemaRef {
        &self.input
    }

    fn output(&self) -> &SchemaRef {
        TimedSpec::output(self)
    }

    fn stores(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn lane(self: Arc<Self>, partitioning: KeyPartitioning) -> Result<Box<dyn OperatorLane>, OperatorError> {
        let event_time = self.closes_by.map(|column| EventTime { column, required: false });
        let port = KeyedPort { keys: (0..self.input.fields().len()).collect(), event_time };
        Ok(Box::new(KeyedLane::new(vec![port], partitioning)))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        self.check()?;
        Ok(Box::new(Timed::open(self, stored)))
    }

    // The words are part of every checkpoint: state of a query that stays the same is read back only if they do.
    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let columns = |kind: &'static str, schema: &SchemaRef| -> Vec<String> {
            schema
                .fields()
                .iter()
                .map(|field| format!("{kind} column {} {}", field.name(), field.data_type()))
                .collect()
        };
        let mut parts = columns("input", &self.input);
        parts.extend(columns("emitted", TimedSpec::output(self)));
        parts.extend(self.closes_by.map(|column| format!("goes by column {column}")));
        parts.extend(self.is_rechecked.then(|| "conditions on the time of the epoch".to_string()));
        Ok(parts)
    }

    fn describe(&self) -> String {
        let rechecked = match self.is_rechecked {
            true => ", looks at its conditions on the current time again in every epoch",
            false => "",
        };
        format!("timed: keeps each row as it was emitted, with the time of that epoch{rechecked}")
    }

    fn bound(&self) -> Bound {
        match self.closes_by {
            Some(column) => {
                let name = self.input.field(column).name();
                Bound::Watermark(format!("rows are evicted when the watermark reaches {name}"))
            }
            None => Bound::Unbounded("all rows of the input".to_string()),
        }
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        store::state_rows(vec![self.store_spec()], stored, committed)
    }
}
