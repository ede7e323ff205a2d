//! Readers that are not ours: DuckDB's delta extension, the Python deltalake package with pyarrow.

use std::process::Command;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use delta::{Table, Warehouse};
use epoch::offsets::OffsetRange;
use epoch::{Commit, Split, StagedFile, WatermarkState};

use crate::fixture::{
    NAME, added, artifact, commit, id, open, open_as, owner, publish, replaced, stage, stage_batch, try_open,
};

/// Reads the table with both and prints each row as JSON, and the number of rows at every version.
const SCRIPT: &str = r#"
import glob, json, os, sys
import duckdb, duckdb_extension_delta
from deltalake import DeltaTable
path, versions = sys.argv[1], [int(version) for version in sys.argv[2].split(",")]
def plain(value):
    if isinstance(value, dict): return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)): return [plain(part) for part in value]
    if isinstance(value, (bytes, bytearray)): return bytes(value).hex()
    if hasattr(value, "astimezone"):
        import datetime
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)
columns = ["key", "window", "tags", "price", "day", "raw", "users", "seen"]
extension, = glob.glob(os.path.dirname(duckdb_extension_delta.__file__) + "/extensions/*/delta.duckdb_extension")
database = duckdb.connect()
database.execute("SET autoinstall_known_extensions=false; SET TimeZone='UTC'")
database.execute(f"LOAD '{extension}'")
table = DeltaTable(path)
rows = lambda found: [plain(row) for row in found.to_pylist()]
quoted = ", ".join(f'"{column}"' for column in columns)
select = f"SELECT {quoted} FROM "
out = {
  "duckdb": rows(database.execute(select + f"delta_scan('{path}') ORDER BY key").to_arrow_table()),
  "duckdb_filtered": rows(database.execute(select + f"delta_scan('{path}') WHERE \"window\".start >= TIMESTAMPTZ '2024-01-01 00:02:00Z' AND key > 1 ORDER BY key").to_arrow_table()),
  "deltalake": [plain(row) for row in table.to_pyarrow_table(columns=columns).sort_by("key").to_pylist()],
  "keys": [DeltaTable(path, version=version).to_pyarrow_table(columns=["key"])["key"].to_pylist() for version in versions],
  "transaction": table.transaction_version("engine-shop-1a2b"),
  "version": table.version(),
}
print(json.dumps(out))
"#;

/// A Python with the packages of `scripts/test-requirements.txt`.
fn python() -> String {
    std::env::var("ENGINE_TEST_PYTHON").unwrap_or_else(|_| {
        panic!("ENGINE_TEST_PYTHON is not set: run scripts/test, or point it to a Python with the packages of scripts/test-requirements.txt")
    })
}

