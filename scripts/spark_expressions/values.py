"""Values of each type as SQL text: the first is a usual one, then NULL, then those at which implementations differ."""


def null(sql_type):
    """NULL of a type."""
    return f"CAST(NULL AS {sql_type})"


VALUES = {
    "tinyint": ["5Y", null("TINYINT"), "0Y", "-7Y", "127Y", "-128Y"],
    "smallint": ["300S", null("SMALLINT"), "0S", "-7S", "32767S", "-32768S"],
    "int": ["42", null("INT"), "0", "1", "-7", "2147483647", "-2147483648"],
    "bigint": ["5000000000L", null("BIGINT"), "0L", "-7L", "9223372036854775807L", "-9223372036854775808L"],
    "float": ["1.5F", null("FLOAT"), "-0.0F", "0.1F", "FLOAT('NaN')", "FLOAT('Infinity')", "3.4028234E38F", "1.4E-45F"],
    "double": ["2.5D", null("DOUBLE"), "0.0D", "-0.0D", "-1.75D", "0.1D", "DOUBLE('NaN')", "DOUBLE('Infinity')", "DOUBLE('-Infinity')",
               "1.7976931348623157E308D", "4.9E-324D", "1e15D", "123456789.987654321D"],
    "decimal": ["12.34", null("DECIMAL(10,2)"), "0.00", "0.908", "-2.5", "99999999999999999999999999999999999999BD", "1234567890.123456789",
                "-0.000001", "CAST(7 AS DECIMAL(38,0))", "CAST(-1.005 AS DECIMAL(38,18))"],
    "boolean": ["true", null("BOOLEAN"), "false"],
    "string": ["'Spark SQL'", null("STRING"), "''", "'abc'", "' x '", "'Grüße'", "'日本'", "'a😀b'", "'NULL'", "'12'"],
    "binary": ["X'537061726B'", null("BINARY"), "X''", "X'00FF'", "X'C3A9'"],
    "date": ["DATE'2024-02-29'", null("DATE"), "DATE'1970-01-01'", "DATE'1969-12-31'", "DATE'0001-01-01'", "DATE'9999-12-31'", "DATE'1582-10-15'",
             "DATE'2023-12-31'"],
    "timestamp": ["TIMESTAMP'2024-02-29 12:34:56.789012'", null("TIMESTAMP"), "TIMESTAMP'1970-01-01 00:00:00'", "TIMESTAMP'1969-12-31 23:59:59.5'",
                  "TIMESTAMP'0001-01-01 00:00:00'", "TIMESTAMP'9999-12-31 23:59:59.999999'", "TIMESTAMP'2024-03-31 01:30:00Z'"],
    "timestamp_ntz": ["TIMESTAMP_NTZ'2024-02-29 12:34:56.789012'", null("TIMESTAMP_NTZ"), "TIMESTAMP_NTZ'1969-12-31 23:59:59.5'",
                      "TIMESTAMP_NTZ'9999-12-31 23:59:59.999999'"],
    "months": ["INTERVAL '1-2' YEAR TO MONTH", null("INTERVAL YEAR TO MONTH"), "INTERVAL '0' MONTH", "INTERVAL '-13' MONTH",
               "INTERVAL '178956970-7' YEAR TO MONTH"],
    "days": ["INTERVAL '1 02:03:04.5' DAY TO SECOND", null("INTERVAL DAY TO SECOND"), "INTERVAL '0' SECOND", "INTERVAL '-1' DAY",
             "INTERVAL '0 00:00:00.1' DAY TO SECOND", "INTERVAL '106751991 04:00:54.775807' DAY TO SECOND"],
    "interval": ["make_interval(1, 2, 3, 4, 5, 6, 7.8)", null("INTERVAL"), "make_interval(0, -1)", "INTERVAL 1 MONTH 2 DAYS 3 SECONDS"],
    "time": ["TIME'12:34:56.789'", null("TIME"), "TIME'00:00:00'", "TIME'23:59:59.999999'"],
    "array<int>": ["array(3, 1, 2)", null("ARRAY<INT>"), "CAST(array() AS ARRAY<INT>)", "array(1, NULL, 1)", "array(2147483647, -2147483648, 0)"],
    "array<string>": ["array('b', 'a', 'c')", null("ARRAY<STRING>"), "CAST(array() AS ARRAY<STRING>)", "array('', NULL, 'a', '')"],
    "array<double>": ["array(1.5D, -2.0D)", null("ARRAY<DOUBLE>"), "array(DOUBLE('NaN'), 0.0D, -0.0D, NULL, DOUBLE('NaN'))",
                      "array(DOUBLE('Infinity'), 1.0D, DOUBLE('-Infinity'))"],
    "array<array<int>>": ["array(array(1, 2), array(3))", null("ARRAY<ARRAY<INT>>"), "array(array(1), NULL, array(NULL))", "array(array(), array(1))"],
    "array<struct>": ["array(named_struct('a', 2, 'b', 'x'), named_struct('a', 1, 'b', 'y'))", null("ARRAY<STRUCT<a: INT, b: STRING>>"),
                      "array(named_struct('a', 1, 'b', NULL), NULL)"],
    "map<string,int>": ["map('a', 1, 'b', 2)", null("MAP<STRING, INT>"), "CAST(map() AS MAP<STRING, INT>)", "map('b', NULL, 'a', 3)"],
    "map<int,string>": ["map(1, 'x', 2, 'y')", null("MAP<INT, STRING>"), "map(-1, NULL)"],
    "struct": ["named_struct('a', 1, 'b', 'x')", null("STRUCT<a: INT, b: STRING>"), "named_struct('a', NULL, 'b', '')"],
    "struct<struct>": ["named_struct('p', named_struct('q', 1.5D), 'r', array(1, NULL))", "named_struct('p', NULL, 'r', array())"],
    "variant": ["parse_json('{\"a\":1,\"b\":[true,null]}')", null("VARIANT"), "parse_json('1.50')", "parse_json('\"x\"')"],
    "void": ["NULL"],
}

INTEGERS = ["tinyint", "smallint", "int", "bigint"]
FLOATS = ["float", "double"]
NUMERIC = [*INTEGERS, *FLOATS, "decimal"]
TIMES = ["date", "timestamp", "timestamp_ntz"]
ATOMIC = [*NUMERIC, "boolean", "string", "binary", *TIMES, "months", "days"]
ARRAYS = ["array<int>", "array<string>", "array<double>", "array<array<int>>", "array<struct>"]
NESTED = [*ARRAYS, "map<string,int>", "map<int,string>", "struct", "struct<struct>"]
EVERY = [*ATOMIC, "interval", "time", *NESTED, "variant", "void"]


def usual(sql_type):
    """A usual value of a type."""
    return VALUES[sql_type][0]


def some(sql_type, most):
    """The first values of a type."""
    return VALUES[sql_type][:most]


def text(value):
    """A text as a literal, as it stands."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def texts(*values):
    """Texts as literals."""
    return [text(value) for value in values]
