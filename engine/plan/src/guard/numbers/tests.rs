//! Numbers with letters.

use expr::typing::TypeRules;

use crate::guard::with_literals;

#[test]
fn letters_and_exponents_name_the_type_of_a_number() {
    let cases = [
        ("SELECT 7L", "SELECT SAFE_CAST('7' AS BIGINT)"),
        ("SELECT 2s, -128Y", "SELECT SAFE_CAST('2' AS SMALLINT), SAFE_CAST('-128' AS TINYINT)"),
        ("SELECT x -128Y", "SELECT x -SAFE_CAST('128' AS TINYINT)"),
        (
            "SELECT 1e3, 1.5D, 2F",
            "SELECT SAFE_CAST('1e3' AS DOUBLE), SAFE_CAST('1.5' AS DOUBLE), SAFE_CAST('2' AS FLOAT)",
        ),
        ("SELECT 0.050BD", "SELECT SAFE_CAST('0.050' AS DECIMAL(3,3))"),
        ("SELECT 12e2BD", "SELECT SAFE_CAST('12e2' AS DECIMAL(4,0))"),
        ("SELECT 1 d, 0.908", "SELECT 1 d, 0.908"),
    ];
    for (written, read) in cases {
        assert_eq!(with_literals(written, TypeRules::Spark { ansi: true }), read);
    }
}

#[test]
fn queries_of_an_older_checkpoint_read_numbers_as_before() {
    assert_eq!(with_literals("SELECT 7L, 2D, 1e3, 1.5BD", TypeRules::Before), "SELECT 7, 2.0, 1e3, 1.5");
}
