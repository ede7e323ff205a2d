//! Queries over rows that stand still, as `engine sql` runs them, with the answers of Spark 4.

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::physical_plan::common::collect;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::DFParserBuilder;
use futures::FutureExt;
use futures::executor::block_on;

use super::engine::lines;
use crate::{Readable, SparkDialect, session, session_config, with_literals, with_rules};
use expr::typing::TypeRules;

fn reading(rules: TypeRules) -> SessionContext {
    let mut config = with_rules(session_config(), rules);
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let context = session(config);
    expr::register_batch(&context).unwrap();
    context
}

fn run(sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>), String> {
    run_by(sql, TypeRules::Before)
}

/// The columns and rows of a query by rules of types.
pub fn run_by(sql: &str, rules: TypeRules) -> Result<(SchemaRef, Vec<RecordBatch>), String> {
    let context = reading(rules);
    let text = with_literals(sql, rules);
    let parser = DFParserBuilder::new(text.as_str()).with_dialect(&SparkDialect).build();
    let statement = parser.and_then(|mut parser| parser.parse_statement()).map_err(|error| error.to_string())?;
    // Planning waits for nothing; and an executor inside of another is refused, which planning has.
    let readable = Readable::default();
    let planned = readable.plan(&context.state(), statement).now_or_never().expect("planning waits for something");
    let plan = planned.map_err(|fault| format!("{fault:?}"))?;
    let plan = block_on(context.state().create_physical_plan(&plan)).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for partition in 0..plan.properties().partitioning.partition_count() {
        let stream = plan.execute(partition, context.task_ctx()).map_err(|error| error.to_string())?;
        rows.extend(block_on(collect(stream)).map_err(|error| error.to_string())?);
    }
    Ok((plan.schema(), rows))
}

/// The rows of a query as text, sorted.
fn answer(sql: &str) -> Vec<String> {
    let (_, rows) = run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut all: Vec<String> = rows.iter().flat_map(lines).collect();
    all.sort();
    all
}

/// The values of expressions, each over no table.
fn values(expressions: &[(&str, &str)]) {
    for (expression, wanted) in expressions {
        assert_eq!(answer(&format!("SELECT {expression} AS it")), [*wanted], "{expression}");
    }
}

fn refusal(sql: &str) -> String {
    match run(sql) {
        Ok((_, rows)) => panic!("{sql}: {rows:?}"),
        Err(error) => error,
    }
}

/// Three tables with a common column, which stands second in the second.
fn joined(select: &str) -> Vec<String> {
    answer(&format!(
        "WITH l AS (SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (CAST(NULL AS INT), 'n')) AS t(k, x)),
         r AS (SELECT * FROM (VALUES ('B', 2), ('C', 3)) AS t(y, k)),
         m AS (SELECT * FROM (VALUES (3, 'm3'), (9, 'm9')) AS t(k, z)) {select}"
    ))
}

