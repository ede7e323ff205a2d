//! The ways to write a query, and what it gives.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::DataType;
use expr::types::instant;
use job::OutputMode;

use super::engine::{MINUTE, SECOND, flags, front, ints, job, lines, plan, plan_one, rows, run, texts, times, type_of};

/// Six events of two users in two minutes.
fn events(schema: &arrow::datatypes::SchemaRef) -> RecordBatch {
    rows(
        schema,
        vec![
            ("event_time", times(&[0, SECOND, 59 * SECOND, MINUTE, 61 * SECOND, 62 * SECOND])),
            ("event_type", texts(&[Some("view"), Some("buy"), Some("view"), Some("buy"), None, Some("view")])),
            ("user_id", texts(&[Some("ann"), Some("bob"), Some("ann"), Some("ann"), Some("bob"), Some("bob")])),
            ("quantity", ints(&[Some(5), Some(2), None, Some(3), Some(0), Some(-7)])),
            ("total", Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5, 6]))),
            ("success", flags(&[Some(true), None, Some(false), Some(true), Some(true), None])),
        ],
    )
}

/// The rows that a query gives over the six events.
fn answer(mode: &str, sql: &str) -> Vec<String> {
    let (graph, _) = plan_one(mode, sql).unwrap_or_else(|problems| panic!("{sql}: {problems:?}"));
    graph.clock.set(1_700_000_000 * SECOND);
    lines(&run(&graph, 0, &[(vec![events(&graph.sources["events"].schema)], None)]))
}

#[test]
fn a_window_can_be_written_in_many_ways() {
    let wanted = vec!["1970-01-01T00:00:00Z | 3", "1970-01-01T00:01:00Z | 3"];
    for sql in [
        "SELECT window.start AS s, count(*) AS n FROM events GROUP BY window(event_time, '1 minute')",
        "SELECT window.start, count(*) AS n FROM events GROUP BY window(event_time, '60 seconds')",
        "SELECT WINDOW.START AS s, COUNT(*) AS n FROM EVENTS GROUP BY WINDOW(EVENT_TIME, '1 minute')",
        "SELECT `window`.`start` AS s, count(*) AS n FROM `events` e GROUP BY window(e.`event_time`, '1 minute')",
        "SELECT window.start AS s, count(*) AS n FROM events AS e GROUP BY window(e.event_time, 'interval 1 minute')",
        "SELECT window.start AS s, count(*) AS n FROM events GROUP BY window(event_time, INTERVAL '1' MINUTE)",
        "SELECT window.start AS s, count(*) AS n FROM events GROUP BY window(event_time, INTERVAL 1 MINUTES)",
        "SELECT window(event_time, '1 minute').start AS s, count(*) AS n FROM events GROUP BY window(event_time, '1 minute')",
        "SELECT w.start AS s, n FROM (SELECT window AS w, count(*) AS n FROM events GROUP BY window(event_time, '1 minute'))",
        "WITH e AS (SELECT event_time FROM events) SELECT window.start AS s, count(*) AS n FROM e GROUP BY window(event_time, '1 minute')",
        "SELECT window.start AS s, count(*) AS n FROM (SELECT event_time AS t FROM events) x GROUP BY window(x.t, '1 minute')",
        "SELECT window.start AS s, count(*) AS n FROM events GROUP BY window(event_time, '1 minute') HAVING window.end > TIMESTAMP '1970-01-01 00:00:10'",
        "-- a comment\nSELECT window.start AS s, /* another */ count(*) AS n FROM events GROUP BY window(event_time, '1 minute');",
    ] {
        assert_eq!(answer("append", sql), wanted, "{sql}");
    }
}

