//! Backlog and starting offsets, decided from what a broker reported; no broker is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

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

fn range(from: i64, until: i64) -> OffsetRange {
    OffsetRange { from, until }
}

#[test]
fn a_backlog_goes_from_the_position_to_the_end_and_new_partitions_begin_at_their_first_record() {
    let mut planner = planner(crate::settings::StartingOffsets::Latest, crate::settings::OnDataLoss::Stop);
    let backlog = planner.backlog(Some(&offsets(&[(0, 7), (1, 20)])), &reach(&[(5, 10), (0, 20), (3, 9)])).unwrap();
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
    for (position, low, high, word) in [(4, 5, 10, "retention"), (11, 0, 10, "made anew")] {
        let error = planner.backlog(Some(&offsets(&[(0, position)])), &reach(&[(low, high)])).unwrap_err();
        let SourceError::DataLoss(loss) = error else { panic!("{error}") };
        assert_eq!(
            (loss.stream.as_str(), loss.partition, loss.from.offset().unwrap(), loss.until.offset().unwrap()),
            ("t", 0, position, low)
        );
        assert!(loss.reason.contains(word), "{}", loss.reason);
    }
    let error = planner.backlog(Some(&offsets(&[(0, 1), (1, 6)])), &reach(&[(0, 10)])).unwrap_err();
    let SourceError::DataLoss(loss) = error else { panic!("{error}") };
    assert_eq!((loss.partition, loss.from.offset().unwrap(), loss.until.offset().unwrap()), (1, 6, 6));
}

#[test]
fn with_continue_the_range_begins_where_data_is_and_the_gap_joins_the_plans() {
    let mut planner = planner(crate::settings::StartingOffsets::Latest, crate::settings::OnDataLoss::Continue);
    let position = offsets(&[(0, 4), (1, 50), (2, 6)]);
    let backlog = planner.backlog(Some(&position), &reach(&[(5, 10), (0, 20)])).unwrap();
    assert_eq!(
        backlog.ranges,
        [(at(0), range(5, 10)), (at(1), range(0, 20)), (at(2), range(6, 6))].into_iter().collect()
    );
    let gaps: Vec<_> = backlog
        .gaps
        .iter()
        .map(|gap| (gap.partition, gap.from.offset().unwrap(), gap.until.offset().unwrap()))
        .collect();
    assert_eq!(gaps, [(0, 4, 5), (1, 50, 0), (2, 6, 6)]);

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
            epoch::SourcePlan { ranges: epoch::offsets::ranges(&ranges), latest: Default::default(), gaps },
        )]
        .into_iter()
        .collect(),
        statics: Default::default(),
        clocks: Default::default(),
    };
    let before = plan(0, position.iter().map(|(at, until)| (at, range(0, *until))).collect(), vec![]);
    plan(1, backlog.ranges, backlog.gaps).joins(&before).unwrap();
}

#[test]
fn a_partition_that_is_gone_keeps_its_place_and_is_reported_once() {
    let mut planner = planner(crate::settings::StartingOffsets::Latest, crate::settings::OnDataLoss::Continue);
    let position = offsets(&[(0, 1), (1, 6)]);
    assert_eq!(planner.backlog(Some(&position), &reach(&[(0, 10)])).unwrap().gaps.len(), 1);
    let again = planner.backlog(Some(&position), &reach(&[(0, 10)])).unwrap();
    assert!(again.gaps.is_empty());
    assert_eq!(again.ranges.get(&at(1)), Some(&range(6, 6)));
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
