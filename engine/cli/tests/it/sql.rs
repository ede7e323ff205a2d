//! `engine sql` over a small Delta warehouse, written through the sink as a job writes it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use connector::{SinkTable, TableDefinition, WriterId};
use epoch::{ArtifactId, Commit, CommitId, EpochId, Owner, TableCommit};
use tempfile::TempDir;

use crate::connectors;
use crate::support::{engine, finish, run, run_with_input, start, text};

fn counts(types: &[&str], numbers: &[i64]) -> RecordBatch {
    let times: Vec<i64> = (0..numbers.len()).map(|at| 60_000_000 * at as i64 + 500_000).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("window_start", Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")) as ArrayRef, true),
        ("event_type", Arc::new(StringArray::from(types.to_vec())), true),
        ("event_count", Arc::new(Int64Array::from(numbers.to_vec())), true),
    ])
    .unwrap()
}

const OWNER: Owner = Owner { term: 1, run: 7 };

fn id(epoch: u64) -> CommitId {
    CommitId::new(EpochId(epoch), epoch + 1)
}

async fn publish(table: &dyn SinkTable, epoch: u64, rows: &RecordBatch) -> i64 {
    table.define(OWNER).await.unwrap();
    let artifact = ArtifactId { epoch: EpochId(epoch), owner: OWNER, attempt: 0, number: 0 };
    let mut writer = table.stage(artifact, connector::Content::Added).unwrap();
    writer.write(rows).unwrap();
    let change = TableCommit { added: vec![writer.finish().unwrap().unwrap()], ..TableCommit::default() };
    let commit = Commit::bare(id(epoch))
        .with_tables(epoch.checked_sub(1).map(id), BTreeMap::from([(table.name().to_owned(), change)]));
    table.publish(OWNER, &commit).await.unwrap()
}

/// Two tables at epoch 0. `gold.counts` has an epoch 1, too, whose publishing was not finished: no pointer names it.
fn warehouse() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let warehouse = connectors::registry().warehouse(text(folder.path())).await.unwrap();
        let writer = WriterId { job: "shop".to_owned(), job_id: "0a1b2c3d".to_owned() };
        let mut versions = BTreeMap::new();
        let first = counts(&["login", "purchase"], &[7, 3]);
        for name in ["gold.counts", "gold.other"] {
            let definition = TableDefinition { name: name.to_owned(), schema: first.schema(), key: Vec::new() };
            let table = warehouse.open_table(&definition, &writer).await.unwrap();
            versions.insert(name.to_owned(), publish(table.as_ref(), 0, &first).await);
        }
        warehouse.mark_published(&writer, OWNER, &Commit::bare(id(0)), &versions).await.unwrap();
        let definition = TableDefinition { name: "gold.counts".to_owned(), schema: first.schema(), key: Vec::new() };
        let table = warehouse.open_table(&definition, &writer).await.unwrap();
        publish(table.as_ref(), 1, &counts(&["search"], &[100])).await;
    });
    folder
}

fn ask(folder: &Path, arguments: &[&str]) -> crate::support::Said {
    run(engine(&["sql", "--warehouse", text(folder)]).args(arguments))
}

#[test]
fn tables_are_read_as_of_the_published_epoch_in_every_format() {
    let folder = warehouse();
    let query = "SELECT * FROM gold.counts ORDER BY event_count";
    let table = ask(folder.path(), &[query]).succeeded();
    assert_eq!(
        table,
        "+-----------------------+------------+-------------+\n\
         | window_start          | event_type | event_count |\n\
         +-----------------------+------------+-------------+\n\
         | 1970-01-01 00:01:00.500 | purchase   | 3           |\n"
            .replace("+-----------------------+-", "+-------------------------+-")
            .replace("| window_start          |", "| window_start            |")
            + "| 1970-01-01 00:00:00.500 | login      | 7           |\n+-------------------------+------------+-------------+\n"
    );
    assert_eq!(
        ask(folder.path(), &["--format", "csv", query]).succeeded(),
        "window_start,event_type,event_count\n1970-01-01T00:01:00.500Z,purchase,3\n1970-01-01T00:00:00.500Z,login,7\n"
    );
    assert_eq!(
        ask(folder.path(), &["--format", "json", query]).succeeded(),
        "{\"window_start\":\"1970-01-01T00:01:00.500Z\",\"event_type\":\"purchase\",\"event_count\":3}\n\
         {\"window_start\":\"1970-01-01T00:00:00.500Z\",\"event_type\":\"login\",\"event_count\":7}\n"
    );
}

