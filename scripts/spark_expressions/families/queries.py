"""Whole queries: grouping, joins, sets, pivots, subqueries, and the forms of Spark's SQL."""

T = "VALUES ('a', 1, 2.50), ('b', 2, NULL), ('a', 3, -1.25), (NULL, NULL, 4.00) AS t(k, n, d)"
L = "VALUES (1, 'x'), (2, 'y'), (NULL, 'z'), (4, 'w') AS l(k, a)"
R = "VALUES (1, 10), (1, 11), (NULL, 12), (5, 13) AS r(k, b)"


def grouping():
    for keys, sets in [("k", "GROUP BY k"), ("k, n", "GROUP BY k, n"), ("k", "GROUP BY ALL"), ("k, n", "GROUP BY ALL")]:
        yield f"SELECT {keys}, sum(d), count(*) FROM {T} {sets}"
    for sets in ["ROLLUP (k, n)", "CUBE (k, n)", "GROUPING SETS ((k), (n), ())", "k, n WITH ROLLUP", "k, ROLLUP (n)"]:
        yield f"SELECT k, n, sum(d), count(*) FROM {T} GROUP BY {sets}"
        yield f"SELECT k, n, grouping(k), grouping_id(), count(*) FROM {T} GROUP BY {sets}"
    yield from [f"SELECT k, sum(n) FROM {T} GROUP BY 1", f"SELECT upper(k) AS u, sum(n) FROM {T} GROUP BY u", f"SELECT k, sum(n) AS s FROM {T} GROUP BY k HAVING s > 2", f"SELECT k, sum(n) FROM {T} GROUP BY k HAVING count(*) > 1", f"SELECT n % 2, count(*) FROM {T} GROUP BY n % 2", f"SELECT count(*) FROM {T} GROUP BY ()", f"SELECT k FROM {T} GROUP BY k, d", f"SELECT k, n FROM {T} GROUP BY k", f"SELECT sum(n) FROM {T} HAVING sum(n) > 100", f"SELECT DISTINCT k FROM {T}", f"SELECT DISTINCT k, d > 0 FROM {T}", f"SELECT count(DISTINCT k), sum(DISTINCT n) FROM {T}", f"SELECT grouping_id(k, n), count(*) FROM {T} GROUP BY CUBE (k, n)", f"SELECT k, grouping_id(k) FROM {T} GROUP BY k WITH CUBE",
                "SELECT v, count(*) FROM VALUES (0.0D), (-0.0D), (DOUBLE('NaN')), (DOUBLE('NaN')), (NULL) AS t(v) GROUP BY v", "SELECT count(*) FROM VALUES (array(0.0D)), (array(-0.0D)) AS t(v) GROUP BY v", "SELECT count(*) FROM VALUES (named_struct('a', 0.0D)), (named_struct('a', -0.0D)) AS t(v) GROUP BY v", "SELECT count(*) FROM VALUES (map('a', 1, 'b', 2)), (map('b', 2, 'a', 1)) AS t(v) GROUP BY v", "SELECT DISTINCT v FROM VALUES (1.0), (1.00), (1.000) AS t(v)", "SELECT DISTINCT v FROM VALUES (X'00'), (X'00') AS t(v)", "SELECT v, count(*) FROM VALUES ('a'), ('A'), ('a ') AS t(v) GROUP BY v", "SELECT v.a, count(*) FROM VALUES (named_struct('a', 1)), (named_struct('a', 1)) AS t(v) GROUP BY v.a"]