#[test]
fn the_column_of_using_is_the_one_that_there_is() {
    for (select, wanted) in [
        ("SELECT * FROM l FULL JOIN r USING (k)", vec!["1 | a | null", "2 | b | B", "3 | null | C", "null | n | null"]),
        ("SELECT * FROM l NATURAL FULL JOIN r", vec!["1 | a | null", "2 | b | B", "3 | null | C", "null | n | null"]),
        ("SELECT * FROM l RIGHT JOIN r USING (k)", vec!["2 | b | B", "3 | null | C"]),
        ("SELECT * FROM l LEFT JOIN r USING (k)", vec!["1 | a | null", "2 | b | B", "null | n | null"]),
        ("SELECT r.* FROM l JOIN r USING (k)", vec!["2 | B"]),
        ("SELECT k FROM l LEFT SEMI JOIN r USING (k)", vec!["2"]),
        (
            "SELECT k, l.k AS lk, r.k AS rk FROM l FULL JOIN r USING (K) WHERE K IS NOT NULL",
            vec!["1 | 1 | null", "2 | 2 | 2", "3 | null | 3"],
        ),
        (
            "SELECT * FROM l FULL JOIN r USING (k) FULL JOIN m USING (k)",
            vec![
                "1 | a | null | null",
                "2 | b | B | null",
                "3 | null | C | m3",
                "9 | null | null | m9",
                "null | n | null | null",
            ],
        ),
        ("SELECT k, z FROM l FULL JOIN r USING (k) JOIN m USING (k)", vec!["3 | m3"]),
        ("SELECT k, y FROM l FULL JOIN r USING (k) JOIN (SELECT k AS k2, z FROM m) AS n ON k = k2", vec!["3 | C"]),
        ("SELECT y FROM l FULL JOIN r USING (k) WHERE k = 3", vec!["C"]),
        ("SELECT k, count(*) AS n FROM l FULL JOIN r USING (k) GROUP BY k HAVING k > 1", vec!["2 | 1", "3 | 1"]),
        ("SELECT upper(x) AS k FROM l FULL JOIN r USING (k) ORDER BY k", vec!["A", "B", "N", "null"]),
        ("SELECT max(x) AS x FROM l FULL JOIN r USING (k) GROUP BY k ORDER BY k", vec!["a", "b", "n", "null"]),
        ("SELECT k FROM (SELECT k, x FROM l) FULL JOIN (SELECT k, y FROM r) USING (k)", vec!["1", "2", "3", "null"]),
        ("SELECT transform(array(k), k -> k * 10)[0] AS t FROM l RIGHT JOIN r USING (k)", vec!["20", "30"]),
        (
            "SELECT k FROM l FULL JOIN r USING (k) WHERE EXISTS (SELECT 1 FROM m WHERE m.k = 3 AND m.z = 'm3' AND m.k = coalesce(l.k, r.k))",
            vec!["3"],
        ),
        ("SELECT * EXCEPT (x) FROM l FULL JOIN r USING (k)", vec!["1 | null", "2 | B", "3 | C", "null | null"]),
    ] {
        assert_eq!(joined(select), wanted, "{select}");
    }
    let error = refusal("SELECT k FROM (SELECT 1 AS k) AS l JOIN (SELECT 1 AS j) AS r USING (k)");
    assert!(error.contains("`k` of USING is no column of the right side"), "{error}");
}

#[test]
fn operators_bind_as_in_spark() {
    values(&[
        ("true IS NOT DISTINCT FROM true AND false", "false"),
        ("NULL IS DISTINCT FROM 1 OR false", "true"),
        ("3 = 7 DIV 2 AND false", "false"),
        ("true OR 7 DIV 2 = 3 AND false", "true"),
        ("2 + 7 DIV 2 * 2", "8"),
        ("NOT 1 IS DISTINCT FROM 1", "true"),
        ("!1 = 2", "true"),
        ("1 + 2 || 'x'", "3x"),
        ("CASE WHEN 1 IS NOT DISTINCT FROM 1 THEN 'y' ELSE 'n' END", "y"),
        ("false IS NOT DISTINCT FROM 1 = 2", "true"),
    ]);
    let rows = "(VALUES (false, 5), (true, 1), (true, 5)) AS t(b, i)";
    assert_eq!(answer(&format!("SELECT b, i FROM {rows} WHERE b IS NOT DISTINCT FROM true AND i = 1")), ["true | 1"]);
    assert_eq!(answer(&format!("SELECT i FROM {rows} WHERE b AND i DIV 2 = 2 OR i = 1")), ["1", "5"]);
}

