//! A log that was cut back under a new leader, against the embedded broker; and the one number that is taken out of a text.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::{Ipv4Addr, SocketAddr};

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::*;
use crate::broker::{BROKER_ID, Broker};

fn send(brokers: &str, count: usize) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    for _ in 0..count {
        producer.send(BaseRecord::<(), str>::to("t").partition(0).payload("x")).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
}

/// Ten records under leader 0, ten under leader 1. A job that has read fifteen under leader 0 has read five that are gone.
#[test]
fn fault_6_a_log_that_was_cut_back_and_has_grown_again_is_found_out() {
    let broker = Broker::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &[("t".to_owned(), 1)]).unwrap();
    let brokers = broker.address().to_string();
    send(&brokers, 10);
    broker.cluster().partition_leader("t", 0, Some(BROKER_ID)).unwrap();
    send(&brokers, 10);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &brokers).set("group.id", "probe").set("enable.partition.eof", "true");
    config.set("auto.offset.reset", "error").set("enable.auto.commit", "false");
    let ask =
        |position, leader_epoch| end_before(config.clone(), "t", &Split::new("t", 0), position, leader_epoch).unwrap();
    assert_eq!(ask(15, 0), Some(10));
    assert_eq!(ask(20, 0), Some(10));
    assert_eq!(ask(10, 0), None, "all that the job has read is there");
    assert_eq!(ask(4, 0), None);
    assert_eq!(ask(20, 1), None, "the same leader, read to the end");
}

#[test]
fn the_end_is_read_out_of_librdkafkas_text() {
    let text = "Partition log truncation detected at offset 1000 (leader epoch 3): broker end offset is 990 (offset leader epoch 3). \
                Reset to INVALID.: Local: Partition log truncation detected (broker 1)";
    assert_eq!(end_in(text), Some(990));
    let none =
        "No epoch found less or equal to offset 7 (leader epoch 1): broker end offset is -1 (offset leader epoch -1).";
    assert_eq!(end_in(none), None);
    assert_eq!(
        end_in("fetch failed due to requested offset not available on the broker: Broker: Offset out of range"),
        None
    );
}
