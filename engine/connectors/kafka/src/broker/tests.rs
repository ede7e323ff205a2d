//! The broker behind its address, asked by an ordinary client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::*;
use crate::generate::{Codec, Mix, Settings, run};

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

#[test]
fn clients_find_the_topics_behind_the_fixed_address() {
    let broker = Broker::start(any_port(), &[("events".to_string(), 12), ("other".to_string(), 2)]).unwrap();
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", broker.address().to_string()).create().unwrap();
    let metadata = client.fetch_metadata(Some("events"), Duration::from_secs(10)).unwrap();
    assert_eq!(metadata.topics()[0].partitions().len(), 12);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let broker = Broker::start(any_port(), &[]).unwrap();
    let text = Broker::start(broker.address(), &[]).err().unwrap().to_string();
    assert!(text.contains(&broker.address().to_string()) && text.contains("--listen"), "{text}");
}

#[test]
fn the_address_is_free_again_after_the_broker_ends() {
    let broker = Broker::start(any_port(), &[]).unwrap();
    let address = broker.address();
    drop(broker);
    Broker::start(address, &[]).unwrap();
}

#[test]
fn it_holds_what_the_demo_sends() {
    let broker = Broker::start(any_port(), &[("events".to_string(), 12)]).unwrap();
    let settings = Settings {
        brokers: broker.address().to_string(),
        topic: "events".into(),
        partitions: 12,
        codec: Codec::Zstd,
        rate: None,
        total: Some(300_000),
        mix: Mix {
            seed: 1,
            late: 0.01,
            malformed: 0.005,
            duplicates: 0.01,
            start_us: 0,
            events_per_event_second: 1000,
        },
        options: Default::default(),
    };
    assert_eq!(run(&settings, &AtomicBool::new(false), &mut |_| {}).unwrap().sent, 300_000);
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", broker.address().to_string()).create().unwrap();
    let mut held = 0;
    for partition in 0..12 {
        let (low, high) = client.fetch_watermarks("events", partition, Duration::from_secs(10)).unwrap();
        assert_eq!(low, 0, "the mock cluster has thrown records of partition {partition} away");
        held += high;
    }
    assert_eq!(held, 300_000);
}