#[test]
fn lists_under_and_and_or_know_null() {
    let rows = "(VALUES (CAST(NULL AS INT), 1, 2), (1, 5, 5), (5, 5, 5)) AS t(i, j, k)";
    for (condition, wanted) in [
        ("i IN (1) AND i IN (2)", ["null", "false", "false"]),
        ("i NOT IN (1) OR i NOT IN (2)", ["null", "true", "true"]),
        ("NOT (i IN (1) AND i IN (2))", ["null", "true", "true"]),
        ("(i = 1 OR i = 2) AND (i = 3 OR i = 4)", ["null", "false", "false"]),
        ("i IN (1, 2) AND i NOT IN (1, 2)", ["null", "false", "false"]),
        ("i ^ i", ["null", "0", "0"]),
        ("(i ^ 3) ^ i", ["null", "3", "3"]),
        ("i IN (1, 2) AND i NOT IN (2, NULL)", ["null", "null", "false"]),
        ("i IN (j, 1) AND i IN (k, 1)", ["null", "true", "true"]),
        ("NOT (i = 1 OR i = 2) OR NOT (i = 3 OR i = 4)", ["null", "true", "true"]),
        (
            "CASE WHEN i IN (1) AND i IN (2) THEN 'both' WHEN NOT (i IN (1) AND i IN (2)) THEN 'not' ELSE 'unknown' END",
            ["unknown", "not", "not"],
        ),
    ] {
        let wanted: Vec<String> =
            ["0", "1", "5"].iter().zip(wanted).map(|(i, value)| format!("{i} | {value}")).collect();
        assert_eq!(
            answer(&format!("SELECT coalesce(i, 0) AS i, {condition} AS it FROM {rows}")),
            wanted,
            "{condition}"
        );
    }
    assert_eq!(answer(&format!("SELECT count(*) FILTER (WHERE i NOT IN (1) OR i NOT IN (2)) AS n FROM {rows}")), ["2"]);
    assert_eq!(answer(&format!("SELECT i FROM {rows} WHERE NOT (i IN (1) AND i IN (2))")), ["1", "5"]);
    // What is put together still is, where nothing is lost by it.
    assert_eq!(
        answer(&format!("SELECT i FROM {rows} WHERE i = 1 OR i = 2 OR i = 3 OR i = 5 OR i IN (7, 8)")),
        ["1", "5"]
    );
}

#[test]
fn zeros_and_nans_are_one_value_wherever_they_are_compared() {
    values(&[
        ("array_contains(array(-0.0D), 0.0D)", "true"),
        ("array_position(array(1D, -0.0D), 0.0D)", "2"),
        ("array_remove(array(-0.0D, 1D), 0.0D)", "[1.0]"),
        ("array(-0.0D) = array(0.0D)", "true"),
        ("named_struct('a', -0.0D) = named_struct('a', 0.0D)", "true"),
        ("map(0.0D, 'x')[-0.0D]", "x"),
        ("array_intersect(array(-0.0D), array(0.0D))", "[0.0]"),
        ("equal_null(-0.0D, 0.0D)", "true"),
        ("nullif(-0.0D, 0.0D)", "null"),
        ("CASE -0.0D WHEN 0.0D THEN 'z' END", "z"),
        ("-0.0D NOT IN (0.0D, 1D, 2D, 3D, 4D)", "false"),
    ]);
    let inf = "CAST('Infinity' AS DOUBLE)";
    let rows =
        format!("(VALUES (1, -0.0D), (2, 0.0D), (3, CAST('NaN' AS DOUBLE)), (4, {inf} - {inf}), (5, 1D)) AS t(i, x)");
    let from = |select: &str| answer(&format!("SELECT {select} FROM {rows}"));
    let windows = "i, rank() OVER (ORDER BY x) AS r, count(*) OVER (PARTITION BY x) AS n";
    assert_eq!(from(windows), ["1 | 1 | 2", "2 | 1 | 2", "3 | 4 | 2", "4 | 4 | 2", "5 | 3 | 1"]);
    let compared = format!("{} FROM {rows} WHERE x NOT IN (0.0D, 1.0D, 2.0D, 3.0D)", "SELECT i");
    assert_eq!(answer(&compared), ["3", "4"]);
    assert_eq!(answer(&format!("SELECT i FROM {rows} WHERE x > 1.0D AND x = {inf} - {inf}")), ["3", "4"]);
    assert_eq!(answer(&format!("SELECT x, count(*) AS n FROM {rows} GROUP BY x")), ["0.0 | 2", "1.0 | 1", "NaN | 2"]);
    for key in ["named_struct('x', x)", "array(x)", "named_struct('x', array(x))"] {
        let groups = format!("SELECT count(*) AS n FROM (SELECT {key} AS k FROM {rows} GROUP BY {key}) AS g");
        assert_eq!(answer(&groups), ["3"], "{key}");
        let distinct = format!("SELECT count(DISTINCT {key}) AS d, size(collect_set({key})) AS s FROM {rows}");
        assert_eq!(answer(&distinct), ["3 | 3"], "{key}");
        let pairs = format!(
            "SELECT l.i AS a, r.i AS b FROM (SELECT i, {key} AS k FROM {rows}) AS l JOIN (SELECT i, {key} AS k FROM {rows}) AS r ON l.k = r.k AND l.i < r.i"
        );
        assert_eq!(answer(&pairs), ["1 | 2", "3 | 4"], "{key}");
    }
}