#[test]
fn aggregates_and_expressions_over_them() {
    for (sql, wanted) in [
        (
            "SELECT user_id, count(*) FILTER (WHERE event_type = 'view') AS n FROM events GROUP BY user_id",
            vec!["ann | 2", "bob | 1"],
        ),
        ("SELECT user_id, count(DISTINCT event_type) AS n FROM events GROUP BY 1", vec!["ann | 2", "bob | 2"]),
        (
            "SELECT user_id AS u, sum(total) + 1 AS a, sum(total) * 2 AS b FROM events GROUP BY u",
            vec!["ann | 9 | 16", "bob | 14 | 26"],
        ),
        (
            "SELECT upper(user_id) AS u, max(total) - min(total) AS spread FROM events GROUP BY upper(user_id)",
            vec!["ANN | 3", "BOB | 4"],
        ),
        ("SELECT user_id, count(*) AS n FROM events GROUP BY user_id HAVING sum(total) > 10", vec!["bob | 3"]),
        ("SELECT count(*) AS n, sum(quantity) AS s, avg(quantity) AS a FROM events", vec!["6 | 3 | 0.6"]),
        ("SELECT count(*) AS n FROM events WHERE 1 = 2", vec!["0"]),
        (
            "SELECT CASE WHEN total > 3 THEN 'big' ELSE 'small' END AS size, count(*) AS n FROM events GROUP BY 1",
            vec!["big | 3", "small | 3"],
        ),
        ("SELECT success, count(*) AS n FROM events GROUP BY success", vec!["false | 1", "null | 2", "true | 3"]),
        ("SELECT user_id FROM events GROUP BY user_id", vec!["ann", "bob"]),
        (
            "SELECT user_id, array_agg(total ORDER BY total DESC) AS t FROM events GROUP BY user_id",
            vec!["ann | [4, 3, 1]", "bob | [6, 5, 2]"],
        ),
        (
            "SELECT user_id, collect_list(event_type) AS t FROM events GROUP BY user_id",
            vec!["ann | [view, view, buy]", "bob | [buy, view]"],
        ),
    ] {
        assert_eq!(answer("complete", sql), wanted, "{sql}");
    }
    // An aggregate by windows over another one could not be planned in complete mode.
    let of_windows = "SELECT window.start AS s, window.end AS e, sum(n) AS n, count(*) AS c
                      FROM (SELECT window AS w, count(*) AS n FROM events GROUP BY window(event_time, '30 seconds'))
                      GROUP BY window(w, '1 minute')";
    let wanted = vec![
        "1970-01-01T00:00:00Z | 1970-01-01T00:01:00Z | 3 | 2",
        "1970-01-01T00:01:00Z | 1970-01-01T00:02:00Z | 3 | 1",
    ];
    assert_eq!(answer("complete", of_windows), wanted);
    let sliding = of_windows.replace("'1 minute')", "'1 minute', '30 seconds') HAVING window.start < '1970-01-01'");
    assert_eq!(answer("complete", &sliding), vec!["1969-12-31T23:59:30Z | 1970-01-01T00:00:30Z | 2 | 1"]);
    let sorted = "SELECT user_id, count(*) AS n FROM events GROUP BY user_id ORDER BY user_id DESC LIMIT 1";
    assert_eq!(answer("complete", sorted), vec!["bob | 3"]);
}

