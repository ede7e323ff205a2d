"""Arrays, maps, structs and lambdas."""

from calls import Constant, of_types, spread, unique, wrong_types
from values import ARRAYS, ATOMIC, EVERY, INTEGERS, NUMERIC, VALUES, null, text, usual

ELEMENTS = {"array<int>": ["1", "NULL", "9", "1L", "'1'"], "array<string>": ["'a'", "NULL", "''"], "array<double>": ["1.5D", "DOUBLE('NaN')", "0.0D", "-0.0D", "NULL"], "array<array<int>>": ["array(3)", "NULL", "array(NULL)"], "array<struct>": ["named_struct('a', 1, 'b', 'y')", "NULL"]}
INTS = VALUES["array<int>"]


def of_one_array():
    for function in ["array_compact", "array_distinct", "array_max", "array_min", "array_size", "array_sort", "cardinality", "size", "sort_array", "reverse", "flatten"]:
        for one in ARRAYS:
            yield from spread(function, one)
        yield from [f"{function}(array())", f"{function}(NULL)", f"{function}(array(NULL))", f"{function}(array(NULL, NULL))", f"{function}('x')", f"{function}(map('a', 1))", f"{function}(5)"]
        for one in ATOMIC:
            values = VALUES[one]
            yield f"{function}(array({values[0]}, {values[1]}, {values[2]}))"
    for order in ["true", "false", "NULL"]:
        yield from spread("sort_array", [v for one in ARRAYS for v in VALUES[one][:1] + VALUES[one][2:]], Constant([order]), most=12)
    yield from ["flatten(array(array(1, 2), NULL))", "flatten(array(array(1), array()))", "flatten(array(array(array(1)), array(array(2))))", "flatten(array(NULL))", "array_sort(array(3, 1, NULL, 2))", "array_sort(array(DOUBLE('NaN'), 1D, NULL, -0.0D, 0.0D))", "sort_array(array(struct(2, 'a'), struct(1, 'b')))", "sort_array(array(map('a', 1)))", "array_max(array(array(1, 2), array(1, NULL)))", "array_min(array(array(1, 2), array(1, NULL)))", "array_max(array(DOUBLE('NaN'), 1D))", "array_min(array(DOUBLE('NaN'), 1D))", "array_distinct(array(0.0D, -0.0D))", "array_distinct(array(array(1), array(1), NULL, NULL))", "array_distinct(array(map('a', 1), map('a', 1)))", "size(map('a', 1))", "size(NULL)", "cardinality(map('a', 1))", "size(CAST(NULL AS ARRAY<INT>))"]


def with_element():
    for function in ["array_contains", "array_position", "array_remove", "array_append", "array_prepend"]:
        for one in ARRAYS:
            yield from spread(function, one, ELEMENTS[one], most=10, pairs=6)
        yield from [f"{function}(array(1, 2), 2L)", f"{function}(array(1L, 2L), 2)", f"{function}(array(1, 2), 2.0)", f"{function}(array(1.5, 2.5), 2.5D)", f"{function}(array(1, 2), 'x')", f"{function}(array(), 1)", f"{function}(NULL, 1)", f"{function}(array(NULL), 1)", f"{function}(5, 5)", f"{function}(array('1'), 1)", f"{function}(array(DATE'2024-01-01'), TIMESTAMP'2024-01-01 00:00:00')", f"{function}(array(map('a', 1)), map('a', 1))"]
        for one in ATOMIC:
            yield f"{function}(array({usual(one)}), {usual(one)})"
    yield from spread("array_insert", "array<int>", ["1", "2", "4", "6", "-1", "-3", "-5", "0", null("INT")], ["9", "NULL"], most=16, pairs=10)
    yield from ["array_insert(array('a'), 1, 'b')", "array_insert(array(1), 1, 'b')", "array_insert(array(1), 1, 2L)", "array_insert(array(5, 3), 3, 1)", "array_insert(array(), 1, 1)"]
    for one in EVERY:
        yield from spread("array_repeat", [VALUES[one][0]], ["2"])
        yield f"array({VALUES[one][0]}, NULL)"
    yield from spread("array_repeat", ["'x'"], ["0", "-1", null("INT"), "1L", "'2'", "2.5"])
    yield from ["array_repeat(NULL, 2)", "array_repeat(array(1), 2)"]