#[test]
fn extremes_of_arrays_and_structs_have_null_first() {
    let arrays = "(VALUES (array(1, 2)), (array(CAST(NULL AS INT))), (array(1))) AS t(a)";
    assert_eq!(answer(&format!("SELECT max(a) AS x, min(a) AS n FROM {arrays}")), ["[1, 2] | [null]"]);
    let structs = "(VALUES (1, named_struct('a', 1, 'b', 'x')), (2, named_struct('a', CAST(NULL AS INT), 'b', 'z')), (3, named_struct('a', 1, 'b', CAST(NULL AS STRING)))) AS t(i, s)";
    for (calls, wanted) in [
        ("max(s).b AS x, min(s).b AS n", "x | z"),
        ("max_by(i, s) AS x, min_by(i, s) AS n", "1 | 2"),
        ("max_by(s, s).b AS x, min_by(s, s).b AS n, min_by(i, array(s.a)) AS m", "x | z | 2"),
        ("array_max(collect_list(s)).b AS x, array_min(collect_list(s)).b AS n", "x | z"),
    ] {
        assert_eq!(answer(&format!("SELECT {calls} FROM {structs}")), [wanted], "{calls}");
    }
    assert_eq!(answer(&format!("SELECT array_max(collect_list(s)) IS NULL AS n FROM {structs} WHERE i > 9")), ["true"]);
    values(&[
        ("array_max(array(1D, CAST('NaN' AS DOUBLE), NULL))", "NaN"),
        ("array_min(array(CAST('NaN' AS DOUBLE), 5D))", "5.0"),
        ("array_min(array(CAST('NaN' AS DOUBLE)))", "NaN"),
        ("array_min(array(array(1), array(CAST(NULL AS INT))))", "[null]"),
        ("array_max(array(CAST(NULL AS INT)))", "null"),
        ("array_max(array(CAST(3 AS TINYINT), CAST(7 AS TINYINT)))", "7"),
    ]);
}

