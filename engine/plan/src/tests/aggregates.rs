//! Aggregate functions: what each gives, that partial states merge in order, and that states are the same bytes on every run.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use epoch::EpochId;
use operators::aggregate::Delta;
use operators::operator::{EpochTime, Sign};
use state::KeyPartitioning;

use super::engine::{MINUTE, doubles, flags, front, ints, lines, operator, plan_one, rows, run, texts, times};

/// A call, and the text of what it gives over `total` 1..=6 with `quantity` 5, 2, null, 3, 0, -7.
const CALLS: &[(&str, &str)] = &[
    ("count(*)", "6"),
    ("count(quantity)", "5"),
    ("count(DISTINCT user_id)", "2"),
    ("count(DISTINCT user_id, event_type)", "4"),
    ("count(DISTINCT user_id, success)", "3"),
    ("count(DISTINCT quantity) FILTER (WHERE total > 2)", "3"),
    ("sum(quantity)", "3"),
    ("sum(DISTINCT total % 2)", "1"),
    ("try_sum(quantity)", "3"),
    ("try_sum(price)", "12.0"),
    ("try_sum(CAST(price AS DECIMAL(5, 2)))", "12.00"),
    ("try_sum(total % 7 + 9223372036854775800)", "null"),
    ("try_sum(CASE total WHEN 1 THEN 9223372036854775807 WHEN 2 THEN 1 WHEN 3 THEN -1 END)", "9223372036854775807"),
    ("percentile(total, 1)", "6.0"),
    ("try_sum(total) FILTER (WHERE total > 9)", "null"),
    ("try_sum(CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0)))", "null"),
    ("try_sum(DISTINCT total % 2)", "1"),
    ("try_avg(quantity)", "0.6"),
    ("avg(quantity)", "0.6"),
    ("mean(quantity)", "0.6"),
    ("avg(DISTINCT total % 3)", "1.0"),
    ("min(event_type)", "buy"),
    ("max(total)", "6"),
    ("count_if(total > 2)", "4"),
    ("count_if(success)", "3"),
    ("first(quantity)", "5"),
    ("first_value(total)", "1"),
    ("last(total)", "6"),
    ("last_value(event_type)", "view"),
    ("any_value(total)", "1"),
    ("first(price)", "null"),
    ("first(price, true)", "2.5"),
    ("first(price) IGNORE NULLS", "2.5"),
    ("last(price, true)", "7.5"),
    ("last(price)", "null"),
    ("first(total ORDER BY quantity DESC)", "1"),
    ("first(price IGNORE NULLS)", "2.5"),
    ("first_value(price IGNORE NULLS)", "2.5"),
    ("first(price RESPECT NULLS)", "null"),
    ("last(price IGNORE NULLS)", "7.5"),
    ("last_value(price ignore nulls)", "7.5"),
    ("last_value(price, true)", "7.5"),
    ("any_value(price IGNORE NULLS)", "2.5"),
    ("any_value(price, true)", "2.5"),
    ("first(price IGNORE NULLS) FILTER (WHERE total > (2 + 0))", "2.0"),
    ("last(price) IGNORE NULLS", "7.5"),
    ("min_by(event_type, quantity)", "view"),
    ("max_by(total, quantity)", "1"),
    ("max_by(user_id, price)", "bob"),
    ("collect_list(quantity)", "[5, 2, 3, 0, -7]"),
    ("collect_set(event_type)", "[view, buy]"),
    ("collect_set(user_id)", "[ann, bob]"),
    ("percentile(total, 0.5)", "3.5"),
    ("percentile(total, array(0.25, 0.75))", "[2.25, 4.75]"),
    ("median(total)", "3.5"),
    ("percentile_approx(total, 0.5)", "3"),
    ("approx_percentile(total, 0.5, 100)", "3"),
    ("percentile_approx(total, array(0.5, 0.4, 0.1))", "[3, 3, 1]"),
    ("mode(event_type)", "view"),
    ("mode(success)", "true"),
    ("mode(quantity)", "5"),
    ("mode(quantity, true)", "-7"),
    ("mode(quantity, false)", "5"),
    ("mode() WITHIN GROUP (ORDER BY quantity)", "-7"),
    ("mode() WITHIN GROUP (ORDER BY quantity DESC)", "5"),
    ("percentile_cont(0.5) WITHIN GROUP (ORDER BY total)", "3.5"),
    ("percentile_cont(0.25) WITHIN GROUP (ORDER BY total DESC)", "4.75"),
    ("percentile_cont(array(0.25, 0.5)) WITHIN GROUP (ORDER BY total)", "[2.25, 3.5]"),
    ("percentile_disc(0.5) WITHIN GROUP (ORDER BY total)", "3.0"),
    ("percentile_disc(0.5) WITHIN GROUP (ORDER BY total DESC)", "4.0"),
    ("percentile_disc(0) WITHIN GROUP (ORDER BY quantity)", "-7.0"),
    ("percentile_disc(array(0.5, 0.51)) WITHIN GROUP (ORDER BY total)", "[3.0, 4.0]"),
    ("percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FILTER (WHERE total < 4)", "2.0"),
    ("approx_count_distinct(user_id)", "2"),
    ("approx_count_distinct(user_id, 0.05)", "2"),
    ("stddev(total)", "1.8708286933869707"),
    ("stddev_samp(total)", "1.8708286933869707"),
    ("stddev_pop(total)", "1.707825127659933"),
    ("variance(total)", "3.5"),
    ("var_samp(total)", "3.5"),
    ("var_pop(total)", "2.9166666666666665"),
    ("covar_pop(total, total)", "2.9166666666666665"),
    ("covar_samp(total, total)", "3.5"),
    ("corr(total, total)", "1.0"),
    ("skewness(total)", "0.0"),
    ("kurtosis(total)", "-1.2685714285714282"),
    ("bool_and(success)", "false"),
    ("every(success)", "false"),
    ("bool_or(success)", "true"),
    ("some(success)", "true"),
    ("bit_and(total)", "0"),
    ("bit_or(total)", "7"),
    ("bit_xor(total)", "7"),
    ("array_agg(total ORDER BY total DESC)", "[6, 5, 4, 3, 2, 1]"),
    ("array_agg(DISTINCT event_type ORDER BY event_type)", "[buy, view]"),
    ("array_agg(quantity)", "[5, 2, 3, 0, -7]"),
    ("array_agg(quantity ORDER BY quantity)", "[-7, 0, 2, 3, 5]"),
    ("array_agg(DISTINCT event_type)", "[view, buy]"),
    ("collect_list(DISTINCT event_type)", "[view, buy]"),
    ("string_agg(DISTINCT event_type, ',')", "view,buy"),
    // DISTINCT changes what functions of our own give, too
    ("kurtosis(DISTINCT total % 2)", "-2.0"),
    ("skewness(DISTINCT total % 3 % 2)", "0.0"),
    ("median(DISTINCT CASE WHEN total > 1 THEN 9 ELSE 1 END)", "5.0"),
    ("percentile(DISTINCT CASE WHEN total > 1 THEN 9 ELSE 1 END, 0.5)", "5.0"),
    ("percentile_approx(DISTINCT CASE WHEN total > 1 THEN 9 ELSE 1 END, 0.5)", "1"),
    ("count_if(DISTINCT success)", "1"),
    ("max_by(DISTINCT event_type, total)", "view"),
    // casts of one value beside the value
    ("max(total) - max(CAST(total AS INT)) + sum(CAST(total AS DOUBLE)) - sum(total)", "0.0"),
    ("max(CAST(quantity AS STRING)) || max(quantity)", "55"),
    ("array_agg(DISTINCT total % 4 ORDER BY total % 4 DESC)", "[3, 2, 1, 0]"),
    ("stddev(DISTINCT total % 2)", "0.7071067811865476"),
    ("approx_percentile_cont(total, 0.5)", "3.5"),
    ("approx_median(total)", "3.5"),
    ("approx_distinct(user_id)", "2"),
    ("nth_value(total, 2 ORDER BY total)", "2"),
    ("string_agg(event_type, ',')", "view,buy,view,buy,view"),
    ("listagg(event_type, ',')", "view,buy,view,buy,view"),
    ("listagg(event_type)", "viewbuyviewbuyview"),
    ("string_agg(event_type)", "viewbuyviewbuyview"),
    ("listagg(event_type, NULL)", "viewbuyviewbuyview"),
    ("listagg(event_type, ',') WITHIN GROUP (ORDER BY total DESC)", "view,buy,view,buy,view"),
    ("listagg(user_id, ',') WITHIN GROUP (ORDER BY total DESC)", "bob,bob,ann,ann,bob,ann"),
    ("string_agg(user_id, ',') WITHIN GROUP (ORDER BY user_id, total)", "ann,ann,ann,bob,bob,bob"),
    ("listagg(DISTINCT user_id, ', ') WITHIN GROUP (ORDER BY user_id DESC)", "bob, ann"),
    ("listagg(DISTINCT user_id)", "annbob"),
    ("listagg(user_id, ',') FILTER (WHERE total > 9)", "null"),
    ("listagg(DISTINCT user_id, ',') WITHIN GROUP (ORDER BY user_id) FILTER (WHERE total > 9)", "null"),
    ("regr_slope(total, total)", "1.0"),
    ("regr_intercept(total, total)", "0.0"),
    ("regr_count(total, quantity)", "5"),
    ("regr_r2(total, total)", "1.0"),
    ("regr_avgx(total, quantity)", "0.6"),
    ("regr_avgy(total, quantity)", "3.6"),
    ("regr_sxx(total, total)", "17.5"),
    ("regr_syy(total, total)", "17.5"),
    ("regr_sxy(total, total)", "17.5"),
    ("count(quantity, price)", "3"),
    ("sum(price)", "12.0"),
    ("std(total)", "1.8708286933869707"),
    ("bit_and(quantity)", "0"),
    ("max(struct(total, user_id)).total", "6"),
    ("min_by(DISTINCT event_type, total)", "view"),
    ("max_by(struct(success, total), price).success", "true"),
    ("get(collect_list(struct(user_id, total)), 0).total", "1"),
    ("any(success)", "true"),
];

