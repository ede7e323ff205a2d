//! What a deduplication does: its keys, and how long they are remembered.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::keyed::EventTime;
use crate::store::StoreSpec;

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
    /// Schema of the rows that come in, and of those that are emitted.
    pub input: SchemaRef,
    /// Columns that make two rows duplicates if they are equal.
    pub keys: Vec<usize>,
    /// What decides that a row is late; `None` if no row is. Late rows are dropped even if the time is no key (Spark).
    pub event_time: Option<EventTime>,
    /// How long a key is remembered.
    pub expiry: Expiry,
}

impl DedupSpec {
    /// What is remembered: the keys, and when they are evicted.
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
}
