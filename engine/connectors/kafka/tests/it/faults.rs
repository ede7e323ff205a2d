//! A broker that goes away and comes back, and waits that can be ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use connector::SourceError;
use connector::log::LogReader;
use kafka::broker::BROKER_ID;

use crate::support::{embedded, offsets, pass, read_on, stop_after};

#[test]
fn a_lane_waits_for_a_broker_that_is_away_and_loses_nothing() {
    let (broker, topic) = embedded("away", 1);
    topic.fill(&topic.producer(&[]), 0, 500, "a");
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    assert_eq!(topic.read(&mut lane, 0, 0, 500).len(), 500);
    broker.cluster().broker_down(BROKER_ID).unwrap();
    let at = topic.at(0);
    let reading = std::thread::spawn(move || {
        let read = read_on(&mut lane, &at, 900);
        (lane, read)
    });
    // Long enough for the lane to ask and warn at least once.
    pass(Duration::from_millis(1500));
    assert!(!reading.is_finished());
    broker.cluster().broker_up(BROKER_ID).unwrap();
    topic.fill(&topic.producer(&[]), 0, 400, "b");
    let (_lane, read) = reading.join().unwrap();
    assert_eq!(read.unwrap().iter().map(|read| read.offset).collect::<Vec<_>>(), (500..900).collect::<Vec<_>>());
}

#[test]
fn a_planner_waits_for_a_broker_it_has_seen_before() {
    let (broker, topic) = embedded("away", 2);
    let mut planner = topic.planner();
    planner.stop_on(stop_after(Duration::from_secs(60)));
    assert_eq!(planner.available().unwrap().len(), 2);
    broker.cluster().broker_down(BROKER_ID).unwrap();
    let asking = std::thread::spawn(move || planner.available());
    pass(Duration::from_millis(500));
    assert!(!asking.is_finished());
    broker.cluster().broker_up(BROKER_ID).unwrap();
    assert_eq!(asking.join().unwrap().unwrap().len(), 2);
}

#[test]
fn the_stop_flag_ends_a_wait_and_the_lane_can_be_used_again() {
    let (_broker, topic) = embedded("stopped", 1);
    let producer = topic.producer(&[]);
    topic.fill(&producer, 0, 10, "a");
    let stop = Arc::new(AtomicBool::new(false));
    let mut lane = topic.lane();
    lane.stop_on(Arc::clone(&stop));
    lane.assign(&offsets(&[(topic.at(0), 0)])).unwrap();
    let mut read = Vec::new();
    stop.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    assert_eq!(
        lane.read(&topic.at(0), 20, u64::MAX, &mut |record| read.push(record.offset)).unwrap_err(),
        SourceError::Stopped
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
    stop.store(false, Ordering::Relaxed);
    topic.fill(&producer, 0, 10, "b");
    assert_eq!(topic.read(&mut lane, 0, 0, 20).len(), 20);
}

#[test]
fn a_partition_that_was_not_assigned_is_refused() {
    let (_broker, topic) = embedded("strange", 1);
    let mut lane = topic.lane();
    lane.assign(&offsets(&[(topic.at(0), 0)])).unwrap();
    let text = lane.read(&topic.at(5), 1, u64::MAX, &mut |_| {}).unwrap_err().to_string();
    assert!(text.contains("strange [5]"), "{text}");
}

#[test]
fn an_idle_epoch_of_a_thousand_records_is_read_within_milliseconds() {
    let (_broker, topic) = embedded("idle", 4);
    let producer = topic.producer(&[]);
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    let mut took = Vec::new();
    for round in 0..20 {
        for partition in 0..4 {
            topic.fill(&producer, partition, 250, "a");
        }
        let begun = Instant::now();
        lane.assign(&(0..4).map(|partition| (topic.at(partition), round * 250)).collect()).unwrap();
        for partition in 0..4 {
            assert_eq!(read_on(&mut lane, &topic.at(partition), (round + 1) * 250).unwrap().len(), 250);
        }
        took.push(begun.elapsed());
    }
    took.sort();
    println!("1,000 records over 4 partitions: median {:?}, slowest {:?}", took[10], took[19]);
    // The slack is for a machine that does other things at the same time.
    assert!(took[10] < Duration::from_millis(25), "median {:?}", took[10]);
}
