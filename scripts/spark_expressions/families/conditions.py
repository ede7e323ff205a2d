"""Comparisons of every pair of types, three-valued logic, IN, BETWEEN, LIKE, CASE, and the functions that choose among values."""

from calls import Constant, marked, of_types, spread, unique
from values import ARRAYS, ATOMIC, EVERY, FLOATS, NUMERIC, TIMES, VALUES, null, texts, usual

COMPARISONS = ["=", "<>", "<", "<=", ">", ">=", "<=>"]
BOOLEANS = ["true", "false", null("BOOLEAN")]


def comparisons():
    for left in ATOMIC:
        for right in ATOMIC:
            yield f"{marked(usual(left))} = {marked(usual(right))}"
            yield f"{marked(usual(left))} < {marked(usual(right))}"
    for one in EVERY:
        values = VALUES[one]
        for operator in COMPARISONS:
            yield from spread("{} " + operator + " {}", values, values, most=5, pairs=3)
    for one in FLOATS:
        special = [f"{one.upper()}('NaN')", "0.0" + one[0].upper(), "-0.0" + one[0].upper(), f"{one.upper()}('Infinity')", f"{one.upper()}('-Infinity')", "1.5" + one[0].upper()]
        for operator in COMPARISONS:
            yield from spread("{} " + operator + " {}", special, special, most=12, pairs=6)
    numbers = texts("12", " 12 ", "12.5", "1e1", "x", "", "NaN", "0012", "9223372036854775808")
    for one in NUMERIC:
        yield from spread("{} = {}", [usual(one), "12" if one != "float" else "12.0F"], numbers, most=10)
        yield from spread("{} > {}", [usual(one)], numbers, most=4)
    for one in TIMES:
        yield from spread("{} >= {}", [usual(one)], texts("2024-02-29", "2024-02-29 12:34:56.789012", "2024-02-29T00:00:00Z", "x", "2024", "", "9999-12-31"))
        for other in TIMES:
            yield from spread("{} > {}", VALUES[one], VALUES[other], most=8, pairs=3)
    yield from ["true = 'true'", "true = 't'", "true = 1", "false < true", "1 = 1.0", "1 = 1.0D", "0.1 = 0.1D", "0.1F = 0.1D", "0.1F = 0.1", "16777217 = 16777216F", "9007199254740993L = 9007199254740992D", "1L = '1'", "'a' = 'A'", "'a' = 'a '", "'a' < 'B'",
                "'é' > 'z'", "'😀' > '日'", "'' < 'a'", "X'00' < X'01'", "X'FF' > X'00'", "X'00' = ''", "1 = NULL", "NULL = NULL", "NULL <=> NULL", "1 <=> NULL", "1 != 2", "1 == 1", "NOT 1 = 1", "1 < 2 = true", "'2024-01-01' < DATE'2024-01-02'",
                "array(1, 2) = array(1, 2)", "array(1, NULL) = array(1, NULL)", "array(1, NULL) < array(1, 2)", "array(1) < array(1, 2)", "array(2) > array(1, 5)", "array(DOUBLE('NaN')) = array(DOUBLE('NaN'))", "array(0.0D) = array(-0.0D)", "struct(1, NULL) = struct(1, NULL)",
                "struct(1, 'a') < struct(1, 'b')", "struct(1, 'a') < struct(2, 'a')", "named_struct('a', 1) = named_struct('b', 1)", "struct(1) = struct(1L)", "struct(1, 2) = struct(1)", "array(1) = array(1L)", "array(1) = array('1')", "(1, 2) < (1, 3)", "(1, 2) = (1, 2)", "map('a', 1) = map('a', 1)",
                "map('a', 1) <=> map('a', 1)", "struct(0.0D) = struct(-0.0D)", "make_interval(1) = make_interval(1)", "make_interval(1) < make_interval(2)", "INTERVAL 12 MONTHS = INTERVAL 1 YEAR", "INTERVAL 24 HOURS = INTERVAL 1 DAY", "INTERVAL 1 DAY < INTERVAL 25 HOURS", "INTERVAL 1 MONTH < INTERVAL 31 DAYS"]


