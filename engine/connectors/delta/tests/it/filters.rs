//! Filters of the Python client: what another program's reader takes the bounds in the log for, in tables old and new.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use connector::SinkError;
use delta::{Table, Warehouse};
use epoch::{ArtifactId, Commit, CommitId, EpochId, Owner, TableCommit};

const NAME: &str = "gold.prices";

/// For each filter the number of rows that are found, as JSON; then the table's properties.
const FILTERED: &str = r#"
import datetime, decimal, json, sys
import pyarrow.compute as pc
from deltalake import DeltaTable
table = DeltaTable(sys.argv[1])
instant = datetime.datetime(2024, 1, 1, 0, 0, 0, 123456, tzinfo=datetime.timezone.utc)
filters = [
  ("price", ">", 1.0), ("ratio", ">=", 0.5), ("cost", ">", decimal.Decimal("1.00")), ("sold", "=", True), ("label", "=", "ü"),
  ("seen", "=", instant), ("day", "=", datetime.date(2024, 1, 1)), ("small", "=", 3), ("n1", "=", 7), ("n2", "=", 7), ("n3", "=", 7),
  ("n4", "=", 7), ("n5", "=", 7), ("n6", "=", 7), ("n7", "=", 7),
]
found = {column: table.to_pyarrow_table(filters=[(column, how, value)]).num_rows for column, how, value in filters if column in table.schema().to_json()}
rows = table.to_pyarrow_dataset()
out = {
  "found": found,
  "late": table.to_pyarrow_table(filters=[("label", "=", "late")]).num_rows,
  "nulls": {column: rows.to_table(filter=pc.field(column).is_null()).num_rows for column in ["label", "n1", "n7"]},
  "rows": rows.to_table().num_rows,
  "properties": {key: value for key, value in table.metadata().configuration.items() if "Skipping" in key},
}
print(json.dumps(out))
"#;

/// Rows with a value in every column, or with NULLs in all of them.
fn rows(count: usize, are_null: bool) -> RecordBatch {
    fn column<T: Clone, A: From<Vec<Option<T>>>>(count: usize, are_null: bool, value: T) -> A {
        A::from(vec![(!are_null).then_some(value); count])
    }
    let numbers: Vec<String> = (1..8).map(|number| format!("n{number}")).collect();
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("price", Arc::new(column::<f64, Float64Array>(count, are_null, 1.5))),
        ("ratio", Arc::new(column::<f32, Float32Array>(count, are_null, 0.5))),
        (
            "cost",
            Arc::new(column::<i128, Decimal128Array>(count, are_null, 250).with_precision_and_scale(10, 2).unwrap()),
        ),
        ("sold", Arc::new(column::<bool, BooleanArray>(count, are_null, true))),
        ("label", Arc::new(column::<&str, StringArray>(count, are_null, "ü"))),
        (
            "seen",
            Arc::new(
                column::<i64, TimestampMicrosecondArray>(count, are_null, 1_704_067_200_123_456).with_timezone("UTC"),
            ),
        ),
        ("day", Arc::new(column::<i32, Date32Array>(count, are_null, 19_723))),
        ("small", Arc::new(column::<i16, Int16Array>(count, are_null, 3))),
    ];
    let number: ArrayRef = Arc::new(column::<i64, Int64Array>(count, are_null, 7));
    columns.extend(numbers.iter().map(|name| (name.as_str(), Arc::clone(&number))));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

/// Two rows beyond the years that a bound of a time can be spelled in.
fn far() -> RecordBatch {
    let far = TimestampMicrosecondArray::from(vec![253_402_300_800_000_000; 2]).with_timezone("UTC");
    let label = StringArray::from(vec!["late"; 2]);
    RecordBatch::try_from_iter_with_nullable([
        ("label", Arc::new(label) as ArrayRef, true),
        ("seen", Arc::new(far) as ArrayRef, true),
    ])
    .unwrap()
}

/// Who publishes in these tests.
pub fn owner() -> Owner {
    Owner::after(0, 7)
}

/// The commit of an epoch that changes one table, behind the epoch before.
pub fn commit(table: &Table, epoch: u64, change: TableCommit) -> Commit {
    let id = |epoch: u64| CommitId::new(EpochId(epoch), epoch + 1_000);
    let tables = BTreeMap::from([(table.name().to_string(), change)]);
    Commit { owner: owner(), ..Commit::bare(id(epoch)).with_tables(epoch.checked_sub(1).map(id), tables) }
}

