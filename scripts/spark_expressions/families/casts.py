"""Casts between every pair of types, and of texts, good and bad, to every type."""

from calls import marked, thinned, unique
from values import ATOMIC, EVERY, VALUES, text

NAMES = {
    "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INT", "bigint": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "decimal": "DECIMAL(10,2)", "boolean": "BOOLEAN", "string": "STRING", "binary": "BINARY", "date": "DATE",
    "timestamp": "TIMESTAMP", "timestamp_ntz": "TIMESTAMP_NTZ", "months": "INTERVAL YEAR TO MONTH", "days": "INTERVAL DAY TO SECOND", "interval": "INTERVAL", "time": "TIME", "array<int>": "ARRAY<INT>", "array<string>": "ARRAY<STRING>", "array<double>": "ARRAY<DOUBLE>",
    "array<array<int>>": "ARRAY<ARRAY<INT>>", "map<string,int>": "MAP<STRING, INT>", "map<int,string>": "MAP<INT, STRING>", "struct": "STRUCT<a: INT, b: STRING>", "variant": "VARIANT", "void": "VOID",
}

WHOLE = ["12", "-12", "+12", " 12 ", "\t12\n", "12.0", "12.9", "-0.9", "1e3", "1E3", "0x1F", "", " ", "x", "12x", "1 2", "1_000", "1,000", "007", "-0", "127", "128", "-129", "32768", "2147483647", "2147483648", "-2147483648", "9223372036854775807", "9223372036854775808", ".5", "5.", ".",
         "-", "+", "1L", "1Y", "NULL", "true", "١", "12\u00a0", "1e400", "99999999999999999999"]
