"""Window functions over small tables."""

from calls import unique
from values import ATOMIC, VALUES, null

ROWS = "VALUES ('a', 1, 10), ('a', 2, NULL), ('a', 2, 30), ('a', 4, -5), ('b', 1, 7), ('b', NULL, 8) AS t(g, n, v)"
DOUBLES = "VALUES (1, 3.0D), (2, -1.25D), (3, -1.25D), (4, DOUBLE('NaN')), (5, 2.0D), (6, NULL) AS t(n, v)"
LARGE = "VALUES (1, 1e300D), (2, 1D), (3, 2D), (4, DOUBLE('Infinity')), (5, 0D) AS t(n, v)"
FRAMES = ["", " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", " RANGE BETWEEN 1 PRECEDING AND CURRENT ROW", " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", " RANGE BETWEEN CURRENT ROW AND 1 FOLLOWING", " ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING", " ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING", " ROWS 1 PRECEDING"]
AGGREGATES = ["sum(v)", "avg(v)", "min(v)", "max(v)", "count(v)", "count(*)", "first(v)", "last(v)", "stddev(v)", "stddev_pop(v)", "var_pop(v)", "median(v)", "percentile(v, 0.5)", "percentile_approx(v, 0.5)", "collect_list(v)", "collect_set(v)", "array_agg(v)", "max_by(n, v)", "min_by(n, v)", "mode(v, true)", "bool_and(v > 0)", "bool_or(v > 8)", "count_if(v > 7)", "any_value(v)", "bit_or(v)", "bit_and(v)", "bit_xor(v)", "listagg(v)", "approx_count_distinct(v)", "try_sum(v)", "try_avg(v)", "skewness(v)", "kurtosis(v)", "corr(n, v)", "covar_pop(n, v)", "regr_slope(n, v)", "product(v)", "first_value(v)", "last_value(v)", "every(v > 0)"]
RANKING = ["row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(2)", "ntile(4)", "lag(v)", "lead(v)", "lag(v, 2)", "lead(v, 2, 0)", "lag(v, 1, -1)", "lag(v, 0)", "lag(v, -1)", "lag(v) IGNORE NULLS", "lead(v) IGNORE NULLS", "lag(v) RESPECT NULLS", "nth_value(v, 2)", "nth_value(v, 2) IGNORE NULLS", "first_value(v)", "last_value(v)", "first_value(v) IGNORE NULLS", "last_value(v) IGNORE NULLS", "lag(g, 1, 'none')", "ntile(0)", "nth_value(v, 0)", "lag(v, NULL)", "lag(v, 1, 'x')"]


def over(aggregate, window):
    """An aggregate over a window; of a set without its order, which Spark does not promise."""
    call = f"{aggregate} OVER ({window})"
    return f"sort_array({call})" if aggregate.startswith("collect_set") else call


def expressions():
    yield from unique(parts())