fn events(schema: &arrow::datatypes::SchemaRef) -> RecordBatch {
    rows(
        schema,
        vec![
            ("event_time", times(&[0, 1, 2, 3, 4, 5])),
            ("event_type", texts(&[Some("view"), Some("buy"), Some("view"), Some("buy"), None, Some("view")])),
            ("user_id", texts(&[Some("ann"), Some("bob"), Some("ann"), Some("ann"), Some("bob"), Some("bob")])),
            ("quantity", ints(&[Some(5), Some(2), None, Some(3), Some(0), Some(-7)])),
            ("total", Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5, 6]))),
            ("price", doubles(&[None, Some(2.5), None, Some(2.0), Some(7.5), None])),
            ("success", flags(&[Some(true), None, Some(false), Some(true), Some(true), None])),
        ],
    )
}

/// The result over the six events, cut at these places: each part is the one lane of an epoch.
fn result_of(call: &str, cuts: &[usize]) -> Result<String, String> {
    let sql = format!("SELECT CAST({call} AS STRING) AS x FROM events");
    let (graph, _) = plan_one("complete", &sql).map_err(|problems| {
        problems.iter().map(|problem| problem.problem.message.clone()).collect::<Vec<_>>().join("; ")
    })?;
    let all = events(&graph.sources["events"].schema);
    let ends = cuts.iter().copied().chain([6]);
    let mut start = 0;
    let mut epochs = Vec::new();
    for end in ends {
        epochs.push((vec![all.slice(start, end - start)], None));
        start = end;
    }
    Ok(lines(&run(&graph, 0, &epochs)).join("\n"))
}