DECIMALS = ["1.005", "-1.005", "1.004999", "0.5", "1.5e3", "1e-3", "1e-400", "12345678.999", "99999999.99", "99999999.995", "100000000", "1e8", "NaN", "Infinity", "0.0000000000000000000000000000000000000001", "123456789012345678901234567890.12", "-.5", "1.2.3", "1e", "1d", "1f", " 1.5 ", "1.50000"]
DOUBLES = ["1.5", "-0.0", "1e308", "1e309", "-1e309", "4.9e-324", "1e-400", "NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "+inf", "+Infinity", "infinity", "1.5d", "1.5f", "1.5D", "1.5F", "0x1p3", "0.1", "3.4028235e38", "3.4028236e38", "1.4e-45", "16777217", "9007199254740993", "1e", ".", "5.", ".5", "1 ", "NaNx", "1L"]
BOOLEANS = ["true", "false", "TRUE", "t", "f", "T", "y", "n", "yes", "no", "Yes", "1", "0", " true ", "tru", "on", "off", "", "2", "null", "\ttrue"]
DATES = ["2024-02-29", "2023-02-29", "2024-2-9", "2024-02", "2024", "2024-02-29 10:00:00", "2024-02-29T10:00:00Z", " 2024-02-29 ", "20240229", "2024/02/29", "29-02-2024", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "+10000-01-01", "-0044-03-15", "99999-12-31", "294247-01-10", "5881580-07-11", "5881580-07-12",
         "epoch", "", "x", "2024-13-01", "2024-02-30", "2024-00-01", "2024-01-00", "24-01-01", "2024-02-29x", "2024-02-29 x", "2024-02-29T", "2024-1-1 ", "1582-10-10", "2024-02-29+01:00", "-2024-01-01", "2024--01", "２０２４-01-01"]
TIMESTAMPS = ["2024-02-29 12:34:56", "2024-02-29 12:34:56.7", "2024-02-29 12:34:56.789012", "2024-02-29 12:34:56.7890129", "2024-02-29T12:34:56", "2024-02-29T12:34:56Z", "2024-02-29 12:34:56+01:00", "2024-02-29 12:34:56 +01:00", "2024-02-29 12:34:56+1:0", "2024-02-29 12:34:56-0800", "2024-02-29 12:34:56-08", "2024-02-29 12:34:56 UTC",
              "2024-02-29 12:34:56 GMT+2", "2024-02-29 12:34:56 UTC+02:30", "2024-02-29 12:34:56 Europe/Berlin", "2024-02-29 12:34:56 America/New_York", "2024-02-29 12:34:56 CET", "2024-02-29 12:34:56 PST", "2024-02-29 12:34:56 Nowhere/City", "2024-03-31 02:30:00 Europe/Berlin", "2024-10-27 02:30:00 Europe/Berlin", "2024-02-29", "2024-02", "2024",
              "2024-02-29 12", "2024-02-29 12:34", "2024-02-29 1:2:3", "2024-02-29 12:34:56.", "2024-02-29 24:00:00", "2024-02-29 23:59:60", "2024-02-29 12:60:00", "2023-02-29 00:00:00", " 2024-02-29 12:34:56 ", "2024-02-29  12:34:56", "2024-02-29 12:34:56 AM", "0001-01-01 00:00:00", "0000-01-01 00:00:00", "-0001-01-01 00:00:00", "9999-12-31 23:59:59.999999",
              "10000-01-01 00:00:00", "294247-01-10 04:00:54.775807Z", "294247-01-10 04:00:54.775808Z", "-290308-12-21 19:59:05.224192Z", "epoch", "", "x", "1709210096", "2024-02-29 12:34:56+19:00", "2024-02-29 12:34:56+18:00", "2024/02/29 12:34:56", "2024-02-29 12:34:56,5", "2024-02-29_12:34:56", "2024-02-29 12.34.56", "20240229123456", "2024-2-9 1:2:3.4"]
MONTHS = ["1-2", "-1-2", "1", "0-11", "1-12", "+1-2", "INTERVAL '1-2' YEAR TO MONTH", "interval '1-2' year to month", "INTERVAL '-13' MONTH", "1 year 2 months", "178956970-7", "178956970-8", "x", "", " 1-2 ", "1-2-3"]
DAYS = ["1 02:03:04", "1 02:03:04.5", "-1 02:03:04.000001", "1 2:3:4", "1 24:00:00", "1", "02:03:04", "INTERVAL '1 02:03:04.5' DAY TO SECOND", "INTERVAL '5' DAY", "1 day 2 hours", "106751991 04:00:54.775807", "106751991 04:00:54.775808", "x", "", "0 0:0:0", "1 02:03", "1 02:03:04.1234567"]
INTERVALS = ["1 year 2 months 3 days", "1 day", "-1 day", "1.5 seconds", "1 week", "interval 1 day", "INTERVAL 1 YEAR", "1 hour -2 minutes", "1 millisecond 2 microseconds", "1 x", "", "1", "1 day 1 day", "3 quarters", "1 nanosecond", " 1  day ", "1.5 days", "0.0000001 seconds"]
CLOCKS = ["12:34:56", "12:34:56.789012", "12:34", "1:2:3", "24:00:00", "23:59:59.9999999", "12:34:56 PM", "x", "", " 12:34:56 ", "12", "T12:34:56"]
BINARIES = ["abc", "", "日本", "\x00"]

TEXTS = {"TINYINT": WHOLE, "SMALLINT": WHOLE[::2], "INT": WHOLE, "BIGINT": WHOLE, "DECIMAL(10,2)": [*WHOLE, *DECIMALS], "DECIMAL(38,0)": [*WHOLE[:12:2], *DECIMALS], "DECIMAL(38,18)": DECIMALS, "DECIMAL(3,3)": ["0.5", "0.9994", "0.9995", "1", "-0.9999"], "DOUBLE": [*DOUBLES, *WHOLE[:20]], "FLOAT": DOUBLES, "BOOLEAN": BOOLEANS,
         "DATE": DATES, "TIMESTAMP": TIMESTAMPS, "TIMESTAMP_NTZ": TIMESTAMPS[::2], "INTERVAL YEAR TO MONTH": MONTHS, "INTERVAL YEAR": MONTHS[:6], "INTERVAL MONTH": MONTHS[:6], "INTERVAL DAY TO SECOND": DAYS, "INTERVAL DAY": DAYS[:8], "INTERVAL HOUR TO SECOND": DAYS[:7], "INTERVAL": INTERVALS, "TIME": CLOCKS, "BINARY": BINARIES}


def expressions():
    matrix = []
    for source in EVERY:
        for name in NAMES.values():
            for value in VALUES[source][:1]:
                matrix.append(f"CAST({marked(value)} AS {name})")
    for source in ATOMIC:
        for target in ATOMIC:
            for value in VALUES[source][2:]:
                matrix.append(f"CAST({marked(value)} AS {NAMES[target]})")
            matrix.append(f"CAST({marked(VALUES[source][1])} AS {NAMES[target]})")
    yield from unique(matrix)
    for source in EVERY:
        for value in VALUES[source]:
            yield f"CAST({marked(value)} AS STRING)"
    for name, texts in TEXTS.items():
        for one in texts:
            yield f"CAST({marked(text(one))} AS {name})"
        for one in texts:
            yield f"TRY_CAST({marked(text(one))} AS {name})"
    yield from numbers()
    yield from thinned([f"TRY_CAST({marked(value)} AS {NAMES[target]})" for source in ATOMIC for target in ATOMIC for value in VALUES[source][:6]], 250)
    yield from forms()


def numbers():
    doubles = ["1.5D", "-1.5D", "0.5D", "2.5D", "1e10D", "1e20D", "-0.0D", "DOUBLE('NaN')", "DOUBLE('Infinity')", "127.9D", "128D", "-128.9D", "2147483647.9D", "9.3e18D", "1e-7D", "1e7D", "12345678.9D", "0.001D", "1234567890123456789D", "1e38D", "1e39D", "3.4e38D", "1e-46D"]
    for target in ["TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "STRING", "DECIMAL(10,2)", "DECIMAL(38,0)", "BOOLEAN", "TIMESTAMP"]:
        yield from (f"CAST({marked(value)} AS {target})" for value in doubles)
    for value in ["1.5F", "0.1F", "1e10F", "1e-10F", "16777217F", "3.4028234E38F", "FLOAT('NaN')", "1.17549435E-38F", "123456.789F", "-0.0F", "1e7F", "9999999F"]:
        yield from (f"CAST({marked(value)} AS {target})" for target in ["STRING", "DOUBLE", "DECIMAL(10,2)", "INT", "BIGINT", "DECIMAL(38,18)"])
    for value in ["1.005", "-1.005", "2.675", "99999999.995", "0.5", "-0.5", "127.5", "128.0", "1e-10BD", "12345678901234567890.5", "0.00000000000000000001", "1.10", "1E+10BD", "99999999999999999999999999999999999999"]:
        yield from (f"CAST({marked(value)} AS {target})" for target in ["STRING", "DOUBLE", "FLOAT", "DECIMAL(10,2)", "DECIMAL(5,0)", "DECIMAL(38,37)", "TINYINT", "INT", "BIGINT", "BOOLEAN", "TIMESTAMP", "INTERVAL SECOND"])
    for value in ["128", "-129", "32768", "70000", "0", "1", "-1", "2147483647", "9223372036854775807L", "253402300800L", "-62135596801L", "1709210096"]:
        yield from (f"CAST({marked(value)} AS {target})" for target in ["TINYINT", "SMALLINT", "INT", "FLOAT", "DECIMAL(3,1)", "DECIMAL(19,0)", "BOOLEAN", "TIMESTAMP", "DATE", "STRING", "BINARY", "INTERVAL DAY", "INTERVAL MONTH"])


def forms():
    for name in ["TINYINT", "BYTE", "SMALLINT", "SHORT", "INT", "INTEGER", "BIGINT", "LONG", "FLOAT", "REAL", "DOUBLE", "DECIMAL", "DEC", "NUMERIC", "DECIMAL(5)", "DECIMAL(5,2)", "DECIMAL(39,0)", "DECIMAL(5,6)", "DECIMAL(0,0)", "STRING", "CHAR(3)", "VARCHAR(2)", "BINARY", "BOOLEAN", "VOID", "TIMESTAMP_LTZ", "TIME(3)", "TEXT", "INT8"]:
        yield f"CAST({marked(chr(39) + '12' + chr(39))} AS {name})"
        yield f"typeof(CAST(NULL AS {name}))"
    for function in ["tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "boolean", "string", "binary", "date", "timestamp", "time"]:
        for value in ["'12'", "1", "1.5", "NULL", "true", "DATE'2024-01-01'", "'x'", "'2024-01-01'", "X'31'"]:
            yield f"{function}({marked(value)})"
    yield from ["'12'::INT", "1.5::INT::STRING", "NULL::INT", "array(1)::ARRAY<STRING>", "-1::STRING", "'1' :: DECIMAL(5,2)", "1::boolean", "CAST(array('1', 'x') AS ARRAY<INT>)", "TRY_CAST(array('1', 'x') AS ARRAY<INT>)", "CAST(array(1, NULL) AS ARRAY<DOUBLE>)", "CAST(array(1.5, 2.5) AS ARRAY<INT>)", "CAST(array() AS ARRAY<INT>)",
                "CAST(map('1', 2) AS MAP<INT, STRING>)", "CAST(map(1, 'a') AS MAP<STRING, STRING>)", "CAST(map('1', 1, '01', 2) AS MAP<INT, INT>)", "CAST(named_struct('a', 1, 'b', 'x') AS STRUCT<c: STRING, d: STRING>)", "CAST(struct(1, 2) AS STRUCT<a: INT>)", "CAST(named_struct('a', '1') AS STRUCT<a: INT>)", "CAST(struct(array(1)) AS STRUCT<x: ARRAY<STRING>>)",
                "CAST(array(1, NULL, 3) AS STRING)", "CAST(array('a', NULL, '') AS STRING)", "CAST(map('a', 1, 'b', NULL) AS STRING)", "CAST(struct(1, NULL, 'x') AS STRING)", "CAST(array(array(1), NULL) AS STRING)", "CAST(array(1.5D, DOUBLE('NaN')) AS STRING)", "CAST(array(DATE'2024-01-01') AS STRING)", "CAST(array(TIMESTAMP'2024-01-01 00:00:00.5') AS STRING)", "CAST(array(X'00FF') AS STRING)",
                "CAST(named_struct('a', map(1, array('x'))) AS STRING)", "CAST(array() AS STRING)", "CAST(map() AS STRING)", "CAST(X'C328' AS STRING)", "CAST(X'00' AS STRING)", "CAST('a' AS BINARY)", "CAST(1 AS BINARY)", "CAST(258S AS BINARY)", "CAST(1.5D AS BINARY)", "CAST(X'01' AS INT)", "CAST(X'FFFFFFFF' AS INT)", "CAST(X'0102030405060708' AS BIGINT)", "CAST(true AS BINARY)", "CAST(DATE'2024-01-01' AS INT)",
                "CAST(TIMESTAMP'2024-02-29 12:34:56.789' AS BIGINT)", "CAST(TIMESTAMP'2024-02-29 12:34:56.789' AS DOUBLE)", "CAST(TIMESTAMP'2024-02-29 12:34:56.789' AS DECIMAL(20,6))", "CAST(TIMESTAMP'1969-12-31 23:59:59.5' AS BIGINT)", "CAST(TIMESTAMP'1969-12-31 23:59:59.5' AS DATE)", "CAST(1.5D AS TIMESTAMP)", "CAST(-0.000001D AS TIMESTAMP)", "CAST(1.1234567 AS TIMESTAMP)", "CAST(true AS TIMESTAMP)",
                "CAST(1e300D AS TIMESTAMP)", "CAST(DOUBLE('NaN') AS TIMESTAMP)", "CAST(INTERVAL '1-2' YEAR TO MONTH AS INT)", "CAST(INTERVAL '5' MONTH AS INT)", "CAST(INTERVAL '5' YEAR AS BIGINT)", "CAST(INTERVAL '5' DAY AS INT)", "CAST(INTERVAL '36' HOUR AS TINYINT)", "CAST(INTERVAL '1.5' SECOND AS DECIMAL(10,2))", "CAST(INTERVAL '200' HOUR AS TINYINT)", "CAST(5 AS INTERVAL YEAR)",
                "CAST(5 AS INTERVAL DAY TO SECOND)", "CAST(1.5 AS INTERVAL SECOND)", "CAST(INTERVAL '1 02:03:04' DAY TO SECOND AS INTERVAL DAY)", "CAST(INTERVAL '13' MONTH AS INTERVAL YEAR)", "CAST('123' AS CHAR(5))", "CAST('12345' AS VARCHAR(3))", "TRY_CAST('12345' AS CHAR(3))", "CAST(TIMESTAMP'2024-01-01 00:00:00' AS STRING)", "CAST(TIMESTAMP'2024-01-01 00:00:00.100' AS STRING)", "CAST(TIMESTAMP_NTZ'2024-01-01 10:00:00' AS TIMESTAMP)"]
    for value in ["0.0D", "1.0D", "100.0D", "1e6D", "9999999D", "1e7D", "12345678.5D", "1e-3D", "9e-4D", "1e21D", "123456789012345680D", "1.0E-5D", "0.1F", "1e7F", "1.0E-4F", "100F", "3.3333333F", "2e-45F"]:
        yield f"CAST({marked(value)} AS STRING)"
