//! Chunks end at bytes as well as at rows, and no record that is valid is rejected for its size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Schema};
use connector::{ReadProgress, Record, SourceError};
use epoch::EpochId;
use epoch::offsets::OffsetRange;

use super::*;

const JOB: &str = r#"
[job]
name = "t"
checkpoint = "c"
warehouse = "w"
[source.events]
connector = "kafka"
brokers = "127.0.0.1:1"
topic = "t"
format = "raw"
[table.bronze.t]
sql = "SELECT * FROM events"
"#;

fn setup() -> Arc<SourceSetup> {
    let connectors = job::Connectors::new(&[&kafka::KafkaConnector]);
    let job = job::parse("t.toml", JOB, &[], &|_| None, connectors).unwrap_or_else(|problems| panic!("{problems:?}"));
    let source = job.sources["events"].clone();
    let mut fields: Vec<Arc<Field>> = formats::source_schema(&source).fields().iter().cloned().collect();
    let metadata = [
        ("_key", DataType::Binary),
        ("_topic", DataType::Utf8),
        ("_partition", DataType::Int32),
        ("_offset", DataType::Int64),
        ("_timestamp", expr::types::instant()),
    ];
    fields.extend(metadata.map(|(name, data_type)| Arc::new(Field::new(name, data_type, true))));
    Arc::new(SourceSetup {
        source,
        schema: Arc::new(Schema::new(fields)),
        event_time: None,
        computed: None,
        times: Default::default(),
    })
}

fn plan() -> Plan {
    let text = r#"{"format":1,"epoch":0,"batch_time_us":0,"watermark_us":null,"late_watermark_us":null,"lanes":1,"sources":{}}"#;
    let plan: Plan = serde_json::from_str(text).unwrap();
    assert_eq!(plan.epoch, EpochId(0));
    plan
}

/// Records of these sizes (key, value) at offsets from 0 on; as many at a time as the limit allows, or as it likes.
struct Sized {
    sizes: Vec<(usize, usize)>,
    next: usize,
    keeps_limits: bool,
}

impl SourceReader for Sized {
    fn assign(&mut self, _ranges: &[(Split, SplitRange)]) -> Result<(), SourceError> {
        self.next = 0;
        Ok(())
    }

    fn read(
        &mut self,
        _split: &Split,
        limit: ReadLimit,
        handle: &mut dyn FnMut(Record<'_>),
    ) -> Result<ReadProgress, SourceError> {
        let (mut records, mut bytes) = (0, 0);
        while self.next < self.sizes.len() && (!self.keeps_limits || records < limit.records && bytes < limit.bytes) {
            let (key, value) = self.sizes[self.next];
            let (key, value) = (vec![b'k'; key], vec![b'v'; value]);
            let record = Record { key: Some(&key), value: Some(&value), offset: self.next as i64, timestamp_ms: None };
            (records, bytes) = (records + 1, bytes + record.bytes());
            handle(record);
            self.next += 1;
        }
        Ok(ReadProgress { is_complete: self.next == self.sizes.len(), gaps: Vec::new() })
    }
}

/// The bytes of keys and values in each chunk, after every record was found in its place.
fn chunks(sizes: Vec<(usize, usize)>, keeps_limits: bool) -> Vec<usize> {
    let count = sizes.len();
    let mut reader = Reader::new(setup(), Box::new(Sized { sizes, next: 0, keeps_limits }));
    let (mut offsets, mut chunks) = (Vec::new(), Vec::new());
    let range = OffsetRange { from: 0, until: count as i64 };
    let totals = reader
        .read(&plan(), &[(Split::new("t", 0), range.into())], &Steps::new(None), &mut |rows, rejected| {
            assert!(rejected.is_empty(), "{} valid records are rejected: {}", rejected.len(), rejected[0].reason);
            let bytes = |column: usize| rows.column(column).as_binary::<i32>().value_data().len();
            chunks.push(bytes(0) + bytes(1));
            offsets.extend_from_slice(rows.column(4).as_any().downcast_ref::<Int64Array>().unwrap().values());
            Ok(())
        })
        .unwrap();
    assert_eq!((totals.read, totals.rejected), (count as u64, 0));
    assert_eq!(offsets, (0..count as i64).collect::<Vec<_>>());
    chunks
}

/// Small records say nothing about the next ones: 20,000 of them and then large ones made one chunk of gigabytes.
#[test]
fn fault_5_large_records_after_small_ones_are_cut_by_bytes() {
    let sizes: Vec<_> = std::iter::repeat_n((0, 20), 20_000).chain(std::iter::repeat_n((0, 200_000), 700)).collect();
    let chunks = chunks(sizes, true);
    assert!(chunks.len() >= 5, "{chunks:?}");
    assert!(chunks.iter().all(|bytes| *bytes <= CHUNK_BYTES as usize + 200_000), "{chunks:?}");
}

#[test]
fn fault_5_keys_count_as_values_do() {
    let chunks = chunks(std::iter::repeat_n((100_000, 1), 1_000).collect(), true);
    assert!(chunks.iter().all(|bytes| *bytes <= CHUNK_BYTES as usize + 100_001), "{chunks:?}");
}

/// A source that hands over more than it was asked for makes more batches, not larger ones.
#[test]
fn fault_5_a_batch_ends_before_a_column_is_full_whatever_a_source_hands_over() {
    let chunks = chunks(std::iter::repeat_n((1_000_000, 1_000_000), 150).collect(), false);
    assert!(chunks.len() == 3 && chunks.iter().all(|bytes| *bytes <= 128 << 20), "{chunks:?}");
}

#[test]
fn the_job_of_these_tests_is_limited_by_default() {
    assert_eq!(setup().source.records_per_epoch_max, Some(job::RECORDS_PER_EPOCH_MAX));
}
