"""Arithmetic: every pair of types, the extremes of each, decimals' precision and scale, dates and intervals."""

from calls import marked, spread, unique
from values import ATOMIC, INTEGERS, NUMERIC, TIMES, VALUES, null, usual

EXTREMES = {
    "tinyint": ["127Y", "-128Y", "1Y", "-1Y", "0Y"],
    "smallint": ["32767S", "-32768S", "1S", "-1S", "0S"],
    "int": ["2147483647", "-2147483648", "1", "-1", "0", "46341"],
    "bigint": ["9223372036854775807L", "-9223372036854775808L", "1L", "-1L", "0L", "3037000500L"],
    "float": ["3.4028234E38F", "1.4E-45F", "-0.0F", "0.0F", "FLOAT('NaN')", "FLOAT('Infinity')", "0.1F"],
    "double": ["1.7976931348623157E308D", "4.9E-324D", "0.1D", "-0.0D", "0.0D", "DOUBLE('NaN')", "DOUBLE('Infinity')", "DOUBLE('-Infinity')", "-7.5D"],
    "decimal": ["0.0", "99999999999999999999999999999999999999BD", "0.00000000000000000000000000000000000001", "-7.5", "3.00", "1234567890123456789.0123456789"],
}

DECIMAL_TYPES = ["10,2", "5,0", "38,0", "38,18", "38,38", "18,6", "3,3", "20,10"]


def pairs_of_types():
    for left in NUMERIC:
        for right in NUMERIC:
            for operator in ["+", "-", "*", "/", "%", "DIV"]:
                yield f"{marked(usual(left))} {operator} {marked(VALUES[right][0])}"
    for operator in ["+", "-", "*", "/", "%", "DIV"]:
        for one in NUMERIC:
            yield f"{marked(usual(one))} {operator} {marked(null(one if one != 'decimal' else 'DECIMAL(10,2)'))}"
            yield f"{marked(usual(one))} {operator} NULL"
            yield f"'7' {operator} {marked(usual(one))}"
            yield f"{marked(usual(one))} {operator} {marked(chr(39) + 'x' + chr(39))}"
        for other in ["true", "'a'", "X'00'", "DATE'2024-01-01'", "array(1)", "map()", "struct(1)", "NULL"]:
            yield f"1 {operator} {other}"
        yield f"NULL {operator} NULL"
        yield f"'6' {operator} '4'"
        yield f"'6.5' {operator} '4'"


def extremes():
    for one, values in EXTREMES.items():
        for operator in ["+", "-", "*", "/", "%", "DIV"]:
            yield from spread("{} " + operator + " {}", values, values, most=14, pairs=30)
        yield from spread("- {}", values)
        yield from spread("+ {}", values[:2])
        yield from spread("abs", values)
        yield from spread("negative", values)
        yield from spread("positive", values[:2])
        for function in ["pmod", "mod", "try_add", "try_subtract", "try_multiply", "try_divide", "try_mod", "div"]:
            yield from spread(function, values, values, most=9, pairs=30)


def decimals():
    for left in DECIMAL_TYPES:
        for right in DECIMAL_TYPES:
            for operator in ["+", "-", "*", "/", "%"]:
                yield f"{marked(f'CAST(0.5 AS DECIMAL({left}))')} {operator} {marked(f'CAST(0.25 AS DECIMAL({right}))')}"
    nines = "99999999999999999999999999999999999999"
    most = [f"CAST('{nines}' AS DECIMAL(38,0))", f"CAST('-{nines}' AS DECIMAL(38,0))", f"CAST('{nines[2:]}.99' AS DECIMAL(38,2))", "CAST('0.000000000000000001' AS DECIMAL(38,18))",
            "CAST('99999999999999999999.999999999999999999' AS DECIMAL(38,18))", "CAST(3 AS DECIMAL(1,0))", "CAST('6e37' AS DECIMAL(38,0))"]
    for operator in ["+", "-", "*", "/", "%", "DIV"]:
        yield from spread("{} " + operator + " {}", most, [*most[2:], "2", "1L", "0.1D", "'2'"], most=20, pairs=40)
    for function in ["try_add", "try_subtract", "try_multiply", "try_divide", "try_mod", "pmod"]:
        yield from spread(function, most, most[2:], most=10, pairs=40)
    yield from ["19.99 * 3", "19.99 * 0.1", "19.99BD * 0.1", "1.0 / 3", "1.0 / 3.0", "10 / 3", "10L / 3",
                "2 / 3.000", "1 / 3BD", "0.1 + 0.2", "0.1 + 0.2D", "1.10 = 1.1", "5 % 3.5", "-5 % 3", "-5.5 % 3", "5 DIV 2.5", "-7 DIV 2", "7 DIV -2", "1.5 DIV 0.5D", "1e0 / 3", "1 + 1.5F", "1L + 1.5F", "0.1 * 1L", "1Y + 1", "1Y + 1Y", "1S * 2Y",
                "1 + 2L", "2 * 3 + 4", "2 + 3 * 4", "(2 + 3) * 4", "- 2 + 3", "1 - -1", "10 - 4 - 3", "100 / 10 / 2", "7 % 4 % 2", "2 * 2 DIV 3", "1 + 1 = 2", "1 || 2", "1 + '1'", "1L + '1'", "1.5 + '1'", "1 / 2", "1Y / 2Y", "5 / 0", "5.0 / 0", "5D / 0", "5 % 0", "5D % 0D", "5 DIV 0", "0 / 0", "0D / 0D"]