#[test]
fn aggregates_give_what_spark_gives_however_the_rows_are_cut() {
    let mut wrong = Vec::new();
    for (call, wanted) in CALLS {
        for cuts in [&[][..], &[3], &[1, 2, 4, 5], &[0, 6]] {
            let found = result_of(call, cuts).unwrap_or_else(|error| format!("fails: {error}"));
            let close =
                found.parse::<f64>().ok().zip(wanted.parse::<f64>().ok()).is_some_and(|(a, b)| (a - b).abs() < 1e-9);
            if found != *wanted && !close {
                wrong.push(format!("{call} cut at {cuts:?} is {found}, not {wanted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Calls that depend on the order of rows: where rows are retracted there is no order of arrival.
fn depends_on_order(call: &str) -> bool {
    let order = [
        "first",
        "last",
        "any_value",
        "collect_",
        "array_agg",
        "_agg(",
        "listagg",
        "mode(event",
        "min_by(DI",
        "max_by(DI",
    ];
    !call.contains("ORDER BY") && order.iter().any(|name| call.contains(name))
        || ["mode(quantity)", "mode(quantity, false)"].contains(&call)
}

#[test]
fn aggregates_over_rows_that_are_taken_back_give_what_they_give_over_the_last_ones() {
    let mut wrong = Vec::new();
    for (call, wanted) in CALLS.iter().filter(|(call, _)| !depends_on_order(call)) {
        let sql = format!(
            "SELECT 1 AS k, CAST({call} AS STRING) AS x FROM (SELECT total, max(user_id) AS user_id, max(event_type) AS event_type, \
             max(quantity) AS quantity, max(price) AS price, bool_or(success) AS success FROM events GROUP BY total) GROUP BY 1"
        );
        let (graph, _) = plan_one("update", &sql).unwrap_or_else(|problems| panic!("{sql}: {problems:?}"));
        let all = events(&graph.sources["events"].schema);
        let before = before(&graph.sources["events"].schema);
        let epochs = [
            (vec![before.slice(0, 4)], None),
            (vec![before.slice(4, 2), all.slice(0, 3)], None),
            (vec![all.slice(3, 3)], None),
        ];
        let found = lines(&run(&graph, 0, &epochs)).join("\n");
        let found = found.strip_prefix("1 | ").unwrap_or(&found);
        let close =
            found.parse::<f64>().ok().zip(wanted.parse::<f64>().ok()).is_some_and(|(a, b)| (a - b).abs() < 1e-9);
        if found != *wanted && !close {
            wrong.push(format!("{call} is {found}, not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rows of the same keys as [`events`], which those then take the place of.
fn before(schema: &arrow::datatypes::SchemaRef) -> RecordBatch {
    rows(
        schema,
        vec![
            ("event_time", times(&[0, 1, 2, 3, 4, 5])),
            ("event_type", texts(&[Some("a"), None, Some("b"), Some("a"), None, Some("a")])),
            ("user_id", texts(&[Some("a"), Some("a"), Some("a"), Some("a"), Some("a"), Some("a")])),
            ("quantity", ints(&[Some(-9), Some(-9), None, Some(-9), None, Some(-9)])),
            ("total", Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5, 6]))),
            ("price", doubles(&[None, Some(-1.0), None, Some(1.5), None, None])),
            ("success", flags(&[Some(false), None, Some(false), None, Some(false), None])),
        ],
    )
}

#[test]
fn a_state_is_the_same_bytes_on_every_run() {
    let mut differing = Vec::new();
    for (call, _) in CALLS {
        let call = call
            .replace("user_id", "user_id || CAST(total % 500 AS STRING)")
            .replace("event_type", "CAST(total % 100 AS STRING)");
        let sql = format!(
            "SELECT window.start AS s, success, {call} AS x FROM events GROUP BY window(event_time, '1 minute'), success"
        );
        let (graph, _) = plan_one("update", &sql).unwrap_or_else(|problems| panic!("{sql}: {problems:?}"));
        let operator = operator(&graph);
        let count = 5_000;
        let input = rows(
            &graph.sources["events"].schema,
            vec![
                ("event_time", times(&(0..count).map(|at| at * MINUTE / 1_000).collect::<Vec<_>>())),
                ("user_id", texts(&vec![Some("u"); count as usize])),
                ("total", Arc::new(Int64Array::from_iter_values((0..count).map(|at| at * 7919 % 3001)))),
                ("quantity", ints(&(0..count as i32).map(|at| Some(at * 31 % 977)).collect::<Vec<_>>())),
                ("price", doubles(&(0..count).map(|at| Some((at * 31 % 977) as f64 / 7.0)).collect::<Vec<_>>())),
                ("success", flags(&(0..count).map(|at| Some(at % 3 == 0)).collect::<Vec<_>>())),
            ],
        );
        let blocks = || {
            let time = EpochTime { epoch: EpochId(0), batch_time_us: 0, watermark_us: None, late_us: None };
            let mut lane = Arc::clone(operator).lane(KeyPartitioning::default()).unwrap();
            lane.push(0, Sign::Add, &front(&graph, 0).run(&input).unwrap().rows, &time).unwrap();
            let deltas = lane.finish().unwrap().downcast::<Vec<Delta>>().unwrap();
            deltas.into_iter().map(|delta| (delta.bucket, delta.bytes)).collect::<Vec<_>>()
        };
        if blocks() != blocks() {
            differing.push(call);
        }
    }
    assert_eq!(differing, Vec::<String>::new());
}
