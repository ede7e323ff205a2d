//! Spark's forms of a query: LATERAL VIEW, generators in SELECT, names without case, WITH over a source's name.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};

use super::engine::{front, ints, job, lines, plan, rows, texts};
use crate::plan_job;

const HEAD: &str = r#"
[job]
name = "test"
checkpoint = "checkpoints/test"
warehouse = "warehouse"
[source.Events]
connector = "kafka"
brokers = "127.0.0.1:9092"
topic = "events"
format = "json"
[source.Events.schema]
userId = "string"
items = "array<string>"
n = "int"
"#;

/// Two rows with arrays, of a source whose columns have capital letters: their answer to a query, and its columns.
fn answer(sql: &str) -> Result<(Vec<String>, Vec<String>), String> {
    let text = format!("{HEAD}[table.gold.test]\nmode = \"append\"\nsql = '''{sql}'''\n");
    let job = job::parse("test.toml", &text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let columns = Schema::new(vec![
        Field::new("userId", DataType::Utf8, true),
        Field::new("items", DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))), true),
        Field::new("n", DataType::Int32, true),
    ]);
    let schemas = [(job.sources.keys().next().unwrap().clone(), Arc::new(columns))].into();
    let graph = plan_job(&job, &schemas, &connector::Capabilities::FILES).map_err(|problems| {
        problems.iter().map(|problem| format!("{:?}", problem.problem)).collect::<Vec<_>>().join("; ")
    })?;
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(Field::new_list_field(DataType::Utf8, true));
    lists.append_value([Some("a"), Some("b")]);
    lists.append_null();
    let schema = &graph.sources.values().next().unwrap().schema;
    let input = rows(
        schema,
        vec![
            ("userId", texts(&[Some("ann"), Some("bob")])),
            ("items", Arc::new(lists.finish()) as ArrayRef),
            ("n", ints(&[Some(1), Some(2)])),
        ],
    );
    let table = &graph.tables[0];
    let names = table.schema.fields().iter().map(|field| field.name().clone()).collect();
    Ok((lines(&front(&graph, 0).run(&input).map_err(|error| error.to_string())?.rows), names))
}

