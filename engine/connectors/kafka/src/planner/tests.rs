//! Backlog and starting offsets, decided from what a broker reported; no broker is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use epoch::{SourcePlan, SplitIdentity};
use serde_json::json;

use super::*;

fn planner(starting: crate::settings::StartingOffsets, on_data_loss: crate::settings::OnDataLoss) -> KafkaPlanner {
    let settings = crate::settings::KafkaSettings {
        brokers: "127.0.0.1:1".into(),
        topics: crate::settings::Topics::Named(vec!["t".into()]),
        starting_offsets: starting,
        on_data_loss,
        ending_offsets: None,
        options: BTreeMap::new(),
    };
    KafkaPlanner::open("events", &settings, "job").unwrap()
}

fn at(partition: i32) -> Split {
    Split::new("t", partition)
}

fn reach(parts: &[(i64, i64)]) -> PerSplit<Available> {
    parts
        .iter()
        .enumerate()
        .map(|(partition, (low, high))| (at(partition as i32), Available { low: *low, high: *high }))
        .collect()
}

fn offsets(parts: &[(i32, i64)]) -> Offsets {
    parts.iter().map(|(partition, offset)| (at(*partition), *offset)).collect()
}

/// A job that stands there and knows nothing else, as one with a checkpoint of before does.
fn standing_at(parts: &[(i32, i64)]) -> LogPosition {
    LogPosition::at(offsets(parts))
}

fn range(from: i64, until: i64) -> OffsetRange {
    OffsetRange { from, until }
}

#[test]
fn a_backlog_goes_from_the_position_to_the_end_and_new_partitions_begin_at_their_first_record() {
    let mut planner = planner(crate::settings::StartingOffsets::Latest, crate::settings::OnDataLoss::Stop);
    let backlog = planner.backlog(&standing_at(&[(0, 7), (1, 20)]), &reach(&[(5, 10), (0, 20), (3, 9)])).unwrap();
    assert_eq!(
        backlog.ranges,
        [(at(0), range(7, 10)), (at(1), range(20, 20)), (at(2), range(3, 9))].into_iter().collect()
    );
    assert_eq!(backlog.latest, offsets(&[(0, 10), (1, 20), (2, 9)]));
    assert!(backlog.gaps.is_empty());
}

#[test]
fn lost_records_stop_the_job_and_name_the_range() {
    let mut planner = planner(crate::settings::StartingOffsets::Latest, crate::settings::OnDataLoss::Stop);
    for (position, low, high, until, word) in
        [(4, 5, 10, 5, "retention"), (11, 0, 10, 10, "cut back or the topic was made anew")]
    {
        let error = planner.backlog(&standing_at(&[(0, position)]), &reach(&[(low, high)])).unwrap_err();
        let SourceError::DataLoss(loss) = error else { panic!("{error}") };
        assert_eq!(
            (loss.stream.as_str(), loss.partition, loss.from.offset().unwrap(), loss.until.offset().unwrap()),
            ("t", 0, position, until)
        );
        assert!(loss.reason.contains(word), "{}", loss.reason);
    }
    let error = planner.backlog(&standing_at(&[(0, 1), (1, 6)]), &reach(&[(0, 10)])).unwrap_err();
    let SourceError::DataLoss(loss) = error else { panic!("{error}") };
    assert_eq!((loss.partition, loss.from.offset().unwrap(), loss.until.offset().unwrap()), (1, 6, 6));
}

#[test]
fn with_continue_the_range_begins_where_data_is_and_the_gap_joins_the_plans() {
    let mut planner = planner(crate::settings::StartingOffsets::Latest, crate::settings::OnDataLoss::Continue);
    let position = standing_at(&[(0, 4), (1, 50), (2, 6)]);
    let backlog = planner.backlog(&position, &reach(&[(5, 10), (0, 20)])).unwrap();
    assert_eq!(
        backlog.ranges,
        [(at(0), range(5, 10)), (at(1), range(20, 20)), (at(2), range(6, 6))].into_iter().collect()
    );
    let gaps: Vec<_> = backlog
        .gaps
        .iter()
        .map(|gap| (gap.partition, gap.from.offset().unwrap(), gap.until.offset().unwrap()))
        .collect();
    assert_eq!(gaps, [(0, 4, 5), (1, 50, 20), (2, 6, 6)]);

    // The protocol's own rule accepts the plan that follows.
    let plan = |epoch: u64, ranges: epoch::offsets::OffsetRanges, gaps: Vec<DataGap>| epoch::Plan {
        format: epoch::record::FORMAT,
        epoch: epoch::EpochId(epoch),
        batch_time_us: 0,
        watermark_us: None,
        late_watermark_us: None,
        times: std::collections::BTreeMap::new(),
        lanes: 1,
        sources: [(
            "events".to_string(),
            SourcePlan { ranges: epoch::offsets::ranges(&ranges), gaps, ..SourcePlan::default() },
        )]
        .into_iter()
        .collect(),
        statics: Default::default(),
        clocks: Default::default(),
    };
    let before = plan(0, position.offsets.iter().map(|(at, until)| (at, range(0, *until))).collect(), vec![]);
    plan(1, backlog.ranges, backlog.gaps).joins(&before).unwrap();
}