#[test]
fn frames_that_move_have_their_own_rows_only() {
    let rows = "(VALUES (1, 3.0D, 'a', true, 1), (2, -1.25D, 'b', false, 2), (3, CAST(NULL AS DOUBLE), CAST(NULL AS STRING), CAST(NULL AS BOOLEAN), CAST(NULL AS INT)), (4, 2.0D, 'a', true, 4)) AS t(i, x, s, b, n)";
    for (call, wanted) in [
        ("collect_list(n)", ["[1]", "[1, 2]", "[2]", "[4]"]),
        ("array_agg(n)", ["[1]", "[1, 2]", "[2]", "[4]"]),
        ("collect_set(s)", ["[a]", "[a, b]", "[b]", "[a]"]),
        ("bool_and(b)", ["true", "false", "false", "true"]),
        ("bool_or(b)", ["true", "true", "false", "true"]),
        ("count_if(b)", ["1", "1", "0", "1"]),
        ("any_value(s)", ["a", "a", "b", "null"]),
        ("bit_or(n)", ["1", "3", "2", "4"]),
        ("bit_and(n)", ["1", "0", "2", "4"]),
        ("bit_xor(n)", ["1", "3", "2", "4"]),
        ("approx_count_distinct(s)", ["1", "2", "1", "1"]),
        ("skewness(x)", ["null", "0.0", "null", "null"]),
        ("kurtosis(x)", ["null", "-2.0", "null", "null"]),
        ("try_sum(n)", ["1", "3", "2", "4"]),
        ("stddev_pop(x)", ["0.0", "2.125", "0.0", "0.0"]),
        ("var_pop(x)", ["0.0", "4.515625", "0.0", "0.0"]),
        ("covar_pop(x, n)", ["0.0", "-1.0625", "0.0", "0.0"]),
        ("sum(n)", ["1", "3", "2", "4"]),
        ("avg(n)", ["1.0", "1.5", "2.0", "4.0"]),
        ("min(s)", ["a", "a", "b", "a"]),
        ("max(x)", ["3.0", "3.0", "-1.25", "2.0"]),
        ("count(s)", ["1", "2", "1", "1"]),
        ("max(named_struct('n', n, 's', s)).n", ["1", "2", "2", "4"]),
        ("min(array(n))", ["[1]", "[1]", "[null]", "[null]"]),
        ("percentile_approx(n, 0.5)", ["1", "1", "2", "4"]),
        ("listagg(s, '+')", ["a", "a+b", "b", "a"]),
        // Spark refuses these with a frame.
        ("percentile(x, 0.5)", ["3.0", "0.875", "-1.25", "2.0"]),
        ("percentile(x, 0.5)", ["3.0", "0.875", "-1.25", "2.0"]),
        ("count(DISTINCT s)", ["1", "2", "1", "1"]),
        ("mode(s)", ["a", "a", "b", "a"]),
        ("max_by(s, n)", ["a", "b", "b", "a"]),
    ] {
        let (function, field) =
            call.split_once(").").map_or((call.to_string(), ""), |(function, field)| (format!("{function})"), field));
        let over = format!("{function} OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)");
        let it = if field.is_empty() { over } else { format!("({over}).{field}") };
        let wanted: Vec<String> = (1..5).zip(wanted).map(|(i, value)| format!("{i} | {value}")).collect();
        assert_eq!(answer(&format!("SELECT i, {it} AS it FROM {rows}")), wanted, "{call}");
    }
}

#[test]
fn what_left_a_frame_leaves_no_trace() {
    let of = |call: &str, rows: &str| {
        let over = "OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)";
        answer(&format!("SELECT i, {call} {over} AS it FROM (VALUES {rows}) AS t(i, x)"))
    };
    assert_eq!(of("stddev_pop(x)", "(1, 3.0D), (2, -1.25D), (3, -1.25D)"), ["1 | 0.0", "2 | 2.125", "3 | 0.0"]);
    let large = "(1, 1e300D), (2, 1D), (3, 2D), (4, CAST('NaN' AS DOUBLE)), (5, 1D), (6, 1D)";
    assert_eq!(of("sum(x)", large)[2..], ["3 | 3.0", "4 | NaN", "5 | NaN", "6 | 2.0"]);
    assert_eq!(of("avg(x)", large)[2..], ["3 | 1.5", "4 | NaN", "5 | NaN", "6 | 1.0"]);
    assert_eq!(of("max(x)", "(1, CAST('NaN' AS DOUBLE)), (2, 1D), (3, 2D)"), ["1 | NaN", "2 | NaN", "3 | 2.0"]);
}