def parts():
    integers = [a for a in AGGREGATES if not a.startswith(("listagg", "product"))]
    for aggregate in AGGREGATES:
        for frame in FRAMES if aggregate in integers[:10] else FRAMES[:6]:
            order = "n" if "RANGE" in frame else "n, v"
            yield f"SELECT g, n, v, {over(aggregate, f'PARTITION BY g ORDER BY {order}{frame}')} FROM {ROWS} ORDER BY g, n, v"
        yield f"SELECT g, {over(aggregate, 'PARTITION BY g')} FROM {ROWS} WHERE g = 'b' ORDER BY g"
        if "bit" not in aggregate:
            for rows in [DOUBLES, LARGE]:
                yield f"SELECT n, {over(aggregate, 'ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW')} FROM {rows} ORDER BY n"
    for function in RANKING:
        yield f"SELECT g, n, v, {function} OVER (PARTITION BY g ORDER BY n, v) FROM {ROWS} ORDER BY g, n, v"
        yield f"SELECT n, v, {function} OVER (ORDER BY n DESC, v DESC) FROM {ROWS} WHERE g = 'a' ORDER BY n DESC, v DESC"
        yield f"SELECT {function} OVER () FROM {ROWS} WHERE n = 4"
    for function in ["rank()", "dense_rank()", "percent_rank()", "cume_dist()", "count(*)", "sum(n)"]:
        for order in ["n", "n DESC", "n NULLS LAST", "n DESC NULLS FIRST", "struct(n)", "array(n)", "v % 3, n"]:
            yield f"SELECT g, n, v, {function} OVER (ORDER BY {order}) FROM {ROWS} ORDER BY g, n, v"
    for one in [*ATOMIC, "array<int>", "struct", "time"]:
        values = VALUES[one][:5]
        rows = "VALUES " + ", ".join(f"({i}, {value})" for i, value in enumerate([*values, values[0]])) + " AS t(i, v)"
        for function in ["rank()", "lag(v)", "count(*)", "max(v)"]:
            yield f"SELECT i, {function} OVER (ORDER BY v, i) FROM {rows} ORDER BY i"
        yield f"SELECT i, row_number() OVER (PARTITION BY v ORDER BY i) FROM {rows} ORDER BY i"
    zeros = "VALUES (1, 0.0D), (2, -0.0D), (3, DOUBLE('NaN')), (4, DOUBLE('NaN')), (5, NULL) AS t(i, v)"
    for function in ["count(*)", "row_number()", "min(i)", "dense_rank()"]:
        yield f"SELECT i, {function} OVER (PARTITION BY v ORDER BY i) FROM {zeros} ORDER BY i"
        yield f"SELECT i, {function} OVER (PARTITION BY struct(v) ORDER BY i) FROM {zeros} ORDER BY i"
        yield f"SELECT i, {function} OVER (PARTITION BY array(v) ORDER BY i) FROM {zeros} ORDER BY i"
        yield f"SELECT i, {function} OVER (ORDER BY v) FROM {zeros} ORDER BY i"
    days = "VALUES (DATE'2024-01-01', 1), (DATE'2024-01-02', 2), (DATE'2024-01-05', 4), (DATE'2024-02-01', 8) AS t(d, v)"
    moments = days.replace("DATE'", "TIMESTAMP'").replace("',", " 00:00:00',")
    for frame in ["INTERVAL 1 DAY", "INTERVAL 3 DAYS", "INTERVAL 1 MONTH", "1", "INTERVAL 1 HOUR", "INTERVAL 86400 SECONDS"]:
        yield f"SELECT d, sum(v) OVER (ORDER BY d RANGE BETWEEN {frame} PRECEDING AND CURRENT ROW) FROM {days} ORDER BY d"
        yield f"SELECT d, sum(v) OVER (ORDER BY d RANGE BETWEEN CURRENT ROW AND {frame} FOLLOWING) FROM {moments} ORDER BY d"
    yield from [f"SELECT n, sum(v) OVER w FROM {ROWS} WHERE g = 'a' WINDOW w AS (ORDER BY n, v) ORDER BY n, v", f"SELECT g, n FROM {ROWS} QUALIFY row_number() OVER (PARTITION BY g ORDER BY n NULLS LAST, v) = 1 ORDER BY g", f"SELECT sum(sum(v)) OVER (ORDER BY g) FROM {ROWS} GROUP BY g ORDER BY g", f"SELECT g, count(DISTINCT n) OVER (PARTITION BY g) FROM {ROWS} ORDER BY g", f"SELECT sum(v) FILTER (WHERE n > 1) OVER (ORDER BY n, v) FROM {ROWS} WHERE g = 'a' ORDER BY n, v", f"SELECT n, v - lag(v) OVER (ORDER BY n, v) FROM {ROWS} WHERE g = 'a' ORDER BY n, v", f"SELECT rank() OVER (PARTITION BY g) FROM {ROWS}", f"SELECT row_number() FROM {ROWS}", f"SELECT sum(v) OVER (ORDER BY n ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING) FROM {ROWS}", f"SELECT sum(v) OVER (ORDER BY n, v RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM {ROWS}", f"SELECT v FROM {ROWS} WHERE row_number() OVER (ORDER BY n) = 1", f"SELECT max(v) OVER (PARTITION BY g, n) FROM {ROWS} ORDER BY g, n, v"]
    decimals = "VALUES (1, 1.50), (2, 2.25), (3, NULL), (4, -0.01) AS t(n, v)"
    for function in ["sum(v)", "avg(v)", "min(v)", "stddev(v)", "lag(v, 1, 0)", "median(v)", "percentile_cont(0.5) WITHIN GROUP (ORDER BY v)", "ntile(3)", "first_value(v)"]:
        for frame in ["", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW"]:
            yield f"SELECT n, {function} OVER (ORDER BY n{frame}) FROM {decimals} ORDER BY n"
