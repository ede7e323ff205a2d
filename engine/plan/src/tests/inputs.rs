//! What functions and casts take and give by Spark's types, with the answers of Spark 4.3.

use expr::typing::TypeRules;

use super::engine::lines;
use super::standing::run_by;

fn value(expression: &str, ansi: bool) -> Result<String, String> {
    let (_, rows) = run_by(&format!("SELECT {expression} AS it"), TypeRules::Spark { ansi })?;
    Ok(rows.iter().flat_map(lines).next().unwrap())
}

fn values(expressions: &[(&str, &str)]) {
    for (expression, wanted) in expressions {
        assert_eq!(value(expression, true).as_deref(), Ok(*wanted), "{expression}");
    }
}

/// Each is an error under this name in ANSI mode, and NULL otherwise.
fn errors_of_rows(expressions: &[(&str, &str)]) {
    for (expression, condition) in expressions {
        let error = value(expression, true).expect_err(expression);
        assert!(error.contains(condition), "{expression}: {error}");
        assert_eq!(value(expression, false).as_deref(), Ok("null"), "{expression}");
    }
}

#[test]
fn what_is_no_text_is_one_where_a_text_is_taken() {
    values(&[
        ("upper(42)", "42"),
        ("lower(true)", "true"),
        ("length(TIMESTAMP'2024-02-29 12:34:56.789012')", "26"),
        ("bit_length(12.34)", "40"),
        ("concat_ws('-', DATE'2024-02-29', 1)", "2024-02-29-1"),
        ("reverse(1.5D)", "5.1"),
        ("hex(reverse(X'0102'))", "0201"),
        ("hex(substring(X'01020304', 2, 2))", "0203"),
    ]);
}

#[test]
fn what_spark_does_not_take_is_refused_with_the_cast_to_write() {
    let calls = [
        "year(true)",
        "soundex(42)",
        "sqrt(true)",
        "unix_millis(DATE'2024-02-29')",
        "timestamp_millis(1.5D)",
        "array_position(array(1), '1')",
        "array_union(array(1), array('a'))",
        "CAST(DATE'2024-02-29' AS INT)",
        "CAST(1 AS BINARY)",
    ];
    for call in calls {
        let refused = value(call, true).expect_err(call);
        assert!(refused.contains("cast"), "{call}: {refused}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error_of_the_row() {
    errors_of_rows(&[
        ("year('x')", "CAST_INVALID_INPUT"),
        ("sqrt('x')", "CAST_INVALID_INPUT"),
        ("to_date('2024-02-30', 'yyyy-MM-dd')", "CANNOT_PARSE_TIMESTAMP"),
        ("make_date(2023, 2, 29)", "DATETIME_FIELD_OUT_OF_BOUNDS"),
        ("next_day(DATE'2024-02-29', 'x')", "ILLEGAL_DAY_OF_WEEK"),
        ("from_utc_timestamp(TIMESTAMP'2024-07-01 12:00:00', '+25:00')", "INVALID_TIMEZONE"),
        ("element_at(array(1, 2), 3)", "INVALID_ARRAY_INDEX_IN_ELEMENT_AT"),
        ("array(1, 2)[2]", "INVALID_ARRAY_INDEX"),
        ("mod(7, 0)", "REMAINDER_BY_ZERO"),
        ("to_binary('zz', 'hex')", "CONVERSION_INVALID_INPUT"),
    ]);
    values(&[
        ("try_to_date('2024-02-30', 'yyyy-MM-dd')", "null"),
        ("try_element_at(array(1, 2), 3)", "null"),
        ("get(array(1, 2), 2)", "null"),
        ("try_mod(7, 0)", "null"),
        ("element_at(map('a', 1), 'b')", "null"),
    ]);
}

#[test]
fn casts_are_sparks() {
    values(&[
        ("CAST(CAST(12.34 AS TIMESTAMP) AS STRING)", "1970-01-01 00:00:12.34"),
        ("CAST(CAST(-1.005 AS TIMESTAMP) AS STRING)", "1969-12-31 23:59:58.995"),
        ("CAST('1e3' AS DECIMAL(10, 2))", "1000.00"),
        ("CAST('-.5' AS DECIMAL(10, 0))", "-1"),
        ("TRY_CAST('off' AS BOOLEAN)", "null"),
        ("TRY_CAST('1.5d' AS DOUBLE)", "1.5"),
        ("TRY_CAST('0x1p3' AS DOUBLE)", "8.0"),
        ("CAST(0.00 AS BOOLEAN)", "false"),
        ("CAST(CAST('294247-01-10' AS DATE) AS STRING)", "+294247-01-10"),
        ("TRY_CAST('2024-02-30' AS DATE)", "null"),
    ]);
}

#[test]
fn letters_to_be_cut_off_stand_first() {
    values(&[
        ("ltrim('xy', 'yxSparkxy')", "Sparkxy"),
        ("rtrim('xy', 'yxSparkxy')", "yxSpark"),
        ("trim(LEADING 'xy' FROM 'yxSparkxy')", "Sparkxy"),
        ("btrim('yxSparkxy', 'xy')", "Spark"),
    ]);
}

#[test]
fn json_and_csv_take_options() {
    values(&[
        ("to_json(from_json(\"{'a':1} x\", 'a INT'))", "{\"a\":1}"),
        (
            "to_json(from_json('{a:01}', 'a INT', map('allowUnquotedFieldNames', 'true', 'allowNumericLeadingZeros', 'true')))",
            "{\"a\":1}",
        ),
        (
            "to_json(from_json('{\"d\":\"26/08/2015\"}', 'd DATE', map('dateFormat', 'dd/MM/yyyy')))",
            "{\"d\":\"2015-08-26\"}",
        ),
        ("to_csv(named_struct('a', 1, 'b', 2), map('sep', ';'))", "1;2"),
        ("to_json(from_csv('1|2', 'a INT, b INT', map('delimiter', '|')))", "{\"a\":1,\"b\":2}"),
        ("get_json_object('{\"a\":1.50}', '$.a')", "1.5"),
    ]);
    let unknown = value("from_json('{}', 'a INT', map('locale', 'de'))", true).unwrap_err();
    assert!(unknown.contains("the option locale is not built"), "{unknown}");
}