def joins():
    for kind in ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN"]:
        columns = "l.k, a" if "SEMI" in kind or "ANTI" in kind else "l.k, a, r.k, b"
        for condition in ["ON l.k = r.k", "ON l.k <=> r.k", "ON l.k = r.k AND b > 10", "ON l.k < r.k", "ON l.k = r.k AND coalesce(a, 'x') = 'x'", "ON true"]:
            yield f"SELECT {columns} FROM {L} {kind} {R} {condition}"
        yield f"SELECT * FROM {L} {kind} {R} USING (k)"
        if "SEMI" not in kind and "ANTI" not in kind:
            yield f"SELECT k, a, b FROM {L} {kind} {R} USING (k)"
            yield f"SELECT k, count(*) FROM {L} {kind} {R} USING (k) GROUP BY k"
            yield f"SELECT a, b FROM {L} {kind} {R} USING (k) WHERE k = 1"
            yield f"SELECT * FROM {L} NATURAL {kind} {R}"
    yield from [f"SELECT l.k, b FROM {L} CROSS JOIN {R} WHERE l.k = 1", f"SELECT * FROM {L} JOIN {R} USING (k) JOIN VALUES (1, true) AS s(k, c) USING (k)", f"SELECT k, a, b, c FROM {L} FULL JOIN {R} USING (k) FULL JOIN VALUES (5, true) AS s(k, c) USING (k)", f"SELECT a FROM {L} WHERE k IN (SELECT k FROM {R})", f"SELECT a FROM {L} WHERE k NOT IN (SELECT k FROM {R})", f"SELECT a FROM {L} WHERE k NOT IN (SELECT k FROM {R} WHERE k IS NOT NULL)", f"SELECT a FROM {L} WHERE EXISTS (SELECT 1 FROM {R} WHERE r.k = l.k)", f"SELECT a FROM {L} WHERE NOT EXISTS (SELECT 1 FROM {R} WHERE r.k = l.k)", f"SELECT a, k IN (SELECT k FROM {R}) FROM {L}", f"SELECT a FROM {L} WHERE k IN (SELECT k FROM {R}) OR a = 'z'", f"SELECT a, (SELECT max(b) FROM {R} WHERE r.k = l.k) FROM {L}", f"SELECT a, (SELECT b FROM {R}) FROM {L}", f"SELECT a, m FROM {L}, LATERAL (SELECT max(b) AS m FROM {R} WHERE r.k = l.k)", f"SELECT a, b FROM {L} JOIN {R} ON l.k = r.k AND l.a = 'x' OR b = 13",
                "SELECT * FROM VALUES (0.0D) AS l(v) JOIN VALUES (-0.0D) AS r(w) ON v = w", "SELECT * FROM VALUES (DOUBLE('NaN')) AS l(v) JOIN VALUES (DOUBLE('NaN')) AS r(w) ON v = w", "SELECT * FROM VALUES (1) AS l(v) JOIN VALUES (1L) AS r(w) ON v = w", "SELECT * FROM VALUES ('1') AS l(v) JOIN VALUES (1) AS r(w) ON v = w", "SELECT * FROM VALUES (1.0) AS l(v) JOIN VALUES (1.00) AS r(w) ON v = w", "SELECT * FROM VALUES (DATE'2024-01-01') AS l(v) JOIN VALUES (TIMESTAMP'2024-01-01 00:00:00') AS r(w) ON v = w", "SELECT * FROM VALUES (array(1)) AS l(v) JOIN VALUES (array(1)) AS r(w) ON v = w", "SELECT * FROM VALUES (named_struct('a', 1, 'b', NULL)) AS l(v) JOIN VALUES (named_struct('a', 1, 'b', NULL)) AS r(w) ON v = w"]


