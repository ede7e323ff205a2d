//! Texts as numbers: Spark's answers.

use super::decimals::parse_decimal;
use super::wholes::parse_whole;

#[test]
fn a_text_is_the_decimal_that_java_reads() {
    let read = |text: &str| parse_decimal(text, 10, 2);
    assert_eq!(read("1e3"), Some(100_000));
    assert_eq!(read("+.5"), Some(50));
    assert_eq!(read("-5."), Some(-500));
    assert_eq!(read("1.005"), Some(101));
    assert_eq!(read("-1.005"), Some(-101));
    assert_eq!(read("1e-400"), Some(0));
    assert_eq!(read("0.0049"), Some(0));
    assert_eq!(read("0.005"), Some(1));
    assert_eq!(read("99999999.994"), Some(9_999_999_999));
    assert_eq!(read("99999999.995"), None);
    assert_eq!(read("1e8"), None);
    assert_eq!(read("0e100"), Some(0));
    for text in ["", ".", "e5", "1e", "1 2", "--1", "1,5", "NaN"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn a_whole_number_has_no_point_and_may_have_blanks_around_it() {
    assert_eq!(parse_whole(" \t+7\n"), Some(7));
    assert_eq!(parse_whole("-0"), Some(0));
    assert_eq!(parse_whole("1.0"), None);
    assert_eq!(parse_whole("9223372036854775808"), None);
}
