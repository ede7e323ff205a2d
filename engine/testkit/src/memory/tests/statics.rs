//! Static tables in a job that runs: joins of every kind, refreshes, restarts, crashes.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use epoch::{EpochId, Step};
use state::OperatorId;

use runtime::{RunError, StaticSchemas, StepSide};

use crate::{MemoryOptions, MemoryRecord, MemoryRun};

/// Files and Delta tables where they lie.
fn registry() -> connector::Registry {
    let place = super::super::place::MemoryPlace::new(Default::default()).unwrap();
    place.backends(&MemoryOptions::default(), &Default::default()).registry
}

const SECOND: i64 = 1_000_000;

const PRODUCTS: &str = "id,name,price,kind\n1,lamp,10,a\n2,desk,90,b\n2,table,95,b\n,ghost,1,c\n4,chair,40,c\n";
const KINDS: &str = "kind,label\na,light\nb,wood\n";

/// A folder with static tables, and a job that reads them.
struct Shop {
    folder: tempfile::TempDir,
    tables: String,
    settings: String,
}

impl Shop {
    fn new(tables: &[(&str, &str, &str)]) -> Shop {
        let section =
            |(name, mode, sql): &(&str, &str, &str)| format!("[table.{name}]\nmode = \"{mode}\"\nsql = '''{sql}'''\n");
        let shop = Shop {
            folder: tempfile::tempdir().unwrap(),
            tables: tables.iter().map(section).collect(),
            settings: String::new(),
        };
        shop.put("products.csv", PRODUCTS);
        shop.put("kinds.csv", KINDS);
        shop
    }

    fn of(sql: &str) -> Shop {
        Shop::new(&[("gold.t", "append", sql)])
    }

