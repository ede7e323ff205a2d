//! `from_csv` and `to_csv`, and what they share with `from_json`.

use super::functions::check;

const SPARK: &[(&str, &str)] = &[
    ("to_json(from_csv('1, 0.8', 'a INT, b DOUBLE'))", "{\"a\":1,\"b\":0.8}"),
    ("from_csv('26/08/2015', 'time STRING').time", "26/08/2015"),
    (
        "to_json(from_csv('x,\"a,b\",,\"\",true,2026-01-02', 'a INT, b STRING, c STRING, d STRING, e BOOLEAN, f DATE'))",
        "{\"b\":\"a,b\",\"e\":true,\"f\":\"2026-01-02\"}",
    ),
    ("to_json(from_csv('1', 'a INT, b INT'))", "{\"a\":1}"),
    (
        "to_json(from_csv('1,2,3', 'a INT, b INT, _corrupt_record STRING'))",
        "{\"a\":1,\"b\":2,\"_corrupt_record\":\"1,2,3\"}",
    ),
    ("to_json(from_csv('1,2', 'a INT, _corrupt_record STRING, b INT'))", "{\"a\":1,\"b\":2}"),
    ("to_json(from_csv('inf,NaN,-Inf', 'a DOUBLE, b DOUBLE, c DOUBLE'))", "{\"b\":\"NaN\",\"c\":\"-Infinity\"}"),
    (
        "to_json(from_csv('12.345,2026-01-02 03:04:05', 'a DECIMAL(6, 2), b TIMESTAMP'))",
        "{\"a\":12.35,\"b\":\"2026-01-02T03:04:05.000Z\"}",
    ),
    ("from_csv(CAST(NULL AS STRING), 'a INT') IS NULL", "true"),
    ("from_csv('', 'a INT') IS NULL", "false"),
    ("to_csv(named_struct('a', 1, 'b', 2))", "1,2"),
    (
        "to_csv(named_struct('a', 'x,y', 'b', NULL, 'c', '', 'd', 'say \"no\"', 'e', 1.5D))",
        "\"x,y\",,\"\",\"say \\\"no\\\"\",1.5",
    ),
    (
        "to_csv(named_struct('t', TIMESTAMP '2015-08-26 00:00:00', 'd', DATE '2026-01-02'))",
        "2015-08-26T00:00:00.000Z,2026-01-02",
    ),
    ("from_csv(to_csv(named_struct('a', 'x,\"y\"')), 'a STRING').a", "x,\"y\""),
    // decimals are rounded, those that do not fit are null
    (
        "to_json(from_json('{\"a\":12.345,\"b\":-0.005,\"c\":1234.5}', 'a DECIMAL(6, 2), b DECIMAL(6, 2), c DECIMAL(5, 2)'))",
        "{\"a\":12.35,\"b\":-0.01}",
    ),
];

#[test]
fn lines_are_read_and_written_as_spark_does() {
    check(SPARK);
}
