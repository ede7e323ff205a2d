//! Rules of a table's definition: found at any depth, and kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{ArrayRef, Int64Array};
use serde_json::json;

use super::*;

#[test]
fn a_rule_of_a_column_inside_another_is_found() {
    let column = |name: &str, kind: Value, metadata: Value| json!({"name": name, "type": kind, "nullable": true, "metadata": metadata});
    let rule = json!({"delta.invariants": "{\"expression\":{\"expression\":\"n > 0\"}}"});
    let inner = json!({"type": "struct", "fields": [column("n", json!("long"), rule)]});
    let list = json!({"type": "array", "elementType": inner, "containsNull": true});
    let schema = json!({"type": "struct", "fields": [column("a", json!("long"), json!({"comment": "x"})), column("b", list, json!({}))]});
    let (name, rule) = invariant_in(&schema).unwrap();
    assert!(name == "n" && rule.contains("n > 0"), "{name} {rule}");
    let plain = json!({"type": "struct", "fields": [column("a", json!("long"), json!({}))]});
    assert_eq!(invariant_in(&plain), None);
}

#[test]
fn a_null_where_none_may_be_is_data_and_names_the_column() {
    let rules = Rules { required: vec!["id".to_string()], ..Rules::default() };
    let rows = |values: Vec<Option<i64>>| {
        RecordBatch::try_from_iter_with_nullable([("id", Arc::new(Int64Array::from(values)) as ArrayRef, true)])
            .unwrap()
    };
    assert_eq!(rules.check_rows("gold.x", &rows(vec![Some(1)])), Ok(()));
    let error = rules.check_rows("gold.x", &rows(vec![Some(1), None]));
    assert!(
        matches!(&error, Err(SinkError::Data(text)) if text.as_str().contains("column `id` of table gold.x")),
        "{error:?}"
    );
}

#[test]
fn files_that_replace_others_are_refused_where_rows_may_only_be_added() {
    assert_eq!(Rules::default().check_replacing("gold.x"), Ok(()));
    let error = Rules { only_adds: true, ..Rules::default() }.check_replacing("gold.x");
    assert!(matches!(&error, Err(SinkError::Refused(text)) if text.as_str().contains("delta.appendOnly")), "{error:?}");
}