#[test]
fn conditions_and_functions_on_rows() {
    for (sql, wanted) in [
        ("SELECT total FROM events WHERE event_type IN ('buy', 'sell') AND user_id LIKE 'a%'", vec!["4"]),
        ("SELECT total FROM events WHERE event_type IS NULL", vec!["5"]),
        ("SELECT total FROM events WHERE event_type = 'buy' AND event_type = 'view'", vec![]),
        ("SELECT e.total FROM events e WHERE e.total BETWEEN 2 AND 3", vec!["2", "3"]),
        (
            "SELECT concat(upper(user_id), '-', substring(event_type, 1, 2)) AS x FROM events WHERE total = 2",
            vec!["BOB-bu"],
        ),
        ("SELECT date_trunc('minute', event_time) AS m FROM events WHERE total > 5", vec!["1970-01-01T00:01:00Z"]),
        (
            "SELECT current_timestamp() AS t, current_date() AS d, now() AS n FROM events WHERE total = 1",
            vec!["2023-11-14T22:13:20Z | 2023-11-14 | 2023-11-14T22:13:20Z"],
        ),
        ("SELECT current_timestamp AS t FROM events WHERE total = 1", vec!["2023-11-14T22:13:20Z"]),
        ("SELECT CAST(event_time - INTERVAL '2 minutes' AS BIGINT) AS s FROM events WHERE total = 3", vec!["-61"]),
        ("SELECT CAST(event_time - INTERVAL '1 millisecond' AS BIGINT) AS s FROM events WHERE total = 1", vec!["-1"]),
        (
            "SELECT CAST(total AS TIMESTAMP) AS t, CAST(-1 AS TIMESTAMP) AS u FROM events WHERE total = 5",
            vec!["1970-01-01T00:00:05Z | 1969-12-31T23:59:59Z"],
        ),
        (
            "SELECT to_timestamp('2024-02-29T12:00:00+02:00') AS t, try_to_timestamp('nonsense') AS u FROM events WHERE total = 1",
            vec!["2024-02-29T10:00:00Z | null"],
        ),
        (
            "SELECT TRY_CAST(user_id AS TIMESTAMP) AS t, TRY_CAST(user_id AS INT) AS i FROM events WHERE total = 1",
            vec!["null | null"],
        ),
        ("SELECT quantity / 2 AS q, total % 2 AS r FROM events WHERE total = 1", vec!["2.5 | 1"]),
        ("SELECT try_divide(quantity, 0) AS q FROM events WHERE total = 1", vec!["null"]),
        (
            "SELECT * EXCEPT (event_type, success, items, quantities, price) FROM events WHERE total = 1",
            vec!["1970-01-01T00:00:00Z | ann | 5 | 1"],
        ),
        (
            "SELECT e.* FROM events e WHERE total = 2",
            vec!["1970-01-01T00:00:01Z | buy | bob | 2 | 2 | null | null | null | null"],
        ),
        ("SELECT * FROM (SELECT total, _offset FROM events) WHERE total = 2", vec!["2 | 1"]),
        (
            "SELECT event_time - INTERVAL '1 hour 30 minutes' AS t FROM events WHERE total = 1",
            vec!["1969-12-31T22:30:00Z"],
        ),
        ("SELECT event_time + INTERVAL '1 month' AS t FROM events WHERE total = 1", vec!["1970-02-01T00:00:00Z"]),
        (
            "SELECT event_time + INTERVAL '1 hour 30 minutes' AS t FROM events WHERE total = 1",
            vec!["1970-01-01T01:30:00Z"],
        ),
    ] {
        assert_eq!(answer("append", sql), wanted, "{sql}");
    }
}

#[test]
fn types_of_results_are_sparks() {
    let (_, table) = plan_one(
        "append",
        "SELECT window, window.start AS s, count(*) AS n, avg(quantity) AS a, sum(quantity) AS q, max(price) AS p, collect_list(user_id) AS l,
                CAST(max(event_time) AS BIGINT) AS b FROM events GROUP BY window(event_time, '1 minute')",
    )
    .unwrap();
    let wanted = [
        ("s", instant()),
        ("n", DataType::Int64),
        ("a", DataType::Float64),
        ("q", DataType::Int64),
        ("p", DataType::Float64),
        ("b", DataType::Int64),
    ];
    for (name, kind) in wanted {
        assert_eq!(type_of(&table, name), kind, "{name}");
    }
    assert_eq!(table.mode, OutputMode::Append);
}

#[test]
fn tables_read_tables_in_any_order_of_the_file() {
    let graph = plan(&job(&[
        (
            "gold.n",
            "append",
            "SELECT window.start AS s, count(*) AS n FROM silver.e GROUP BY window(event_time, '1 minute')",
        ),
        ("silver.e", "append", "SELECT * FROM bronze.e WHERE quantity > 0"),
        ("bronze.e", "append", "SELECT *, _topic FROM events"),
        ("gold.big", "append", "SELECT s, n AS big FROM gold.n WHERE n > 100 -- no group by here"),
    ]))
    .unwrap_or_else(|problems| panic!("{problems:?}"));
    let names: Vec<&str> = graph.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, vec!["bronze.e", "silver.e", "gold.n", "gold.big"]);
}