def logic():
    for operator in ["AND", "OR"]:
        for left in [*BOOLEANS, "NULL"]:
            for right in [*BOOLEANS, "NULL"]:
                yield f"{marked(left)} {operator} {marked(right)}"
        yield from [f"true {operator} 1", f"true {operator} 'true'", f"1 {operator} 0", f"false {operator} 'x'"]
    yield from spread("NOT {}", BOOLEANS)
    yield from spread("! {}", BOOLEANS)
    yield from ["NOT NULL", "NOT 1", "NOT 'true'", "true AND false OR true", "NOT true AND false", "true OR true AND false", "NOT (true AND NULL)", "(1 = 1) = (2 = 2)", "false AND 1 / 0 = 1", "true OR 1 / 0 = 1", "1 / 0 = 1 AND false", "NULL AND 1 / 0 = 1"]
    for test in ["TRUE", "FALSE", "UNKNOWN", "NULL"]:
        for negated in ["", "NOT "]:
            yield from spread("{} IS " + negated + test, BOOLEANS)
    for one in EVERY:
        for form in ["{} IS NULL", "{} IS NOT NULL", "isnull", "isnotnull"]:
            yield from spread(form, one, values=2)
        yield from spread("{} IS DISTINCT FROM {}", VALUES[one][:2], VALUES[one][:2], most=4, pairs=1)
        yield from spread("{} IS NOT DISTINCT FROM {}", VALUES[one][:2], VALUES[one][:2], most=4, pairs=1)
        yield from spread("equal_null", VALUES[one][:3], VALUES[one][:2], most=4, pairs=1)
    yield from ["true IS NOT DISTINCT FROM true AND 5 = 1", "false IS NOT DISTINCT FROM true OR true", "1 IS DISTINCT FROM 1 AND NULL", "1 IS NULL OR true", "1 IS TRUE", "'true' IS TRUE", "0.0D IS DISTINCT FROM -0.0D", "DOUBLE('NaN') IS DISTINCT FROM DOUBLE('NaN')", "1 IS DISTINCT FROM 1L"]


def lists():
    for one in ATOMIC:
        first = usual(one)
        for negated in ["", "NOT "]:
            yield f"{marked(first)} {negated}IN ({first})"
            yield f"{marked(first)} {negated}IN ({VALUES[one][2]}, {first})"
            yield f"{marked(first)} {negated}IN ({VALUES[one][2]}, NULL)"
            yield f"{marked(VALUES[one][1])} {negated}IN ({first})"
            yield f"{marked(first)} {negated}BETWEEN {marked(VALUES[one][2])} AND {marked(VALUES[one][-1])}"
            yield f"{marked(first)} {negated}BETWEEN {marked(first)} AND {marked(first)}"
            yield f"{marked(first)} {negated}BETWEEN NULL AND {marked(VALUES[one][2])}"
            yield f"{marked(VALUES[one][1])} {negated}BETWEEN {marked(first)} AND {marked(first)}"
    yield from ["1 IN (1L, 2.5)", "1 IN ('1', '2')", "'1' IN (1, 2)", "1 IN (1.0D)", "1.0 IN (1)", "1 IN ('x')", "1 IN ()", "1 IN (NULL)", "NULL IN (1)", "NULL IN (NULL)", "NULL NOT IN (1)", "0.0D IN (-0.0D)", "0.0D NOT IN (-0.0D)", "DOUBLE('NaN') IN (DOUBLE('NaN'))", "(1, 'a') IN ((1, 'a'), (2, 'b'))",
                "struct(1, 2) IN (struct(1, 2))", "array(1) IN (array(1), array(2))", "array(1, NULL) IN (array(1, NULL))", "map('a', 1) IN (map('a', 1))", "DATE'2024-01-01' IN ('2024-01-01')", "TIMESTAMP'2024-01-01 00:00:00' IN (DATE'2024-01-01')", "'a' IN ('A', 'a ')", "NULL NOT IN (1) OR NULL NOT IN (2)",
                "NOT (CAST(NULL AS INT) IN (1) AND CAST(NULL AS INT) IN (2))", "CAST(NULL AS INT) NOT IN (1) OR CAST(NULL AS INT) NOT IN (2)", "1 NOT IN (2, NULL)", "1 NOT IN (1, NULL)", "1 IN (1, 1 / 0)", "2 NOT IN (SELECT 1)", "1 IN (SELECT 1)", "1 IN (SELECT CAST(NULL AS INT))", "1 NOT IN (SELECT 2 UNION ALL SELECT NULL)",
                "NULL IN (SELECT 1)", "EXISTS (SELECT 1)", "NOT EXISTS (SELECT 1 WHERE false)", "(SELECT 1)", "(SELECT 1 WHERE false)", "1 + (SELECT max(a) FROM VALUES (1), (5) AS t(a))", "2 BETWEEN 1 AND 3 AND true", "2 BETWEEN 3 AND 1", "2 BETWEEN SYMMETRIC 3 AND 1", "'b' BETWEEN 'a' AND 'c'", "1 BETWEEN '0' AND 2.5", "DOUBLE('NaN') BETWEEN 0D AND DOUBLE('Infinity')"]