def two_arrays():
    for function in ["array_except", "array_intersect", "array_union", "arrays_overlap", "arrays_zip"]:
        for one in ARRAYS:
            yield from spread(function, one, one, most=8, pairs=6)
        yield from [f"{function}(array(1, 2, 2, NULL), array(2, NULL, 3, 3))", f"{function}(array(3, 1, 2), array(2, 3))", f"{function}(array(1), array(1L))", f"{function}(array(1), array('1'))", f"{function}(array(), array(1))", f"{function}(array(1), NULL)", f"{function}(array(0.0D), array(-0.0D))", f"{function}(array(DOUBLE('NaN')), array(DOUBLE('NaN')))", f"{function}(array(NULL), array(NULL))", f"{function}(array(1), 1)", f"{function}(array(1.0), array(1.00))", f"{function}(array(array(1)), array(array(1)))", f"{function}(array(map('a', 1)), array(map('a', 1)))"]
    yield from ["arrays_zip(array(1, 2), array('a'))", "arrays_zip(array(1))", "arrays_zip()", "arrays_zip(array(1, 2), array(2, 3), array(3))", "typeof(arrays_zip(array(1), array('a')))"]


def reading():
    for function in ["element_at", "try_element_at", "get", "array_join"]:
        if function != "array_join":
            for one in ARRAYS:
                yield from spread(function, one, ["1", "2", "-1", "0", "9", "-9", null("INT")], most=10, pairs=1)
            yield from [f"{function}(array(1, 2), 1L)", f"{function}(array(1, 2), '1')", f"{function}(array(1, 2), 1.0)", f"{function}(array(), 1)", f"{function}(NULL, 1)", f"{function}('x', 1)"]
    for function in ["element_at", "try_element_at", "map_contains_key"]:
        yield from spread(function, "map<string,int>", ["'a'", "'z'", null("STRING"), "''"], most=8)
        yield from spread(function, "map<int,string>", ["1", "9", "1L", "'1'", null("INT")], most=8)
        yield from [f"{function}(map(0.0D, 'x'), -0.0D)", f"{function}(map(DOUBLE('NaN'), 'x'), DOUBLE('NaN'))", f"{function}(map(array(1), 'x'), array(1))", f"{function}(map(1.5, 'x'), 1.50)", f"{function}(map(DATE'2024-01-01', 1), '2024-01-01')", f"{function}(map(), 1)", f"{function}(map('a', NULL), 'a')"]
    yield from spread("array_join", "array<string>", ["','", "''", null("STRING")], most=6)
    yield from spread("array_join", "array<string>", ["','"], ["'NULL'", "''", null("STRING")], most=6)
    yield from ["array_join(array(1, 2), ',')", "array_join(array(1.5, NULL), ',', 'x')", "array_join(array(array(1)), ',')", "array_join(array(), ',')", "array_join(array(true), ',')"]
    yield from spread("slice", "array<int>", ["1", "2", "-1", "-2", "0", "9", "-9", null("INT")], ["2", "0", "-1", "9", null("INT")], most=18, pairs=10)
    yield from ["slice(array('a', 'b'), 1, 1)", "slice(array(1, 2), '1', 1)", "slice(array(1, 2), 1L, 1L)", "slice(array(), 1, 1)", "slice(NULL, 1, 1)"]
    for base in ["array(1, 2, 3)", "map('a', 1)", "named_struct('a', 1, 'b', 'x')", "array(named_struct('a', 1), NULL)"]:
        for key in ["[0]", "[1]", "[3]", "[-1]", "[NULL]", "['a']", "['z']", ".a", ".z"]:
            yield f"{base}{key}"


