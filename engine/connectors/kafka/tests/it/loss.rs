//! Records that are gone: found by the planner, or by a lane in the middle of a range.

use std::time::Duration;

use connector::SourceError;
use connector::log::LogReader;
use kafka::{KafkaLane, KafkaPlanner};
use rdkafka::admin::AdminOptions;
use rdkafka::{Offset, TopicPartitionList};

use crate::support::{Topic, block_on, offsets, range, stop_after, until};

fn delete_before(topic: &Topic, offset: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic.name, 0, Offset::Offset(offset)).unwrap();
    let deleted = block_on(topic.admin().delete_records(&list, &AdminOptions::new())).unwrap();
    deleted.elements()[0].error().unwrap();
}

fn lossy(topic: &Topic) -> kafka::KafkaSettings {
    kafka::KafkaSettings { on_data_loss: kafka::OnDataLoss::Continue, ..topic.settings() }
}

fn loss(error: SourceError) -> (i32, i64, i64, String) {
    let SourceError::DataLoss(loss) = error else { panic!("{error}") };
    (loss.partition, loss.from.offset().unwrap(), loss.until.offset().unwrap(), loss.reason)
}

#[test]
fn deleted_records_stop_the_planner_or_become_a_gap() {
    let topic = Topic::real("deleted", 1);
    topic.fill(&topic.producer(&[]), 0, 100, "a");
    delete_before(&topic, 60);
    let position = offsets(&[(topic.at(0), 20)]);
    let mut planner = topic.planner();
    let available = planner.available().unwrap();
    let (partition, from, until, reason) = loss(planner.backlog(Some(&position), &available).unwrap_err());
    assert_eq!((partition, from, until), (0, 20, 60));
    assert!(reason.contains("retention"), "{reason}");
    let mut planner = KafkaPlanner::open("events", &lossy(&topic), "source-it").unwrap();
    let available = planner.available().unwrap();
    let backlog = planner.backlog(Some(&position), &available).unwrap();
    assert_eq!(backlog.ranges.get(&topic.at(0)), Some(&range(60, 100)));
    assert_eq!((backlog.gaps[0].from.offset().unwrap(), backlog.gaps[0].until.offset().unwrap()), (20, 60));
}

#[test]
fn records_deleted_after_planning_stop_the_lane_or_become_a_gap() {
    let topic = Topic::real("deleted-later", 1);
    topic.fill(&topic.producer(&[]), 0, 100, "a");
    delete_before(&topic, 60);
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    lane.assign(&offsets(&[(topic.at(0), 20)])).unwrap();
    let (partition, from, until, _) =
        loss(lane.read(&topic.at(0), 100, &mut |_| panic!("no record is there")).unwrap_err());
    assert_eq!((partition, from, until), (0, 20, 60));

    for (planned, expected_gap, expected) in [(100, (20, 60), (60..100).collect::<Vec<i64>>()), (50, (20, 50), vec![])]
    {
        let mut lane = KafkaLane::open("events", &lossy(&topic), "source-it", 0).unwrap();
        lane.stop_on(stop_after(Duration::from_secs(60)));
        lane.assign(&offsets(&[(topic.at(0), 20)])).unwrap();
        let mut read = Vec::new();
        let gaps = lane.read(&topic.at(0), planned, &mut |record| read.push(record.offset)).unwrap();
        assert_eq!(
            gaps.iter().map(|gap| (gap.from.offset().unwrap(), gap.until.offset().unwrap())).collect::<Vec<_>>(),
            [expected_gap]
        );
        assert_eq!(read, expected);
    }
}

#[test]
fn a_topic_made_anew_is_data_loss_for_the_planner_and_for_a_lane() {
    let topic = Topic::real("anew", 1);
    topic.fill(&topic.producer(&[]), 0, 100, "old");
    let mut running = topic.planner();
    running.available().unwrap();
    topic.delete();
    topic.make(1);
    topic.fill(&topic.producer(&[]), 0, 10, "new");
    let position = offsets(&[(topic.at(0), 50)]);
    // Both a planner that starts now and one that knew the old topic.
    for mut planner in [topic.planner(), running] {
        until("the new topic is seen", || {
            planner.available().unwrap().get(&topic.at(0)).is_some_and(|reach| reach.high == 10)
        });
        let available = planner.available().unwrap();
        let (partition, from, until, reason) = loss(planner.backlog(Some(&position), &available).unwrap_err());
        assert_eq!((partition, from, until), (0, 50, 0));
        assert!(reason.contains("made anew"), "{reason}");
    }
    // A plan made before: its offsets are past the end, or its end is never reached.
    for from in [50, 5] {
        let mut lane = topic.lane();
        lane.stop_on(stop_after(Duration::from_secs(60)));
        lane.assign(&offsets(&[(topic.at(0), from)])).unwrap();
        let (_, _, until, reason) = loss(lane.read(&topic.at(0), 100, &mut |_| {}).unwrap_err());
        assert_eq!(until, 100);
        assert!(reason.contains("made anew"), "{reason}");
    }
}

#[test]
fn a_deleted_topic_is_data_loss() {
    let topic = Topic::real("gone", 1);
    topic.fill(&topic.producer(&[]), 0, 10, "a");
    let mut planner = topic.planner();
    planner.available().unwrap();
    topic.delete();
    until("the topic is gone", || planner.available().unwrap().is_empty());
    let available = planner.available().unwrap();
    let (_, from, _, reason) = loss(planner.backlog(Some(&offsets(&[(topic.at(0), 5)])), &available).unwrap_err());
    assert_eq!(from, 5);
    assert!(reason.contains("deleted"), "{reason}");
}

#[test]
fn a_topic_deleted_after_planning_stops_the_lane() {
    let topic = Topic::real("gone-later", 1);
    topic.fill(&topic.producer(&[]), 0, 10, "a");
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    assert_eq!(topic.read(&mut lane, 0, 0, 10).len(), 10);
    topic.delete();
    lane.assign(&offsets(&[(topic.at(0), 10)])).unwrap();
    let (_, from, until, reason) = loss(lane.read(&topic.at(0), 20, &mut |_| {}).unwrap_err());
    assert_eq!((from, until), (10, 20));
    assert!(reason.contains("deleted") || reason.contains("made anew"), "{reason}");
}
