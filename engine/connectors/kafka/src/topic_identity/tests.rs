//! What a plan keeps of a partition is read back as it was, and nothing of what others wrote.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::{Ipv4Addr, SocketAddr};

use rdkafka::ClientConfig;
use serde_json::json;

use super::*;
use crate::broker::{BROKER_ID, Broker};
use crate::context::Context;

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

/// Taken for an answer without ids, a topic made anew during an outage would be gone on with.
#[test]
fn a_question_without_an_answer_is_an_error_and_no_topic_without_an_id() {
    let broker = Broker::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &[("t".to_owned(), 1)]).unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.address().to_string()).set("group.id", "ids");
    let consumer: Consumer = config.create_with_context(Context::new("events")).unwrap();
    consumer.fetch_metadata(Some("t"), Duration::from_secs(20)).unwrap();
    let ask = |timeout| describe_topics(&consumer, ["t"].into_iter(), Some(BROKER_ID), timeout);
    let ids = ask(Duration::from_secs(20)).unwrap();
    assert!(ids["t"].id.len() > 10, "{ids:?}");
    assert_eq!(ids["t"].partitions, [0].into());

    broker.cluster().broker_round_trip_time(BROKER_ID, Duration::from_secs(60)).unwrap();
    assert!(ask(Duration::from_millis(300)).is_err());
    broker.cluster().broker_round_trip_time(BROKER_ID, Duration::ZERO).unwrap();
    assert_eq!(ask(Duration::from_secs(20)).unwrap(), ids);
}
