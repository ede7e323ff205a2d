//! Rows of a store, and what a store has of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit};
use epoch::EpochId;
use state::KeyPartitioning;

use crate::epoch_time::EpochTime;
use crate::keyed::hash::{KeyHashes, hash_keys};
use crate::keyed::shard_of;
use crate::store::{Shard, StoreSpec};

/// A row of the test's store. The value is never twice the same where a test needs to know it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub key: i64,
    pub value: i64,
    pub expires: Option<i64>,
    pub expires_at: Option<i64>,
}

impl Row {
    pub fn shard(&self) -> u8 {
        shard_of(hashes(std::slice::from_ref(self)).stable[0], KeyPartitioning::KeyGroups)
    }
}

pub fn spec() -> StoreSpec {
    let time = |name| Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true);
    let text = Field::new("text", DataType::Utf8, true);
    let number = |name| Field::new(name, DataType::Int64, false);
    let fields = vec![number("key"), number("value"), text, time("expires"), time("expires_at")];
    StoreSpec {
        name: "gold.test".to_string(),
        schema: Arc::new(Schema::new(fields)),
        keys: 1,
        expires: Some(3),
        expires_at_batch_time: Some(4),
        keeps_rows: true,
    }
}

pub fn rows(rows: &[Row]) -> RecordBatch {
    let times = |of: fn(&Row) -> Option<i64>| {
        Arc::new(TimestampMicrosecondArray::from_iter(rows.iter().map(of)).with_timezone("UTC")) as ArrayRef
    };
    let text = rows.iter().map(|row| (row.value % 3 != 0).then(|| "x".repeat(row.value as usize % 20)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.key))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.value))),
        Arc::new(StringArray::from_iter(text)),
        times(|row| row.expires),
        times(|row| row.expires_at),
    ];
    RecordBatch::try_new(spec().schema, columns).unwrap()
}

pub fn hashes(of: &[Row]) -> KeyHashes {
    let key: ArrayRef = Arc::new(Int64Array::from_iter_values(of.iter().map(|row| row.key)));
    hash_keys(&[key], of.len()).unwrap()
}

pub fn keys(of: &[Row]) -> Vec<u128> {
    hashes(of).keys
}

pub fn epoch_time(epoch: u64, watermark_us: Option<i64>, batch_time_us: i64) -> EpochTime {
    EpochTime { epoch: EpochId(epoch), batch_time_us, watermark_us, late_us: None }
}

pub fn values(batch: &RecordBatch) -> Vec<(i64, i64)> {
    let column = |at: usize| batch.column(at).as_primitive::<Int64Type>();
    let text = batch.column(2).as_string::<i32>();
    for row in 0..batch.num_rows() {
        let value = column(1).value(row);
        assert_eq!(text.is_valid(row), value % 3 != 0);
        assert!(text.is_null(row) || text.value(row).len() == value as usize % 20);
    }
    (0..batch.num_rows()).map(|row| (column(0).value(row), column(1).value(row))).collect()
}

pub fn texts_at(shard: &Shard, positions: &[u32]) -> Vec<String> {
    values(&shard.gather(positions).unwrap()).iter().map(|(key, value)| format!("{key} {value}")).collect()
}

pub fn texts(shard: &Shard) -> Vec<String> {
    texts_at(shard, &shard.positions().collect::<Vec<_>>())
}