#[test]
fn a_file_holds_several_statements() {
    let folder = warehouse();
    let file = folder.path().join("questions.sql");
    std::fs::write(&file, "-- two questions; one file\nSELECT count(*) AS n FROM gold.counts;\nSELECT sum(event_count) AS n FROM gold.other;\n").unwrap();
    assert_eq!(ask(folder.path(), &["--format", "csv", "-f", text(&file)]).succeeded(), "n\n2\nn\n10\n");
    let mut from_stdin = engine(&["sql", "--warehouse", text(folder.path()), "--format", "csv", "-f", "-"]);
    assert_eq!(run_with_input(&mut from_stdin, "SELECT 'a;b' AS n").succeeded(), "n\na;b\n");
}

#[test]
fn the_warehouse_of_a_job_file_and_of_the_environment_is_found() {
    let folder = warehouse();
    let job = folder.path().join("shop.toml");
    let file = format!(
        "[job]\nname = \"shop\"\ntrigger = \"asap\"\ncheckpoint = \"c\"\nwarehouse = \"{}\"\n[source.events]\nconnector = \"kafka\"\n\
         brokers = \"127.0.0.1:9092\"\ntopic = \"t\"\n[source.events.schema]\na = \"int\"\n[table.silver.a]\nsql = \"SELECT a FROM events\"\n",
        text(folder.path())
    );
    std::fs::write(&job, file).unwrap();
    let query = "SELECT count(*) AS n FROM gold.counts";
    assert_eq!(run(&mut engine(&["sql", "--job", text(&job), "--format", "csv", query])).succeeded(), "n\n2\n");
    let mut by_variable = engine(&["sql", "--format", "csv", query]);
    assert_eq!(run(by_variable.env("WAREHOUSE", folder.path())).succeeded(), "n\n2\n");
    // A variable that is set does not stand in the way of what is asked for.
    let mut by_both = engine(&["sql", "--job", text(&job), "--format", "csv", query]);
    assert_eq!(run(by_both.env("WAREHOUSE", "elsewhere")).succeeded(), "n\n2\n");
}

#[test]
fn commands_of_the_prompt_work_from_a_pipe() {
    let folder = warehouse();
    let mut prompt = engine(&["sql", "--warehouse", text(folder.path())]);
    let said = run_with_input(
        &mut prompt,
        "\\d\n\\d gold.counts\nSELECT event_type\nFROM gold.counts\nWHERE event_count = 7;\nSELECT 41 + 1 AS answer",
    )
    .succeeded();
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["table", "rows", "files", "size", "version", "epoch"]);
    assert_eq!((lines[1][0], lines[1][1], lines[1].last().unwrap()), ("gold.counts", "2", &"0"));
    assert_eq!((lines[2][0], lines[2][1]), ("gold.other", "2"));
    assert_eq!(
        lines[3..7],
        [
            vec!["column", "type"],
            vec!["window_start", "timestamp"],
            vec!["event_type", "string"],
            vec!["event_count", "bigint"]
        ]
    );
    assert!(said.contains("| login      |") && !said.contains("purchase") && said.contains("| 42     |"), "{said}");
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let folder = warehouse();
    for query in ["SELECT * FROM gold.cuonts", "SELECT * FROM nowhere.x", "SELECT * FROM counts"] {
        let error = ask(folder.path(), &[query]).failed_with(2);
        assert!(
            error.contains("there is no table") && error.contains("the tables are gold.counts, gold.other"),
            "{error}"
        );
    }
    let error = ask(folder.path(), &["SELECT event_tipe FROM gold.counts"]).failed_with(2);
    assert!(
        error.contains("there is no column event_tipe") && error.contains("window_start, event_type, event_count"),
        "{error}"
    );
    let error = ask(folder.path(), &["SELECT 1; SELEC 2"]);
    assert!(error.code == Some(2) && error.err.contains("this is not SQL"), "{error:?}");
    let mut prompt = engine(&["sql", "--warehouse", text(folder.path())]);
    assert!(run_with_input(&mut prompt, "\\d gold.none\n").failed_with(2).contains("there is no table gold.none"));
}

