//! What a deduplication is told by the plan.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::operator::{Dedup, DedupLane};
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::keyed::{EventTime, KeyedLane, KeyedPort};
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::{self, StateRows};
use crate::store::StoreSpec;
use crate::stored::Stored;

/// How long a key is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// For ever.
    Never,
    /// Until the watermark has passed the key's own time: a column among the keys, a timestamp or a window (then its end).
    EventTimeKey {
        /// Column of the input.
        column: usize,
    },
    /// Until the watermark has passed the time of the first row by so much (Spark's `dropDuplicatesWithinWatermark`). Later
    /// rows do not prolong it. A row without a time has that of 1970.
    Within {
        /// Column of the input: a timestamp or a window.
        column: usize,
        /// How much, microseconds.
        delay_us: i64,
    },
    /// For so long, by the epochs' time.
    TimeToLive {
        /// How long, microseconds.
        us: i64,
    },
}

/// A deduplication.
#[derive(Debug, Clone)]
pub struct DedupSpec {
    /// Stable name of the operator.
    pub name: String,
    /// Schema of the rows that come in, and of those that go out.
    pub input: SchemaRef,
    /// Columns that make two rows duplicates if they are equal.
    pub keys: Vec<usize>,
    /// What tells that a row is late; `None` if no row is. Late rows are dropped even if the time is no key (Spark).
    pub event_time: Option<EventTime>,
    /// How long a key is remembered.
    pub expiry: Expiry,
}

impl DedupSpec {
    fn key_names(&self) -> String {
        let names = self.keys.iter().map(|key| self.input.field(*key).name().as_str());
        names.collect::<Vec<_>>().join(", ")
    }

    /// What is remembered: the keys, and when they go.
    pub(super) fn store(&self) -> StoreSpec {
        let keys = self.keys.iter().map(|key| self.input.field(*key).clone().with_nullable(true));
        let expires = match self.expiry {
            Expiry::Never => None,
            _ => Some(Field::new("_expires", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true)),
        };
        let at = self.keys.len();
        let is_by_watermark = matches!(self.expiry, Expiry::EventTimeKey { .. } | Expiry::Within { .. });
        StoreSpec {
            name: self.name.clone(),
            schema: Arc::new(Schema::new(keys.chain(expires).collect::<Vec<_>>())),
            keys: at,
            expires: is_by_watermark.then_some(at),
            expires_at_batch_time: matches!(self.expiry, Expiry::TimeToLive { .. }).then_some(at),
            keeps_rows: false,
        }
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

    fn lane(self: Arc<Self>) -> Result<Box<dyn OperatorLane>, OperatorError> {
        let port = KeyedPort { keys: self.keys.clone(), event_time: self.event_time };
        Ok(Box::new(DedupLane::new(self.name.clone(), KeyedLane::new(vec![port]))))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        Ok(Box::new(Dedup::open(self, stored)))
    }

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
        state_rows::of_stores(vec![self.store()], stored, committed)
    }
}