#[test]
fn a_partition_that_is_gone_keeps_its_place_and_is_reported_once() {
    let mut planner = planner(crate::settings::StartingOffsets::Latest, crate::settings::OnDataLoss::Continue);
    let position = standing_at(&[(0, 1), (1, 6)]);
    assert_eq!(planner.backlog(&position, &reach(&[(0, 10)])).unwrap().gaps.len(), 1);
    let again = planner.backlog(&position, &reach(&[(0, 10)])).unwrap();
    assert!(again.gaps.is_empty());
    assert_eq!(again.ranges.get(&at(1)), Some(&range(6, 6)));
}

/// A planner to which the broker has said this of partition 0.
fn told(
    on_data_loss: crate::settings::OnDataLoss,
    low: i64,
    high: i64,
    topic_id: &str,
    leader_epoch: i32,
) -> KafkaPlanner {
    let mut planner = planner(crate::settings::StartingOffsets::Latest, on_data_loss);
    planner.listing = Some(Listing::said(&at(0), Available { low, high }, topic_id, leader_epoch));
    planner
}

fn known(from: i64, topic_id: &str, leader_epoch: i32) -> LogPosition {
    let identity = SplitIdentity(json!({ "topic_id": topic_id, "leader_epoch": leader_epoch }));
    LogPosition { identity: [(at(0), identity)].into_iter().collect(), ..standing_at(&[(0, from)]) }
}

/// 1,000 records were read, the log was cut back to 990 and grows again: the 990 are not read again, what is new is.
#[test]
fn fault_6_after_an_unclean_election_only_what_is_new_is_read() {
    use crate::settings::OnDataLoss::{Continue, Stop};
    let error = told(Stop, 0, 990, "a", 4).backlog(&known(1_000, "a", 3), &reach(&[(0, 990)])).unwrap_err();
    let SourceError::DataLoss(loss) = error else { panic!("{error}") };
    assert_eq!((loss.from.offset().unwrap(), loss.until.offset().unwrap()), (1_000, 990));
    assert!(loss.reason.contains("cut back") && loss.reason.contains("990 to 999"), "{}", loss.reason);

    let backlog = told(Continue, 0, 990, "a", 4).backlog(&known(1_000, "a", 3), &reach(&[(0, 990)])).unwrap();
    assert_eq!((backlog.ranges.get(&at(0)), backlog.gaps.len()), (Some(&range(990, 990)), 1));
    // The plan that follows knows the new leader, so the next one is content.
    let identity = backlog.identity;
    assert_eq!(identity.get(&at(0)), known(0, "a", 4).identity.get(&at(0)));
    let position = LogPosition { identity, ..standing_at(&[(0, 990)]) };
    let backlog = told(Continue, 0, 1_005, "a", 4).backlog(&position, &reach(&[(0, 1_005)])).unwrap();
    assert_eq!((backlog.ranges.get(&at(0)), backlog.gaps.len()), (Some(&range(990, 1_005)), 0));
}

#[test]
fn fault_6_a_topic_made_anew_is_told_from_one_that_was_cut_back() {
    use crate::settings::OnDataLoss::{Continue, Stop};
    for high in [10, 5_000] {
        let error = told(Stop, 0, high, "b", 0).backlog(&known(50, "a", 3), &reach(&[(0, high)])).unwrap_err();
        let SourceError::DataLoss(loss) = error else { panic!("{error}") };
        assert_eq!((loss.from.offset().unwrap(), loss.until.offset().unwrap()), (50, 0));
        assert!(loss.reason.contains("made anew"), "{}", loss.reason);
        let backlog = told(Continue, 0, high, "b", 0).backlog(&known(50, "a", 3), &reach(&[(0, high)])).unwrap();
        assert_eq!((backlog.ranges.get(&at(0)), backlog.gaps.len()), (Some(&range(0, high)), 1));
    }
}

fn lost(error: SourceError) -> Box<connector::DataLoss> {
    let SourceError::DataLoss(loss) = error else { panic!("{error}") };
    loss
}