#[test]
fn only_reading_is_possible() {
    let folder = warehouse();
    for statement in [
        "CREATE TABLE gold.new AS SELECT 1 AS a",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "DROP TABLE gold.counts",
        "INSERT INTO gold.counts SELECT * FROM gold.other",
        "DELETE FROM gold.counts",
        "COPY gold.counts TO '/tmp/never.csv'",
        "SET datafusion.execution.batch_size = 1",
    ] {
        let said = ask(folder.path(), &[statement]);
        assert_eq!(said.code, Some(2), "{statement}: {said:#?}");
        assert!(said.out.is_empty(), "{statement}: {said:#?}");
    }
    assert_eq!(ask(folder.path(), &["--format", "csv", "SELECT count(*) AS n FROM gold.counts"]).succeeded(), "n\n2\n");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = warehouse();
    for format in ["table", "csv", "json"] {
        let query = "SELECT value, repeat('x', 100) AS x FROM generate_series(1, 3000000)";
        let mut child = start(&mut engine(&["sql", "--warehouse", text(folder.path()), "--format", format, query]));
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        drop(reader);
        let said = finish(child);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn casts_and_divisions_mean_what_they_mean_in_a_job() {
    let warehouse = warehouse();
    let query = "SELECT CAST(to_timestamp('1969-12-31T23:59:59.5Z') AS BIGINT) AS seconds, 5 / 2 AS half, \
                 (SELECT CAST(to_timestamp('2026-01-01') AS BIGINT)) AS nested";
    let answer = ask(warehouse.path(), &["--format", "csv", query]).succeeded();
    assert_eq!(answer.lines().last(), Some("-1,2.5,1767225600"), "{answer}");
}

#[test]
fn names_functions_and_windows_mean_what_they_mean_in_a_job() {
    let warehouse = warehouse();
    for (query, expected) in [
        ("SELECT Event_Type FROM Gold.Counts WHERE EVENT_COUNT > 5", "login"),
        (
            "SELECT window.start AS s, count(*) AS n FROM gold.counts GROUP BY window(window_start, '1 hour') ORDER BY s",
            "1970-01-01T00:00:00Z,2",
        ),
        (
            "SELECT max(n) AS n FROM (SELECT window(window_start, '3 minutes', '1 minute') AS w, count(*) AS n FROM gold.counts GROUP BY 1)",
            "2",
        ),
        (
            "SELECT session_window.end AS e, sum(event_count) AS n FROM gold.counts GROUP BY session_window(window_start, '60 seconds')",
            "1970-01-01T00:02:00.500Z,10",
        ),
        (
            "SELECT word FROM gold.counts LATERAL VIEW explode(split(event_type, 'ur')) t AS word WHERE word LIKE 'ch%'",
            "chase",
        ),
        (
            "SELECT 7L + 1 AS a, 1.5D AS b, 'it''s 1.5D' AS c, to_timestamp('2026-01-01') + INTERVAL '1 hour 30 minutes' AS d",
            "8,1.5,it's 1.5D,2026-01-01T01:30:00Z",
        ),
        (
            "SELECT get_json_object('{\"a\":[1,2]}', '$.a[1]') AS x, date_format(to_timestamp('2026-01-01'), 'yyyy/MM') AS y",
            "2,2026/01",
        ),
    ] {
        let answer = ask(warehouse.path(), &["--format", "csv", query]).succeeded();
        assert_eq!(answer.lines().last(), Some(expected), "{query}: {answer}");
    }
    let error =
        ask(warehouse.path(), &["SELECT window, count(*) FROM gold.counts GROUP BY window(window_start, '1 month')"]);
    assert!(error.failed_with(2).contains("month"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_damaged_table_is_the_matter_of_those_who_ask_for_it() {
    let folder = warehouse();
    let log = folder.path().join("silver/Broken/_delta_log");
    std::fs::create_dir_all(&log).unwrap();
    std::fs::write(log.join("00000000000000000000.json"), "{\"metaData\":").unwrap();
    // One that is only spelled otherwise.
    copy(&folder.path().join("gold/other"), &folder.path().join("silver/Orders"));
    // One that asks for more than anybody here has.
    let log = folder.path().join("silver/foreign/_delta_log");
    std::fs::create_dir_all(&log).unwrap();
    let protocol = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["soonInvented"],"writerFeatures":["soonInvented"]}}"#;
    let metadata = r#"{"metaData":{"id":"1","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"n\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{},"createdTime":0}}"#;
    std::fs::write(log.join("00000000000000000000.json"), format!("{protocol}\n{metadata}\n")).unwrap();

    let count = ask(folder.path(), &["--format", "csv", "SELECT count(*) AS n FROM gold.counts"]).succeeded();
    assert_eq!(count, "n\n2\n");
    let said = ask(folder.path(), &["--format", "csv", "SELECT count(*) AS n FROM gold.counts"]);
    assert_eq!(said.err, "", "what is wrong with other tables is not said");
    let orders = ask(folder.path(), &["--format", "csv", "SELECT count(*) AS n FROM silver.Orders"]).succeeded();
    assert_eq!(orders, "n\n2\n");
    for (query, part) in [
        ("SELECT * FROM silver.broken", "silver.Broken"),
        ("SELECT b.n FROM gold.counts c JOIN Silver.Foreign b ON true", "silver.foreign"),
    ] {
        let error = ask(folder.path(), &[query]).failed_with(1);
        assert!(error.contains(part) && !error.contains("there is no table"), "{error}");
    }
    let error = ask(folder.path(), &["SELECT * FROM silver.none"]).failed_with(2);
    assert!(error.contains("the tables are gold.counts, gold.other, silver.Orders\n"), "{error}");

    let mut prompt = engine(&["sql", "--warehouse", text(folder.path())]);
    let said = run_with_input(&mut prompt, "\\d\n").succeeded();
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[3], ["silver.Broken", "damaged", "-", "-", "-", "-"], "{said}");
    assert_eq!(lines[5], ["silver.foreign", "damaged", "-", "-", "-", "-"], "{said}");
    let mut prompt = engine(&["sql", "--warehouse", text(folder.path())]);
    assert!(run_with_input(&mut prompt, "\\d silver.foreign\n").failed_with(1).contains("soonInvented"));
}

/// DataFusion puts conditions together in an order of its own and computes each for all rows; Spark answers all of these.
#[test]
fn what_a_condition_guards_is_not_computed_for_the_other_rows() {
    let folder = TempDir::new().unwrap();
    let rows = "(VALUES ('x', 0), ('1', 0), ('2', 4), ('2', 1)) AS t(s, q)";
    for (query, wanted) in [
        (format!("SELECT count(*) AS n FROM {rows} WHERE q <> 0 AND 8 % q >= 0"), "2"),
        (format!("SELECT count(*) AS n FROM {rows} WHERE q = 0 OR 8 / q > 2"), "3"),
        (format!("SELECT count(*) AS n FROM (SELECT * FROM {rows} WHERE q <> 0) WHERE 8 / q > 2"), "1"),
        (format!("SELECT count(*) AS n FROM {rows} WHERE s <> 'x' AND CAST(s AS INT) = 2"), "2"),
        (format!("SELECT count_if(q = 0 OR 8 / q > 2) AS n FROM {rows}"), "3"),
        (format!("SELECT count(*) AS n FROM {rows} JOIN (VALUES (1)) AS o(k) ON k <= 1 AND q <> 0 AND 8 / q > k"), "2"),
        (
            format!(
                "SELECT count(*) AS n FROM {rows} WHERE s <> 'x' AND CAST(s AS INT) > 1 AND q > 0 AND \
                 10 / (CAST(s AS INT) - 1) > 1 AND 8 / q > 2 AND 1 / (CAST(s AS INT) - 2 + q) > 0"
            ),
            "1",
        ),
        ("SELECT count(*) AS n FROM (VALUES (NULL), (0), (5)) AS t(q) WHERE (q = 0 OR 10 / q > 3) IS NULL".into(), "1"),
        (
            "SELECT count(*) AS n FROM (VALUES (NULL), (0), (5)) AS t(q) WHERE (q <> 0 AND 10 / q > 1) IS NULL".into(),
            "1",
        ),
    ] {
        let said = ask(folder.path(), &["--format", "csv", &query]).succeeded();
        assert_eq!(said, format!("n\n{wanted}\n"), "{query}");
    }
}

/// PySpark 4.3's answers. DataFusion cuts the average of decimals in OVER, and lets whole numbers wrap around.
#[test]
fn sums_and_averages_in_over_are_as_exact_as_those_of_groups() {
    let folder = TempDir::new().unwrap();
    let answer = |query: &str| {
        run(&mut engine(&["sql", "--warehouse", folder.path().to_str().unwrap(), "--format", "csv", query]))
    };
    let money = "(VALUES (1, 1.10), (2, 1.15), (3, 2.00)) AS t(n, v)";
    let running = answer(&format!("SELECT avg(v) OVER (ORDER BY n) AS x FROM {money}")).succeeded();
    assert_eq!(running, "x\n1.100000\n1.125000\n1.416667\n");
    let whole = "(VALUES (-4), (1), (7)) AS t(v)";
    let moving = "sum(v) OVER (ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)";
    assert_eq!(answer(&format!("SELECT {moving} AS x FROM {whole}")).succeeded(), "x\n-4\n-3\n8\n");
    let too_large = answer("SELECT sum(v) OVER () AS x FROM (VALUES (9223372036854775807L), (1L)) AS t(v)");
    assert!(too_large.err.contains("[ARITHMETIC_OVERFLOW] the sum is too large for bigint"), "{too_large:?}");
    // Neither 1.005 nor 0.285 is a double, and Spark rounds the digits that are written.
    let cast = answer("SELECT CAST(1.005D AS DECIMAL(10, 2)) AS a, CAST(0.285D AS DECIMAL(10, 2)) AS b").succeeded();
    assert_eq!(cast, "a,b\n1.01,0.29\n");
}
