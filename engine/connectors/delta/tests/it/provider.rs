//! Reading with SQL: tables of ours, and tables of others with partitions, deletion vectors, mapped columns and unknown features.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use connector::{AsOf, Catalog, TableSnapshot, register_tables};
use datafusion::prelude::SessionContext;
use delta::Warehouse;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::data_type::{Int96, Int96Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};

use crate::fixture::{NAME, added, artifact, faulty, in_store, open, publish, schema, stage, stage_batch, try_open};

/// The rows of a query, as lines of text without frame.
async fn ask(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    lines
        .map(|line| line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" "))
        .collect()
}

async fn session(warehouse: &Warehouse) -> SessionContext {
    let context = SessionContext::new();
    register_tables(&context, warehouse, AsOf::Latest).await.unwrap();
    context
}

/// A table at its newest version, with the data file of each row as a further column.
async fn snapshot_of(warehouse: &Warehouse, name: &str) -> TableSnapshot {
    let tables = warehouse.tables(AsOf::Latest, Some("__file")).await.unwrap();
    tables.into_iter().find(|table| table.info.name == name).unwrap()
}

/// A table of others: its log line by line, its data files with a column `id` and further ones.
struct Foreign {
    store: Arc<InMemory>,
    log: Vec<Value>,
}

impl Foreign {
    fn new(protocol: Value, columns: &[(&str, &str)], partitioned_by: &[&str], configuration: Value) -> Foreign {
        let field = |(name, kind): &(&str, &str)| json!({"name": name, "type": kind, "nullable": true, "metadata": {}});
        let fields: Vec<Value> = columns.iter().map(field).collect();
        Foreign::with_fields(protocol, fields, partitioned_by, configuration)
    }

    fn with_fields(protocol: Value, fields: Vec<Value>, partitioned_by: &[&str], configuration: Value) -> Foreign {
        let columns = json!({"type": "struct", "fields": fields}).to_string();
        let metadata = json!({
            "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9", "format": {"provider": "parquet", "options": {}},
            "schemaString": columns, "partitionColumns": partitioned_by, "configuration": configuration, "createdTime": 0
        });
        Foreign {
            store: Arc::new(InMemory::new()),
            log: vec![json!({"protocol": protocol}), json!({"metaData": metadata})],
        }
    }

    /// Adds a data file; `more` goes into its entry of the log.
    async fn add(&mut self, path: &str, columns: Vec<(&str, ArrayRef)>, more: Value) {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        self.add_file(path, bytes, batch.num_rows(), more).await;
    }

    /// Adds a data file as it is.
    async fn add_file(&mut self, path: &str, bytes: Vec<u8>, rows: usize, more: Value) {
        let mut entry = json!({
            "path": path, "partitionValues": {}, "size": bytes.len(), "modificationTime": 0, "dataChange": true,
            "stats": json!({"numRecords": rows}).to_string()
        });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.log.push(json!({"add": entry}));
        // The log names a file as a URL does.
        let path = path.replace("%20", " ");
        self.store.put(&Path::from(format!("lake/other/table/{path}")), bytes.into()).await.unwrap();
    }

