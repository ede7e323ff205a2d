//! Prints what a row costs in a store of keys: `store_benchmark [ROWS]...`, by default one and ten million.
#![allow(clippy::unwrap_used, reason = "a program to measure with")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema};
use epoch::EpochId;
use operators::OperatorError;
use operators::keyed::SHARDS;
use operators::keyed::hash::hash_keys;
use operators::keyed::shard_of;
use operators::operator::{BlockSource, EpochTime};
use operators::store::{Budget, Store, StoreSpec};
use state::{BlockKey, KeyPartitioning};

/// Rows of an epoch.
const EPOCH_ROWS: usize = 500_000;

#[derive(Default)]
struct Blocks(BTreeMap<BlockKey, Arc<[u8]>>);

impl BlockSource for Blocks {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        Ok(self.0[key].to_vec())
    }
}

/// The keys of an epoch, shard by shard, with their hashes.
fn keys(epoch: usize, hashing: &mut Duration) -> Vec<(RecordBatch, Vec<u128>)> {
    let text = (epoch * EPOCH_ROWS..(epoch + 1) * EPOCH_ROWS).map(|row| format!("user-{row:010}"));
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(text));
    let started = Instant::now();
    let hashes = hash_keys(std::slice::from_ref(&column), EPOCH_ROWS).unwrap();
    *hashing += started.elapsed();
    let mut rows = vec![Vec::new(); SHARDS as usize];
    let shards = hashes.stable.iter().map(|hash| shard_of(*hash, KeyPartitioning::KeyGroups));
    shards.enumerate().for_each(|(row, shard)| rows[shard as usize].push(row as u32));
    let batch = RecordBatch::try_new(schema(), vec![column]).unwrap();
    let of_shard = |rows: Vec<u32>| {
        let keys = rows.iter().map(|row| hashes.keys[*row as usize]).collect();
        (take_record_batch(&batch, &UInt32Array::from(rows)).unwrap(), keys)
    };
    rows.into_iter().map(of_shard).collect()
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("key", DataType::Utf8, false)]))
}

fn open(blocks: &Blocks) -> Store {
    let spec = StoreSpec {
        name: "metrics".to_string(),
        schema: schema(),
        keys: 1,
        expires: None,
        expires_at_batch_time: None,
        keeps_rows: false,
    };
    let list = blocks.0.iter().map(|(key, bytes)| (*key, bytes.len() as u64)).collect();
    Store::open(spec, list, Arc::new(Budget::default()))
}

fn measure(rows: usize) {
    let (mut blocks, mut times) = (Blocks::default(), BTreeMap::<&str, Duration>::new());
    let mut store = open(&blocks);
    let epochs = rows.div_ceil(EPOCH_ROWS);
    let epoch_time = |epoch: usize| EpochTime {
        epoch: EpochId(epoch as u64),
        batch_time_us: epoch as i64,
        watermark_us: None,
        late_us: None,
    };
    for epoch in 0..epochs {
        let of_epoch = keys(epoch, times.entry("1 hash").or_default());
        let mut timed = |name, work: &mut dyn FnMut()| {
            let started = Instant::now();
            work();
            *times.entry(name).or_default() += started.elapsed();
        };
        for (shard, (batch, hashes)) in of_epoch.iter().enumerate() {
            let mut guard = store.shard(shard as u8, &epoch_time(epoch), &blocks).unwrap();
            timed("2 find", &mut || assert!(!hashes.iter().any(|key| guard.contains(*key))));
            timed("3 insert", &mut || {
                guard.insert(batch, hashes).unwrap();
            });
            drop(guard);
            let shard = shard as u8;
            timed("4 encode", &mut || store.finish(shard..shard + 1, &epoch_time(epoch)).unwrap());
        }
        timed("5 commit", &mut || {
            let changes = store.prepare_commit(&epoch_time(epoch), &blocks).unwrap();
            changes.deletes.iter().for_each(|key| drop(blocks.0.remove(key)));
            blocks.0.extend(changes.puts);
            store.committed();
        });
    }
    let metrics = store.metrics();
    let again = open(&blocks);
    let started = Instant::now();
    (0..SHARDS).for_each(|shard| drop(again.shard(shard, &epoch_time(epochs), &blocks).unwrap()));
    times.insert("6 reload", started.elapsed());
    let count = (epochs * EPOCH_ROWS) as u128;
    println!("{count} rows of 15 bytes, {EPOCH_ROWS} an epoch:");
    times.iter().for_each(|(name, time)| println!("  {name:9} {:5} ns a row", time.as_nanos() / count));
    println!(
        "  {} bytes a row in memory, {} in {} blocks",
        metrics.memory_bytes as u128 / count,
        metrics.bytes as u128 / count,
        metrics.blocks
    );
}

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|rows| rows.parse().ok()).collect();
    let rows = if asked.is_empty() { vec![1_000_000, 10_000_000] } else { asked };
    rows.into_iter().for_each(measure);
}
