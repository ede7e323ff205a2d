//! Functions that take lambdas: over constants as Spark's documentation has them, and over rows.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, ListArray};
use arrow::compute::cast;
use arrow::datatypes::Int32Type;

use super::engine::{front, plan_one, rows};
use super::functions::{check, value};

/// An expression over no column but `user_id`, which is x, and what it gives.
const SPARK: &[(&str, &str)] = &[
    ("transform(array(1, 2, 3), (x, i) -> x + i)", "[1, 3, 5]"),
    ("transform(array('a', NULL), (x, i) -> concat(coalesce(x, '-'), CAST(i AS STRING)))", "[a0, -1]"),
    ("typeof(transform(array('a'), (x, i) -> i))", "array<int>"),
    ("transform(CAST(NULL AS ARRAY<INT>), (x, i) -> i)", "null"),
    ("transform(filter(array(1), x -> x > 1), (x, i) -> i)", "[]"),
    ("transform(array(4, 8), (x, i) -> x / 2)", "[2.0, 4.0]"),
    ("transform(transform(array(4, 7), x -> x / 2), y -> y + 1)", "[3.0, 4.5]"),
    ("transform(array(array(1, 2), array(3)), (a, i) -> transform(a, x -> x * i))", "[[0, 0], [3]]"),
    ("transform(array(array(1, 2), array(3)), (a, i) -> aggregate(a, 0, (t, x) -> t + x + i))", "[3, 4]"),
    ("filter(array(0, 2, 3), (x, i) -> x > i)", "[2, 3]"),
    ("filter(array(0, NULL, 3), (x, i) -> x >= i)", "[0, 3]"),
    ("filter(array(1, 2), (x, i) -> i > length(user_id))", "[]"),
    ("filter(CAST(NULL AS ARRAY<INT>), (x, i) -> i = 0)", "null"),
    ("aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x)", "6"),
    ("aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> acc * 10)", "60"),
    ("reduce(array(1, 2, 3), 0, (acc, x) -> acc + x)", "6"),
    ("reduce(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> concat('n', CAST(acc AS STRING)))", "n6"),
    ("aggregate(array(1, NULL, 3), 0, (acc, x) -> acc + x)", "null"),
    ("aggregate(array(1, NULL, 3), 0, (acc, x) -> acc + coalesce(x, 0))", "4"),
    ("aggregate(filter(array(1), x -> x > 1), 7, (acc, x) -> acc + x)", "7"),
    ("aggregate(CAST(NULL AS ARRAY<INT>), 7, (acc, x) -> acc + x, acc -> coalesce(acc, 0))", "null"),
    ("aggregate(array(1.5D, 2.5D), 0, (acc, x) -> acc + x)", "4.0"),
    ("aggregate(array(3, 4), 0, (acc, x) -> acc + x / 2)", "3.5"),
    ("aggregate(array('a', 'b'), '', (acc, x) -> concat(acc, x))", "ab"),
    ("aggregate(array('a', 'b'), CAST(NULL AS STRING), (acc, x) -> concat_ws('-', acc, x))", "a-b"),
    ("aggregate(array('a', 'b'), user_id, (acc, x) -> concat(acc, x, user_id))", "xaxbx"),
    (
        "aggregate(array(10, 20), named_struct('sum', 0, 'n', 0), (acc, x) -> named_struct('sum', acc.sum + x, 'n', acc.n + 1), acc -> acc.sum / acc.n)",
        "15.0",
    ),
    ("aggregate(array(1, 2), CAST(0 AS DECIMAL(10, 2)), (acc, x) -> CAST(acc + x AS DECIMAL(10, 2)))", "3.00"),
    ("aggregate(array(CAST(1.25 AS DECIMAL(5, 2))), 0, (acc, x) -> acc + x)", "1.25"),
    ("aggregate(array(1, 2, 3), array(0), (acc, x) -> array_append(acc, x))", "[0, 1, 2, 3]"),
    ("aggregate(array(1), true, (acc, x) -> acc AND x > 0)", "true"),
    ("zip_with(array(1, 2, 3), array('a', 'b', 'c'), (x, y) -> concat(y, CAST(x AS STRING)))", "[a1, b2, c3]"),
    ("zip_with(array(1, 2), array(3, 4, 5), (x, y) -> x + y)", "[4, 6, null]"),
    ("zip_with(array(1, 2), array(3), (x, y) -> coalesce(x, 0) + coalesce(y, 0))", "[4, 2]"),
    ("zip_with(array(1), CAST(NULL AS ARRAY<INT>), (x, y) -> x + y)", "null"),
    ("map_filter(map(1, 0, 2, 2, 3, -1), (k, v) -> k > v)", "{1 -> 0, 3 -> -1}"),
    ("map_filter(map(1, NULL), (k, v) -> v > 0)", "{}"),
    ("transform_keys(map_from_arrays(array(1, 2), array(3, 4)), (k, v) -> k + v)", "{4 -> 3, 6 -> 4}"),
    ("transform_values(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> k + v)", "{1 -> 2, 2 -> 4, 3 -> 6}"),
    ("transform_values(map('a', 3), (k, v) -> v / 2)", "{a -> 1.5}"),
    ("map_zip_with(map(1, 'a', 2, 'b'), map(1, 'x', 2, 'y'), (k, v1, v2) -> concat(v1, v2))", "{1 -> ax, 2 -> by}"),
    (
        "map_zip_with(map('a', 1, 'b', 2), map('b', 3, 'c', 4), (k, v1, v2) -> coalesce(v1, 0) + coalesce(v2, 0))",
        "{a -> 1, b -> 5, c -> 4}",
    ),
    (
        "array_sort(array(5, 6, 1), (left, right) -> CASE WHEN left < right THEN -1 WHEN left > right THEN 1 ELSE 0 END)",
        "[1, 5, 6]",
    ),
    (
        "array_sort(array('bc', 'ab', 'dc'), (left, right) -> CASE WHEN left IS NULL AND right IS NULL THEN 0 WHEN left IS NULL THEN -1 WHEN right IS NULL THEN 1 WHEN left < right THEN 1 WHEN left > right THEN -1 ELSE 0 END)",
        "[dc, bc, ab]",
    ),
    ("transform(array(named_struct('a', named_struct('b', 5))), s -> s.a.b)", "[5]"),
    ("transform(array(named_struct('a', 1)), (s, i) -> s.a + i)", "[1]"),
    ("array_sort(array('aa', 'b', 'c', 'dd'), (l, r) -> length(l) - length(r))", "[b, c, aa, dd]"),
];

