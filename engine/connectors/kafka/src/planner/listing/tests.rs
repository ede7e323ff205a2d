//! What is asked for again is what was asked for at first, in fewer questions, from a broker in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::net::{Ipv4Addr, SocketAddr};

use super::*;
use crate::broker::Broker;
use crate::settings::{KafkaSettings, OnDataLoss, StartingOffsets, Topics as Wanted};

fn planner(broker: &Broker, topics: Wanted) -> KafkaPlanner {
    let settings = KafkaSettings {
        brokers: broker.address().to_string(),
        topics,
        starting_offsets: StartingOffsets::Earliest,
        on_data_loss: OnDataLoss::Stop,
        ending_offsets: None,
        options: BTreeMap::new(),
    };
    KafkaPlanner::open("events", &settings, "listing").unwrap()
}

fn broker() -> Broker {
    let topics = [("one".to_owned(), 3), ("two".to_owned(), 1)];
    Broker::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &topics).unwrap()
}

fn named(names: &[&str]) -> Wanted {
    Wanted::Named(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn one_question_has_the_partitions_and_the_ids_that_two_had_at_first() {
    let broker = broker();
    let mut planner = planner(&broker, named(&["one", "two"]));
    let first = planner.available().unwrap();
    assert_eq!(first.len(), 4);
    let known = planner.listing.as_ref().unwrap().topics.clone();
    let Ok(found) = planner.found(None) else { panic!("the topics are there") };
    assert_eq!(planner.described(&known), Some(found));
    // Too old, and asked for again.
    let listing = planner.listing.take().unwrap();
    let topics = Topics { asked: Instant::now().checked_sub(2 * METADATA_AGE).unwrap(), ..listing.topics };
    planner.listing = Some(Listing { topics, ..listing });
    assert_eq!(planner.available().unwrap(), first);
    let again = &planner.listing.as_ref().unwrap().topics;
    assert!(again.asked.elapsed() < METADATA_AGE && again.ids == known.ids && again.ids.len() == 2);
}

#[test]
fn an_answer_that_lacks_something_is_none() {
    let broker = broker();
    let mut planner = planner(&broker, named(&["one"]));
    planner.available().unwrap();
    let known = planner.listing.as_ref().unwrap().topics.clone();
    assert!(planner.described(&known).is_some());
    let unasked = Topics { answered_by: None, ..known.clone() };
    assert_eq!(planner.described(&unasked), None, "nobody is known who could be asked");
    let without_ids = Topics { ids: BTreeMap::new(), ..known.clone() };
    assert_eq!(planner.described(&without_ids), None, "a broker that gives no ids");
    let gone = Topics { ids: [("gone".to_owned(), "x".to_owned())].into(), ..known.clone() };
    let others = self::planner(&broker, named(&["gone"]));
    assert_eq!(others.described(&gone), None, "a topic that is not there any more");
    let by_pattern = self::planner(&broker, Wanted::Pattern("one".to_owned()));
    assert_eq!(by_pattern.described(&known), None, "topics of a pattern may have come since");
}