def patterns():
    subjects = texts("Spark SQL", "", "a_b%c", "a\\b", "línea\nzwei", "日本語", "ABC") + [null("STRING")]
    likes = texts("Spark%", "%SQL", "%k S%", "Spark SQL", "_park%", "", "%", "_", "a\\_b\\%c", "a_b%c", "%\n%", "日_語", "abc", "%%", "a\\\\b", "a\\b", "spark%", "%\\") + [null("STRING")]
    for operator in ["LIKE", "NOT LIKE", "ILIKE"]:
        yield from spread("{} " + operator + " {}", subjects, likes, most=30, pairs=30)
    yield from ["'a%b' LIKE 'a#%b' ESCAPE '#'", "'a_b' LIKE 'a/_b' ESCAPE '/'", "'a/b' LIKE 'a//b' ESCAPE '/'", "'ab' LIKE 'a/b' ESCAPE '/'", "'a' LIKE 'a' ESCAPE 'xx'", "'a' LIKE 'a' ESCAPE ''", "'A%B' ILIKE 'a#%b' ESCAPE '#'", "'a' LIKE ANY ('b', 'a')", "'a' LIKE SOME ('b', 'c%')", "'abc' LIKE ALL ('a%', '%c')",
                "'abc' LIKE ALL ('a%', NULL)", "'abc' NOT LIKE ANY ('a%', 'x')", "'abc' NOT LIKE ALL ('x', 'y')", "'ABC' ILIKE ANY ('a%')", "'ABC' ILIKE ALL ('a%', '%c')", "'x' LIKE ANY ('b', NULL)", "123 LIKE '1%'", "1.50 LIKE '%0'", "true LIKE 't%'", "DATE'2024-01-01' LIKE '2024%'", "X'616263' LIKE 'a%'",
                "'a' LIKE 1", "NULL LIKE 'a'", "'a' LIKE NULL", "like('abc', 'a%')", "like('abc', 'a_c', '/')", "ilike('ABC', 'a%')", "like('a%c', 'a/%c', '/')", "ilike('A_B', 'a/_b', '/')", "like('x', NULL)", "'ß' ILIKE 'SS'", "'İ' ILIKE 'i'", "'É' ILIKE 'é'", "'a.c' LIKE 'a.c'", "'abc' LIKE 'a.c'", "'a[b' LIKE 'a[b'"]