#[test]
fn functions_of_numbers_and_arrays_are_sparks() {
    values(&[
        ("pmod(10, -3)", "1"),
        ("pmod(-10, -3)", "-1"),
        ("pmod(-7, 3)", "2"),
        ("pmod(-7.5D, 2D)", "0.5"),
        ("pmod(7D, -2D)", "1.0"),
        ("mod(-7, 3)", "-1"),
        ("try_mod(3, 0)", "null"),
        ("try_mod(3D, 0D)", "null"),
        ("try_mod(CAST('12345678901234567890123456789012345678' AS DECIMAL(38, 0)), CAST(7 AS DECIMAL(1, 0)))", "2"),
        ("pmod(CAST('-1.5' AS DECIMAL(2, 1)), CAST('0.4' AS DECIMAL(1, 1)))", "0.1"),
        ("try_mod(CAST('1.50' AS DECIMAL(3, 2)), CAST('0.4' AS DECIMAL(1, 1)))", "0.30"),
        ("flatten(array(array(1), CAST(NULL AS ARRAY<INT>)))", "null"),
        ("flatten(array(array(1, NULL), array(2)))", "[1, null, 2]"),
        ("flatten(array(array(array(1), array(2)), array(array(3))))", "[[1], [2], [3]]"),
        ("array_intersect(array(3, 1, 2, NULL, 3), array(NULL, 2, 3))", "[3, 2, null]"),
        ("array_except(array(3, 1, 2, NULL, 3, NULL), array(1))", "[3, 2, null]"),
        ("array_union(array(3, 1, 3, NULL), array(2, NULL, 1))", "[3, 1, null, 2]"),
        ("sequence(DATE'2024-01-30', DATE'2024-03-01', INTERVAL 1 MONTH)", "[2024-01-30, 2024-02-29]"),
        ("sequence(DATE'2024-01-03', DATE'2024-01-01')", "[2024-01-03, 2024-01-02, 2024-01-01]"),
        (
            "sequence(TIMESTAMP'2024-01-01 00:00:00', TIMESTAMP'2024-01-01 02:00:00', INTERVAL 1 HOUR)",
            "[2024-01-01T00:00:00Z, 2024-01-01T01:00:00Z, 2024-01-01T02:00:00Z]",
        ),
        (
            "sequence(DATE'2024-01-01', TIMESTAMP'2024-01-02 00:00:00', INTERVAL 1 DAY)",
            "[2024-01-01T00:00:00Z, 2024-01-02T00:00:00Z]",
        ),
        (
            "sequence(TIMESTAMP'2024-01-31 10:00:00', TIMESTAMP'2024-03-31 12:00:00', INTERVAL 1 MONTH)",
            "[2024-01-31T10:00:00Z, 2024-02-29T10:00:00Z, 2024-03-31T10:00:00Z]",
        ),
        ("sequence(DATE'2024-05-31', DATE'2024-01-01', INTERVAL '-2' MONTH)", "[2024-05-31, 2024-03-31, 2024-01-31]"),
        ("sequence(3, 1)", "[3, 2, 1]"),
        ("sequence(1, 1, 0)", "[1]"),
        ("sequence(1, 5, CAST(NULL AS INT))", "null"),
        ("hex(concat(X'01', X'02'))", "0102"),
        ("concat(X'41', 'b')", "Ab"),
        ("next_day('2015-01-14', 'ſun')", "2015-01-18"),
        ("next_day('2015-01-14', 'frı')", "2015-01-16"),
        ("trunc('2019-08-04', 'wEEk')", "2019-07-29"),
        ("date_trunc('ſECOND', '2015-03-05T09:32:05.359')", "2015-03-05T09:32:05Z"),
        ("map_entries(map('a', 1, 'b', NULL))[1].value", "null"),
    ]);
    for wrong in [
        "sequence(1, 10, -1)",
        "sequence(DATE'2024-01-01', DATE'2024-01-02', INTERVAL 12 HOURS)",
        "sequence(1, 9000000)",
    ] {
        assert!(refusal(&format!("SELECT {wrong} AS it")).contains("sequence"), "{wrong}");
    }
}