#[test]
fn an_unnested_row_is_taken_once_however_many_rows_it_makes_and_filters_count() {
    let (graph, _) = plan_one(
        "append",
        "SELECT user_id, unnest(items) AS item, unnest(quantities) AS q FROM events WHERE quantity > 0",
    )
    .unwrap();
    let field = Arc::new(arrow::datatypes::Field::new_list_field(DataType::Utf8, true));
    let mut lists = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new()).with_field(field);
    let mut numbers = arrow::array::ListBuilder::new(arrow::array::Int32Builder::new());
    for row in 0..4 {
        match row {
            0 => {
                lists.append_value([Some("a"), Some("b")]);
                numbers.append_value([Some(1), Some(2)]);
            }
            1 => {
                lists.append_value(Vec::<Option<&str>>::new());
                numbers.append_value(Vec::<Option<i32>>::new());
            }
            _ => {
                lists.append_null();
                numbers.append_null();
            }
        }
    }
    let input = rows(
        &graph.sources["events"].schema,
        vec![
            ("user_id", texts(&[Some("u"); 4])),
            ("quantity", ints(&[Some(1), Some(1), Some(1), Some(-1)])),
            ("items", Arc::new(lists.finish())),
            ("quantities", Arc::new(numbers.finish())),
        ],
    );
    let passed = front(&graph, 0).run(&input).unwrap();
    assert_eq!((passed.taken, passed.filtered), (3, 1));
    assert_eq!(lines(&passed.rows), vec!["u | a | 1", "u | b | 2"]);
}

#[test]
fn a_row_that_an_expression_fails_on_is_an_error_and_not_a_panic() {
    let (graph, _) = plan_one("append", "SELECT CAST(user_id AS INT) AS i FROM events").unwrap();
    let error = front(&graph, 0).run(&events(&graph.sources["events"].schema)).unwrap_err().to_string();
    assert!(error.contains("ann"), "{error}");
    let (graph, _) = plan_one("append", "SELECT total % 0 AS i FROM events").unwrap();
    assert!(front(&graph, 0).run(&events(&graph.sources["events"].schema)).is_err());
}

#[test]
fn a_projection_without_columns_keeps_the_number_of_rows() {
    let (graph, _) = plan_one("complete", "SELECT count(*) AS n FROM events").unwrap();
    let passed = front(&graph, 0).run(&events(&graph.sources["events"].schema)).unwrap();
    assert_eq!(passed.rows.num_rows(), 6);
}

#[test]
fn current_timestamp_is_read_when_an_epoch_runs() {
    let (graph, _) = plan_one("append", "SELECT current_timestamp() AS t FROM events WHERE total = 1").unwrap();
    let input = events(&graph.sources["events"].schema);
    for (us, wanted) in [(0, "1970-01-01T00:00:00Z"), (SECOND, "1970-01-01T00:00:01Z")] {
        graph.clock.set(us);
        assert_eq!(lines(&front(&graph, 0).run(&input).unwrap().rows), vec![wanted]);
    }
}

#[test]
fn a_range_of_times_bounds_a_join_however_it_is_written() {
    for condition in [
        "b.event_time BETWEEN a.event_time - INTERVAL 10 MINUTES AND a.event_time",
        "b.event_time >= a.event_time - INTERVAL '10' MINUTE AND b.event_time <= a.event_time",
        "a.event_time < b.event_time + INTERVAL '10 minutes' AND a.event_time >= b.event_time",
    ] {
        let sql =
            format!("SELECT a.user_id, b.total FROM events a JOIN events b ON a.user_id = b.user_id AND {condition}");
        let planned = plan_one("append", &sql);
        assert!(planned.is_ok(), "{condition}: {:?}", planned.err());
    }
}

#[test]
fn grouping_sets_give_a_row_for_each_set() {
    let sql = "SELECT user_id, event_type, count(*) AS n, grouping(event_type) AS g FROM events WHERE total <= 4 GROUP BY ROLLUP (user_id, event_type)";
    let wanted = [
        "ann | buy | 1 | 0",
        "ann | null | 3 | 1",
        "ann | view | 2 | 0",
        "bob | buy | 1 | 0",
        "bob | null | 1 | 1",
        "null | null | 4 | 1",
    ];
    assert_eq!(answer("update", sql), wanted);
}

