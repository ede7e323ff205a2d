//! What the keys of a state must match.

use std::sync::Arc;

use arrow::datatypes::{DataType, Fields};

use super::*;

#[test]
fn state_by_maps_of_an_engine_that_kept_their_entries_as_they_came_is_not_read() {
    let entries =
        Fields::from(vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Int32, true)]);
    let map = DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false);
    let list = DataType::List(Arc::new(Field::new("element", map.clone(), true)));
    let input = Schema::new(vec![
        Field::new("user", DataType::Utf8, true),
        Field::new("tags", map.clone(), true),
        Field::new("all_tags", list, true),
    ]);
    let names = ["user", "tags", "all_tags"].map(str::to_string);
    let words: Vec<String> = key_fingerprints(&[0, 1, 2], &names, &input).collect();
    // Without maps the words are those of every checkpoint so far.
    assert_eq!(words[0], "key user Utf8");
    assert_eq!(words[1], format!("key tags {map}, maps in the order of their keys"));
    assert!(words[2].ends_with(", maps in the order of their keys"), "{}", words[2]);
}