    /// With further lines under `[static.products]`.
    fn with(mut self, settings: &str) -> Shop {
        self.settings = settings.to_string();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file in place whole, by renaming it.
    fn put(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn job(&self) -> job::Job {
        let text = format!(
            r#"
[job]
name = "shop"
checkpoint = "{folder}/checkpoint"
warehouse = "{folder}/warehouse"
[source.clicks]
connector = "kafka"
brokers = "127.0.0.1:1"
topic = "clicks"
watermark = {{ column = "at", delay = "10 seconds" }}
[source.clicks.schema]
id = "bigint"
n = "bigint"
at = "timestamp"
[static.products]
path = "{folder}/products.csv"
{settings}
[static.kinds]
path = "{folder}/kinds.csv"
{tables}"#,
            folder = self.folder.path().display(),
            settings = self.settings,
            tables = self.tables,
        );
        job::parse("shop.toml", &text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
            .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
    }

    fn open(&self) -> MemoryRun {
        MemoryRun::open(self.job(), &MemoryOptions::default()).unwrap()
    }

    /// The rows of `gold.t` after one epoch over clicks on 1, 2, 3, 4 and nothing.
    fn rows_of_one_epoch(&self) -> Vec<String> {
        let mut run = self.open();
        send(&run, &[Some(1), Some(2), Some(3), Some(4), None]);
        run.step().unwrap();
        rows(&mut run, "gold.t")
    }
}

fn send(run: &MemoryRun, ids: &[Option<i64>]) {
    let record = |(n, id): (usize, &Option<i64>)| {
        let id = id.map_or("null".to_string(), |id| id.to_string());
        MemoryRecord::of(format!(r#"{{"id":{id},"n":{n},"at":{n}}}"#))
    };
    run.append("clicks", 0, ids.iter().enumerate().map(record)).unwrap();
}

/// The rows of a table, sorted; columns with a blank between them, `-` for null.
fn rows(run: &mut MemoryRun, table: &str) -> Vec<String> {
    let mut lines: Vec<String> = run.rows(table).unwrap().iter().flat_map(lines).collect();
    lines.sort();
    lines
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let columns: Vec<_> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    let cells = |row: usize| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" ");
    (0..batch.num_rows()).map(cells).collect()
}

#[test]
fn every_kind_of_join_with_a_static_table() {
    for (sql, expected) in [
        (
            "SELECT c.id, p.name FROM clicks c JOIN products p ON c.id = p.id",
            &["1 lamp", "2 desk", "2 table", "4 chair"][..],
        ),
        ("SELECT c.id, p.name FROM products p JOIN clicks c ON c.id = p.id AND p.price > 50", &["2 desk", "2 table"]),
        (
            "SELECT c.n, p.name FROM clicks c LEFT JOIN products p ON c.id = p.id AND p.price < 95",
            &["0 lamp", "1 desk", "2 -", "3 chair", "4 -"],
        ),
        (
            "SELECT p.name, c.n FROM products p RIGHT JOIN clicks c ON c.id = p.id AND p.price < 50",
            &["- 1", "- 2", "- 4", "chair 3", "lamp 0"],
        ),
        ("SELECT n FROM clicks LEFT SEMI JOIN products ON clicks.id = products.id", &["0", "1", "3"]),
        ("SELECT n FROM clicks LEFT ANTI JOIN products ON clicks.id = products.id", &["2", "4"]),
        ("SELECT n FROM clicks WHERE id IN (SELECT id FROM products WHERE price > 20)", &["1", "3"]),
        (
            "SELECT n FROM clicks WHERE EXISTS (SELECT 1 FROM products p WHERE p.id = clicks.id AND p.price > n + 39)",
            &["1"],
        ),
        ("SELECT n FROM clicks WHERE NOT EXISTS (SELECT 1 FROM products p WHERE p.id = clicks.id)", &["2", "4"]),
        // A static side of its own: filter, aggregate, join of two, window.
        (
            "SELECT c.id, p.most FROM clicks c JOIN (SELECT id, max(price) AS most FROM products GROUP BY id) p ON c.id = p.id",
            &["1 10", "2 95", "4 40"],
        ),
        (
            "SELECT c.id, d.label, d.names FROM clicks c JOIN (SELECT p.id, k.label, count(*) AS names FROM products p JOIN kinds k ON p.kind = k.kind GROUP BY p.id, k.label) d ON c.id = d.id",
            &["1 light 1", "2 wood 2"],
        ),
        (
            "SELECT c.id, p.name, k.label FROM clicks c JOIN products p ON c.id = p.id LEFT JOIN kinds k ON p.kind = k.kind",
            &["1 lamp light", "2 desk wood", "2 table wood", "4 chair -"],
        ),
        (
            "SELECT c.id, p.name FROM clicks c JOIN (SELECT *, row_number() OVER (PARTITION BY id ORDER BY price DESC) AS place FROM products) p ON c.id = p.id AND p.place = 1",
            &["1 lamp", "2 table", "4 chair"],
        ),
        (
            "SELECT c.id, p.name FROM clicks c JOIN (SELECT * FROM products WHERE id IS NOT NULL ORDER BY price LIMIT 2) p ON c.id = p.id",
            &["1 lamp", "4 chair"],
        ),
        (
            "SELECT c.id, p.name FROM clicks c JOIN (SELECT DISTINCT id, kind AS name FROM products) p ON c.id = p.id",
            &["1 a", "2 b", "4 c"],
        ),
        ("SELECT c.id, k.label FROM clicks c CROSS JOIN kinds k WHERE c.id = 1", &["1 light", "1 wood"]),
        // A table to itself, and the case of names.
        (
            "SELECT c.id, p.name, q.name AS other FROM CLICKS c JOIN Products p ON c.id = p.id JOIN products q ON p.kind = q.kind AND p.name <> q.name",
            &["2 desk table", "2 table desk", "4 chair ghost"],
        ),
    ] {
        assert_eq!(Shop::of(sql).rows_of_one_epoch(), expected, "{sql}");
    }
}

#[test]
fn not_in_knows_what_null_means() {
    let sql = "SELECT n FROM clicks WHERE id NOT IN (SELECT id FROM products)";
    let ids = |text: &str| {
        let shop = Shop::of(sql);
        shop.put("products.csv", text);
        shop.rows_of_one_epoch()
    };
    // SQL's three-valued logic: a NULL in the list could be anything; NULL is not in nothing.
    assert_eq!(ids("id,name\n1,a\n,b\n"), Vec::<String>::new());
    assert_eq!(ids("id,name\n1,a\n4,b\n"), ["1", "2"]);
    let typed = |text: &str| {
        let shop = Shop::of(sql).with("[static.products.schema]\nid = \"bigint\"");
        shop.put("products.csv", text);
        shop.rows_of_one_epoch()
    };
    assert_eq!(typed("id\n"), ["0", "1", "2", "3", "4"]);
}

#[test]
fn a_value_of_a_static_table_is_compared_with() {
    let sql = "SELECT n FROM clicks WHERE id > (SELECT min(id) FROM products)";
    assert_eq!(Shop::of(sql).rows_of_one_epoch(), ["1", "2", "3"]);
    let sql = "SELECT n, n * (SELECT max(id) FROM products) + (SELECT count(*) FROM kinds) AS x FROM clicks
               WHERE id < (SELECT avg(price) FROM products WHERE id = 1) OR id > (SELECT max(id) FROM products WHERE id > 9)";
    assert_eq!(Shop::of(sql).rows_of_one_epoch(), ["0 2", "1 6", "2 10", "3 14"]);
    let sql = "SELECT n, (SELECT max(p.name) FROM products p WHERE p.id = clicks.id) AS name FROM clicks";
    assert_eq!(Shop::of(sql).rows_of_one_epoch(), ["0 lamp", "1 table", "2 -", "3 chair", "4 -"]);
}

#[test]
fn what_is_joined_goes_on_into_windows_and_counts() {
    let shop = Shop::new(&[
        (
            "gold.windows",
            "append",
            "SELECT window.start AS start, p.kind, count(*) AS clicks FROM clicks c JOIN products p ON c.id = p.id
             GROUP BY window(c.at, '1 minute'), p.kind",
        ),
        (
            "gold.kinds",
            "update",
            "SELECT p.kind, count(*) AS clicks FROM clicks c JOIN products p ON c.id = p.id GROUP BY p.kind",
        ),
    ]);
    let mut run = shop.open();
    send(&run, &[Some(1), Some(2), Some(3)]);
    run.step().unwrap();
    shop.put("products.csv", "id,name,price,kind\n1,lamp,10,b\n");
    send(&run, &[Some(1), Some(2)]);
    run.append("clicks", 0, [MemoryRecord::of(r#"{"id":1,"n":9,"at":100}"#)]).unwrap();
    run.step().unwrap();
    assert_eq!(rows(&mut run, "gold.kinds"), ["a 1", "b 4"]);
    assert_eq!(rows(&mut run, "gold.windows"), ["1970-01-01T00:00:00Z a 1", "1970-01-01T00:00:00Z b 3"]);
}

/// The versions of the products by epoch.
fn versions(run: &mut MemoryRun) -> Vec<String> {
    let commits = run.commits_since(0).unwrap();
    commits.iter().map(|commit| commit.plan.statics["products"].clone()).collect()
}

const NAMES: &str = "SELECT c.n, p.name FROM clicks c LEFT JOIN products p ON c.id = p.id";

#[test]
fn a_change_is_seen_by_the_next_epoch_and_recorded_with_it() {
    let shop = Shop::of(NAMES);
    shop.put("products.csv", "id,name\n1,lamp\n");
    let mut run = shop.open();
    for (at, text) in
        ["id,name\n1,lamp\n", "id,name\n1,candle\n", "id,name\n1,candle\n", "id,name\n1,torch\n"].iter().enumerate()
    {
        if at != 2 {
            shop.put("products.csv", text);
        }
        send(&run, &[Some(1)]);
        run.step().unwrap();
    }
    assert_eq!(rows(&mut run, "gold.t"), ["0 candle", "0 candle", "0 lamp", "0 torch"]);
    let versions = versions(&mut run);
    assert!(versions[0] != versions[1] && versions[1] == versions[2] && versions[2] != versions[3], "{versions:?}");
    assert_eq!(copies(&mut run), [0, 1, 3].map(EpochId), "copies are kept as long as the commits that saw them");
    run.restart().unwrap();
    send(&run, &[Some(1)]);
    run.step().unwrap();
    assert_eq!(copies(&mut run), [0, 1, 3].map(EpochId));
}

/// The epochs that brought the copies of the products which the checkpoint has.
fn copies(run: &mut MemoryRun) -> Vec<EpochId> {
    let checkpoint = run.checkpoint().unwrap();
    let index = checkpoint.bucket_index(OperatorId::of_static("products")).unwrap();
    index.map(|entry| entry.unwrap().0.epoch).collect()
}

#[test]
fn an_interval_is_waited_for_in_the_time_of_the_epochs() {
    let shop = Shop::of(NAMES).with("refresh = \"10 seconds\"");
    shop.put("products.csv", "id,name\n1,lamp\n");
    let mut run = shop.open();
    let mut step = |second: i64| {
        run.set_time(second * SECOND);
        send(&run, &[Some(1)]);
        run.step().unwrap();
        rows(&mut run, "gold.t").len()
    };
    step(0);
    shop.put("products.csv", "id,name\n1,candle\n");
    step(9);
    assert_eq!(step(10), 3);
    assert_eq!(rows(&mut run, "gold.t"), ["0 candle", "0 lamp", "0 lamp"]);
}

#[test]
fn what_is_never_refreshed_stays_as_the_first_epoch_saw_it() {
    let shop = Shop::of(NAMES).with("refresh = \"never\"");
    shop.put("products.csv", "id,name\n1,lamp\n");
    let mut run = shop.open();
    send(&run, &[Some(1)]);
    run.step().unwrap();
    shop.put("products.csv", "id,name,color\n1,candle,red\n");
    run.restart().unwrap();
    send(&run, &[Some(1)]);
    run.step().unwrap();
    assert_eq!(rows(&mut run, "gold.t"), ["0 lamp", "0 lamp"]);
}

#[test]
fn an_epoch_that_did_not_commit_sees_what_lies_there_when_it_is_planned_afresh() {
    for (step, side) in
        [(Step::Plan, StepSide::After), (Step::Stage, StepSide::After), (Step::Commit, StepSide::Before)]
    {
        let shop = Shop::of(NAMES);
        shop.put("products.csv", "id,name\n1,lamp\n");
        let mut run = shop.open();
        send(&run, &[Some(1)]);
        run.step().unwrap();
        shop.put("products.csv", "id,name\n1,candle\n");
        send(&run, &[Some(1)]);
        assert!(run.crash(step, side).unwrap(), "{step:?}");
        shop.put("products.csv", "id,name\n1,torch\n");
        run.step().unwrap();
        assert_eq!(rows(&mut run, "gold.t"), ["0 lamp", "0 torch"], "{step:?}");
        assert_eq!(copies(&mut run), [EpochId(0), EpochId(1)]);
    }
}

#[test]
fn other_columns_are_refused_with_what_to_do() {
    let shop = Shop::of(NAMES);
    shop.put("products.csv", "id,name\n1,lamp\n");
    let mut run = shop.open();
    send(&run, &[Some(1)]);
    run.step().unwrap();
    shop.put("products.csv", "id,title\n1.5,lamp\n");
    send(&run, &[Some(1)]);
    let error = run.step().unwrap_err().to_string();
    for part in [
        "static table products",
        "`id` was Int64 and is Float64",
        "`name` is gone",
        "`title` is new",
        "start the job again",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // The job's own list of columns: what lies beside them does not matter.
    let typed = shop.with("[static.products.schema]\nid = \"bigint\"\nname = { type = \"string\", field = \"title\" }");
    typed.put("products.csv", "id,title\n1,lamp\n");
    run.restart_as(typed.job()).unwrap();
    run.step().unwrap();
    typed.put("products.csv", "color,title,id\nred,candle,1\n");
    send(&run, &[Some(1)]);
    run.step().unwrap();
    assert_eq!(rows(&mut run, "gold.t"), ["0 candle", "0 lamp", "0 lamp"]);
}

#[test]
fn columns_that_the_job_gives_anew_are_read_anew() {
    let mut shop = Shop::of(NAMES).with("[static.products.schema]\nid = \"bigint\"\nname = \"string\"");
    shop.put("products.csv", "id,name,title\n1,lamp,Lamp\n");
    let mut run = shop.open();
    send(&run, &[Some(1)]);
    run.step().unwrap();
    shop = shop.with("[static.products.schema]\nid = \"bigint\"\nname = { type = \"string\", field = \"title\" }");
    run.restart_as(shop.job()).unwrap();
    send(&run, &[Some(1)]);
    run.step().unwrap();
    assert_eq!(rows(&mut run, "gold.t"), ["0 Lamp", "0 lamp"]);
}

#[test]
fn a_static_table_that_is_read_no_more_leaves_no_copy() {
    let shop = Shop::of(NAMES);
    let mut run = shop.open();
    send(&run, &[Some(1)]);
    run.step().unwrap();
    assert_eq!(copies(&mut run), [EpochId(0)]);
    let without = shop.job();
    let mut without = job::Job { statics: Default::default(), ..without };
    without.tables[0].sql = "SELECT n, 'none' AS name FROM clicks".into();
    run.restart_as(without).unwrap();
    send(&run, &[Some(1)]);
    run.step().unwrap();
    assert_eq!(copies(&mut run), []);
    assert_eq!(rows(&mut run, "gold.t"), ["0 lamp", "0 none"]);
    // And it may come back.
    run.restart_as(shop.job()).unwrap();
    send(&run, &[Some(4)]);
    run.step().unwrap();
    assert_eq!(rows(&mut run, "gold.t"), ["0 chair", "0 lamp", "0 none"]);
    assert_eq!(copies(&mut run), [EpochId(2)]);
}

/// Found by a drill: a kill while the checkpoint was being made.
#[test]
fn a_checkpoint_whose_making_was_cut_short_hinders_no_static_table() {
    let shop = Shop::of(NAMES);
    let job = shop.job();
    drop(state::Checkpoint::open(Path::new(&job.checkpoint), "shop", &state::CheckpointSettings::default()).unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = StaticSchemas::find(&job, &registry(), runtime.handle()).unwrap();
    assert_eq!(found.schemas.len(), 2);
    // The database without the checkpoint's own record in it.
    fs::remove_dir_all(&job.checkpoint).unwrap();
    let database = Path::new(&job.checkpoint).join(epoch::paths::DATABASE);
    for left in [None, Some("OPTIONS-000001"), Some("LOCK")] {
        fs::create_dir_all(&database).unwrap();
        if let Some(name) = left {
            fs::write(database.join(name), "").unwrap();
        }
        let found = StaticSchemas::find(&job, &registry(), runtime.handle());
        assert!(found.is_ok(), "{left:?}: {:?}", found.map(|found| found.schemas).err().map(|error| error.to_string()));
    }
}

#[test]
fn a_file_that_is_missing_is_named_with_its_table() {
    let shop = Shop::of(NAMES);
    fs::remove_file(shop.path("products.csv")).unwrap();
    let Err(RunError::Static(error)) = MemoryRun::open(shop.job(), &MemoryOptions::default()) else { panic!("opened") };
    let text = error.to_string();
    assert!(
        text.contains("static table products") && text.contains("products.csv") && text.contains("`path`"),
        "{text}"
    );
}

#[test]
fn rows_that_are_replaced_need_a_table_that_stays() {
    let counts = ("gold.counts", "update", "SELECT id, count(*) AS clicks FROM clicks GROUP BY id");
    let named =
        ("gold.named", "update", "SELECT c.id, c.clicks, p.name FROM gold.counts c JOIN products p ON c.id = p.id");
    let shop = Shop::new(&[counts, named]);
    let Err(error) = MemoryRun::open(shop.job(), &MemoryOptions::default()) else { panic!("opened") };
    assert!(error.to_string().contains("refresh = \"never\" on [static.products]"), "{error}");
    let shop = shop.with("refresh = \"never\"");
    let mut run = shop.open();
    for ids in [&[Some(1), Some(2)][..], &[Some(1), Some(4)]] {
        send(&run, ids);
        run.step().unwrap();
    }
    assert_eq!(rows(&mut run, "gold.named"), ["1 2 lamp", "2 1 desk", "2 1 table", "4 1 chair"]);
}

#[test]
fn a_query_that_asks_for_the_time_is_asked_in_every_epoch() {
    let shop = Shop::of(
        "SELECT c.n, p.name FROM clicks c JOIN (SELECT * FROM products WHERE until > current_timestamp()) p ON c.id = p.id",
    );
    let shop = shop.with("[static.products.schema]\nid = \"bigint\"\nname = \"string\"\nuntil = \"timestamp\"");
    shop.put("products.csv", "id,name,until\n1,lamp,1970-01-01T00:00:10Z\n1,candle,1970-01-01T00:00:20Z\n");
    let mut run = shop.open();
    for second in [5, 15, 25] {
        run.set_time(second * SECOND);
        send(&run, &[Some(1)]);
        run.step().unwrap();
    }
    assert_eq!(rows(&mut run, "gold.t"), ["0 candle", "0 candle", "0 lamp"]);
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    for (mode, sql, message) in [
        ("append", "SELECT * FROM products", "reads only `products`, which is static"),
        ("update", "SELECT kind, count(*) FROM products GROUP BY kind", "reads only `products`, which is static"),
        ("append", "SELECT p.name FROM products p LEFT JOIN clicks c ON c.id = p.id", "streaming table on the right"),
        ("append", "SELECT p.name FROM clicks c FULL JOIN products p ON c.id = p.id", "FullOuter join"),
        ("append", "SELECT id FROM clicks UNION ALL SELECT id FROM products", "UNION of a stream with a static table"),
        ("append", "SELECT c.n FROM clicks c JOIN (SELECT id, rand() AS r FROM products) p ON c.id = p.id", "rand()"),
        (
            "append",
            "SELECT n FROM clicks c WHERE n NOT IN (SELECT price FROM products p WHERE p.id = c.id)",
            "NOT IN (subquery) with a further",
        ),
        ("append", "SELECT n FROM clicks WHERE id NOT IN (SELECT id FROM clicks)", "NOT IN (subquery) of a stream"),
    ] {
        let shop = Shop::new(&[("gold.t", mode, sql)]);
        match MemoryRun::open(shop.job(), &MemoryOptions::default()) {
            Ok(_) => panic!("{sql} is not refused"),
            Err(error) => assert!(error.to_string().contains(message), "{sql}: {error}"),
        }
    }
}

#[test]
fn the_graph_tells_of_static_tables() {
    let shop = Shop::of(NAMES).with("refresh = \"10 minutes\"");
    let job = shop.job();
    let schemas =
        runtime::static_schemas(&job, &registry()).into_iter().map(|(name, schema)| (name, schema.unwrap())).collect();
    let graph = plan::plan_job(&job, &runtime::schemas(&job, &schemas), &connector::Capabilities::FILES).unwrap();
    let text = plan::explain::explain(&job, &graph);
    let line = format!("static products: {}, looked at every 10 minutes", shop.path("products.csv").display());
    assert!(text.contains(&line) && text.contains("in products"), "{text}");
}