/// Equal sets were one.
#[test]
fn a_set_that_is_named_twice_gives_its_rows_twice() {
    let sql = "SELECT user_id, count(*) AS n, grouping(user_id) AS g FROM events WHERE total <= 4 GROUP BY GROUPING SETS ((user_id), (), (user_id), ())";
    assert_eq!(
        answer("update", sql),
        ["ann | 3 | 0", "ann | 3 | 0", "bob | 1 | 0", "bob | 1 | 0", "null | 4 | 1", "null | 4 | 1"]
    );
}

/// It had a row in complete mode over another aggregate, and none elsewhere.
#[test]
fn a_set_without_keys_has_no_row_of_no_rows() {
    let counts = "SELECT user_id, count(*) AS n FROM events WHERE total > 100 GROUP BY user_id";
    for sql in [
        "SELECT user_id, count(*) AS n FROM events WHERE total > 100 GROUP BY ROLLUP (user_id)".to_string(),
        format!("SELECT n, grouping(n) AS g, count(*) AS c FROM ({counts}) GROUP BY ROLLUP (n)"),
    ] {
        for mode in ["update", "complete"] {
            assert!(answer(mode, &sql).is_empty(), "{mode} {sql}: {:?}", answer(mode, &sql));
        }
    }
    let sql = "SELECT n, grouping(n) AS g, count(*) AS c FROM (SELECT user_id, count(*) AS n FROM events GROUP BY user_id) GROUP BY ROLLUP (n)";
    assert_eq!(answer("complete", sql), ["3 | 0 | 2", "null | 1 | 2"]);
}

#[test]
fn a_window_stands_beside_grouping_sets_and_in_each_of_them() {
    let wanted = [
        "1970-01-01T00:00:00Z | ann | 2",
        "1970-01-01T00:00:00Z | bob | 1",
        "1970-01-01T00:00:00Z | null | 3",
        "1970-01-01T00:01:00Z | ann | 1",
        "1970-01-01T00:01:00Z | bob | 2",
        "1970-01-01T00:01:00Z | null | 3",
    ];
    for groups in [
        "window(event_time, '1 minute'), ROLLUP (user_id)",
        "window(event_time, '1 minute'), CUBE (user_id)",
        "GROUPING SETS ((window(event_time, '1 minute'), user_id), (window(event_time, '1 minute')))",
    ] {
        let sql = format!("SELECT window.start AS s, user_id, count(*) AS n FROM events GROUP BY {groups}");
        for mode in ["append", "update", "complete"] {
            assert_eq!(answer(mode, &sql), wanted, "{mode}: {sql}");
        }
        let over = format!(
            "SELECT s, user_id, sum(n) AS n FROM ({}) GROUP BY s, user_id",
            sql.replace(
                "FROM events",
                "FROM (SELECT event_time, max(user_id) AS user_id FROM events GROUP BY event_time)"
            )
        );
        assert_eq!(answer("update", &over), wanted, "{over}");
    }
}

#[test]
fn a_pivot_has_a_column_for_each_value() {
    for (sql, wanted) in [
        (
            "SELECT * FROM (SELECT user_id, event_type, total FROM events) PIVOT (sum(total) FOR event_type IN ('view' AS v, 'buy', 'x'))",
            vec!["ann | 4 | 4 | null", "bob | 6 | 2 | null"],
        ),
        (
            "SELECT p.buy_n, p.user_id, view_t FROM (SELECT user_id, event_type, total FROM events) PIVOT (count(*) AS n, sum(total) AS t FOR event_type IN ('view', 'buy')) AS p WHERE user_id = 'ann'",
            vec!["1 | ann | 4"],
        ),
        (
            "WITH e AS (SELECT event_type, success, total FROM events) SELECT * FROM e PIVOT (max(total) AS m FOR (event_type, success) IN (('view', true) AS a, ('view', NULL) AS b, ('buy', true) AS c))",
            vec!["1 | 6 | 4"],
        ),
        (
            "SELECT a.user_id, a.view FROM (SELECT * FROM (SELECT user_id, event_type FROM events)) PIVOT (count(*) FOR event_type IN ('view')) a WHERE a.view > 1",
            vec!["ann | 2"],
        ),
    ] {
        for mode in ["update", "complete"] {
            assert_eq!(answer(mode, sql), wanted, "{mode}: {sql}");
        }
    }
}

