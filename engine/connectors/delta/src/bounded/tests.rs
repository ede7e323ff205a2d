//! Which columns have bounds: those that the property names, and for a table without it those that its files have.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use serde_json::json;

use super::*;

fn schema(columns: &[(&str, DataType)]) -> Schema {
    Schema::new(columns.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect::<Vec<_>>())
}

fn properties(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect()
}

#[test]
fn the_first_eight_columns_that_can_have_bounds_are_named() {
    let mut columns = vec![("price", DataType::Float64), ("größe", DataType::Int32), ("a.b", DataType::Int32)];
    let names: Vec<String> = (0..9).map(|number| format!("n{number}")).collect();
    columns.extend(names.iter().map(|name| (name.as_str(), DataType::Int64)));
    let named = columns_of(&schema(&columns));
    assert_eq!(named, names[..8]);
    assert_eq!(property(&named), (LISTED, "n0,n1,n2,n3,n4,n5,n6,n7".to_string()));
    assert_eq!(property(&columns_of(&schema(&[("b", DataType::Boolean)]))), (FIRST, "0".to_string()));
}

#[test]
fn what_the_properties_say_is_read_back() {
    for columns in [vec![], vec!["a".to_string()], vec!["a".to_string(), "b_2".to_string()]] {
        let (key, value) = property(&columns);
        assert_eq!(listed(&properties(&[(key, &value)])), Some(columns));
    }
    assert_eq!(listed(&properties(&[(LISTED, " `a`, b"), (FIRST, "0")])), Some(vec!["a".to_string(), "b".to_string()]));
    assert_eq!(listed(&properties(&[(FIRST, "32")])), None);
    assert_eq!(listed(&properties(&[("delta.logRetentionDuration", "interval 7 days")])), None);
}

#[test]
fn a_column_is_bounded_by_bounds_or_by_nothing_but_nulls() {
    let stats = json!({"numRecords": 3, "minValues": {"a": 1, "d": 1}, "maxValues": {"a": 2}, "nullCount": {"a": 0, "b": 3, "c": 2, "d": 0}});
    let bounded: Vec<&str> = ["a", "b", "c", "d", "e"].into_iter().filter(|name| is_bounded(&stats, name)).collect();
    assert_eq!(bounded, ["a", "b"]);
}