def sets():
    values = {"int": "VALUES (1), (2), (2), (NULL)", "bigint": "VALUES (2L), (3L), (NULL)", "string": "VALUES ('2'), ('x')", "decimal": "VALUES (2.50), (2.00)", "double": "VALUES (2D), (DOUBLE('NaN'))", "date": "VALUES (DATE'2024-01-01')", "timestamp": "VALUES (TIMESTAMP'2024-01-01 10:00:00')", "void": "VALUES (NULL)", "boolean": "VALUES (true)", "wide decimal": "VALUES (CAST(1 AS DECIMAL(38,0)))"}
    for left in values:
        for right in values:
            yield f"{values[left]} UNION ALL {values[right]}"
    for operator in ["UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL", "MINUS"]:
        yield f"{values['int']} {operator} {values['bigint']}"
        yield f"{values['int']} {operator} {values['int']}"
        yield f"SELECT 1 AS a, 'x' AS b {operator} SELECT 1, 'y'"
        yield f"{values['double']} {operator} VALUES (2D), (-0.0D), (DOUBLE('NaN'))"
    yield from ["SELECT 1 UNION SELECT 2 ORDER BY 1 DESC", "SELECT 1, 2 UNION ALL SELECT 3", "SELECT array(1) UNION ALL SELECT array(2L)", "SELECT struct(1) UNION ALL SELECT struct('a')", "SELECT 1 AS a UNION ALL SELECT a FROM VALUES (2) AS t(a)", "VALUES (1, 'a'), (2, 'b')", "VALUES (1), (2.5), (3L)", "VALUES (1), ('a')", "VALUES (NULL), (1)", "VALUES (array()), (array(1))", "VALUES 1, 2", "SELECT * FROM VALUES (1, 2), (3, 4)", "SELECT col1 + col2 FROM VALUES (1, 2)", "VALUES (DATE'2024-01-01'), (TIMESTAMP'2024-01-01 00:00:00')"]


def ordering():
    for order in ["n", "n DESC", "n NULLS LAST", "n DESC NULLS FIRST", "k, n DESC", "d", "2", "n + 1", "k NULLS LAST, d DESC NULLS LAST", "ALL", "ALL DESC", "abs(n) DESC", "length(k) NULLS FIRST, n", "-n"]:
        yield f"SELECT k, n, d FROM {T} ORDER BY {order}"
    for rows in ["VALUES (DOUBLE('NaN')), (1D), (DOUBLE('Infinity')), (NULL), (-0.0D) AS t(v)", "VALUES ('b'), ('A'), ('a'), (''), ('é'), ('😀'), ('日') AS t(v)", "VALUES (true), (false), (NULL) AS t(v)", "VALUES (array(1, 2)), (array(1)), (array(NULL)), (NULL) AS t(v)", "VALUES (named_struct('a', 1, 'b', 'b')), (named_struct('a', 1, 'b', NULL)), (named_struct('a', 0, 'b', 'z')) AS t(v)", "VALUES (X'01'), (X'FF'), (X''), (X'0100') AS t(v)", "VALUES (INTERVAL 1 DAY), (INTERVAL -1 DAY), (INTERVAL 2 HOURS) AS t(v)", "VALUES (map('a', 1)) AS t(v)", "VALUES (1.5), (1.25), (-3.0) AS t(v)"]:
        yield f"SELECT v FROM {rows} ORDER BY v"
        yield f"SELECT v FROM {rows} ORDER BY v DESC"
    yield from [f"SELECT n FROM {T} ORDER BY n LIMIT 2", f"SELECT n FROM {T} ORDER BY n LIMIT 2 OFFSET 1", f"SELECT n FROM {T} ORDER BY n OFFSET 3", f"SELECT n FROM {T} ORDER BY n LIMIT ALL", f"SELECT n FROM {T} ORDER BY n LIMIT 0", f"SELECT n FROM {T} ORDER BY n LIMIT 1 + 1", f"SELECT k FROM {T} ORDER BY d", f"SELECT n AS m FROM {T} ORDER BY m DESC", f"SELECT k, sum(n) FROM {T} GROUP BY k ORDER BY sum(n) DESC", f"SELECT n FROM {T} SORT BY n", f"SELECT k FROM {T} ORDER BY max(n)"]