#[test]
fn forms_of_spark_give_sparks_rows() {
    let cases: &[(&str, &[&str])] = &[
        ("SELECT userId, item FROM Events LATERAL VIEW explode(items) t AS item", &["ann | a", "ann | b"]),
        (
            "SELECT userId, t.item FROM Events LATERAL VIEW OUTER explode(items) t AS item",
            &["ann | a", "ann | b", "bob | null"],
        ),
        (
            "SELECT e.userId, item, _offset FROM Events e LATERAL VIEW explode(items) t AS item WHERE t.item = 'b'",
            &["ann | b | 0"],
        ),
        (
            "SELECT * FROM Events LATERAL VIEW explode(items) t AS item",
            &["ann | [a, b] | 1 | a", "ann | [a, b] | 1 | b"],
        ),
        ("SELECT pos, item FROM Events LATERAL VIEW posexplode(items) t AS pos, item", &["0 | a", "1 | b"]),
        (
            "SELECT a, b FROM Events LATERAL VIEW explode(items) t AS a LATERAL VIEW explode(items) u AS b",
            &["a | a", "a | b", "b | a", "b | b"],
        ),
        (
            "SELECT userId, a, _offset FROM Events LATERAL VIEW explode(items) t AS a LATERAL VIEW explode(array(a)) u AS b WHERE b = 'a'",
            &["ann | a | 0"],
        ),
        ("SELECT explode(items) AS x FROM Events", &["a", "b"]),
        ("SELECT explode(items) FROM Events", &["a", "b"]),
        ("SELECT userId, explode_outer(items) AS x FROM Events", &["ann | a", "ann | b", "bob | null"]),
        ("SELECT posexplode(items) FROM Events", &["0 | a", "1 | b"]),
        ("SELECT posexplode_outer(items) AS (p, x) FROM Events", &["0 | a", "1 | b", "null | null"]),
        ("SELECT explode(map('k', n)) AS (k, v) FROM Events", &["k | 1", "k | 2"]),
        ("SELECT inline(array(named_struct('a', n, 'b', userId))) AS (x, y) FROM Events", &["1 | ann", "2 | bob"]),
        (
            "SELECT json_tuple('{\"a\":1,\"b\":\"x\"}', 'a', 'b', 'c') AS (a, b, c) FROM Events WHERE n = 1",
            &["1 | x | null"],
        ),
        ("SELECT n, a FROM Events LATERAL VIEW json_tuple('{\"a\":1}', 'a') j AS a WHERE n = 2", &["2 | 1"]),
        ("SELECT USERID FROM EVENTS WHERE N = 1", &["ann"]),
        ("SELECT E.UserID FROM events E WHERE e.N = 1", &["ann"]),
        ("SELECT `userid` FROM `Events` WHERE n = 1", &["ann"]),
        ("SELECT x FROM (SELECT userId AS X, n FROM Events) WHERE N = 1", &["ann"]),
        ("WITH t AS (SELECT n FROM Events), T2 AS (SELECT n + 1 AS m FROM T) SELECT M FROM t2 WHERE m > 2", &["3"]),
        ("SELECT items[0] AS i, Events.items[1] AS j FROM Events WHERE n = 1", &["a | b"]),
        ("SELECT struct(n, userId AS u).u AS x FROM Events WHERE n = 1", &["ann"]),
        ("SELECT size(transform(items, x -> concat(x, userId))) AS s FROM Events WHERE n = 1", &["2"]),
        (
            "SELECT from_json('{\"userName\":{\"First\":\"Al\"}}', 'userName struct<First: string>').userName.First AS f FROM Events WHERE n = 1",
            &["Al"],
        ),
        (
            "SELECT j.userName AS f FROM (SELECT from_json('{\"userName\":\"Al\"}', 'userName string') AS j, n FROM Events) WHERE n = 1",
            &["Al"],
        ),
        // fields of the structs in an array
        (
            "SELECT to_json(j.Items.name) AS f FROM (SELECT from_json('{\"Items\":[{\"name\":\"a\"},{\"name\":null},null]}', 'Items ARRAY<STRUCT<name: STRING>>') AS j, n FROM Events) WHERE n = 1",
            &["[\"a\",null,null]"],
        ),
        (
            "SELECT x.j.items.in.name[1] AS f FROM (SELECT from_json('{\"items\":[{\"in\":{\"name\":1}},{\"in\":{\"name\":2}}]}', 'items ARRAY<STRUCT<in: STRUCT<name: INT>>>') AS j, n FROM Events) x WHERE n = 1",
            &["2"],
        ),
        (
            "SELECT e FROM (SELECT from_json(userId, 'items ARRAY<STRUCT<name: INT>>') AS j, n FROM Events) LATERAL VIEW OUTER explode(j.items.name) t AS e WHERE n = 1",
            &["null"],
        ),
        (
            "SELECT to_json(from_json('{\"a\":[{\"b\":[{\"c\":1},{\"c\":2}]}]}', 'a ARRAY<STRUCT<b: ARRAY<STRUCT<c: INT>>>>').a[0].b.c) AS f FROM Events WHERE n = 1",
            &["[1,2]"],
        ),
        (
            "SELECT to_json(transform(array(named_struct('b', array(named_struct('c', 7)))), x -> x.b.c)) AS f FROM Events WHERE n = 1",
            &["[[7]]"],
        ),
        ("SELECT to_json(arrays_zip(items, array(n), Events.items)) AS z FROM Events WHERE n = 2", &["null"]),
        (
            "SELECT z.items AS a, z.n AS b FROM (SELECT explode(arrays_zip(items, n)) AS z FROM (SELECT items, array(n) AS n FROM Events))",
            &["a | 1", "b | null"],
        ),
    ];
    let mut wrong = Vec::new();
    for (sql, wanted) in cases {
        match answer(sql) {
            Ok((found, _)) if found == *wanted => {}
            Ok((found, _)) => wrong.push(format!("{sql}\n   gives {found:?}")),
            Err(error) => wrong.push(format!("{sql}\n   fails: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn columns_keep_their_own_spelling() {
    let (_, names) = answer("SELECT USERID, N AS Number, n FROM Events").unwrap();
    assert_eq!(names, vec!["userId", "Number", "n"]);
}

#[test]
fn generators_that_cannot_be_planned_are_refused_with_a_remedy() {
    for (sql, part) in [
        ("SELECT inline(items) FROM events", "AS (a, b)"),
        ("SELECT json_tuple(user_id, 'a') AS (a, b) FROM events", "1 columns"),
        ("SELECT user_id FROM events LATERAL VIEW upper(user_id) t AS x", "generator"),
        ("SELECT explode(user_id) AS x FROM events", "array or a map"),
        ("SELECT array_contans(items, 'x') FROM events", "array_contains"),
        ("SELECT get_json_objet(user_id, '$.x') FROM events", "get_json_object"),
        ("SELECT percentil(total, 0.5) FROM events", "percentile"),
    ] {
        let problems = plan(&job(&[("gold.test", "append", sql)])).unwrap_err();
        let text = format!("{} / {}", problems[0].problem.message, problems[0].problem.help);
        assert!(text.contains(part), "{sql}: {text}");
    }
}