#[test]
fn window_functions_and_the_first_of_each_key_in_update_mode() {
    for sql in [
        "SELECT user_id, total FROM (SELECT user_id, total, row_number() OVER (PARTITION BY user_id ORDER BY total DESC) AS rn FROM events) WHERE rn <= 2",
        "SELECT user_id, total FROM (SELECT *, rank() OVER (PARTITION BY user_id ORDER BY total DESC) AS rn FROM events) WHERE rn < 3",
    ] {
        assert_eq!(answer("update", sql), ["ann | 3", "ann | 4", "bob | 5", "bob | 6"], "{sql}");
    }
}

#[test]
fn the_first_and_last_of_a_window_may_leave_nulls_out() {
    for (call, wanted) in [
        ("first(quantity) OVER (PARTITION BY user_id ORDER BY total DESC)", ["3", "3", "3", "-7", "-7", "-7"]),
        (
            "first(quantity, true) OVER (PARTITION BY user_id ORDER BY abs(total - 3))",
            ["3", "null", "3", "2", "2", "2"],
        ),
        ("last(quantity IGNORE NULLS) OVER (PARTITION BY user_id ORDER BY total)", ["5", "5", "3", "2", "0", "-7"]),
        ("last_value(quantity, false) OVER (PARTITION BY user_id ORDER BY total)", ["5", "null", "3", "2", "0", "-7"]),
        ("try_sum(quantity) OVER (PARTITION BY user_id ORDER BY total)", ["5", "5", "8", "2", "2", "-5"]),
    ] {
        let sql = format!("SELECT user_id, total, {call} AS x FROM events");
        let wanted: Vec<String> = [1, 3, 4, 2, 5, 6]
            .iter()
            .zip(wanted)
            .map(|(total, x)| format!("{} | {total} | {x}", if [1, 3, 4].contains(total) { "ann" } else { "bob" }))
            .collect();
        assert_eq!(answer("update", &sql), wanted, "{sql}");
    }
}

#[test]
fn sessions_unions_distinct_and_aggregates_of_aggregates() {
    for (mode, sql, wanted) in [
        (
            "append",
            "SELECT session_window.start AS s, session_window.end AS e, user_id, count(*) AS n FROM events GROUP BY session_window(event_time, '30 seconds'), user_id",
            vec![
                "1970-01-01T00:00:00Z | 1970-01-01T00:00:30Z | ann | 1",
                "1970-01-01T00:00:01Z | 1970-01-01T00:00:31Z | bob | 1",
                "1970-01-01T00:00:59Z | 1970-01-01T00:01:30Z | ann | 2",
                "1970-01-01T00:01:01Z | 1970-01-01T00:01:32Z | bob | 2",
            ],
        ),
        (
            "append",
            "SELECT user_id FROM events WHERE total < 3 UNION ALL SELECT event_type FROM events WHERE total = 1",
            vec!["ann", "bob", "view"],
        ),
        ("append", "SELECT DISTINCT user_id FROM events", vec!["ann", "bob"]),
        (
            "update",
            "SELECT n, count(*) AS users FROM (SELECT user_id, count(*) AS n FROM events GROUP BY user_id) GROUP BY n",
            vec!["3 | 2"],
        ),
        (
            "append",
            "SELECT count(*) AS keys, sum(n) AS n FROM (SELECT window AS w, user_id, count(*) AS n FROM events GROUP BY window(event_time, '1 minute'), user_id) GROUP BY window(w, '1 hour')",
            vec!["4 | 6"],
        ),
        (
            "append",
            "SELECT s, user_id FROM (SELECT window.start AS s, window AS w, user_id, count(*) AS n FROM events GROUP BY window(event_time, '1 minute'), user_id) QUALIFY row_number() OVER (PARTITION BY w ORDER BY n DESC) = 1",
            vec!["1970-01-01T00:00:00Z | ann", "1970-01-01T00:01:00Z | bob"],
        ),
        (
            "append",
            "SELECT e.total, p.name FROM events e JOIN (VALUES ('ann', 'A'), ('eve', 'E')) AS p(id, name) ON e.user_id = p.id WHERE total < 4",
            vec!["1 | A", "3 | A"],
        ),
    ] {
        if sql.contains("VALUES") {
            assert!(plan_one(mode, sql).is_ok(), "{sql}: {:?}", plan_one(mode, sql).err());
            continue;
        }
        assert_eq!(answer(mode, sql), wanted, "{sql}");
    }
}
#[test]
fn the_same_aggregate_twice_below_the_fields_of_its_window() {
    let sql = "SELECT w.start AS s, a, b FROM (SELECT window AS w, max(total) AS a, max(total) AS b FROM events GROUP BY window(event_time, '1 minute')) q";
    assert_eq!(answer("append", sql), ["1970-01-01T00:00:00Z | 3 | 3", "1970-01-01T00:01:00Z | 6 | 6"]);
}