def forms():
    yield from [f"SELECT n AS a, a + 1 AS b, b * 2 AS c FROM {T}", "SELECT 1 AS a, a + 1", "SELECT n AS d, d FROM VALUES (1, 2) AS t(n, d)", f"SELECT sum(n) AS s, s * 2 FROM {T}", f"SELECT k, row_number() OVER (ORDER BY n) AS r, r + 1 FROM {T} ORDER BY r", f"SELECT * FROM {T} |> WHERE n > 1 |> SELECT k, n", f"FROM {T} |> AGGREGATE sum(n) AS s GROUP BY k |> ORDER BY k", f"FROM {T} |> EXTEND n * 2 AS m |> DROP d |> ORDER BY n", f"FROM {T} |> SET n = n + 1 |> SELECT n |> ORDER BY n", f"FROM {T} |> LIMIT 0", f"FROM {T} |> SELECT k |> DISTINCT", f"FROM {T} SELECT n WHERE n > 1", f"SELECT IDENTIFIER('n') FROM {T}", "SELECT IDENTIFIER('abs')(-5)", "SELECT mask('AbCD', lowerChar => 'q')", f"SELECT * EXCEPT (d) FROM {T}", f"SELECT t.* FROM {T}", f"SELECT struct(*) FROM {T}", f"SELECT count(*) FROM {T} TABLESAMPLE (100 PERCENT)", f"SELECT * FROM {T} TABLESAMPLE (2 ROWS)", f"WITH c AS (SELECT n FROM {T} WHERE n > 1) SELECT sum(n) FROM c", f"WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT x, y FROM a, b", f"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT n FROM r", f"WITH c(p, q) AS (SELECT 1, 2) SELECT q FROM c",
                "SELECT `a b` FROM VALUES (1) AS t(`a b`)", "SELECT A FROM VALUES (1) AS t(a)", "SELECT a FROM VALUES (1, 2) AS t(a, A)", "SELECT t.a FROM VALUES (1) AS t(a)", "SELECT x FROM VALUES (1) AS t(a)", "SELECT nosuch(1)", "SELECT a b FROM VALUES (1) AS t(a)", "SELECT 1 AS `1`", "SELECT 1 -- comment", "SELECT /* c */ 1", "SELECT /*+ BROADCAST(t) */ 1", "SELECT 1;", "select 1 as A", "SELECT (1), ((2))", "SELECT 'a' AS x, \"b\" AS y", "SELECT n.a.b FROM VALUES (named_struct('a', named_struct('b', 7))) AS t(n)", "SELECT s.* FROM VALUES (named_struct('a', 1, 'b', 'x')) AS t(s)", "SELECT a[0], m['k'], s.x FROM VALUES (array(1), map('k', 2), named_struct('x', 3)) AS t(a, m, s)", "SELECT arr.x FROM VALUES (array(named_struct('x', 1), named_struct('x', 2))) AS t(arr)", "SELECT * FROM (SELECT 1 AS a) WHERE a = '1'", "SELECT 1 WHERE NULL", "SELECT 1 WHERE 1", "SELECT 1 WHERE 'true'", "SELECT 1 FROM VALUES (1), (2) AS t(a) WHERE a IN (2, 3)", "SELECT 1 LIMIT 1", "SELECT 1 HAVING true", "SELECT * FROM VALUES (1) AS t", "SELECT CASE WHEN a > 1 THEN 'x' END FROM VALUES (1), (2) AS t(a)", "SELECT if(a IS NULL, 'n', a) FROM VALUES (1), (NULL) AS t(a)", "SELECT (n + m) % z FROM VALUES (7, 1, 0), (7, 2, 4) AS t(n, m, z) WHERE z <> 0", "SELECT s FROM VALUES ('7'), ('x') AS t(s) WHERE s RLIKE '^[0-9]+$' AND CAST(s AS INT) > 5", "SELECT CASE WHEN z <> 0 THEN n / z END FROM VALUES (1, 0), (4, 2) AS t(n, z)", "SELECT sum(n / z) FILTER (WHERE z <> 0) FROM VALUES (1, 0), (4, 2) AS t(n, z)", "SELECT b FROM VALUES (false, 5), (true, 1) AS t(b, i) WHERE b IS NOT DISTINCT FROM true AND i = 1", "SELECT i FROM VALUES (1), (NULL) AS t(i) WHERE i NOT IN (1) OR i NOT IN (2)"]
    sales = "VALUES ('x', 'tea', 1), ('x', 'milk', 2), ('y', 'tea', 4), ('y', 'tea', 8) AS sales(shop, kind, amount)"
    yield from [f"SELECT * FROM {sales} PIVOT (sum(amount) FOR kind IN ('tea', 'milk'))", f"SELECT * FROM {sales} PIVOT (sum(amount) AS s, count(*) AS c FOR kind IN ('tea' AS t, 'none' AS n))", f"SELECT * FROM {sales} PIVOT (count(amount) FOR kind IN ('none'))", f"SELECT * FROM {sales} PIVOT (max(amount) FOR (shop, kind) IN (('x', 'tea') AS xt, ('y', 'milk') AS ym))", f"SELECT * FROM (SELECT amount, kind FROM {sales}) PIVOT (avg(amount) FOR kind IN ('tea'))", f"SELECT * FROM {sales} PIVOT (sum(amount) + 1 FOR kind IN ('tea'))", "SELECT * FROM VALUES (1, 10, 20), (2, NULL, 30) AS t(id, a, b) UNPIVOT (v FOR name IN (a, b))", "SELECT * FROM VALUES (1, 10, 20), (2, NULL, 30) AS t(id, a, b) UNPIVOT INCLUDE NULLS (v FOR name IN (a AS x, b AS y))", "SELECT * FROM VALUES (1, 10, 20L) AS t(id, a, b) UNPIVOT (v FOR name IN (a, b))"]


