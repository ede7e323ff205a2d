//! Records that are gone: found by the planner, or by a lane in the middle of a range.

use std::time::{Duration, Instant};

use connector::log::{LogPosition, LogReader, LogSourcePlanner};
use connector::{PlanRequest, SourceError, SourcePlanner};
use kafka::{KafkaLane, KafkaPlanner};
use rdkafka::admin::AdminOptions;
use rdkafka::{Offset, TopicPartitionList};

use epoch::SourcePlan;

use crate::support::{Topic, block_on, embedded, offsets, pass, range, read_on, stop_after, until};

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
    let (partition, from, until, reason) =
        loss(planner.backlog(&LogPosition::at(position.clone()), &available).unwrap_err());
    assert_eq!((partition, from, until), (0, 20, 60));
    assert!(reason.contains("retention"), "{reason}");
    let mut planner = KafkaPlanner::open("events", &lossy(&topic), "source-it").unwrap();
    let available = planner.available().unwrap();
    let backlog = planner.backlog(&LogPosition::at(position.clone()), &available).unwrap();
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
        loss(lane.read(&topic.at(0), 100, u64::MAX, &mut |_| panic!("no record is there")).unwrap_err());
    assert_eq!((partition, from, until), (0, 20, 60));

    for (planned, expected_gap, expected) in [(100, (20, 60), (60..100).collect::<Vec<i64>>()), (50, (20, 50), vec![])]
    {
        let mut lane = KafkaLane::open("events", &lossy(&topic), "source-it", 0).unwrap();
        lane.stop_on(stop_after(Duration::from_secs(60)));
        lane.assign(&offsets(&[(topic.at(0), 20)])).unwrap();
        let mut read = Vec::new();
        let progress = lane.read(&topic.at(0), planned, u64::MAX, &mut |record| read.push(record.offset)).unwrap();
        assert_eq!(
            progress
                .gaps
                .iter()
                .map(|gap| (gap.from.offset().unwrap(), gap.until.offset().unwrap()))
                .collect::<Vec<_>>(),
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
        let (partition, from, until, reason) =
            loss(planner.backlog(&LogPosition::at(position.clone()), &available).unwrap_err());
        // Offsets alone do not say what happened, so nothing is read twice.
        assert_eq!((partition, from, until), (0, 50, 10));
        assert!(reason.contains("made anew"), "{reason}");
    }
    // A plan made before: its offsets are past the end, or its end is never reached.
    for from in [50, 5] {
        let mut lane = topic.lane();
        lane.stop_on(stop_after(Duration::from_secs(60)));
        lane.assign(&offsets(&[(topic.at(0), from)])).unwrap();
        let (_, _, until, reason) = loss(lane.read(&topic.at(0), 100, u64::MAX, &mut |_| {}).unwrap_err());
        assert_eq!(until, 100);
        assert!(reason.contains("made anew"), "{reason}");
    }
}

#[test]
fn a_deleted_topic_is_data_loss_once_it_has_been_gone_for_a_while() {
    let topic = Topic::real("gone", 1);
    topic.fill(&topic.producer(&[]), 0, 10, "a");
    let mut running = topic.planner();
    running.available().unwrap();
    topic.delete();
    let position = LogPosition::at(offsets(&[(topic.at(0), 5)]));
    for mut planner in [running, topic.planner()] {
        planner.stop_on(stop_after(Duration::from_secs(60)));
        let begun = Instant::now();
        until("the topic is gone", || planner.available_from(Some(&position)).unwrap().is_empty());
        assert!(begun.elapsed() > Duration::from_secs(8), "believed after {:?}", begun.elapsed());
        let (_, from, until, reason) = loss(planner.backlog(&position, &Default::default()).unwrap_err());
        assert_eq!((from, until), (5, 5));
        assert!(reason.contains("deleted"), "{reason}");
    }
    // A job that has not read it is told at once that there is no such topic.
    let error = topic.planner().available().unwrap_err();
    assert!(matches!(error, SourceError::Settings { .. }), "{error}");
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
    let (_, from, until, reason) = loss(lane.read(&topic.at(0), 20, u64::MAX, &mut |_| {}).unwrap_err());
    assert_eq!((from, until), (10, 20));
    assert!(reason.contains("deleted") || reason.contains("made anew"), "{reason}");
}

/// A planner of the source as the run has it.
fn run_planner(settings: &kafka::KafkaSettings) -> LogSourcePlanner<KafkaPlanner> {
    let mut planner = KafkaPlanner::open("events", settings, "source-it").unwrap();
    planner.stop_on(stop_after(Duration::from_secs(60)));
    LogSourcePlanner::new(planner, None)
}

/// The plan that follows another one.
fn next(planner: &mut LogSourcePlanner<KafkaPlanner>, before: Option<&SourcePlan>) -> Result<SourcePlan, SourceError> {
    let ends = before.map(|plan| plan.ranges.iter().map(|(at, range)| (at, range.until.clone())).collect());
    let identity = before.map(|plan| &plan.identity);
    planner.plan(&PlanRequest {
        position: ends.as_ref(),
        identity,
        reported: &[],
        records_max: None,
        is_bounded: false,
    })
}

/// The range of partition 0, and the gaps.
fn read_of(topic: &Topic, plan: &SourcePlan) -> ((i64, i64), Vec<(i64, i64)>) {
    let range = plan.ranges.get(&topic.at(0)).unwrap().offsets().unwrap();
    let gap = |gap: &epoch::DataGap| (gap.from.offset().unwrap(), gap.until.offset().unwrap());
    ((range.from, range.until), plan.gaps.iter().map(gap).collect())
}