    async fn warehouse(self) -> Warehouse {
        let text: String = self.log.iter().map(|line| format!("{line}\n")).collect();
        let path = Path::from("lake/other/table/_delta_log/00000000000000000000.json");
        self.store.put(&path, text.into()).await.unwrap();
        in_store(self.store)
    }
}

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_projected_filtered_counted_and_limited() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    for epoch in 0..4_u64 {
        let from = epoch.cast_signed() * 100;
        let file = stage(&table, epoch, 0, &[(from, 1), (from + 1, 2)]).await;
        publish(&table, epoch, &added(&[&file])).await.unwrap();
    }
    let context = session(&warehouse).await;
    assert_eq!(
        ask(&context, "SELECT value, key FROM gold.counts WHERE key IN (100, 301) ORDER BY key").await,
        ["1 100", "2 301"]
    );
    assert_eq!(ask(&context, "SELECT sum(value) FROM gold.counts WHERE key < 200").await, ["6"]);
    assert_eq!(ask(&context, "SELECT key FROM gold.counts LIMIT 3").await.len(), 3);
    assert_eq!(ask(&context, "SELECT key FROM gold.counts WHERE value = 2 LIMIT 3").await.len(), 3);
    assert_eq!(ask(&context, "SELECT count(*) FROM gold.counts WHERE key > 1000").await, ["0"]);
    store.take_log();
    assert_eq!(ask(&context, "SELECT count(*) FROM gold.counts").await, ["8"]);
    let read: Vec<_> = store.take_log().into_iter().filter(|(_, path)| path.contains("part-")).collect();
    assert!(read.is_empty(), "rows are counted from the log: {read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_instants_and_lists_keep_their_types() {
    let kinds = [
        ("name", DataType::Utf8),
        ("at", DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))),
        ("tags", DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)))),
    ];
    let columns = kinds.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
    let (warehouse, _) = faulty();
    let columns = Arc::new(Schema::new(columns.collect::<Vec<_>>()));
    let table = try_open(&warehouse, NAME, columns, ("shop", "1a2b")).await.unwrap();
    let rows = SessionContext::new()
        .sql("SELECT 'x' AS name, CAST('2024-01-02T03:04:05.000006Z' AS TIMESTAMP) AS at, make_array('a', 'b') AS tags")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let file = stage_batch(&table, artifact(0, 0), None, rows[0].clone()).await.unwrap();
    publish(&table, 0, &added(&[&file])).await.unwrap();
    let context = session(&warehouse).await;
    let types = "SELECT arrow_typeof(name), arrow_typeof(at) FROM gold.counts";
    assert_eq!(ask(&context, types).await, [r#"Utf8View Timestamp(µs, "UTC")"#]);
    let shown = ask(&context, "SELECT name, at, tags[2] FROM gold.counts WHERE tags[1] = 'a'").await;
    assert_eq!(shown, ["x 2024-01-02T03:04:05.000006Z b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_a_row_is_a_column_that_can_be_left_out() {
    let (warehouse, _) = faulty();
    let table = open(&warehouse).await;
    let mut paths = BTreeSet::new();
    for epoch in 0..2_u64 {
        let file = stage(&table, epoch, 0, &[(epoch.cast_signed(), 1), (9, 1)]).await;
        publish(&table, epoch, &added(&[&file])).await.unwrap();
        paths.insert(file.path);
    }
    let snapshot = snapshot_of(&warehouse, NAME).await;
    assert_eq!(snapshot.files.iter().cloned().collect::<BTreeSet<_>>(), paths);
    let context = SessionContext::new();
    warehouse.prepare(&context).unwrap();
    context.register_table("rows", snapshot.provider).unwrap();
    let found = ask(&context, "SELECT DISTINCT CAST(__file AS VARCHAR) FROM rows").await;
    let expected: BTreeSet<String> = paths.iter().map(|path| format!("memory:///lake/gold/counts/{path}")).collect();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    let one = format!("SELECT key FROM rows WHERE __file LIKE '%{}' ORDER BY key", paths.first().unwrap());
    assert_eq!(ask(&context, &one).await, ["0", "9"]);
    assert_eq!(ask(&context, "SELECT count(*), sum(key) FROM rows").await, ["4 19"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_warehouses_of_one_session_do_not_mix() {
    let (first, second) = (faulty().0, faulty().0);
    let context = SessionContext::new();
    for (name, warehouse, key) in [("first", &first, 1), ("second", &second, 2)] {
        let table = open(warehouse).await;
        let file = stage(&table, 0, 0, &[(key, 1)]).await;
        publish(&table, 0, &added(&[&file])).await.unwrap();
        warehouse.prepare(&context).unwrap();
        context.register_table(name, snapshot_of(warehouse, NAME).await.provider).unwrap();
    }
    assert_eq!(ask(&context, "SELECT key FROM first").await, ["1"]);
    assert_eq!(ask(&context, "SELECT key FROM second").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_column_is_null_in_older_files() {
    let (warehouse, _) = faulty();
    let table = open(&warehouse).await;
    let old = stage(&table, 0, 0, &[(1, 10)]).await;
    publish(&table, 0, &added(&[&old])).await.unwrap();
    let label = Arc::new(Field::new("label", DataType::Utf8, true));
    let wider = Arc::new(Schema::new(schema().fields().iter().cloned().chain([label]).collect::<Vec<_>>()));
    try_open(&warehouse, NAME, wider, ("shop", "1a2b")).await.unwrap();
    let context = session(&warehouse).await;
    assert_eq!(ask(&context, "SELECT key, label IS NULL FROM gold.counts").await, ["1 true"]);
    assert_eq!(ask(&context, "SELECT count(*) FROM gold.counts WHERE label = 'x'").await, ["0"]);
    assert_eq!(ask(&context, "SELECT count(label), count(*) FROM gold.counts").await, ["0 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_of_another_writer_are_columns() {
    let protocol = json!({"minReaderVersion": 1, "minWriterVersion": 2});
    // The partition column stands in the middle.
    let columns = [("id", "long"), ("city", "string"), ("day", "date"), ("name", "string")];
    let mut table = Foreign::new(protocol, &columns, &["day", "city"], json!({}));
    for (city, day, id) in [(json!("New York"), "2024-01-01", 1), (json!(null), "2024-01-02", 2)] {
        let path = format!("day={day}/city=New%20York/part-{id}.parquet");
        let values = json!({"partitionValues": {"city": city, "day": day}});
        table.add(&path, vec![("id", numbers(&[id, id + 10])), ("name", texts(&["a", "b"]))], values).await;
    }
    let warehouse = table.warehouse().await;
    let context = session(&warehouse).await;
    let all = ask(&context, "SELECT * FROM other.table ORDER BY id").await;
    assert_eq!(all, ["1 New York 2024-01-01 a", "2 2024-01-02 a", "11 New York 2024-01-01 b", "12 2024-01-02 b"]);
    assert_eq!(ask(&context, "SELECT id FROM other.table WHERE city = 'New York' AND name = 'b'").await, ["11"]);
    assert_eq!(ask(&context, "SELECT id FROM other.table WHERE city IS NULL ORDER BY id").await, ["2", "12"]);
    assert_eq!(ask(&context, "SELECT id FROM other.table WHERE day > DATE '2024-01-01' AND id < 5").await, ["2"]);
    let grouped = "SELECT day, count(*) FROM other.table GROUP BY day ORDER BY day";
    assert_eq!(ask(&context, grouped).await, ["2024-01-01 2", "2024-01-02 2"]);
}

/// A Parquet file with one column of Spark's old timestamps: nanoseconds of the day and the Julian day, 96 bits.
fn old_timestamps(name: &str, values: &[(u32, u32)]) -> Vec<u8> {
    let schema = parse_message_type(&format!("message table {{ required int96 {name}; }}")).unwrap();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let of_day = |&(nanoseconds, day): &(u32, u32)| Int96::from(vec![nanoseconds, 0, day]);
    let values: Vec<Int96> = values.iter().map(of_day).collect();
    column.typed::<Int96Type>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

/// Spark writes INT96 unless it is told otherwise; 64 bits of nanoseconds end in 2262.
#[tokio::test(flavor = "multi_thread")]
async fn old_timestamps_of_spark_are_read_in_every_year() {
    let protocol = json!({"minReaderVersion": 1, "minWriterVersion": 2});
    let mut table = Foreign::new(protocol, &[("at", "timestamp")], &[], json!({}));
    // Julian days of 1970-01-01 and, 376,200 days later, of 3000-01-01.
    let file = old_timestamps("at", &[(1_500_000, 2_440_588), (0, 2_440_588 + 376_200)]);
    table.add_file("part-1.parquet", file, 2, json!({})).await;
    let warehouse = table.warehouse().await;
    let context = session(&warehouse).await;
    let all = ask(&context, "SELECT to_unixtime(at), date_part('year', at) FROM other.table ORDER BY at").await;
    assert_eq!(all, ["0 1970", "32503680000 3000"]);
    let micros = ask(&context, "SELECT date_part('microsecond', at) FROM other.table ORDER BY at").await;
    assert_eq!(micros, ["1500", "0"]);
}

/// The example of Delta's protocol: rows 3, 4, 7, 11, 18 and 29 are deleted.
fn deletion_vector() -> Value {
    json!({"deletionVector": {
        "storageType": "i", "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
        "sizeInBytes": 44, "cardinality": 6
    }})
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_rows_are_not_read() {
    let protocol = json!({
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]
    });
    let configuration = json!({"delta.enableDeletionVectors": "true"});
    let mut table = Foreign::new(protocol, &[("id", "long"), ("name", "string")], &[], configuration);
    let ids: Vec<i64> = (0..30).collect();
    table.add("part-0.parquet", vec![("id", numbers(&ids)), ("name", texts(&["x"; 30]))], deletion_vector()).await;
    let warehouse = table.warehouse().await;
    let context = session(&warehouse).await;
    let left = ask(&context, "SELECT id FROM other.table ORDER BY id").await;
    let expected: Vec<String> =
        ids.iter().filter(|id| ![3, 4, 7, 11, 18, 29].contains(*id)).map(ToString::to_string).collect();
    assert_eq!(left, expected);
    assert_eq!(ask(&context, "SELECT count(*) FROM other.table").await, ["24"]);
    assert_eq!(ask(&context, "SELECT name, id FROM other.table WHERE id IN (4, 5) LIMIT 1").await, ["x 5"]);
    // Which rows are which file's is not known; what does not ask for it is read.
    context.register_table("rows", snapshot_of(&warehouse, "other.table").await.provider).unwrap();
    assert_eq!(ask(&context, "SELECT count(id) FROM rows").await, ["24"]);
    let refused = context.sql("SELECT __file FROM rows").await.unwrap().collect().await.unwrap_err().to_string();
    assert!(refused.contains("table other.table at version 0") && refused.contains("deletion vectors"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mapped_columns_are_read_by_the_names_of_the_table() {
    let protocol = json!({"minReaderVersion": 2, "minWriterVersion": 5});
    let field = |name: &str, kind: &str, id: i64| {
        let metadata = json!({"delta.columnMapping.id": id, "delta.columnMapping.physicalName": format!("col-{id}")});
        json!({"name": name, "type": kind, "nullable": true, "metadata": metadata})
    };
    let fields = vec![field("id", "long", 1), field("name", "string", 2)];
    let configuration = json!({"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2"});
    let mut table = Foreign::with_fields(protocol, fields, &[], configuration);
    table.add("part-0.parquet", vec![("col-1", numbers(&[1, 2])), ("col-2", texts(&["a", "b"]))], json!({})).await;
    let context = session(&table.warehouse().await).await;
    assert_eq!(ask(&context, "SELECT name, id FROM other.table WHERE id = 2").await, ["b 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_feature_is_refused_with_its_name_and_what_to_do() {
    let protocol = json!({
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["timeTravelByMoon"], "writerFeatures": ["timeTravelByMoon"]
    });
    let mut table = Foreign::new(protocol, &[("id", "long")], &[], json!({}));
    table.add("part-0.parquet", vec![("id", numbers(&[1]))], json!({})).await;
    let warehouse = table.warehouse().await;
    let context = SessionContext::new();
    let tables = register_tables(&context, &warehouse, AsOf::Latest).await.unwrap();
    let text = tables[0].damage.clone().unwrap();
    assert!(
        text.contains("other.table") && text.contains("timeTravelByMoon") && text.contains("DROP FEATURE"),
        "{text}"
    );
}
