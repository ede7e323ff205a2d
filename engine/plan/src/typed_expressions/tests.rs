//! Which expressions are named.

use super::typed_expressions;

#[test]
fn arithmetic_and_constants_with_a_point_are_named_once_and_whole() {
    let sql = "SELECT (a + 1) * 2 AS n, a + 1, sum(price * 0.1), 0.5 AS half, -0.5, 7, 'x' FROM events WHERE b > 0.5 AND c % 3 = 1";
    assert_eq!(typed_expressions(sql), ["(a + 1) * 2", "a + 1", "price * 0.1", "0.5", "-0.5", "c % 3"]);
}

#[test]
fn times_that_an_interval_moves_are_the_same_by_both_rules() {
    assert_eq!(typed_expressions("SELECT ts + INTERVAL 5 MINUTES, n FROM events"), [""; 0]);
}
