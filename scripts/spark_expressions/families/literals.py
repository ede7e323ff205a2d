"""Literals: what type they have, and what of them is refused."""

from values import EVERY, VALUES

NUMBERS = """0 1 -1 +1 007 2147483647 2147483648 -2147483648 -2147483649 9223372036854775807 9223372036854775808 -9223372036854775808
-9223372036854775809 99999999999999999999999999999999999999 100000000000000000000000000000000000000 1Y 127Y 128Y -128Y -129Y 1S 32767S 32768S -32768S
1L 1l 9223372036854775807L 9223372036854775808L -9223372036854775808L 0.908 .5 5. 0.0 -0.0 00.10 1.50 100.000 -1.5 1.0000000000000000000000000000000000001
0.00000000000000000000000000000000000001 0.000000000000000000000000000000000000001 1e0 1E0 1e3 1.5e3 -1.5e-3 1e-3 .5e1 5.e1 1e308 1e309 1e-324 1e-400 0e0 -0e0
1d 1D 1.5d -0.0d 1e3d 0.1D 1.7976931348623157E308D 4.9E-324D 1e400D 1f 1F 1.5f 0.1F 1e38F 3.4028235E38F 1e39F 1.4E-45F 1BD 1.5BD -1.50bd 1e3BD 1e-3BD 1.5e2BD
12345678901234567890123456789012345678BD 123456789012345678901234567890123456789BD 1e38BD 1e-38BD 1e-39BD 0BD 0.000BD 1_000 0x1F 1e 1.5S 1.5L
99999999999999999999999999999999999999.9 1234567890123456789.0123456789012345678 1234567890123456789.01234567890123456789 12345678901234567890 1e2147483648""".split()

STRINGS = [
    "''", "'a'", '"a"', "'it''s'", '"a""b"', "'it\\'s'", "'a\\nb'", "'a\\tb'", "'a\\\\b'", "'\\%'", "'\\_'", "'\\u0041'", "'\\U0001F600'", "'\\101'", "'\\0'", "'\\b\\r\\Z'",
    "'\\\\d+'", "r'\\d+'", "R'a\\nb'", 'r"x\\y"', "'a' 'b'", "'a' \"b\"", "'ä日😀'", "'line\nbreak'", "'NULL'", "'--x'", "'/*x*/'", "N'x'", "'a;b'", "'\"'", '"\'"',
    "X''", "X'00'", "x'0a'", "X'ABC'", "X'0G'", "X'DEADBEEF'", "true", "TRUE", "false", "False", "NULL", "null",
]

TIMES = [
    f"{kind}'{text}'"
    for kind, all_texts in {
        "DATE": "2024-02-29|2023-02-29|2024-2-9|2024-02|2024|0001-01-01|0000-01-01|9999-12-31|+10000-01-01|-0001-01-01|99999-01-01| 2024-01-01 |2024-01-01 10:00:00|"
                "2024-01-01T10:00:00|20240101|2024/01/01|24-01-01|epoch|x||2024-13-01|2024-00-10|2024-01-32",
        "TIMESTAMP": "2024-02-29 12:34:56.789012|2024-02-29|2024-02|2024|2024-02-29 1:2:3|2024-02-29T12:34|2024-02-29 12|2024-02-29 12:34:56Z|2024-02-29 12:34:56+01:00|"
                     "2024-02-29 12:34:56 Europe/Berlin|2024-02-29 12:34:56.1|2024-02-29 12:34:56.1234567|2024-02-29 24:00:00|2024-02-29 12:60:00|epoch|x||0001-01-01 00:00:00|"
                     "9999-12-31 23:59:59.999999|294247-01-10 04:00:54.775807|294247-01-10 04:00:54.775808|2024-02-29 12:34:56 UTC|2024-02-29 12:34:56 GMT+1|2024-02-29 12:34:56-08|"
                     "2024-02-29 12:34:56 PST|2023-02-29 00:00:00| 2024-02-29 12:34:56 |2024-03-31 02:30:00 Europe/Berlin|2024-10-27 02:30:00 Europe/Berlin",
        "TIMESTAMP_NTZ": "2024-02-29 12:34:56.789012|2024-02-29|2024-02-29 12:34:56Z|x|2024-02-29T00:00:00.5|1969-12-31 23:59:59.999999",
        "TIMESTAMP_LTZ": "2024-02-29 12:34:56.789012|2024-02-29 12:34:56+01:00|x",
        "TIME": "12:34:56|12:34:56.789012|12:34|1:2:3|24:00:00|23:59:59.9999999|12:34:56 PM|x|00:00:00.000001|T12:34:56",
    }.items()
    for text in all_texts.split("|")
]

