//! What a plan keeps of a partition is read back as it was, and nothing of what others wrote.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;

#[test]
fn an_identity_is_read_back_as_it_was() {
    for (topic_id, leader_epoch) in
        [(Some("aGVsbG8".to_owned()), Some(7)), (None, Some(0)), (Some("x".to_owned()), None)]
    {
        let identity = PartitionIdentity { topic_id, leader_epoch };
        assert_eq!(PartitionIdentity::of(identity.to_identity().as_ref()), identity);
    }
    assert_eq!(PartitionIdentity::default().to_identity(), None);
}

#[test]
fn what_is_not_known_is_no_error() {
    for value in [json!(null), json!(17), json!({ "leader_epoch": "seven", "topic_id": 3 }), json!({ "other": 1 })] {
        assert_eq!(PartitionIdentity::of(Some(&SplitIdentity(value))), PartitionIdentity::default());
    }
    assert_eq!(PartitionIdentity::of(None), PartitionIdentity::default());
}
