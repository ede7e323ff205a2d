"""Aggregates over small tables."""

from calls import unique
from values import ATOMIC, EVERY, NUMERIC, VALUES, null

ONE = ["sum", "avg", "mean", "min", "max", "count", "median", "mode", "first", "last", "any_value", "first_value", "last_value", "collect_list", "collect_set", "array_agg", "stddev", "stddev_pop", "stddev_samp", "std", "variance", "var_pop", "var_samp", "skewness", "kurtosis", "approx_count_distinct", "try_sum", "try_avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "every", "some", "any", "count_if", "listagg", "string_agg", "product"]
OF_AN_ORDER = ["first", "last", "any_value", "first_value", "last_value", "listagg", "string_agg"]
TWO = ["corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy"]
WITH_ORDER = ["max_by", "min_by"]
FRACTIONS = ["percentile", "percentile_approx", "approx_percentile"]
ROWS = {one: values[2:6][::-1] + values[:2] for one, values in VALUES.items() if len(values) > 2}
ROWS["tinyint"] = ["100Y", null("TINYINT"), "-5Y", "100Y"]
ROWS["smallint"] = ["3S", null("SMALLINT"), "-5S", "3S"]
ROWS["int"] = ["3", null("INT"), "-5", "3", "10"]
ROWS["bigint"] = ["3L", null("BIGINT"), "-5L", "3L", "10L"]
ROWS["float"] = ["1.5F", null("FLOAT"), "-0.25F", "0.1F", "1.5F"]
ROWS["double"] = ["1.5D", null("DOUBLE"), "-0.25D", "0.1D", "1.5D"]
ROWS["decimal"] = ["1.50", null("DECIMAL(3,2)"), "-0.25", "0.01", "1.50"]
ROWS["boolean"] = ["true", null("BOOLEAN"), "false"]
ROWS["string"] = ["'b'", null("STRING"), "'a'", "''", "'b'"]
ROWS["void"] = ["NULL", "NULL"]
ROWS["variant"] = ["parse_json('1')", "NULL"]


def table(rows, names="v"):
    return "VALUES " + ", ".join(f"({row})" for row in rows) + f" AS t({names})"


def select(call, rows, names="v", rest=""):
    return f"SELECT {call} FROM {table(rows, names)}{rest}"


def called(function, argument="v", one="int", rest=""):
    """A call whose answer Spark promises: no order of a set, no chance among equals."""
    if function == "collect_set" or function in ["collect_list", "array_agg"] and "DISTINCT" in argument:
        return f"sort_array({function}({argument}){rest})"
    if function == "mode" and one not in ["tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "string"]:
        return f"mode({argument}, true){rest}"
    return f"{function}({argument}){rest}"


def of_each_type():
    for function in ONE:
        for one in EVERY:
            if one in ROWS:
                yield select(called(function, one=one), ROWS[one])
        for one in ["int", "decimal", "string"]:
            yield select(called(function), ROWS[one], rest=" WHERE false")
            yield select(called(function), [null({"decimal": "DECIMAL(3,2)"}.get(one, one.upper()))])
            if function not in OF_AN_ORDER:
                yield select(called(function, "DISTINCT v", "distinct"), ROWS[one])
            yield select(called(function, one="few", rest=" FILTER (WHERE v IS NOT NULL AND g > 1)"), [f"1, {v}" if i % 2 else f"2, {v}" for i, v in enumerate(ROWS[one])], "g, v")
            yield select(f"g, {called(function, one='few')}", [f"'{'xy'[i % 2]}', {v}" for i, v in enumerate(ROWS[one])], "g, v", " GROUP BY g ORDER BY g")
        yield f"SELECT {function}(1)"
        yield f"SELECT {function}()"
        yield f"SELECT {function}(NULL)"


def of_numbers():
    special = {"doubles": ["DOUBLE('NaN')", "1D", "DOUBLE('Infinity')"], "infinite": ["DOUBLE('Infinity')", "DOUBLE('-Infinity')"], "zeros": ["-0.0D", "0.0D"], "minus zero": ["-0.0D"], "nan": ["DOUBLE('NaN')", "DOUBLE('NaN')", "1D"], "large": ["1.7976931348623157E308D", "1.7976931348623157E308D"], "tenths": ["0.1D", "0.2D", "0.3D"], "cancelling": ["1e300D", "1D", "-1e300D"], "floats": ["0.1F", "0.2F", "FLOAT('NaN')"],
               "longs": ["9223372036854775807L", "1L"], "least": ["-9223372036854775808L", "-1L"], "ints": ["2147483647", "2147483647"], "tiny": ["127Y", "127Y"], "decimals": ["99999999999999999999999999999999999999BD", "99999999999999999999999999999999999999BD"], "cents": ["0.01", "0.00", "0.01"], "wide": ["CAST('9999999999999999999999999999999999.99' AS DECIMAL(38,2))", "CAST('9999999999999999999999999999999999.99' AS DECIMAL(38,2))"],
               "thin": ["CAST(0.000000000000000001 AS DECIMAL(38,18))", "CAST(2 AS DECIMAL(38,18))"], "single": ["5"], "equal": ["2D", "2D", "2D"], "four": ["1", "2", "3", "10"], "negative": ["-3", "-1", "-2"], "strings": ["'1'", "'2.5'", "'x'"], "numerals": ["'1'", "'2.5'"]}
    for rows in special.values():
        for function in ["sum", "avg", "min", "max", "count", "stddev", "stddev_pop", "variance", "var_pop", "skewness", "kurtosis", "median", "mode(v, true)", "sort_array(collect_set(v))", "collect_list", "count(DISTINCT v)", "sum(DISTINCT v)", "avg(DISTINCT v)", "try_sum", "try_avg", "approx_count_distinct", "max_by(v, v)", "percentile(v, 0.25)", "product"]:
            yield select(function if "(" in function else f"{function}(v)", rows)
    precisions = [("5,2", "1.25"), ("10,0", "7"), ("20,10", "0.5"), ("38,0", "3"), ("38,18", "0.1"), ("1,1", "0.5"), ("18,4", "2.5"), ("19,4", "2.5"), ("28,8", "1.5")]
    for precision, value in precisions:
        for function in ["sum", "avg", "min", "median", "stddev", "try_sum", "percentile(v, 0.5)", "percentile_approx(v, 0.5)", "sum(v * v)", "sum(v) / count(v)", "mode(v, true)"]:
            yield select(function if "(" in function else f"{function}(v)", [f"CAST({value} AS DECIMAL({precision}))", f"CAST(0 AS DECIMAL({precision}))", null(f"DECIMAL({precision})")])


def of_two():
    pairs = [["1D, 2D", "2D, 4.5D", "3D, 5D", "NULL, 1D", "4D, NULL"], ["1, 2", "2, 3"], ["1, 2"], ["1, 5", "1, 7"], ["5, 1", "7, 1"], ["1.5, 2L", "2.5, 3L"], ["DOUBLE('NaN'), 1D", "1D, 2D"], ["CAST(NULL AS DOUBLE), 1D"], ["'1', 2", "'2', 3"], ["1D, 1D", "2D, 2D", "3D, 3D"], ["1F, 2F", "2F, 5F", "4F, 1F"]]
    for function in TWO:
        for rows in pairs:
            yield select(f"{function}(y, x)", rows, "y, x")
        yield select(f"{function}(y, x)", pairs[0], "y, x", " WHERE false")
        yield select(f"{function}(DISTINCT y, x)", pairs[1], "y, x")
        yield select(f"{function}(y)", pairs[1], "y, x")
    for function in WITH_ORDER:
        for one in EVERY:
            if one in ROWS and len(ROWS[one]) > 2:
                yield select(f"{function}(k, v)", [f"{v}, {i}" for i, v in enumerate(ROWS[one])], "v, k")
                yield select(f"{function}(v, k)", [f"{v}, {i % 3}" for i, v in enumerate(ROWS[one][:3])], "v, k")
        yield select(f"{function}(a, b)", ["'x', NULL", "'y', NULL"], "a, b")
        yield select(f"{function}(a, b)", ["'x', 1", "NULL, 9", "NULL, 0"], "a, b")
        yield select(f"{function}(a, b)", ["'x', DOUBLE('NaN')", "'y', DOUBLE('Infinity')", "'z', -1D"], "a, b")
        yield select(f"{function}(a, b)", ["'x', array(1, 2)", "'y', array(NULL)"], "a, b")
        yield select(f"{function}(a, b)", ["'x', struct(1, 'b')", "'y', struct(1, NULL)"], "a, b")
        yield select(f"{function}(a, b, 2)", ["'x', 10", "'y', 50", "'z', 20"], "a, b")
        yield select(f"{function}(a, b) FILTER (WHERE b < 30)", ["'x', 10", "'y', 50", "'z', 20"], "a, b")
        yield select(f"{function}(a, b)", ["'x', map('a', 1)"], "a, b")


def of_fractions():
    for function in FRACTIONS:
        for one in [*NUMERIC, "date", "timestamp", "days", "months", "string", "boolean", "time"]:
            yield select(f"{function}(v, 0.5)", ROWS[one])
        for fraction in ["0", "1", "0.25D", "0.333", "array(0.1, 0.9)", "array(0.5)", "1.5", "-0.1", "NULL", "array()", "'0.5'", "array(0.5, NULL)"]:
            yield select(f"{function}(v, {fraction})", ["0", "10", "3", "7"])
        yield select(f"{function}(v, 0.5, 100)", ["0", "10", "3", "7"])
        yield select(f"{function}(v, 0.5, f)", ["0, 1", "10, 3"], "v, f")
        yield select(f"{function}(v, 0.5, 0)", ["0", "10"])
        yield select(f"{function}(v, 0.5)", ["0", "10"], rest=" WHERE false")
        yield select(f"{function}(DISTINCT v, 0.5)", ["0", "10", "10"])
    for function in ["percentile_cont", "percentile_disc"]:
        for fraction in ["0.5", "0", "1", "0.25", "0.9", "NULL", "1.5", "array(0.25, 0.75)"]:
            for order in ["", " DESC"]:
                yield select(f"{function}({fraction}) WITHIN GROUP (ORDER BY v{order})", ["0", "10", "3", "7", "NULL"])
        for one in [*NUMERIC, "date", "timestamp", "days", "months", "string"]:
            yield select(f"{function}(0.5) WITHIN GROUP (ORDER BY v)", ROWS[one])
    yield select("percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FILTER (WHERE v > 1)", ["0", "10", "3"])


def with_options():
    words = ["'b', 2", "'a', 1", "NULL, 3", "'c', 4", "'a', 5"]
    for call in ["first(v, true)", "first(v) IGNORE NULLS", "first(v IGNORE NULLS)", "last(v, true)", "last(v) IGNORE NULLS", "any_value(v, true)", "any_value(v) IGNORE NULLS", "first(v) RESPECT NULLS", "first_value(v, true)", "last_value(v) IGNORE NULLS", "first(v, NULL)", "listagg(v, ',')", "listagg(v, ',') WITHIN GROUP (ORDER BY n)", "listagg(v, ',') WITHIN GROUP (ORDER BY v)", "listagg(v, ',') WITHIN GROUP (ORDER BY v DESC, n)", "listagg(DISTINCT v, ',') WITHIN GROUP (ORDER BY v)", "string_agg(v, '; ') WITHIN GROUP (ORDER BY n DESC)", "listagg(v)", "listagg(v, NULL)", "listagg(n, ',')", "mode() WITHIN GROUP (ORDER BY v)", "mode() WITHIN GROUP (ORDER BY v DESC)", "mode(v, true)", "mode(v, false)", "mode(v)", "count(*)", "count(1)", "count(v)", "count(v, n)", "count(DISTINCT v, n)", "count(DISTINCT *)", "count(NULL)", "count(*) FILTER (WHERE n > 2)", "count_if(n > 2)", "count_if(v = 'a')", "count_if(NULL)", "sum(n) FILTER (WHERE v = 'z')", "sum(DISTINCT n % 2)", "collect_list(n)", "collect_list(v)", "size(collect_set(v))", "collect_list(struct(v, n))", "sort_array(collect_set(struct(v)))", "sort_array(collect_list(DISTINCT v))", "array_agg(v) FILTER (WHERE n < 4)", "sort_array(collect_list(v))", "collect_list(NULL)", "collect_list(array(n))", "array_sort(collect_set(v))",
                 "approx_count_distinct(v, 0.01)", "approx_count_distinct(v, 0.5)", "approx_count_distinct(DISTINCT v)", "min(struct(v, n))", "max(struct(v, n))", "max(array(n, NULL))", "min(array(v))", "max(map(v, n))", "min(X'00')", "sum(n) + count(*)", "sum(n) / count(n)", "avg(n) * 2", "sum(CASE WHEN v = 'a' THEN n END)", "max(n) - min(n)", "some(n > 4)", "every(n > 0)", "any(v IS NULL)", "bool_and(v = 'a')", "bit_xor(n)", "bit_and(n)", "bit_or(n)", "grouping(v)", "histogram_numeric(n, 2)", "hex(count_min_sketch(n, 0.5D, 0.5D, 1))", "approx_top_k(v)", "approx_top_k(n, 2)", "nth_value(v, 2)", "try_avg(n)", "try_sum(INTERVAL 1 DAY)", "sum(INTERVAL 1 MONTH)", "avg(INTERVAL '1-1' YEAR TO MONTH)", "avg(INTERVAL 1 DAY)", "collect_union(array(n))", "sum(n, v)", "max(v, n)", "sum(*)", "avg(v)", "percentile(n, 0.5, n)", "hex(bitmap_construct_agg(bitmap_bit_position(n)))", "bitmap_count(bitmap_construct_agg(bitmap_bit_position(n)))",
                 "bitmap_count(bitmap_or_agg(X'F0'))", "substring(hex(bitmap_and_agg(X'F0')), 1, 4)", "hll_sketch_estimate(hll_sketch_agg(n))", "hll_sketch_estimate(hll_sketch_agg(v, 12))", "hex(hll_sketch_agg(n))", "hll_sketch_estimate(hll_union_agg(hll_union(X'00', X'00')))", "theta_sketch_estimate(theta_sketch_agg(n))", "theta_sketch_estimate(theta_sketch_agg(v))", "hex(theta_sketch_agg(n))", "theta_sketch_estimate(theta_union(theta_sketch_agg(n), theta_sketch_agg(n + 1)))", "theta_sketch_estimate(theta_intersection(theta_sketch_agg(n), theta_sketch_agg(n + 1)))", "theta_sketch_estimate(theta_difference(theta_sketch_agg(n), theta_sketch_agg(n + 1)))", "hll_sketch_estimate(hll_union(hll_sketch_agg(n), hll_sketch_agg(n + 1)))", "kll_sketch_get_n_bigint(kll_sketch_agg_bigint(n))", "kll_sketch_get_quantile_bigint(kll_sketch_agg_bigint(n), 0.5)", "kll_sketch_get_rank_double(kll_sketch_agg_double(n), 3)", "vector_sum(array(1F, 2F))", "vector_avg(array(1F, CAST(n AS FLOAT)))", "tuple_sketch_estimate_integer(tuple_sketch_agg_integer(n, n))"]:
        yield select(call, words, "v, n")
        if len(call) < 24:
            yield select(call, words, "v, n", " WHERE false")
    yield select("hll_sketch_estimate(hll_union_agg(s))", ["1", "2"], "n", "").replace("FROM VALUES (1), (2) AS t(n)", "FROM (SELECT hll_sketch_agg(n) AS s FROM VALUES (1), (2) AS t(n) GROUP BY n)")
    yield "SELECT bitmap_bucket_number(n), bitmap_count(bitmap_construct_agg(bitmap_bit_position(n))) FROM VALUES (1), (2), (32769) AS t(n) GROUP BY 1 ORDER BY 1"


def expressions():
    for part in [of_each_type, of_numbers, of_two, of_fractions, with_options]:
        yield from unique(part())