#[test]
fn null_is_the_smallest_in_every_order() {
    let ranked = |order: &str| {
        let sql = format!(
            "SELECT total, rn FROM (SELECT total, row_number() OVER (PARTITION BY user_id ORDER BY {order}, total) AS rn FROM events WHERE user_id = 'ann')"
        );
        answer("update", &sql)
    };
    // Quantities of ann's rows: 5, NULL, 3.
    assert_eq!(ranked("quantity"), ["1 | 3", "3 | 1", "4 | 2"]);
    assert_eq!(ranked("quantity DESC"), ["1 | 1", "3 | 3", "4 | 2"]);
    assert_eq!(ranked("quantity DESC NULLS FIRST"), ["1 | 2", "3 | 1", "4 | 3"]);
    let sorted = "SELECT quantity, count(*) AS n FROM events GROUP BY quantity ORDER BY quantity LIMIT 1";
    assert_eq!(answer("complete", sorted), ["null | 1"]);
}

#[test]
fn windows_of_windows_in_complete_mode() {
    for window in ["window(w, '1 hour')", "window(t, '1 hour')"] {
        let sql = format!(
            "SELECT window.start AS s, sum(n) AS n, count(*) AS keys FROM (SELECT window AS w, window_time(window) AS t, user_id, count(*) AS n FROM events GROUP BY window(event_time, '1 minute'), user_id) GROUP BY {window}"
        );
        assert_eq!(answer("complete", &sql), ["1970-01-01T00:00:00Z | 6 | 4"]);
    }
}

#[test]
fn the_first_rows_of_a_window_change_until_its_end_and_not_only_until_its_start() {
    let sql = "SELECT w.start AS s, n, rn FROM (SELECT *, row_number() OVER (PARTITION BY w ORDER BY n DESC) AS rn FROM (SELECT window AS w, count(*) AS n FROM events GROUP BY window(event_time, '1 minute')) q) q WHERE rn <= 2";
    let (graph, _) = plan_one("update", sql).unwrap();
    let schema = &graph.sources["events"].schema;
    let row = |second: i64| rows(schema, vec![("event_time", times(&[second * SECOND]))]);
    let epochs: Vec<_> = [(10, None), (40, Some(20)), (50, Some(40))]
        .map(|(second, watermark)| (vec![row(second)], watermark.map(|second: i64| second * SECOND)))
        .into();
    assert_eq!(lines(&run(&graph, 0, &epochs)), ["1970-01-01T00:00:00Z | 3 | 1"]);
}

#[test]
fn a_count_of_windows_in_complete_mode_is_zero_before_there_is_one() {
    let sql = "SELECT count(*) AS n, sum(n) AS s FROM (SELECT window AS w, count(*) AS n FROM events GROUP BY window(event_time, '1 minute'))";
    let (graph, _) = plan_one("complete", sql).unwrap();
    let schema = &graph.sources["events"].schema;
    let nothing = rows(schema, vec![("user_id", texts(&[Some("without a time")]))]);
    assert_eq!(lines(&run(&graph, 0, &[(vec![nothing], None)])), ["0 | null"]);
    let something = rows(schema, vec![("event_time", times(&[0, SECOND, MINUTE]))]);
    assert_eq!(lines(&run(&graph, 0, &[(vec![something], None)])), ["2 | 3"]);
}