INTERVALS = [
    "INTERVAL " + form
    for form in """1 YEAR|1 YEARS|-1 YEAR|'1' YEAR|'-1' YEAR|-'1' YEAR|1 MONTH|13 MONTHS|1 YEAR 2 MONTHS|'1-2' YEAR TO MONTH|'-1-2' YEAR TO MONTH|-'1-2' YEAR TO MONTH|'1-12' YEAR TO MONTH
'0-11' YEAR TO MONTH|'178956970-7' YEAR TO MONTH|'178956970-8' YEAR TO MONTH|1 DAY|2 DAYS|-3 DAY|1 WEEK|2 WEEKS|1 HOUR|36 HOURS|90 MINUTES|1 SECOND|1.5 SECONDS|'1.5' SECOND|-0.1 SECOND
0.000001 SECOND|0.0000001 SECOND|1 MILLISECOND|1500 MILLISECONDS|1 MICROSECOND|1 NANOSECOND|1 DAY 2 HOURS|1 DAY 2 HOURS 3 MINUTES 4.5 SECONDS|'1 2' DAY TO HOUR|'1 02:03' DAY TO MINUTE
'1 02:03:04' DAY TO SECOND|'1 02:03:04.5' DAY TO SECOND|'-1 02:03:04.000001' DAY TO SECOND|'0 00:00:00.1' DAY TO SECOND|'02:03' HOUR TO MINUTE|'02:03:04' HOUR TO SECOND|'03:04.5' MINUTE TO SECOND
'1 24:00:00' DAY TO SECOND|'1 02:60' DAY TO MINUTE|'106751991 04:00:54.775807' DAY TO SECOND|'106751991 04:00:54.775808' DAY TO SECOND|1 MONTH 1 DAY|1 YEAR 1 SECOND|1 MONTH 1 HOUR
'1 day'|'1 day 2 hours'|'1 year 2 months'|'-1 days'|'1.5 seconds'|'x'|''|1 x|'1' DAY TO MONTH|'1 YEAR' YEAR|1 QUARTER|1 DECADE|1 CENTURY|9223372036854775807 SECONDS|2147483648 MONTHS
1 DAY -2 HOURS|1 DAYS 1 DAYS|0 DAYS|'5' DAY|'5' HOUR|'70' MINUTE|'70.123456' SECOND|'1000' HOUR|1 YEAR -1 MONTH|CAST(1 AS INT) DAY""".replace("\n", "|").split("|")
]

NESTED = [
    "array()", "array(NULL)", "array(1, 2L)", "array(1, 2.5)", "array(1, 'a')", "array(1, 1.5D)", "array(1, NULL)", "array(DATE'2024-01-01', TIMESTAMP'2024-01-01 00:00:00')", "array(true, 1)",
    "array(array(), array(1))", "array(map(), map('a', 1))", "map()", "map(1, 2)", "map('a', 1, 'b', 2.5)", "map(NULL, 1)", "map('a', 1, 'a', 2)", "map(1)", "map(array(1), 'x')", "map(map(), 1)",
    "map(0.0D, 1, -0.0D, 2)", "map(DOUBLE('NaN'), 1)", "struct()", "struct(1, 'a')", "struct(1 AS x, 'a' AS y)", "struct(NULL)", "named_struct('a', 1)", "named_struct('a', 1, 'a', 2)", "named_struct('a')",
    "named_struct(NULL, 1)", "named_struct(1, 2)", "(1, 'a')", "(1)", "((1, 2), 3)", "struct(1, 2).col1", "named_struct('a', 1).a", "named_struct('a', 1).A", "named_struct('a', 1).b",
    "named_struct('a', named_struct('b', 5)).a.b", "array(1, 2)[0]", "array(1, 2)[2]", "array(1, 2)[-1]", "array(1, 2)[NULL]", "map('a', 1)['a']", "map('a', 1)['z']", "map('a', 1).a", "map(1, 'x')[1L]",
    "array(named_struct('a', 1), named_struct('a', 2)).a", "array(array(1, 2), array(3))[1][0]", "map('k', array(5, 6))['k'][1]", "array(1, 2)['0']", "array(1, 2)[1.0]", "map(1, 2)['1']",
]


def expressions():
    singles = [*NUMBERS, *STRINGS, *TIMES, *INTERVALS, *NESTED]
    yield from singles
    for one in EVERY:
        yield from (f"typeof({value})" for value in VALUES[one][:3])
    yield from (f"typeof({value})" for value in ["1Y", "1S", "1", "1L", "0.908", "1e0", "1d", "1f", "1.5BD", "NULL", "'a'", "X'00'", "2147483648", "9223372036854775808", "-0.5", "00.10"])
    yield from (f"- {value}" for value in ["1", "2147483648", "9223372036854775808", "(-128Y)", "(-2147483648)", "1.5", "0.0D", "NULL", "'1'"])
