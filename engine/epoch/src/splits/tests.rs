//! Values per split: Spark's JSON shape, and finding what was put in.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::offsets::Offsets;
use crate::splits::Split;

#[test]
fn offsets_are_written_as_spark_writes_them() {
    let mut offsets = Offsets::default();
    offsets.insert(Split::new("topicB", 0), 30);
    offsets.insert(Split::new("topicA", 10), 2);
    offsets.insert(Split::new("topicA", 2), 23);
    let text = r#"{"topicA":{"2":23,"10":2},"topicB":{"0":30}}"#;
    assert_eq!(serde_json::to_string(&offsets).unwrap(), text);
    assert_eq!(serde_json::from_str::<Offsets>(text).unwrap(), offsets);
    let order: Vec<String> = offsets.iter().map(|(at, _)| at.to_string()).collect();
    assert_eq!(order, ["topicA [2]", "topicA [10]", "topicB [0]"]);
}

#[test]
fn a_value_per_partition_is_found_where_it_was_put() {
    let mut all = Offsets::default();
    assert!(all.is_empty());
    assert_eq!(all.insert(Split::new("a", 1), 5), None);
    assert_eq!(all.insert(Split::new("a", 1), 6), Some(5));
    *all.entry_or_insert_with(&Split::new("a", 1), || 9) += 1;
    *all.entry_or_insert_with(&Split::new("b", 0), || 9) += 1;
    assert_eq!(all.get(&Split::new("a", 1)), Some(&7));
    assert_eq!(all.get(&Split::new("b", 0)), Some(&10));
    assert_eq!(all.get(&Split::new("a", 0)), None);
    assert_eq!(all.get(&Split::new("c", 0)), None);
    assert_eq!(all.len(), 2);
}
