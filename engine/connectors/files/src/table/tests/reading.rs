//! Rows out of files of every format.

use super::*;

async fn load(table: &job::StaticTable) -> RecordBatch {
    opened(table).load_current().await.unwrap().batch
}

#[tokio::test]
async fn csv_as_it_looks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("products.csv");
    let text =
        "\u{feff}id,name,price,sold,since,empty\n1,\"lamp, large\",9.5,true,2026-01-02,\n2,,10,false,2026-01-03,\n";
    fs::write(&path, text).unwrap();
    let batch = load(&table(&path)).await;
    let expected = "id Int64, name Utf8, price Float64, sold Boolean, since Date32, empty Utf8";
    assert_eq!(shown(&batch).lines().next().unwrap(), expected);
    let lamp = ["1", "lamp, large", "9.5", "true", "2026-01-02", ""];
    assert_eq!(values(&batch), [lamp, ["2", "", "10.0", "false", "2026-01-03", ""]]);
}

#[tokio::test]
async fn what_a_guess_would_change_keeps_its_digits() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("zips.csv");
    fs::write(&csv, "zip,n\n01220,1\n90210,9223372036854775808\n").unwrap();
    let batch = load(&table(&csv)).await;
    assert_eq!(shown(&batch).lines().next().unwrap(), "zip Utf8, n Utf8");
    assert_eq!(values(&batch), [["01220", "1"], ["90210", "9223372036854775808"]]);
    let json = folder.path().join("ids.json");
    fs::write(&json, "{\"id\":9007199254740993}\n{\"id\":9223372036854775808}\n").unwrap();
    let batch = load(&table(&json)).await;
    assert_eq!(values(&batch), [["9007199254740993"], ["9223372036854775808"]]);
}

#[tokio::test]
async fn csv_by_the_schema_of_the_job() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("products.txt");
    fs::write(&path, "note;product id;price;seen\nx;007;1.50;2026-01-02T03:04:05Z\n;008;;\n").unwrap();
    let mut table = table(&path);
    table.format = Some(StaticFormat::Csv);
    table.delimiter = b';';
    table.schema = vec![
        column("price", job::DataType::Decimal(10, 2)),
        Column { field: "product id".into(), required: true, ..column("id", job::DataType::String) },
        column("seen", job::DataType::Timestamp),
    ];
    let batch = load(&table).await;
    assert_eq!(batch.schema(), formats::arrow_schema(&table.schema));
    assert_eq!(values(&batch), [["1.50", "007", "2026-01-02T03:04:05Z"], ["", "008", ""]]);
}

#[tokio::test]
async fn csv_without_a_first_line_of_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("products.csv");
    fs::write(&path, "1\tlamp\n2\tbulb\n").unwrap();
    let bare = job::StaticTable { header: false, delimiter: b'\t', ..table(&path) };
    let batch = load(&bare).await;
    assert_eq!(shown(&batch).lines().next().unwrap(), "column_1 Int64, column_2 Utf8");
    let schema = vec![column("id", job::DataType::Double), column("name", job::DataType::String)];
    let batch = load(&job::StaticTable { schema, ..bare }).await;
    assert_eq!(values(&batch), [["1.0", "lamp"], ["2.0", "bulb"]]);
}

#[tokio::test]
async fn several_files_are_read_in_the_order_of_their_names_and_columns_are_matched_by_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("2.csv"), "name,id\nbulb,2.5\n").unwrap();
    fs::write(folder.path().join("1.csv"), "id,name\n1,lamp\n").unwrap();
    fs::write(folder.path().join("3.csv"), "id,more\n3,x\n").unwrap();
    let batch = load(&table(folder.path())).await;
    assert_eq!(shown(&batch).lines().next().unwrap(), "id Float64, name Utf8, more Utf8");
    assert_eq!(values(&batch), [["1.0", "lamp", ""], ["2.5", "bulb", ""], ["3.0", "", "x"]]);
}

#[tokio::test]
async fn json_as_it_looks_has_its_columns_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), "{\"z\":1,\"size\":{\"w\":1,\"h\":2,\"a\":null},\"tags\":[\"x\"]}\n")
        .unwrap();
    fs::write(folder.path().join("b.ndjson"), "{\"z\":1.5,\"b\":true}\n\n{\"n\":null}\n").unwrap();
    for _ in 0..20 {
        let batch = load(&table(folder.path())).await;
        let names: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["b", "n", "size", "tags", "z"]);
        let DataType::Struct(members) = batch.schema().field(2).data_type().clone() else { panic!("no struct") };
        let members: Vec<&str> = members.iter().map(|member| member.name().as_str()).collect();
        assert_eq!(members, ["a", "h", "w"]);
        let (n, z) = (batch.schema().field(1).clone(), batch.schema().field(4).clone());
        assert_eq!((n.data_type(), z.data_type()), (&DataType::Utf8, &DataType::Float64));
        let expected = [["", "", "{a: , h: 2, w: 1}", "[x]", "1.0"], ["true", "", "", "", "1.5"], ["", "", "", "", ""]];
        assert_eq!(values(&batch), expected);
    }
}

#[tokio::test]
async fn json_by_the_schema_of_the_job_is_read_as_the_records_of_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.jsonl");
    fs::write(&path, "{\"at\":15,\"raw\":{\"a\":1},\"ignored\":1}\r\n{\"at\":\"2026-01-01T00:00:00Z\"}\n").unwrap();
    let mut table = table(&path);
    let at = Column { field: "at".into(), ..column("seen", job::DataType::Timestamp) };
    table.schema = vec![column("raw", job::DataType::String), at];
    assert_eq!(values(&load(&table).await), [["{\"a\":1}", "1970-01-01T00:00:15Z"], ["", "2026-01-01T00:00:00Z"]]);
}

#[tokio::test]
async fn parquet_with_other_columns_in_each_file() {
    let folder = tempfile::tempdir().unwrap();
    write_parquet(&folder.path().join("1.parquet"), &rows(&[1, 2], &[Some("lamp"), None]));
    let more = rows(&[3], &[Some("x")]).project(&[1]).unwrap();
    write_parquet(&folder.path().join("2.parquet"), &more);
    let batch = load(&table(folder.path())).await;
    assert_eq!(shown(&batch).lines().next().unwrap(), "id Int64, name Utf8");
    assert_eq!(values(&batch), [["1", "lamp"], ["2", ""], ["", "x"]]);
}

#[tokio::test]
async fn parquet_written_by_somebody_else_gets_types_that_tables_have() {
    use arrow::array::{StringViewArray, TimestampNanosecondArray, UInt32Array};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.parquet");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("product id", Arc::new(UInt32Array::from(vec![7]))),
        ("at", Arc::new(TimestampNanosecondArray::from(vec![1_000_001_000]))),
        ("text", Arc::new(StringViewArray::from(vec!["x"]))),
    ];
    write_parquet(&path, &RecordBatch::try_from_iter(columns).unwrap());
    let batch = load(&table(&path)).await;
    let schema = batch.schema();
    assert_eq!(schema.field(0), &Field::new("product id", DataType::Int64, true));
    assert_eq!(schema.field(1).data_type(), decode_type(job::DataType::Timestamp));
    assert_eq!(schema.field(2).data_type(), &DataType::Utf8);
    assert_eq!(values(&batch), [["7", "1970-01-01T00:00:01.000001Z", "x"]]);
}

/// The type that a source's column of this type has.
fn decode_type(data_type: job::DataType) -> &'static DataType {
    let schema = formats::arrow_schema(&[column("x", data_type)]);
    Box::leak(Box::new(schema.field(0).data_type().clone()))
}
