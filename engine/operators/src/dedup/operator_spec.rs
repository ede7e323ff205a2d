//! A deduplication as the runtime and `engine explain` ask for it.

use std::sync::Arc;

use super::lane::DedupLane;
use super::operator::Dedup;
use super::spec::{DedupSpec, Expiry};
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::keyed::{KeyedLane, KeyedPort};
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::StateRows;
use crate::store;
use crate::stored::Stored;
use arrow::datatypes::SchemaRef;
use state::KeyPartitioning;

impl OperatorSpec for DedupSpec {
    fn name(&self) -> &str {
        &self.name
    }

    fn input(&self, _port: usize) -> &SchemaRef {
        &self.input
    }

    fn output(&self) -> &SchemaRef {
        &self.input
    }

    fn stores(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn lane(self: Arc<Self>, partitioning: KeyPartitioning) -> Result<Box<dyn OperatorLane>, OperatorError> {
        let port = KeyedPort { keys: self.keys.clone(), event_time: self.event_time };
        Ok(Box::new(DedupLane::new(self.name.clone(), KeyedLane::new(vec![port], partitioning))))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        Ok(Box::new(Dedup::open(self, stored)))
    }

    // The words are part of every checkpoint: state of a query that stays the same is read back only if they do.
    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let keys = self.keys.iter().map(|key| {
            let field = self.input.field(*key);
            format!("duplicates by {} {}", field.name(), field.data_type())
        });
        Ok(keys.chain([format!("a key is remembered {}", self.until())]).collect())
    }

    fn describe(&self) -> String {
        format!("the first row of each ({}) passes; a key is remembered {}", self.key_names(), self.until())
    }

    fn bound(&self) -> Bound {
        match self.expiry {
            Expiry::Never => Bound::Unbounded(format!("every different ({}) is remembered for ever", self.key_names())),
            Expiry::TimeToLive { us } => Bound::TimeToLive(us),
            _ => Bound::Watermark(format!("a key ({}) is remembered {}", self.key_names(), self.until())),
        }
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        store::state_rows(vec![self.store()], stored, committed)
    }
}

impl DedupSpec {
    fn key_names(&self) -> String {
        let names = self.keys.iter().map(|key| self.input.field(*key).name().as_str());
        names.collect::<Vec<_>>().join(", ")
    }

    fn until(&self) -> String {
        let name = |column: usize| self.input.field(column).name();
        match self.expiry {
            Expiry::Never => "for ever".to_string(),
            Expiry::EventTimeKey { column } => format!("until the watermark has passed its {}", name(column)),
            Expiry::Within { column, delay_us } => {
                let what = format!("the {} of its first row", name(column));
                format!("until the watermark has passed {what} by {} ms", delay_us / 1_000)
            }
            Expiry::TimeToLive { us } => format!("for {} ms of the epochs' time", us / 1_000),
        }
    }
}