def sequences():
    for one in INTEGERS:
        suffix = {"tinyint": "Y", "smallint": "S", "int": "", "bigint": "L"}[one]
        yield from spread("sequence", [f"1{suffix}", f"5{suffix}", f"3{suffix}"], [f"5{suffix}", f"1{suffix}", f"3{suffix}", null(one)], most=6, pairs=2)
        yield from spread("sequence", [f"1{suffix}"], [f"6{suffix}", f"-4{suffix}"], [f"2{suffix}", f"-2{suffix}", f"0{suffix}", null(one)], most=6, pairs=3)
    yield from ["sequence(1, 5L)", "sequence(5, 1, 1)", "sequence(1, 1, 0)", "sequence(1.0, 3.0)", "sequence('1', '3')", "sequence(NULL, 5)", "sequence(DATE'2024-01-30', DATE'2024-02-02')", "sequence(DATE'2024-01-31', DATE'2024-05-31', INTERVAL 1 MONTH)", "sequence(DATE'2024-03-01', DATE'2024-02-27', INTERVAL -1 DAY)", "sequence(DATE'2024-01-01', DATE'2024-02-01', INTERVAL 1 WEEK)", "sequence(DATE'2024-01-01', DATE'2024-01-02', INTERVAL 1 HOUR)", "sequence(TIMESTAMP'2024-01-01 00:00:00', TIMESTAMP'2024-01-01 03:00:00', INTERVAL 1 HOUR)", "sequence(TIMESTAMP'2024-01-01 00:00:00', TIMESTAMP'2024-01-03 00:00:00')", "sequence(TIMESTAMP'2024-01-31 10:00:00', TIMESTAMP'2024-04-30 10:00:00', INTERVAL 1 MONTH)", "sequence(TIMESTAMP_NTZ'2024-01-01 00:00:00', TIMESTAMP_NTZ'2024-01-02 00:00:00', INTERVAL 12 HOURS)", "sequence(DATE'2024-01-01', TIMESTAMP'2024-01-03 00:00:00')", "sequence(DATE'2024-01-01', DATE'2026-01-01', INTERVAL 1 YEAR)", "sequence(DATE'2024-01-01', DATE'2024-01-10', INTERVAL '3' DAY)", "sequence(DATE'2024-01-01', DATE'2023-01-01', INTERVAL 1 MONTH)", "sequence(1, 10000000000L)", "sequence(-128Y, 127Y, 100Y)", "sequence(9223372036854775806L, 9223372036854775807L)"]


def maps():
    for function in ["map_keys", "map_values", "map_entries", "size"]:
        yield from of_types(function, ["map<string,int>", "map<int,string>"], values=4)
        yield from [f"{function}(map())", f"{function}(NULL)", f"{function}(map(array(1), struct(2)))", f"{function}(array(1))", f"{function}(map('a', map('b', 1)))"]
    yield from spread("map_concat", "map<string,int>", "map<string,int>", most=8)
    yield from ["map_concat()", "map_concat(map('a', 1))", "map_concat(map('a', 1), map('b', 2), map('c', 3))", "map_concat(map('a', 1), map('a', 2))", "map_concat(map('a', 1), NULL)", "map_concat(map('a', 1), map(1, 'a'))", "map_concat(map('a', 1), map('b', 2.5))", "map_concat(map(1, 2), map(3L, 4))"]
    yield from ["map_from_arrays(array(1, 2), array('a', 'b'))", "map_from_arrays(array(1), array('a', 'b'))", "map_from_arrays(array(1, NULL), array('a', 'b'))", "map_from_arrays(array(1, 1), array('a', 'b'))", "map_from_arrays(array(), array())", "map_from_arrays(NULL, array(1))", "map_from_arrays(array('a'), array(NULL))", "map_from_arrays(array(0.0D, 1D), array(1, 2))", "map_from_arrays(array(array(1)), array(map('a', 1)))", "map_from_arrays(1, 2)", "map_from_entries(array(struct(1, 'a'), struct(2, 'b')))", "map_from_entries(array(struct(1, 'a'), struct(1, 'b')))", "map_from_entries(array(struct(NULL, 'a')))", "map_from_entries(array(struct(1, 'a'), NULL))", "map_from_entries(array())", "map_from_entries(NULL)", "map_from_entries(array(1))", "map_from_entries(map_entries(map('a', 1)))", "map_from_entries(arrays_zip(array(1, 2), array('x', 'y')))"]
    for one in EVERY:
        yield f"map({usual(one)}, {usual(one)})"
        yield f"map('k', {usual(one)})"
        yield f"named_struct('k', {usual(one)})"
        yield f"struct({usual(one)}, NULL)"
    yield from ["map('a', 1, 'b', 2L)", "map('a', 1, 'b', 'x')", "map(1, 'x', 2L, 'y')", "map('a', NULL)", "map(NULL, 'a')", "map('a', array(), 'b', array(1))", "struct(1 AS a, 2 AS b).b", "struct(5 AS five)", "named_struct('a', 1, 'b', named_struct('c', 2)).b.c", "named_struct('x y', 1).`x y`", "map_contains_key(map('a', 1), NULL)", "map_contains_key(NULL, 'a')"]