def aliases():
    yield from [f"SELECT n + 1 AS b, b + b AS c, c + c AS e FROM {T}", "SELECT e.kind AS e, e.id FROM VALUES ('x', 1) AS e(kind, id)", "SELECT 5 AS x, transform(array(1, 2), x -> x + 1)", "SELECT 5 AS x, transform(array(1, 2), y -> x + y)", "SELECT struct(1 AS x) AS s, s.x + 1", "SELECT map('k', 1) AS m, m['k'] + 1", "SELECT 1 AS x, 2 AS x, x + 1", f"SELECT n AS b, sum(b) FROM {T} GROUP BY n", f"SELECT n AS b, sum(1) OVER (ORDER BY b) FROM {T}", f"SELECT k, sum(n) AS s, s + 1 AS u FROM {T} GROUP BY k HAVING u > 2", f"SELECT upper(k) AS K, lower(K) FROM {T}", f"SELECT n AS m, (SELECT max(m) FROM VALUES (7) AS u(m)) FROM {T}", f"SELECT k AS a, a || '!' AS b FROM {T} ORDER BY b", f"SELECT n AS a, a + 1 AS b FROM {T} WHERE b > 1", f"SELECT DISTINCT n % 2 AS a, a + 1 AS b FROM {T}", f"SELECT k, n, k AS key, key || n AS kn FROM {T} ORDER BY ALL"]


def pipes():
    yield from [f"FROM {T} |> ORDER BY n DESC |> SELECT n + 1 AS m", f"FROM {T} |> ORDER BY n DESC |> WHERE n > 0 |> EXTEND n * 2 AS m", f"FROM {T} |> ORDER BY n DESC |> LIMIT 2 |> WHERE n > 0", f"FROM {T} |> SELECT sum(n)", f"FROM {T} |> AGGREGATE sum(n), count(*) GROUP BY k |> ORDER BY k", f"FROM {T} |> AGGREGATE max(d)", f"FROM {T} |> AS u |> WHERE u.n > 1 |> SELECT u.k", f"FROM {T} |> SET n = n + 1, d = n |> SELECT n, d |> ORDER BY n", f"FROM {T} |> DROP n, d |> ORDER BY k", f"FROM {L} |> JOIN {R} ON l.k = r.k |> SELECT a, b", f"FROM {L} |> LEFT JOIN {R} USING (k) |> ORDER BY a, b", f"FROM {L} |> WHERE a > 'x' |> JOIN {R} ON l.k = r.k", f"FROM VALUES (1) AS a(x), VALUES (2) AS b(y) |> JOIN VALUES (1) AS c(z) ON a.x = c.z", f"FROM {T} |> SELECT n |> UNION ALL (SELECT 9) |> ORDER BY n", f"FROM {T} |> SELECT n |> EXCEPT DISTINCT (SELECT 1) |> ORDER BY n", f"FROM {T} |> SELECT n |> INTERSECT (SELECT 1)", f"FROM {T} |> WHERE n > 0 |> WHERE d > 0", f"WITH c AS (SELECT 1 AS a) FROM c |> EXTEND a + 1 AS b |> EXTEND b + 1 AS e", f"SELECT s FROM (FROM {T} |> AGGREGATE sum(n) AS s)", "VALUES (1), (2) |> WHERE col1 > 1", f"FROM {T} |> PIVOT (sum(n) FOR k IN ('a', 'b'))", f"FROM {T} |> nonsense", f"FROM {T} |> EXTEND sum(n) AS s", f"FROM {T} |> DROP nosuch", f"FROM {T} |> SET nosuch = 1"]