/// `WITH ROLLUP` was left out without a word.
#[test]
fn groups_in_spark_s_older_forms() {
    let wanted = vec!["ann | 3", "bob | 3", "null | 6"];
    for sql in [
        "SELECT user_id, count(*) AS n FROM events GROUP BY user_id WITH ROLLUP",
        "SELECT user_id, count(*) AS n FROM events GROUP BY user_id WITH CUBE",
        "SELECT user_id, count(*) AS n FROM events GROUP BY user_id GROUPING SETS ((user_id), ())",
        "SELECT user_id, count(*) AS n FROM events GROUP BY ROLLUP (user_id)",
    ] {
        assert_eq!(answer("complete", sql), wanted, "{sql}");
    }
    let ids = "SELECT user_id, event_type, grouping_id(user_id, event_type) AS g, grouping_id() AS h, count(*) AS n FROM events
               WHERE event_type = 'view' GROUP BY CUBE (user_id, event_type)";
    let wanted =
        vec!["ann | null | 1 | 1 | 2", "ann | view | 0 | 0 | 2", "bob | null | 1 | 1 | 1", "bob | view | 0 | 0 | 1"];
    let wanted = [wanted, vec!["null | null | 3 | 3 | 3", "null | view | 2 | 2 | 3"]].concat();
    assert_eq!(answer("complete", ids), wanted);
}

/// `payload.*` was every column of the table, and `payload.a` a column with a name of its own.
#[test]
fn fields_of_structs_have_their_own_names() {
    let json =
        "from_json(concat('{\"a\":', CAST(total AS STRING), ',\"B\":{\"c\":\"x\"}}'), 'a INT, B STRUCT<c: STRING>')";
    for (select, names, wanted) in [
        ("p.*", vec!["a", "B"], "3 | {c: x}"),
        ("q.p.*, p.a + 1 AS next", vec!["a", "B", "next"], "3 | {c: x} | 4"),
        ("p.a, q.p.b.c, q.total", vec!["a", "c", "total"], "3 | x | 3"),
        ("p.b.*", vec!["c"], "x"),
        ("q.*", vec!["p", "total"], "{a: 3, B: {c: x}} | 3"),
    ] {
        for sql in [
            format!("SELECT {select} FROM (SELECT {json} AS p, total FROM events WHERE total = 3) q"),
            format!("WITH q AS (SELECT {json} AS p, total FROM events WHERE total = 3) SELECT {select} FROM q"),
        ] {
            let (graph, table) = plan_one("append", &sql).unwrap_or_else(|problems| panic!("{sql}: {problems:?}"));
            let fields: Vec<String> = table.schema.fields().iter().map(|field| field.name().clone()).collect();
            assert_eq!(fields, names, "{sql}");
            let found = front(&graph, 0).run(&events(&graph.sources["events"].schema)).unwrap();
            assert_eq!(lines(&found.rows), vec![wanted], "{sql}");
        }
    }
    let inner =
        format!("SELECT a, c FROM (SELECT p.a, p.B.c FROM (SELECT {json} AS p FROM events WHERE total = 3) q) r");
    assert_eq!(answer_of_rows(&inner), vec!["3 | x"]);
}

fn answer_of_rows(sql: &str) -> Vec<String> {
    let (graph, _) = plan_one("append", sql).unwrap_or_else(|problems| panic!("{sql}: {problems:?}"));
    lines(&front(&graph, 0).run(&events(&graph.sources["events"].schema)).unwrap().rows)
}

#[test]
fn a_part_of_with_may_have_the_name_of_what_it_reads() {
    let sql = "WITH events AS (SELECT * FROM events WHERE total > 4), more AS (SELECT total FROM events) SELECT total FROM more";
    assert_eq!(answer_of_rows(sql), vec!["5", "6"]);
    let twice = "WITH events AS (WITH events AS (SELECT total FROM events WHERE total > 3) SELECT * FROM events WHERE total < 6)
                 SELECT * FROM events";
    assert_eq!(answer_of_rows(twice), vec!["4", "5"]);
    let later =
        "WITH a AS (SELECT total FROM events), events AS (SELECT total FROM a WHERE total > 5) SELECT * FROM events";
    assert_eq!(answer_of_rows(later), vec!["6"]);
    let circle = plan_one("append", "WITH a AS (SELECT * FROM b), b AS (SELECT total FROM events) SELECT * FROM a");
    assert!(circle.unwrap_err()[0].problem.message.contains("`b`"));
}