/// Stages rows as an epoch's only file; `stats` is put in the place of what the file says of itself.
pub async fn staged(table: &Table, epoch: u64, batch: RecordBatch, stats: Option<&str>) -> TableCommit {
    let writing = table.clone();
    let staged = tokio::task::spawn_blocking(move || {
        let mut writer = writing.stage(artifact(epoch), None).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap().unwrap()
    });
    let mut file = staged.await.unwrap();
    if let Some(stats) = stats {
        file.stats = stats.to_string();
    }
    TableCommit { added: vec![file], ..TableCommit::default() }
}

fn artifact(epoch: u64) -> ArtifactId {
    ArtifactId { epoch: EpochId(epoch), owner: owner(), attempt: 0, number: 0 }
}

async fn publish(table: &Table, epoch: u64, batch: RecordBatch, stats: Option<&str>) {
    let change = staged(table, epoch, batch, stats).await;
    table.publish(owner(), &commit(table, epoch, change)).await.unwrap();
}

/// What the script prints. It leaves without Python's own end, in which a library's threads abort now and then.
fn python(script: &str, path: &Path) -> serde_json::Value {
    let python = std::env::var("ENGINE_TEST_PYTHON").unwrap_or_else(|_| {
        panic!("ENGINE_TEST_PYTHON is not set: run scripts/test, or point it to a Python with the packages of scripts/test-requirements.txt")
    });
    let output = Command::new(&python)
        .args(["-c", &format!("{script}\nimport os, sys\nsys.stdout.flush()\nos._exit(0)"), path.to_str().unwrap()])
        .output()
        .unwrap_or_else(|error| panic!("{python}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Columns of which fewer rows than these were found.
fn short(said: &serde_json::Value, rows: u64) -> Vec<&str> {
    let found = said["found"].as_object().unwrap();
    assert_eq!(found.len(), 15, "{said}");
    found.iter().filter(|(_, count)| count.as_u64() != Some(rows)).map(|(column, _)| column.as_str()).collect()
}

async fn defined(table: Table) -> Table {
    table.define(owner()).await.unwrap();
    table
}

async fn opened(folder: &Path) -> Table {
    let warehouse = Warehouse::open(folder.to_str().unwrap()).await.unwrap();
    defined(Table::open(&warehouse, NAME, rows(1, false).schema(), "shop", "1a2b3c4d").await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn python_filters_find_the_rows_of_every_column_of_a_new_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gold/prices");
    let table = opened(folder.path()).await;
    publish(&table, 0, rows(3, false), None).await;
    publish(&table, 1, rows(2, true), None).await;
    publish(&table, 2, far(), None).await;
    let said = python(FILTERED, &path);
    assert_eq!((short(&said, 3), said["rows"].as_u64()), (vec![], Some(7)), "{said}");
    // Nothing is lost where a bound cannot be spelled, nor where all is NULL.
    assert_eq!(said["late"].as_u64(), Some(2), "{said}");
    assert_eq!(said["nulls"], serde_json::json!({"label": 2, "n1": 4, "n7": 4}), "{said}");
    // The same of the log's own summary.
    for epoch in 3..103 {
        publish(&table, epoch, rows(1, false), None).await;
    }
    table.wait_idle().await;
    assert!(path.join("_delta_log/_last_checkpoint").exists());
    let said = python(FILTERED, &path);
    assert_eq!((short(&said, 103), said["late"].as_u64()), (vec![], Some(2)), "{said}");
}

async fn version(table: &Table) -> i64 {
    table.position().await.unwrap().version
}

/// What the engine wrote of three rows before it named the columns with bounds.
const OLD_STATS: &str = r#"{"numRecords":3,"minValues":{"label":"ü","seen":"2024-01-01T00:00:00.123456Z","day":"2024-01-01","small":3},
"maxValues":{"label":"ü","seen":"2024-01-01T00:00:00.123456Z","day":"2024-01-01","small":3},
"nullCount":{"price":0,"ratio":0,"cost":0,"sold":0,"label":0,"seen":0,"day":0,"small":0}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_before_is_mended_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gold/prices");
    let table = opened(folder.path()).await;
    // As an engine of before made it: nothing is said of bounds.
    let first = path.join("_delta_log/00000000000000000000.json");
    let text = std::fs::read_to_string(&first).unwrap();
    let said_now = r#""delta.dataSkippingStatsColumns":"label,seen,day,small,n1,n2,n3,n4""#;
    let (other, property) = (r#""delta.dataSkippingNumIndexedCols":"32""#, said_now);
    assert!(text.contains(property), "{text}");
    std::fs::write(&first, text.replace(property, other)).unwrap();
    publish(&table, 0, rows(3, false), Some(&OLD_STATS.replace('\n', ""))).await;
    let before = python(FILTERED, &path);
    assert_eq!(before["found"]["label"].as_u64(), Some(3), "{before}");
    assert!(short(&before, 3).contains(&"price"), "the client has learned to read absent bounds: {before}");

    let table = opened(folder.path()).await;
    assert_eq!(version(&table).await, 2, "one entry says it");
    let mended = python(FILTERED, &path);
    assert_eq!(short(&mended, 3), [""; 0], "{mended}");
    assert_eq!(mended["properties"]["delta.dataSkippingStatsColumns"], "label,seen,day,small", "{mended}");
    publish(&table, 1, rows(2, false), None).await;
    assert_eq!(short(&python(FILTERED, &path), 5), [""; 0]);
    assert_eq!(version(&opened(folder.path()).await).await, 3, "it is said once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_added_has_no_bounds_and_its_nulls_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gold/prices");
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let narrow = rows(3, false).project(&[4]).unwrap();
    let table = defined(Table::open(&warehouse, NAME, narrow.schema(), "shop", "1a2b3c4d").await.unwrap()).await;
    publish(&table, 0, narrow, None).await;
    let table = opened(folder.path()).await;
    publish(&table, 1, rows(2, false), None).await;
    let said = python(FILTERED, &path);
    assert_eq!(said["found"]["label"].as_u64(), Some(5), "{said}");
    assert_eq!((said["found"]["price"].as_u64(), said["found"]["n7"].as_u64()), (Some(2), Some(2)), "{said}");
    assert_eq!(said["nulls"], serde_json::json!({"label": 0, "n1": 3, "n7": 3}), "{said}");
}

/// Makes a table of one column `n`, as the arguments say, and leaves it to the engine.
const MADE: &str = r#"
import sys
from deltalake import DeltaTable, Field, Schema
from deltalake.schema import PrimitiveType
path, kind = sys.argv[1].rsplit("?", 1)
field = Field("n", PrimitiveType("long"), nullable=kind != "required",
  metadata={"delta.invariants": '{"expression":{"expression":"n > 0"}}'} if kind == "invariant" else None)
table = DeltaTable.create(path, Schema([field]), configuration={"delta.appendOnly": "true"} if kind == "append" else None)
if kind == "constraint":
  table.alter.add_constraint({"positive": "n > 0"})
print("true")
"#;

/// A table made by the Python client, as the engine opens it.
async fn found(folder: &Path, kind: &str) -> Result<Table, SinkError> {
    std::fs::create_dir_all(folder.join("gold")).unwrap();
    python(MADE, Path::new(&format!("{}/gold/prices?{kind}", folder.display())));
    let warehouse = Warehouse::open(folder.to_str().unwrap()).await.unwrap();
    Table::open(&warehouse, NAME, numbers(vec![]).schema(), "shop", "1a2b3c4d").await
}

fn numbers(values: Vec<Option<i64>>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("n", Arc::new(Int64Array::from(values)) as ArrayRef, true)]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_a_found_table_about_values_are_refused() {
    for (kind, part) in [("constraint", "positive CHECK (n > 0)"), ("invariant", "column `n`")] {
        let folder = tempfile::tempdir().unwrap();
        match found(folder.path(), kind).await {
            Err(SinkError::Data(text)) => {
                assert!(text.as_str().contains(NAME) && text.as_str().contains(part), "{text}")
            }
            other => panic!("{kind}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_found_table_keeps_out_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let table = found(folder.path(), "append").await.unwrap();
    publish(&table, 0, numbers(vec![Some(1)]), None).await;
    let replacing = table.stage(artifact(1), Some(3)).map(|_| ());
    assert!(
        matches!(&replacing, Err(SinkError::Refused(text)) if text.as_str().contains("delta.appendOnly")),
        "{replacing:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let table = found(folder.path(), "required").await.unwrap();
    publish(&table, 0, numbers(vec![Some(1)]), None).await;
    let written = tokio::task::spawn_blocking(move || {
        let mut writer = table.stage(artifact(1), None).unwrap();
        writer.write(&numbers(vec![Some(1), None]))
    });
    let written = written.await.unwrap();
    assert!(matches!(&written, Err(SinkError::Data(text)) if text.as_str().contains("`n`")), "{written:?}");
}