def bits():
    for one in INTEGERS:
        for operator in ["&", "|", "^"]:
            yield from spread("{} " + operator + " {}", EXTREMES[one], EXTREMES[one][:3], most=6, pairs=2)
            yield f"{marked(usual(one))} {operator} {marked('255L')}"
            yield f"{marked(usual(one))} {operator} NULL"
        yield from spread("~ {}", [*EXTREMES[one], null(one)])
        for operator in ["<<", ">>", ">>>"]:
            yield from spread("{} " + operator + " {}", EXTREMES[one][:4], ["1", "0", "31", "32", "63", "64", "-1", null("INT")], most=9)
        for function in ["shiftleft", "shiftright", "shiftrightunsigned"]:
            yield from spread(function, EXTREMES[one][:4], ["1", "33", "-1", "65"], most=7)
        for function in ["bit_count", "getbit({}, 0)", "bit_get({}, 7)"]:
            yield from spread(function, [*EXTREMES[one], null(one)])
    yield from ["1.5 & 1", "1D | 2", "true & false", "'3' & 1", "~ 1.5", "~ '1'", "1 << 1L", "'1' << 2", "bit_count(true)", "bit_count(false)", "bit_count('7')", "bit_count(1.5)", "getbit(11, 64)", "getbit(11, -1)", "getbit(11Y, 8)",
                "getbit(NULL, 1)", "bit_get(11, NULL)", "5 & 3 | 8", "1 | 2 ^ 3 & 4", "1 + 1 << 2", "8 >> 1 + 1", "6 ^ NULL"]


def times():
    intervals = ["INTERVAL 1 DAY", "INTERVAL 1 MONTH", "INTERVAL '1-2' YEAR TO MONTH", "INTERVAL '1 02:03:04.5' DAY TO SECOND", "INTERVAL 1 HOUR", "INTERVAL 1 MONTH 1 DAY", "INTERVAL '-13' MONTH", "INTERVAL 0.000001 SECOND", "make_interval(1, 2, 3, 4)",
                 "INTERVAL 1000000 DAYS", "CAST(NULL AS INTERVAL DAY)"]
    for one in TIMES:
        values = [*VALUES[one], f"{one.upper()}'2024-01-31'"]
        for operator in ["+", "-"]:
            yield from spread("{} " + operator + " {}", values, intervals, most=22, pairs=6)
        for other in TIMES:
            yield from spread("{} - {}", VALUES[one], VALUES[other], most=6, pairs=2)
            yield f"{marked(usual(one))} + {marked(usual(other))}"
        for number in ["1", "1Y", "1S", "1L", "1.5", "1.5D", "'1'", "NULL"]:
            yield f"{marked(usual(one))} + {marked(number)}"
            yield f"{marked(usual(one))} - {marked(number)}"
            yield f"{marked(number)} + {marked(usual(one))}"
        yield f"{marked(usual(one))} * 2"
        yield f"INTERVAL 1 DAY + {marked(usual(one))}"
        yield f"INTERVAL 1 DAY - {marked(usual(one))}"
        yield f"{marked(usual(one))} - '2024-01-01'"
        yield f"'2024-01-01' - {marked(usual(one))}"
    yield from spread("{} + {}", "time", ["INTERVAL 1 HOUR", "INTERVAL '13:00:00' HOUR TO SECOND", "INTERVAL 1 DAY"], pairs=1)
    yield from spread("{} - {}", "time", ["TIME'10:00:00'", "INTERVAL 1 MINUTE"], pairs=1)
    yield from ["'2024-01-31' + INTERVAL 1 MONTH", "'2024-01-31 10:00:00' - INTERVAL 1 HOUR", "DATE'2024-01-31' + INTERVAL 1 MONTH + INTERVAL 1 MONTH", "DATE'2024-01-01' + 2147483647", "DATE'2024-01-01' - 2147483647", "'x' + INTERVAL 1 DAY"]


def intervals():
    for one in ["months", "days", "interval"]:
        for other in ["months", "days", "interval"]:
            for operator in ["+", "-"]:
                yield from spread("{} " + operator + " {}", one, VALUES[other], most=7, pairs=1)
        yield from spread("- {}", one)
        yield from spread("+ {}", VALUES[one][:1])
        yield from spread("abs", one)
        yield from spread("negative", VALUES[one][:2])
        for factor in ["2", "0", "-1", "3Y", "3S", "2L", "0.5", "1.5D", "0.1F", "'2'", "NULL", "9223372036854775807L", "DOUBLE('NaN')", "0.3333"]:
            yield f"{marked(usual(one))} * {marked(factor)}"
            yield f"{marked(usual(one))} / {marked(factor)}"
        yield f"2 * {marked(usual(one))}"
        yield f"2 / {marked(usual(one))}"
        for function in ["try_add", "try_subtract"]:
            yield from spread(function, VALUES[one], VALUES[one], most=6, pairs=2)
        for function in ["try_multiply", "try_divide"]:
            yield from spread(function, VALUES[one], ["2", "0", "1.5D"], most=6)
        yield from spread("sign", VALUES[one][:4])
    for one in TIMES:
        yield from spread("try_add", VALUES[one], ["INTERVAL 1 MONTH", "INTERVAL 1 DAY", "1"], most=8)
        yield from spread("try_subtract", VALUES[one], ["INTERVAL 1 MONTH", "INTERVAL 1 DAY", "1"], most=8)


def others():
    for one in ATOMIC:
        yield f"{marked(usual(one))} || {marked(chr(39) + '-x' + chr(39))}"
        yield f"{marked(usual(one))} || NULL"
        yield f"+ {marked(usual(one))}"
        yield f"- {marked(usual(one))}"
    yield from ["array(1) || array(2)", "array(1) || 2", "X'01' || X'02'", "X'41' || 'b'", "'a' || 'b' || 'c'", "array(1) || NULL", "array(1) || array('a')", "1 || 2 + 3"]


def expressions():
    for part in [pairs_of_types, extremes, decimals, bits, times, intervals, others]:
        yield from unique(part())
