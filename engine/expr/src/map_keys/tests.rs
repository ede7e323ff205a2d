//! DataFusion really says what is looked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use datafusion::prelude::SessionContext;
use futures::executor::block_on;

use super::*;

/// What DataFusion says of a query that fails.
fn said(sql: &str) -> String {
    let context = SessionContext::new();
    crate::register_batch(&context).unwrap();
    let frame = block_on(context.sql(sql));
    let error = frame.and_then(|frame| block_on(frame.collect())).expect_err(sql);
    error.find_root().strip_backtrace()
}

#[test]
fn every_way_to_make_a_map_says_which_key_stands_twice() {
    for (sql, key) in [
        ("SELECT map('a', 1, 'a', 2)", "a"),
        ("SELECT map_from_arrays(array('a', 'a'), array(1, 2))", "a"),
        ("SELECT map_from_entries(array(struct('a', 1), struct('a', 2)))", "a"),
        ("SELECT str_to_map('a:1,a:2')", "'a'"),
    ] {
        let text = said(sql);
        assert_eq!(duplicate_key(&text), Some(key), "{sql}: {text}");
        assert!(remedied(text).contains(&format!("the key {key} stands twice in a map")), "{sql}");
    }
}

#[test]
fn another_error_stays_as_it_is() {
    assert_eq!(duplicate_key("Divide by zero"), None);
    assert_eq!(remedied("Divide by zero".to_string()), "Divide by zero");
}