#[test]
fn fault_6_a_topic_made_anew_that_has_grown_past_the_job_is_found_out() {
    let topic = Topic::real("anew-and-longer", 1);
    topic.fill(&topic.producer(&[]), 0, 100, "old");
    let mut running = run_planner(&lossy(&topic));
    let read = next(&mut running, None).unwrap();
    assert_eq!(read_of(&topic, &read), ((0, 100), vec![]));
    topic.delete();
    topic.make(1);
    topic.fill(&topic.producer(&[]), 0, 250, "new");
    // By a job that is started now, and by one that has run all the time.
    let stopped = next(&mut run_planner(&topic.settings()), Some(&read)).unwrap_err();
    let (partition, from, until, reason) = loss(stopped);
    assert_eq!((partition, from, until), (0, 100, 0));
    assert!(reason.contains("made anew"), "{reason}");
    for planner in [&mut run_planner(&lossy(&topic)), &mut running] {
        let anew = next(planner, Some(&read)).unwrap();
        assert_eq!(read_of(&topic, &anew), ((0, 250), vec![(100, 0)]));
        let after = next(planner, Some(&anew)).unwrap();
        assert_eq!(read_of(&topic, &after), ((250, 250), vec![]), "said and read once");
    }
}

#[test]
fn fault_6_a_topic_that_is_unknown_for_a_moment_is_waited_for() {
    use rdkafka::types::RDKafkaRespErr::{RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART};
    let (broker, topic) = embedded("moment", 1);
    topic.fill(&topic.producer(&[]), 0, 10, "a");
    let mut running = run_planner(&topic.settings());
    let read = next(&mut running, None).unwrap();
    for mut planner in [running, run_planner(&topic.settings())] {
        broker.cluster().topic_error(&topic.name, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART).unwrap();
        // Longer than the answers about partitions are kept.
        pass(Duration::from_millis(1_100));
        let before = read.clone();
        let asking = std::thread::spawn(move || next(&mut planner, Some(&before)));
        pass(Duration::from_secs(2));
        assert!(!asking.is_finished(), "an answer of two seconds is believed");
        broker.cluster().topic_error(&topic.name, RD_KAFKA_RESP_ERR_NO_ERROR).unwrap();
        let plan = asking.join().unwrap().unwrap();
        assert_eq!(read_of(&topic, &plan), ((10, 10), vec![]));
    }
}

/// What the plan knows of partition 0.
fn identity(topic: &Topic, plan: &SourcePlan) -> serde_json::Value {
    plan.identity.get(&topic.at(0)).map(|identity| identity.0.clone()).unwrap_or_default()
}

/// Brokers give ids with version 10 of their metadata: one that is set back, or replaced by an older one, gives none.
#[test]
fn fault_6_a_broker_that_gives_no_ids_is_read_and_what_is_known_is_not_forgotten() {
    use rdkafka::types::RDKafkaApiKey::Metadata;
    let (broker, topic) = embedded("ids", 1);
    topic.fill(&topic.producer(&[]), 0, 10, "a");
    let with_id = next(&mut run_planner(&topic.settings()), None).unwrap();
    let id = identity(&topic, &with_id)["topic_id"].clone();
    assert!(id.as_str().is_some_and(|id| !id.is_empty()), "{with_id:?}");

    broker.cluster().apiversion(Metadata, Some(0), Some(9)).unwrap();
    let without = next(&mut run_planner(&topic.settings()), None).unwrap();
    let known = identity(&topic, &without);
    assert!(known["topic_id"].is_null(), "{known}");
    let goes_on = next(&mut run_planner(&topic.settings()), Some(&with_id)).unwrap();
    assert_eq!((read_of(&topic, &goes_on), &identity(&topic, &goes_on)["topic_id"]), (((10, 10), vec![]), &id));

    broker.cluster().apiversion(Metadata, Some(0), Some(12)).unwrap();
    for before in [&without, &goes_on] {
        let again = next(&mut run_planner(&topic.settings()), Some(before)).unwrap();
        assert_eq!((read_of(&topic, &again), &identity(&topic, &again)["topic_id"]), (((10, 10), vec![]), &id));
    }
}

#[test]
fn fault_6_a_lane_waits_for_a_topic_that_is_unknown_for_a_moment() {
    use rdkafka::types::RDKafkaRespErr::{RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART};
    let (broker, topic) = embedded("moment", 1);
    topic.fill(&topic.producer(&[]), 0, 20, "a");
    broker.cluster().topic_error(&topic.name, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART).unwrap();
    let mut lane = topic.lane();
    lane.stop_on(stop_after(Duration::from_secs(60)));
    lane.assign(&offsets(&[(topic.at(0), 0)])).unwrap();
    let at = topic.at(0);
    let reading = std::thread::spawn(move || read_on(&mut lane, &at, 20));
    // Long enough for it to ask several times.
    pass(Duration::from_secs(5));
    assert!(!reading.is_finished(), "answers of five seconds are believed");
    broker.cluster().topic_error(&topic.name, RD_KAFKA_RESP_ERR_NO_ERROR).unwrap();
    assert_eq!(reading.join().unwrap().unwrap().len(), 20);
}