/// Cut back under the same leader, a log that has grown past the job shows nothing any more. A restart read on as if nothing had been.
#[test]
fn fault_6_a_cut_that_a_run_stopped_for_is_told_again_once_the_log_has_grown() {
    use crate::settings::OnDataLoss::{Continue, Stop};
    for topic_id in ["a", ""] {
        // Without ids leaders tell that it is the same topic.
        let (position, short, grown) = (known(1_000, "a", 3), reach(&[(0, 990)]), reach(&[(0, 1_010)]));
        let loss = lost(told(Stop, 0, 990, topic_id, 3).backlog(&position, &short).unwrap_err());
        assert_eq!((loss.from.offset(), loss.until.offset()), (Some(1_000), Some(990)));
        let unaware = told(Stop, 0, 1_010, topic_id, 3).backlog(&position, &grown).unwrap();
        assert_eq!((unaware.ranges.get(&at(0)), unaware.gaps.len()), (Some(&range(1_000, 1_010)), 0));

        let position = LogPosition { reported: loss.gaps(), ..position };
        let again = told(Stop, 0, 1_010, topic_id, 3).backlog(&position, &grown).unwrap_err();
        assert_eq!(lost(again), loss, "the same");
        let backlog = told(Continue, 0, 1_010, topic_id, 3).backlog(&position, &grown).unwrap();
        assert_eq!((backlog.ranges.get(&at(0)), backlog.gaps), (Some(&range(990, 1_010)), loss.gaps()));
    }
}

#[test]
fn fault_6_all_partitions_that_lost_records_are_named_at_once() {
    let mut planner = planner(crate::settings::StartingOffsets::Latest, crate::settings::OnDataLoss::Stop);
    let position = standing_at(&[(0, 11), (1, 5), (2, 9), (3, 2)]);
    let loss = lost(planner.backlog(&position, &reach(&[(0, 10), (0, 10), (0, 7)])).unwrap_err());
    let gaps: Vec<_> = loss.gaps().iter().map(|gap| (gap.partition, gap.from.offset(), gap.until.offset())).collect();
    assert_eq!(gaps, [(0, Some(11), Some(10)), (2, Some(9), Some(7)), (3, Some(2), Some(2))]);
    let text = SourceError::DataLoss(loss).to_string();
    assert!(text.contains("in t [0]: from offset 11 to 10") && text.contains("in t [2]: from offset 9 to 7"), "{text}");
    assert!(planner.gone.is_empty(), "nobody has accepted that it is gone");
}

/// A broker that is being upgraded, or an answer of an older one: the id that the checkpoint knows is kept.
#[test]
fn fault_6_an_answer_without_an_id_forgets_none() {
    let mut planner = told(crate::settings::OnDataLoss::Stop, 0, 20, "", 4);
    let backlog = planner.backlog(&known(10, "a", 3), &reach(&[(0, 20)])).unwrap();
    assert_eq!((backlog.ranges.get(&at(0)), backlog.gaps.len()), (Some(&range(10, 20)), 0));
    assert_eq!(backlog.identity.get(&at(0)), known(0, "a", 4).identity.get(&at(0)));
    // The topic that is there then is compared with the one that was read.
    let position = LogPosition { identity: backlog.identity, ..standing_at(&[(0, 20)]) };
    let loss = lost(
        told(crate::settings::OnDataLoss::Stop, 0, 50, "b", 0).backlog(&position, &reach(&[(0, 50)])).unwrap_err(),
    );
    assert!(loss.reason.contains("made anew"), "{}", loss.reason);
}

#[test]
fn named_offsets_know_the_two_logical_ones() {
    let named = BTreeMap::from([("t".to_string(), BTreeMap::from([(0, -2), (1, -1), (2, 8)]))]);
    let mut planner = planner(crate::settings::StartingOffsets::Offsets(named), crate::settings::OnDataLoss::Stop);
    assert_eq!(planner.starting(&reach(&[(5, 10), (0, 20), (3, 9)])).unwrap(), offsets(&[(0, 5), (1, 20), (2, 8)]));
}

#[test]
fn named_offsets_must_name_every_partition_and_no_other() {
    let named = BTreeMap::from([("t".to_string(), BTreeMap::from([(0, -2), (7, 0)]))]);
    let mut planner = planner(crate::settings::StartingOffsets::Offsets(named), crate::settings::OnDataLoss::Stop);
    let text = planner.starting(&reach(&[(0, 1), (0, 1), (0, 1)])).unwrap_err().to_string();
    assert!(text.contains("leaves out t [1], t [2]"), "{text}");
    let text = planner.starting(&reach(&[(0, 1)])).unwrap_err().to_string();
    assert!(text.contains("names t [7]"), "{text}");
}

#[test]
fn a_pattern_that_is_no_regular_expression_is_refused() {
    let text =
        TopicSelection::new("events", &crate::settings::Topics::Pattern("ev(ents".into())).err().unwrap().to_string();
    assert!(text.contains("topic_pattern") && text.contains("[source.events]"), "{text}");
}