/// What a script prints as JSON.
fn answer_of(script: &str, arguments: &[&str]) -> serde_json::Value {
    let python = python();
    let output = Command::new(&python)
        .args(["-c", script])
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{python}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn batch(keys: &[i64], minute: i64) -> RecordBatch {
    let rows = keys.len();
    let start = 1_704_067_200_000_000 + minute * 60_000_000;
    let times =
        |at: i64| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![at; rows]).with_timezone("UTC")) };
    let kind = times(0).data_type().clone();
    let window = StructArray::from(vec![
        (Arc::new(Field::new("start", kind.clone(), false)), times(start)),
        (Arc::new(Field::new("end", kind, false)), times(start + 60_000_000)),
    ]);
    let words: Vec<String> = keys.iter().flat_map(|key| [format!("a{key}"), "ü".to_string()]).collect();
    let tags = ListArray::new(
        Arc::new(Field::new("item", DataType::Utf8, true)),
        OffsetBuffer::from_lengths(vec![2; rows]),
        Arc::new(StringArray::from(words)),
        None,
    );
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("key", Arc::new(Int64Array::from(keys.to_vec()))),
        ("window", Arc::new(window)),
        ("tags", Arc::new(tags)),
        ("price", Arc::new(Decimal128Array::from(vec![1995_i128; rows]).with_precision_and_scale(10, 2).unwrap())),
        ("day", Arc::new(Date32Array::from(vec![19_723; rows]))),
        ("raw", Arc::new(BinaryArray::from(vec![&[0_u8, 255][..]; rows]))),
        ("users", Arc::new(UInt64Array::from(vec![Some(3); rows]))),
        ("seen", Arc::new(TimestampMicrosecondArray::from(vec![Some(start + 123_456); rows]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

async fn staged(table: &Table, epoch: u64, number: u32, batch: RecordBatch) -> StagedFile {
    stage_batch(table, artifact(epoch, number), None, batch).await.unwrap()
}

fn expected(key: i64, minute: i64) -> serde_json::Value {
    let at =
        |second: i64, micros: &str| format!("2024-01-01T00:{:02}:{:02}.{micros}Z", minute + second / 60, second % 60);
    serde_json::json!({
        "key": key,
        "window": {"start": at(0, "000000"), "end": at(60, "000000")},
        "tags": [format!("a{key}"), "ü"],
        "price": "19.95",
        "day": "2024-01-01",
        "raw": "00ff",
        "users": 3,
        "seen": at(0, "123456"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_and_python_read_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let columns = batch(&[1], 0).schema();
    let table = try_open(&warehouse, "gold.all_types", columns, ("shop", "1a2b")).await.unwrap();
    let closed = staged(&table, 0, 0, batch(&[1, 2], 0)).await;
    let open = staged(&table, 0, 1, batch(&[10, 11], 1)).await;
    publish(&table, 0, &added(&[&closed, &open])).await.unwrap();
    let reopened = staged(&table, 1, 0, batch(&[10, 11, 12], 2)).await;
    publish(&table, 1, &replaced(&[&open], &[&reopened])).await.unwrap();
    for epoch in 2..103_u64 {
        // Far enough that the log has been summarised once.
        let more = staged(&table, epoch, 0, batch(&[100 + epoch.cast_signed()], 3)).await;
        publish(&table, epoch, &added(&[&more])).await.unwrap();
    }
    table.wait_idle().await;
    let path = folder.path().join("gold/all_types");
    let seen = answer_of(SCRIPT, &[path.to_str().unwrap(), "1,2,103"]);
    let mut rows = vec![expected(1, 0), expected(2, 0), expected(10, 2), expected(11, 2), expected(12, 2)];
    rows.extend((102..203).map(|key| expected(key, 3)));
    assert_eq!(seen["duckdb"], serde_json::json!(rows));
    assert_eq!(seen["deltalake"], serde_json::json!(rows));
    assert_eq!(seen["duckdb_filtered"], serde_json::json!(rows[2..]));
    let all_keys: Vec<i64> = [1, 2, 10, 11, 12].into_iter().chain(102..203).collect();
    let sorted = |index: usize| {
        let mut keys: Vec<i64> = serde_json::from_value(seen["keys"][index].clone()).unwrap();
        keys.sort_unstable();
        keys
    };
    assert_eq!((sorted(0), sorted(1)), (vec![1, 2, 10, 11], vec![1, 2, 10, 11, 12]));
    assert_eq!(sorted(2), all_keys);
    assert_eq!((seen["transaction"].as_i64(), seen["version"].as_i64()), (Some(102), Some(103)));
}

/// Reads the versions of transaction applications, and counts the rows.
const TRANSACTIONS: &str = r#"
import json, sys
from deltalake import DeltaTable
table = DeltaTable(sys.argv[1])
rows = table.to_pyarrow_table(columns=["key"]).num_rows
print(json.dumps({"version": table.version(), "rows": rows, "of": {app: table.transaction_version(app) for app in sys.argv[2:]}}))
"#;

/// The commit with what its epoch had read: ten records of one partition, and the watermark behind them.
fn having_read(mut commit: Commit, until: i64) -> Commit {
    let events = commit.plan.sources.entry("events".to_string()).or_default();
    events.ranges.insert(Split::new("t", 0), OffsetRange { from: until - 10, until }.into());
    let watermark = WatermarkState { watermark_us: Some(until * 1_000), ..WatermarkState::default() };
    commit.watermarks.insert("events".to_string(), watermark);
    commit
}

/// With them a checkpoint that was lost can be rebuilt, and that may be long after the last epoch.
#[tokio::test(flavor = "multi_thread")]
async fn offsets_and_watermarks_outlive_the_summary_and_the_clean_up_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let ours = open(&warehouse).await;
    for epoch in 0..3_u64 {
        let change = added(&[&stage(&ours, epoch, 0, &[(epoch.cast_signed(), 1)]).await]);
        let commit = commit(NAME, epoch.checked_sub(1).map(id), epoch, &change);
        ours.publish(owner(), &having_read(commit, (epoch.cast_signed() + 1) * 10)).await.unwrap();
    }
    // Others go on until the log is summarised, and what is behind the summary is cleaned up.
    let theirs = open_as(&warehouse, "other", "9f").await;
    for epoch in 0..100_u64 {
        let change = added(&[&stage(&theirs, epoch, 0, &[(1_000, 0)]).await]);
        publish(&theirs, epoch, &change).await.unwrap();
    }
    theirs.wait_idle().await;
    let table = folder.path().join("gold/counts");
    assert!(table.join("_delta_log/00000000000000000100.checkpoint.parquet").is_file());
    for version in 0..100 {
        std::fs::remove_file(table.join(format!("_delta_log/{version:020}.json"))).unwrap();
    }
    let app = "engine-shop-1a2b";
    let apps =
        ["", "/commit", "/term", "/run", "/offset/events/t/0", "/watermark/events"].map(|of| format!("{app}{of}"));
    let arguments: Vec<&str> = [table.to_str().unwrap()].into_iter().chain(apps.iter().map(String::as_str)).collect();
    let seen = answer_of(TRANSACTIONS, &arguments);
    assert_eq!((seen["version"].as_i64(), seen["rows"].as_i64()), (Some(103), Some(103)));
    let expected = [2, id(2).nonce, owner().term, owner().run, 30, 30_000];
    assert_eq!(apps.map(|app| seen["of"][app.as_str()].as_u64()), expected.map(Some));
    // And so do we.
    let at = open(&warehouse).await.position().await.unwrap();
    assert_eq!((at.accepted, at.owner, at.version), (Some(id(2)), owner(), 103));
}