def lambdas():
    arrays = [*INTS, "array(1, 2, 3)"]
    for body in ["x -> x + 1", "x -> x", "x -> NULL", "x -> x > 1", "x -> x IS NULL", "x -> CAST(x AS STRING)", "(x, i) -> x + i", "(x, i) -> i", "x -> array(x)", "x -> struct(x, x * 2)", "x -> x / 2", "x -> 'c'", "x -> coalesce(x, 0) + 1L"]:
        yield from spread("transform", arrays, Constant([body]), most=6)
    for function in ["filter", "exists", "forall"]:
        for body in ["x -> x > 1", "x -> x IS NULL", "x -> true", "x -> NULL", "x -> x % 2 = 0", "x -> x"]:
            yield from spread(function, arrays, Constant([body]), most=6)
    yield from ["filter(array(0, 2, 3), (x, i) -> x > i)", "filter(array('a', NULL, 'b'), x -> x IS NOT NULL)", "exists(array(1, NULL), x -> x > 5)", "exists(array(1, NULL, 10), x -> x > 5)", "forall(array(1, NULL), x -> x > 0)", "forall(array(1, NULL), x -> x > 1)", "forall(array(), x -> false)", "exists(NULL, x -> x)", "transform(array(array(1, 2), array(3)), a -> transform(a, x -> x * 2))", "transform(array(1, 2), x -> aggregate(array(1, x), 0, (a, b) -> a + b))", "transform(array('a', 'b'), x -> upper(x))", "transform(array(), x -> x)", "transform(5, x -> x)", "transform(array(1), (x, y, z) -> x)", "filter(array(named_struct('a', 1), named_struct('a', 5)), s -> s.a > 2)", "transform(array(1.5, 2.25), x -> x * 2)", "transform(map_entries(map('a', 1)), e -> e.key || e.value)"]
    for function in ["aggregate", "reduce"]:
        yield from spread(function, arrays, Constant(["0"]), Constant(["(acc, x) -> acc + x"]))
        yield from spread(function, arrays, Constant(["0"]), Constant(["(acc, x) -> acc + x"]), Constant(["acc -> acc * 10"]), most=3)
        yield from [f"{function}(array(1, 2, 3), 0L, (acc, x) -> acc + x)", f"{function}(array(1, 2, 3), 0D, (acc, x) -> acc + x)", f"{function}(array(1.5D), 0, (acc, x) -> acc + x)", f"{function}(array('a', 'b'), '', (acc, x) -> acc || x)", f"{function}(array(1, 2), CAST(NULL AS INT), (acc, x) -> coalesce(acc, 0) + x)", f"{function}(array(1, 2), named_struct('s', 0, 'n', 0), (a, x) -> named_struct('s', a.s + x, 'n', a.n + 1), a -> a.s / a.n)", f"{function}(array(), 0, (a, x) -> a + x)", f"{function}(array(1, 2), array(), (a, x) -> array_append(a, x))", f"{function}(array(2147483647, 1), 0, (a, x) -> a + x)", f"{function}(array(1), NULL, (a, x) -> x)", f"{function}(array(1.1, 2.2), 0.0, (a, x) -> CAST(a + x AS DECIMAL(2,1)))"]
    yield from spread("zip_with", ["array(1, 2, 3)", *INTS[1:4]], ["array(10, 20)", "array('a')", "CAST(NULL AS ARRAY<INT>)"], Constant(["(x, y) -> struct(x, y)", "(x, y) -> coalesce(x, 0)"]), most=8, pairs=3)
    yield from ["zip_with(array(1, 2), array(3, 4), (x, y) -> x + y)", "zip_with(array('a'), array('b'), (x, y) -> concat(x, y))", "zip_with(array(1), array(2), x -> x)"]
    for body in ["(l, r) -> CASE WHEN l < r THEN -1 WHEN l > r THEN 1 ELSE 0 END", "(l, r) -> CASE WHEN l < r THEN 1 WHEN l > r THEN -1 ELSE 0 END", "(l, r) -> r - l", "(l, r) -> NULL", "(l, r) -> 0", "(l, r) -> 1L"]:
        yield from spread("array_sort", ["array(3, 1, 2)", "array(1, NULL, 2)", "CAST(array() AS ARRAY<INT>)", null("ARRAY<INT>")], Constant([body]), most=4)
    for body in ["(k, v) -> v > 1", "(k, v) -> k = 'a'", "(k, v) -> NULL", "(k, v) -> true"]:
        yield from spread("map_filter", "map<string,int>", Constant([body]))
    for body in ["(k, v) -> k || '1'", "(k, v) -> v", "(k, v) -> 'x'", "(k, v) -> NULL", "(k, v) -> upper(k)"]:
        yield from spread("transform_keys", "map<string,int>", Constant([body]))
    for body in ["(k, v) -> v + 1", "(k, v) -> k", "(k, v) -> NULL", "(k, v) -> k || v"]:
        yield from spread("transform_values", "map<string,int>", Constant([body]))
    for body in ["(k, x, y) -> x + y", "(k, x, y) -> struct(x, y)", "(k, x, y) -> coalesce(x, y)"]:
        yield from spread("map_zip_with", "map<string,int>", ["map('a', 10, 'c', 30)", "map()", null("MAP<STRING, INT>")], Constant([body]), most=6)
    yield from ["map_zip_with(map(1, 'a'), map(1L, 'b'), (k, x, y) -> concat(x, y))", "map_filter(map(1, 0, 2, 2, 3, -1), (k, v) -> k > v)", "transform_keys(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> k + v)", "transform_values(map(1, 0.5), (k, v) -> v * k)", "map_filter(map('a', 1), k -> true)"]


