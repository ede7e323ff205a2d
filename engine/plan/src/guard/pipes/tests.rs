//! Queries with pipes beside the queries that they are.

use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::parser::Parser;

use super::lower;
use crate::guard::SparkDialect;

fn parsed(sql: &str) -> Statement {
    Parser::parse_sql(&SparkDialect, sql).unwrap().remove(0)
}

/// A query with pipes, and the query that it is.
fn written(sql: &str) -> String {
    let mut statement = parsed(sql);
    lower(&mut statement, sql).unwrap();
    statement.to_string()
}

#[test]
fn filters_and_columns_are_put_on_the_same_query_while_they_may() {
    assert_eq!(written("FROM t |> WHERE a > 1 |> SELECT a, b"), "SELECT a, b FROM t WHERE a > 1");
    assert_eq!(written("FROM t |> WHERE a > 1 |> WHERE b > 1"), "SELECT * FROM t WHERE (a > 1) AND (b > 1)");
    assert_eq!(written("FROM t SELECT a"), "SELECT a FROM t");
}

#[test]
fn what_an_operator_made_is_the_input_of_the_next() {
    assert_eq!(
        written("FROM t |> AGGREGATE count(*) AS n GROUP BY k |> WHERE n > 1 |> ORDER BY n |> LIMIT 2"),
        "SELECT * FROM (SELECT k, count(*) AS n FROM t GROUP BY k) AS t WHERE n > 1 ORDER BY n LIMIT 2"
    );
    assert_eq!(
        written("FROM t |> EXTEND a + 1 AS b |> DROP a |> AS u |> SELECT u.b"),
        "SELECT u.b FROM (SELECT * EXCEPT (a) FROM (SELECT *, a + 1 AS b FROM t) AS t) AS u"
    );
    assert_eq!(
        written("WITH c AS (SELECT 1 AS a) FROM c |> LIMIT 1 |> UNION ALL (SELECT 2)"),
        "WITH c AS (SELECT 1 AS a) (SELECT * FROM c LIMIT 1) UNION ALL (SELECT 2)"
    );
}

#[test]
fn a_filter_before_a_join_stays_before_it() {
    assert_eq!(
        written("FROM t |> WHERE a > 1 |> LEFT JOIN u ON t.k = u.k"),
        "SELECT * FROM (SELECT * FROM t WHERE a > 1) AS t LEFT JOIN u ON t.k = u.k"
    );
}

#[test]
fn rows_stay_in_order_behind_what_leaves_the_keys_as_they_are() {
    assert_eq!(written("FROM t |> ORDER BY a |> WHERE b > 1 |> SELECT b"), "SELECT b FROM t WHERE b > 1 ORDER BY a");
    // Here `a` would be another column.
    assert_eq!(
        written("FROM t |> ORDER BY a |> SELECT b AS a"),
        "SELECT b AS a FROM (SELECT * FROM t ORDER BY a) AS t"
    );
}

#[test]
fn a_join_is_with_all_inputs_before_it() {
    assert_eq!(written("FROM a, b |> JOIN c ON a.x = c.x"), "SELECT * FROM a CROSS JOIN b JOIN c ON a.x = c.x");
}

#[test]
fn an_order_inside_of_aggregate_is_refused() {
    let sql = "FROM t |> AGGREGATE sum(a) DESC";
    assert!(lower(&mut parsed(sql), sql).is_err());
}

#[test]
fn an_operator_of_others_is_refused_by_name() {
    let sql = "FROM t |> RENAME a AS b";
    let problem = lower(&mut parsed(sql), sql).unwrap_err();
    assert!(problem.to_string().contains("`|> RENAME` is not supported, or not in this form"), "{problem}");
}