#[test]
fn ceil_and_floor_round_to_digits() {
    values(&[
        ("ceil(CAST('1.55' AS DECIMAL(3, 2)), 1)", "1.6"),
        ("ceil(CAST('-0.1' AS DECIMAL(1, 1)))", "0"),
        ("floor(CAST('1.57' AS DECIMAL(3, 2)), 1)", "1.5"),
        ("floor(157, -1)", "150"),
        ("ceil(157, -1)", "160"),
        ("floor(-3.14159D, 2)", "-3.15"),
        ("ceil(CAST('12.34' AS DECIMAL(10, 2)), 5)", "12.34"),
        ("ceil(CAST('12.34' AS DECIMAL(10, 2)), -1)", "20"),
        ("ceil(CAST('99.99' AS DECIMAL(4, 2)))", "100"),
        ("floor(CAST('-99.99' AS DECIMAL(4, 2)))", "-100"),
        ("ceil(9223372036854775807L, -1)", "9223372036854775810"),
        ("ceil('2.5')", "3"),
        ("ceil('2.55', 1)", "2.6"),
        ("floor(CAST('NaN' AS DOUBLE))", "0"),
        ("ceil(NULL)", "null"),
        ("ceil(2.1D)", "3"),
        ("floor(-2.1D)", "-3"),
    ]);
}

#[test]
fn results_have_sparks_types() {
    use DataType::{Decimal128, Float64, Int8, Int16, Int32, Int64};
    let element = |kind: &DataType| match kind {
        DataType::List(element) => element.data_type().clone(),
        other => other.clone(),
    };
    for (expression, wanted) in [
        ("zeroifnull(CAST(NULL AS INT))", Int32),
        ("zeroifnull(CAST(1 AS BIGINT))", Int64),
        ("zeroifnull(CAST(1 AS TINYINT))", Int32),
        ("zeroifnull(CAST(2 AS DOUBLE))", Float64),
        ("nullifzero(CAST(1 AS SMALLINT))", Int16),
        ("nullif(CAST(1 AS TINYINT), CAST(2 AS BIGINT))", Int8),
        ("ceil(CAST('1.5' AS DECIMAL(2, 1)))", Decimal128(2, 0)),
        ("ceil(CAST('12.34' AS DECIMAL(10, 2)))", Decimal128(9, 0)),
        ("floor(CAST('12.34' AS DECIMAL(38, 2)), 1)", Decimal128(38, 1)),
        ("floor(CAST(157 AS INT), -1)", Decimal128(11, 0)),
        ("ceil(CAST(9999 AS SMALLINT), -3)", Decimal128(6, 0)),
        ("ceil(CAST(1 AS TINYINT), 0)", Decimal128(4, 0)),
        ("floor(CAST(5 AS BIGINT), 2)", Decimal128(21, 0)),
        ("floor(3.14D, 2)", Decimal128(18, 2)),
        ("floor(CAST(1.5 AS FLOAT), 1)", Decimal128(9, 1)),
        ("ceil('2.55', 1)", Decimal128(22, 1)),
        ("floor(3.14D)", Int64),
        ("ceil(CAST(5 AS SMALLINT))", Int64),
        ("sequence(CAST(1 AS TINYINT), CAST(3 AS TINYINT))", Int8),
        ("sequence(CAST(1 AS SMALLINT), CAST(3 AS SMALLINT), CAST(2 AS TINYINT))", Int16),
        ("sequence(CAST(1 AS TINYINT), CAST(3 AS INT))", Int32),
        ("sequence(CAST(1 AS BIGINT), CAST(3 AS BIGINT))", Int64),
        ("sequence(DATE'2024-01-01', DATE'2024-01-02')", DataType::Date32),
        ("pmod(CAST(1 AS TINYINT), CAST(3 AS SMALLINT))", Int16),
        ("try_mod(CAST('1.5' AS DECIMAL(2, 1)), CAST('0.25' AS DECIMAL(2, 2)))", Decimal128(2, 2)),
        ("concat(X'01', X'02')", DataType::Binary),
        ("concat(X'01', 'a')", DataType::Utf8),
    ] {
        let (schema, _) =
            run(&format!("SELECT {expression} AS it")).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(element(schema.field(0).data_type()), wanted, "{expression}");
    }
}