def choices():
    for one in EVERY:
        a, b = VALUES[one][0], VALUES[one][min(2, len(VALUES[one]) - 1)]
        nothing = VALUES[one][1] if len(VALUES[one]) > 1 else "NULL"
        for function in ["coalesce", "nvl", "ifnull", "nullif"]:
            yield from spread(function, [nothing, a], [a], most=2)
        yield f"coalesce(NULL, {marked(a)}, {marked(b)})"
        yield from spread("nvl2", [nothing, a], [a], [b], most=2)
        yield from spread("if", BOOLEANS, [a], [b])
        yield f"CASE WHEN {marked('false')} THEN {a} END"
        yield f"CASE {marked(a)} WHEN {b} THEN 1 WHEN {a} THEN 2 ELSE 3 END"
        for function in ["greatest", "least"]:
            yield from spread(function, [a], [b, nothing], most=2)
            yield from spread(function, VALUES[one], VALUES[one], most=4, pairs=1)
    for left in ATOMIC:
        for right in ATOMIC:
            if left != right:
                yield f"coalesce({marked(VALUES[left][1])}, {marked(usual(right))})"
    for left in NUMERIC:
        for right in [*NUMERIC, "string", "boolean"]:
            if left != right:
                yield f"if({marked('true')}, {usual(left)}, {usual(right)})"
                yield f"greatest({marked(usual(left))}, {marked(usual(right))})"
                yield f"nvl2({marked('1')}, {usual(left)}, {usual(right)})"
                yield f"nullif({marked(usual(left))}, {marked(usual(right))})"
                yield f"CASE WHEN {marked('false')} THEN {usual(left)} ELSE {usual(right)} END"
    for function in ["zeroifnull", "nullifzero"]:
        yield from of_types(function, [*NUMERIC, "string", "boolean", "date", "void", "days"])
        yield from [f"{function}(0)", f"{function}(0.00)", f"{function}(-0.0D)", f"{function}(0L)", f"{function}('0')", f"{function}(DOUBLE('NaN'))"]
    yield from of_types("isnan", [*NUMERIC, "string", "date", "void"])
    yield from spread("isnan", "double")
    yield from of_types("nanvl({}, 1)", [*FLOATS, "int", "decimal", "string"], values=8)
    yield from ["nanvl(DOUBLE('NaN'), 1.5F)", "nanvl(FLOAT('NaN'), 2.5D)", "nanvl(DOUBLE('NaN'), NULL)", "nanvl(NULL, 1D)", "nanvl(DOUBLE('NaN'), DOUBLE('NaN'))", "nanvl(1, 2)"]
    yield from ["CASE 1 WHEN 1 THEN 'a' END", "CASE 1 WHEN 1L THEN 'a' ELSE 2 END", "CASE NULL WHEN NULL THEN 1 ELSE 2 END", "CASE -0.0D WHEN 0.0D THEN 1 ELSE 2 END", "CASE DOUBLE('NaN') WHEN DOUBLE('NaN') THEN 1 ELSE 2 END", "CASE WHEN NULL THEN 1 ELSE 2 END", "CASE WHEN 1 = 1 THEN 1 WHEN 1 / 0 = 1 THEN 2 END",
                "CASE WHEN false THEN 1 / 0 ELSE 5 END", "CASE WHEN 1 THEN 2 END", "CASE WHEN 'true' THEN 2 END", "CASE WHEN true THEN 1 ELSE 'a' END", "CASE WHEN true THEN 1 ELSE 2.5 END", "CASE WHEN true THEN 1 ELSE 1e0 END", "CASE WHEN true THEN NULL ELSE NULL END", "CASE WHEN true THEN 1.50 ELSE 2.125 END", "CASE WHEN true THEN array(1) ELSE array(2L) END",
                "CASE WHEN true THEN struct(1, 'a') ELSE struct(2L, 'b') END", "CASE WHEN true THEN DATE'2024-01-01' ELSE TIMESTAMP'2024-01-01 00:00:00' END", "CASE WHEN true THEN DATE'2024-01-01' ELSE '2024' END", "if(true, 1, 1 / 0)", "if(NULL, 1, 2)", "if(1, 2, 3)", "if('x', 2, 3)", "iff(true, 1, 2)", "coalesce(1, 1 / 0)", "coalesce(NULL, NULL)", "coalesce()", "coalesce(1)",
                "coalesce(NULL, 1, 2L, 3.5)", "coalesce(DATE'9999-12-31', TIMESTAMP'2024-01-01 00:00:00')", "coalesce(1, 'a')", "coalesce(array(), array(1))", "coalesce(map(), map('a', 1))", "nvl(NULL, 1.5)", "nvl2(NULL, 1, 2.5)", "nullif(1, 1)", "nullif(1, 2)", "nullif(NULL, 1)", "nullif(1, NULL)", "nullif(0.0D, -0.0D)", "nullif(DOUBLE('NaN'), DOUBLE('NaN'))", "nullif('1', 1)",
                "nullif(array(1), array(1))", "greatest(1)", "greatest(1, 2, NULL)", "greatest(1, 2.5)", "greatest(1, 'a')", "greatest('1', 2)", "greatest(DOUBLE('NaN'), 1D)", "least(DOUBLE('NaN'), 1D)", "greatest(0.0D, -0.0D)", "least(0.0D, -0.0D)", "greatest(NULL, NULL)", "least(array(1, 2), array(1))", "greatest(struct(1, 'a'), struct(1, 'b'))", "greatest('a', 'B')", "least('', 'a')",
                "greatest(DATE'2024-01-01', TIMESTAMP'2024-01-01 00:00:01')", "greatest(map('a', 1), map('a', 2))", "least(X'00', X'FF')", "assert_true(true)", "assert_true(false)", "assert_true(NULL)", "assert_true(false, 'no')", "raise_error('x')", "raise_error(NULL)", "assert_true(1)", "typeof(assert_true(true))"]
    yield from spread("decode({}, 1, 'one', 2, 'two')", ["1", "2", "3", null("INT"), "1L", "1.0", "'1'"])
    yield from ["decode(NULL, NULL, 'x')", "decode(2, 1, 'Southlake', 2, 'San Francisco', 'Non domestic')", "decode(6, 1, 'a', 'b')", "decode('a', 'b', 1, 2.5)", "decode(1, 1, NULL, 'x')", "decode(DOUBLE('NaN'), DOUBLE('NaN'), 1)"]


def expressions():
    for part in [comparisons, logic, lists, patterns, choices]:
        yield from unique(part())