#[test]
fn lambdas_give_what_spark_gives() {
    check(SPARK);
}

/// Quantities of four rows: some, none, null, one that is null; each with its `total`.
const OVER_ROWS: &[(&str, &str)] = &[
    ("transform(quantities, (q, i) -> q * 10 + i)", "[10, 21, 32] | [] | null | [null]"),
    ("transform(quantities, (q, i) -> total + i)", "[1, 2, 3] | [] | null | [4]"),
    ("filter(quantities, (q, i) -> q + i > total)", "[2, 3] | [] | null | []"),
    ("filter(quantities, (q, i) -> total < 3)", "[1, 2, 3] | [] | null | []"),
    ("aggregate(quantities, 0, (t, q) -> t + q)", "6 | 0 | null | null"),
    ("aggregate(quantities, total, (t, q) -> t * 2 + coalesce(q, 0), t -> t + total)", "20 | 4 | null | 12"),
    (
        "zip_with(quantities, sequence(1, total), (a, b) -> a + b)",
        "[2, null, null] | [null, null] | null | [null, null, null, null]",
    ),
    ("array_sort(quantities, (a, b) -> b - a)", "[3, 2, 1] | [] | null | [null]"),
    (
        "transform_values(map('k', total), (k, v) -> size(quantities) + v)",
        "{k -> 4} | {k -> 2} | {k -> null} | {k -> 5}",
    ),
    ("map_filter(map(1, total, 3, total), (k, v) -> k < v)", "{} | {1 -> 2} | {1 -> 3} | {1 -> 4, 3 -> 4}"),
    (
        "transform_keys(map(1, 0, 3, 0), (k, v) -> k + total)",
        "{2 -> 0, 4 -> 0} | {3 -> 0, 5 -> 0} | {4 -> 0, 6 -> 0} | {5 -> 0, 7 -> 0}",
    ),
    (
        "map_zip_with(map(total, 'a'), map(2L, 'b'), (k, x, y) -> k)",
        "{1 -> 1, 2 -> 2} | {2 -> 2} | {3 -> 3, 2 -> 2} | {4 -> 4, 2 -> 2}",
    ),
];

#[test]
fn lambdas_read_their_own_row_whatever_stands_before_it() {
    let mut wrong = Vec::new();
    for (expression, wanted) in OVER_ROWS {
        let sql = format!("SELECT CAST(({expression}) AS STRING) AS x FROM events");
        let (graph, _) = plan_one("append", &sql).unwrap_or_else(|problems| panic!("{sql}: {problems:?}"));
        let schema = &graph.sources["events"].schema;
        let some = |values: &[i32]| Some(values.iter().copied().map(Some).collect::<Vec<_>>());
        // The first row is cut off again: what follows does not begin at the beginning of its columns.
        let lists = [some(&[9, 9]), some(&[1, 2, 3]), some(&[]), None, Some(vec![None])];
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
        let lists = cast(&lists, schema.field_with_name("quantities").unwrap().data_type()).unwrap();
        let totals = Arc::new(Int64Array::from(vec![0, 1, 2, 3, 4]));
        let input = rows(schema, vec![("quantities", lists), ("total", totals)]).slice(1, 4);
        let passed = front(&graph, 0).run(&input).unwrap().rows;
        let found = passed.column(0).as_string::<i32>().iter().map(|text| text.unwrap_or("null").to_string());
        let found = found.collect::<Vec<_>>().join(" | ");
        if found != *wanted {
            wrong.push(format!("{expression}\n   is {found}\n  not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_total_of_another_kind_than_its_start_is_refused() {
    let said = value("aggregate(array('a'), 0, (t, x) -> concat(x, 'a'))").unwrap_err();
    assert!(said.contains("the start of aggregate is bigint, and the lambda gives string"), "{said}");
}