#[test]
fn rows_of_set_operations_count_as_often_as_they_stand_there() {
    let t = "SELECT * FROM (VALUES (1, 'a'), (1, 'a'), (2, CAST(NULL AS STRING)), (CAST(NULL AS INT), 'n')) AS t(k, x)";
    let u =
        "SELECT * FROM (VALUES (1, 'a'), (2, CAST(NULL AS STRING)), (2, CAST(NULL AS STRING)), (5, 'e')) AS u(k, x)";
    assert_eq!(answer(&format!("{t} EXCEPT ALL {u}")), ["1 | a", "null | n"]);
    assert_eq!(answer(&format!("{t} INTERSECT ALL {u}")), ["1 | a", "2 | null"]);
    assert_eq!(answer(&format!("{t} EXCEPT {u}")), ["null | n"]);
    assert_eq!(answer(&format!("SELECT k + 1 AS `a b` FROM ({t} EXCEPT ALL {u}) AS d")), ["2", "null"]);
    assert_eq!(answer(&format!("SELECT count(DISTINCT *) AS n FROM ({t}) AS t")), ["1"]);
    assert_eq!(answer(&format!("SELECT count(DISTINCT *) AS n, count(*) AS m FROM ({u})")), ["2 | 4"]);
}

#[test]
fn pivots_count_nothing_as_spark_does() {
    let rows = "(SELECT * FROM (VALUES (1, 'a'), (1, 'a'), (2, CAST(NULL AS STRING))) AS t(k, x))";
    let of =
        |aggregates: &str| answer(&format!("SELECT * FROM {rows} PIVOT ({aggregates} FOR x IN ('a' AS a, 'zz' AS z))"));
    assert_eq!(of("count(*)"), ["1 | 2 | null", "2 | null | null"]);
    assert_eq!(of("count(k) AS c, collect_list(k) AS l"), ["2 | [1, 1] | 0 | []"]);
    assert_eq!(of("count(k) AS c, max(k) AS m"), ["2 | 1 | null | null"]);
}

#[test]
fn what_would_be_passed_over_is_refused() {
    for (sql, word) in [
        ("SELECT k FROM (SELECT 1 AS k) AS t TABLESAMPLE (10 PERCENT)", "TABLESAMPLE"),
        ("SELECT TOP 3 k FROM (SELECT 1 AS k) AS t", "TOP"),
    ] {
        assert!(refusal(sql).contains(word), "{sql}");
    }
}

#[test]
fn dates_beside_instants_have_every_year() {
    let (last, first) = ("DATE'9999-12-31'", "DATE'0001-01-01'");
    let t = "TIMESTAMP'2024-01-01 00:00:00'";
    values(&[
        (&format!("{last} >= {t}"), "true"),
        (&format!("{last} > now()"), "true"),
        (&format!("{first} = TIMESTAMP'0001-01-01 00:00:00'"), "true"),
        (&format!("coalesce({last}, {t})"), "9999-12-31T00:00:00Z"),
        (&format!("greatest({last}, {t})"), "9999-12-31T00:00:00Z"),
        (&format!("{last} BETWEEN {t} AND TIMESTAMP'9999-12-31 00:00:00'"), "true"),
        (&format!("{last} IN (TIMESTAMP'9999-12-31 00:00:00')"), "true"),
        (&format!("CASE WHEN true THEN {last} ELSE {t} END"), "9999-12-31T00:00:00Z"),
        (&format!("CASE {last} WHEN {t} THEN 'a' WHEN TIMESTAMP'9999-12-31 00:00:00' THEN 'b' END"), "b"),
        (&format!("array({last}, {t})"), "[9999-12-31T00:00:00Z, 2024-01-01T00:00:00Z]"),
        (&format!("nullif({last}, TIMESTAMP'9999-12-31 00:00:00')"), "null"),
    ]);
    let union = format!("SELECT {last} AS x UNION ALL SELECT {t}");
    assert_eq!(answer(&union), ["2024-01-01T00:00:00Z", "9999-12-31T00:00:00Z"]);
    assert_eq!(answer(&format!("SELECT year(x) AS y FROM ({union}) AS u WHERE x > {t}")), ["9999"]);
}