def names():
    yield from [f"SELECT IDENTIFIER('t.n') FROM {T}", f"SELECT IDENTIFIER('n' || '') FROM {T}", f"SELECT IDENTIFIER(n) FROM {T}", f"SELECT IDENTIFIER('') FROM {T}", f"WITH c AS (SELECT 1 AS x) SELECT * FROM IDENTIFIER('c')", f"SELECT IDENTIFIER('sum')(n) FROM {T}", "SELECT mask(str => 'AbCD', upperChar => 'Q')", "SELECT mask('AbCD', 'Q', upperChar => 'Q')", "SELECT mask(foo => 'x')", "SELECT mask(upperChar => 'Q')", "SELECT upper(str => 'x')", "SELECT * FROM explode(collection => array(1, 2))"]


def subqueries():
    for values in ["SELECT 1", "SELECT 1 WHERE false", "SELECT CAST(NULL AS INT)", "VALUES (1), (NULL)", "SELECT 2L"]:
        yield f"SELECT n, n IN ({values}), n NOT IN ({values}), NOT (n IN ({values})) FROM {T} ORDER BY n"
    yield from [f"SELECT a, EXISTS (SELECT 1 FROM {R} WHERE r.k = l.k), NOT EXISTS (SELECT 1 FROM {R} WHERE r.k = l.k) FROM {L}", f"SELECT a, CASE WHEN k IN (SELECT k FROM {R}) THEN 'in' ELSE 'out' END FROM {L}", f"SELECT a, l.k IN (SELECT b FROM {R} WHERE r.k = l.k) FROM {L}", f"SELECT n IN (SELECT 1, 2) FROM {T}", "SELECT NULL IN (SELECT 1), NULL NOT IN (SELECT 1)", f"SELECT EXISTS (SELECT max(n) FROM {T} WHERE false)", f"SELECT EXISTS (SELECT n FROM {T} LIMIT 0)"]


def peers():
    for value in ["named_struct('x', n)", "X'01'", "INTERVAL '1' DAY * n", "make_interval(n)", "map('a', n)", "array(n)"]:
        yield f"SELECT n, sum(n) OVER (ORDER BY {value}), count(*) OVER (ORDER BY {value} DESC RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM {T} ORDER BY n"
    for rows in ["(map('b', 1, 'a', 2), 1), (map('a', 2, 'b', 1), 2), (NULL, 4), (map(), 8), (map('a', NULL), 16)", "(map(1.0D, 'x', -0.0D, 'y'), 1), (map(0.0D, 'y', 1.0D, 'x'), 2)", "(map(array(2), 1, array(1), 2), 1), (map(array(1), 2, array(2), 1), 2)"]:
        yield f"SELECT m, sum(v) AS s FROM VALUES {rows} AS t(m, v) GROUP BY m ORDER BY s"
        yield f"SELECT sum(v) AS s FROM VALUES {rows} AS t(m, v) GROUP BY named_struct('m', array(m)) ORDER BY s"


def expressions():
    for part in [grouping, joins, sets, ordering, forms, aliases, pipes, names, subqueries, peers]:
        yield from dict.fromkeys(part())
