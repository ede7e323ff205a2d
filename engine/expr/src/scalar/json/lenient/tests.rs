//! Lenient JSON is read as Jackson reads it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::super::options::Options;
use super::parse;

fn json(text: &str) -> Option<String> {
    parse(text, &Options::default()).map(|value| value.json())
}

#[test]
fn the_first_value_counts_and_quotes_may_be_single() {
    assert_eq!(json("{'a':1} x").as_deref(), Some("{\"a\":1}"));
    assert_eq!(json("{\"a\":1}{\"a\":2}").as_deref(), Some("{\"a\":1}"));
    assert_eq!(json("['it\\'s', \"\\uD83D\\uDE00\"]").as_deref(), Some("[\"it's\",\"😀\"]"));
}

#[test]
fn a_number_with_a_fraction_is_a_double() {
    assert_eq!(
        json("[1.50,-1e2,1e400,NaN,12345678901234567890]").as_deref(),
        Some("[1.5,-100.0,\"Infinity\",\"NaN\",12345678901234567890]")
    );
}

#[test]
fn what_is_no_json_is_none() {
    for text in ["{a:1}", "[01]", "[00]", "[1,]", "[.5]", "[1.]", "{\"a\"}", "[+1]", "\"\\x\"", "[1 2]", "tru", ""] {
        assert_eq!(json(text), None, "{text}");
    }
}

#[test]
fn options_allow_more() {
    let options = Options { unquoted_names: true, leading_zeros: true, comments: true, ..Options::default() };
    let read = parse("{/*c*/a: 007, b: 0, // x\n c: -010.5}", &options).unwrap();
    assert_eq!(read.json(), "{\"a\":7,\"b\":0,\"c\":-10.5}");
}