def others():
    for function in ["vector_norm", "vector_normalize"]:
        yield from [f"{function}(array(3F, 4F))", f"{function}(array(3F, 4F), 1F)", f"{function}(array(0F))", f"{function}(array(1D))"]
    for function in ["vector_inner_product", "vector_l2_distance", "vector_cosine_similarity"]:
        yield from [f"{function}(array(1F, 2F), array(3F, 4F))", f"{function}(array(1F), array(1F, 2F))", f"{function}(array(0F), array(1F))", f"{function}(NULL, array(1F))"]
    for one in INTEGERS:
        yield from spread("bitmap_bit_position", VALUES[one])
        yield from spread("bitmap_bucket_number", VALUES[one])
    yield from ["bitmap_bit_position(32768)", "bitmap_bit_position(32769)", "bitmap_bucket_number(32768)", "bitmap_bucket_number(32769)", "bitmap_bucket_number(-32768)", "bitmap_count(X'1010')", "bitmap_count(X'FFFF')", "bitmap_count(X'')", "bitmap_count(CAST(NULL AS BINARY))", "bitmap_count('x')", "bitmap_bit_position('5')", "bitmap_bit_position(1.5)"]


def generators():
    for function in ["explode", "explode_outer", "posexplode", "posexplode_outer"]:
        for value in [*VALUES["array<int>"], "array()", "array(array(1), NULL)", "array(named_struct('a', 1))", *VALUES["map<string,int>"], "5", "NULL", "array('x', NULL)"]:
            yield f"SELECT {function}({value})"
        yield f"SELECT 1 AS one, {function}(array(1, 2))"
        yield f"SELECT t.n, v.* FROM VALUES (1, array(10, 20)), (2, array()), (3, NULL) AS t(n, a) LATERAL VIEW {function}(a) v"
        yield f"SELECT * FROM {function}(array(1, 2))"
    for function in ["inline", "inline_outer"]:
        for value in ["array(struct(1, 'a'), struct(2, 'b'))", "array(named_struct('a', 1), NULL)", "CAST(array() AS ARRAY<STRUCT<a: INT>>)", "CAST(NULL AS ARRAY<STRUCT<a: INT>>)", "array(1)"]:
            yield f"SELECT {function}({value})"
        yield f"SELECT v.* FROM VALUES (array(named_struct('x', 1, 'y', 'a'))), (NULL) AS t(a) LATERAL VIEW {function}(a) v AS x, y"
    yield from ["SELECT stack(2, 1, 2, 3)", "SELECT stack(2, 'a', 1, 'b', 2) AS (k, v)", "SELECT stack(1, 1, 'x')", "SELECT stack(0, 1)", "SELECT * FROM range(3)", "SELECT * FROM range(1, 10, 3)", "SELECT id * 2 FROM range(5, 0, -2)", "SELECT * FROM range(0)", "SELECT explode(map('a', 1, 'b', 2)) AS (k, v)", "SELECT posexplode(array('x', 'y')) AS (i, e)", "SELECT explode(array(1, 2)) + 1", "SELECT explode(sequence(1, 3))", "SELECT n, e FROM VALUES (1, array(1, 2)), (2, NULL) AS t(n, a) LATERAL VIEW OUTER explode(a) v AS e", "SELECT n, e FROM VALUES (1, array(1, 2)) AS t(n, a), LATERAL explode(a) AS v(e)", "SELECT json_tuple('{\"a\":1,\"b\":2}', 'a', 'b') AS (x, y)", "SELECT unnest(array(1, 2))", "SELECT collect_list(e) FROM (SELECT explode(array(3, NULL, 1)) AS e)"]


def expressions():
    for part in [of_one_array, with_element, two_arrays, reading, sequences, maps, lambdas, others, generators]:
        yield from unique(part())
