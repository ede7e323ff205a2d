//! Every history of a partition, told by what was known of it then and what the broker says now.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn identity(topic_id: Option<&str>, leader_epoch: Option<i32>) -> PartitionIdentity {
    PartitionIdentity { topic_id: topic_id.map(str::to_owned), leader_epoch }
}

fn standing(low: i64, high: i64, identity: PartitionIdentity) -> Standing {
    Standing { reach: Available { low, high }, identity, cut_to: None }
}

fn at() -> Split {
    Split::new("t", 0)
}

/// What the plan says of the partition: where it goes on, and the gap (from, until).
fn told(from: i64, known: &PartitionIdentity, now: &Standing) -> (History, i64, Option<(i64, i64)>) {
    let history = history(from, known, now);
    let gap = history.gap(&at(), from, now.reach);
    let gap = gap.map(|gap| (gap.from.offset().unwrap(), gap.until.offset().unwrap()));
    (history, history.next(from, now.reach), gap)
}

#[test]
fn what_goes_on_has_no_gap() {
    let known = identity(Some("a"), Some(3));
    for now in [standing(0, 10, known.clone()), standing(0, 10, identity(Some("a"), Some(4)))] {
        assert_eq!(told(10, &known, &now), (History::Continued, 10, None));
        assert_eq!(told(4, &known, &now), (History::Continued, 4, None));
    }
    let nothing = PartitionIdentity::default();
    assert_eq!(told(4, &nothing, &standing(0, 10, known.clone())), (History::Continued, 4, None), "an old checkpoint");
    assert_eq!(told(4, &known, &standing(0, 10, nothing)), (History::Continued, 4, None), "an old broker");
}

#[test]
fn fault_6_an_end_that_moved_back_is_not_read_again_from_the_beginning() {
    let known = identity(Some("a"), Some(3));
    let now = standing(0, 990, identity(Some("a"), Some(4)));
    assert_eq!(told(1_000, &known, &now), (History::CutBack { to: 990 }, 990, Some((1_000, 990))));
    let reason = history(1_000, &known, &now).gap(&at(), 1_000, now.reach).unwrap().reason;
    assert!(reason.contains("cut back to 990") && reason.contains("offsets 990 to 999"), "{reason}");
    // Leaders' epochs tell it where topics have no ids.
    let now = standing(0, 990, identity(None, Some(4)));
    assert_eq!(told(1_000, &identity(None, Some(3)), &now).0, History::CutBack { to: 990 });
}

#[test]
fn fault_6_a_log_that_was_cut_back_and_has_grown_past_the_job_goes_on_where_it_was_cut() {
    let known = identity(Some("a"), Some(3));
    let now = Standing { cut_to: Some(990), ..standing(0, 2_000, identity(Some("a"), Some(4))) };
    assert_eq!(told(1_000, &known, &now), (History::CutBack { to: 990 }, 990, Some((1_000, 990))));
    let now = Standing { cut_to: Some(990), ..standing(0, 995, identity(Some("a"), Some(4))) };
    assert_eq!(told(1_000, &known, &now).1, 990, "what was written from 990 to 995 is new");
    let now = Standing { cut_to: Some(990), ..standing(993, 995, identity(Some("a"), Some(4))) };
    assert_eq!(told(1_000, &known, &now).1, 993, "retention went on meanwhile");
}

#[test]
fn fault_6_a_topic_made_anew_begins_at_its_beginning_also_if_it_has_grown_past_the_job() {
    let known = identity(Some("a"), Some(3));
    for high in [10, 50, 5_000] {
        let now = standing(0, high, identity(Some("b"), Some(0)));
        assert_eq!(told(50, &known, &now), (History::MadeAnew, 0, Some((50, 0))), "{high}");
        assert!(history(50, &known, &now).gap(&at(), 50, now.reach).unwrap().reason.contains("made anew"));
        // Without ids a leader's epoch that went back tells it.
        let now = standing(0, high, identity(None, Some(0)));
        assert_eq!(told(50, &identity(None, Some(3)), &now).0, History::MadeAnew, "{high}");
    }
    // With an id the epoch says nothing: an answer of a leader that lags.
    assert_eq!(told(5, &known, &standing(0, 10, identity(Some("a"), Some(2)))).0, History::Continued);
    // Nothing was read of it, so nothing is lost.
    assert_eq!(told(0, &known, &standing(0, 9, identity(Some("b"), Some(0)))), (History::MadeAnew, 0, None));
}

#[test]
fn fault_6_what_cannot_be_told_apart_is_never_read_twice() {
    for known in [PartitionIdentity::default(), identity(None, Some(0))] {
        let now = standing(0, 990, identity(None, Some(0)));
        assert_eq!(told(1_000, &known, &now), (History::Shorter, 990, Some((1_000, 990))));
        let reason = history(1_000, &known, &now).gap(&at(), 1_000, now.reach).unwrap().reason;
        assert!(reason.contains("no record is read twice"), "{reason}");
    }
}

#[test]
fn records_that_retention_removed_are_skipped() {
    let known = identity(Some("a"), Some(3));
    assert_eq!(told(20, &known, &standing(60, 100, known.clone())), (History::Trimmed, 60, Some((20, 60))));
}

fn position(from: i64, known: &PartitionIdentity) -> LogPosition {
    LogPosition {
        identity: known.to_identity().map(|identity| (at(), identity)).into_iter().collect(),
        ..LogPosition::at([(at(), from)].into_iter().collect())
    }
}

#[test]
fn fault_6_what_contradicts_the_job_is_doubted_before_it_is_believed() {
    let known = identity(Some("a"), Some(3));
    let position = position(50, &known);
    let doubt = |answer: PerSplit<Standing>, ends: i64| {
        doubts(&answer, &position, &[(at(), ends)].into_iter().collect(), |_| false).get(&at()).copied()
    };
    let answer = |now: Standing| [(at(), now)].into_iter().collect::<PerSplit<Standing>>();
    assert_eq!(doubt(answer(standing(0, 50, known.clone())), 50), None);
    assert_eq!(doubt(answer(standing(0, 49, known.clone())), 0), Some(Doubt::Shorter));
    assert_eq!(doubt(answer(standing(0, 60, known.clone())), 70), Some(Doubt::Shorter), "it ended further before");
    assert_eq!(doubt(answer(standing(0, 60, identity(Some("b"), Some(0)))), 50), Some(Doubt::Another));
    assert_eq!(doubt(PerSplit::default(), 50), Some(Doubt::Absent), "a passing UNKNOWN_TOPIC");
    let gone = doubts(&PerSplit::default(), &position, &PerSplit::default(), |_| true);
    assert!(gone.is_empty(), "what is known to be gone is not asked for again");
    assert!(Doubt::Absent.stands_after() > Doubt::Shorter.stands_after());
}

fn gap(from: i64, until: i64) -> DataGap {
    let reason = String::new();
    DataGap { stream: "t".to_string(), partition: 0, from: from.into(), until: until.into(), reason }
}

#[test]
fn fault_6_what_the_run_before_stopped_for_is_told_again_unless_somebody_knows_better() {
    let known = identity(Some("a"), Some(3));
    let (same, later) = (standing(0, 1_010, known.clone()), standing(0, 1_010, identity(Some("a"), Some(4))));
    // What was read is gone, and the log has grown past it.
    assert_eq!(reported(&gap(1_000, 990), 1_000, &known, &same), Reported::Again { next: 990 });
    let nothing = PartitionIdentity::default();
    let unknown = standing(0, 1_010, nothing.clone());
    assert_eq!(reported(&gap(1_000, 990), 1_000, &nothing, &unknown), Reported::Again { next: 990 });
    let trimmed = standing(995, 1_010, known.clone());
    assert_eq!(reported(&gap(1_000, 990), 1_000, &known, &trimmed), Reported::Again { next: 995 });
    assert_eq!(reported(&gap(1_000, 990), 1_000, &known, &later), Reported::Over, "it was asked");
    assert_eq!(reported(&gap(1_000, 990), 1_002, &known, &same), Reported::Over, "the job has gone on");
    // What was to be read is gone: planned from 980 to 1,000, found by a lane at 985.
    let short = standing(0, 995, known.clone());
    assert_eq!(reported(&gap(985, 1_000), 980, &known, &short), Reported::Again { next: 980 });
    assert_eq!(reported(&gap(985, 1_000), 980, &known, &same), Reported::Over, "a leader that lagged");
    let asked = Reported::Ask { until: 1_000, question: (1_000, 3, 4) };
    assert_eq!(reported(&gap(985, 1_000), 980, &known, &later), asked);
    assert_eq!(reported(&gap(985, 1_000), 1_000, &known, &later), Reported::Over, "the job has gone on");
    // A topic that was not there is there.
    assert_eq!(reported(&gap(1_000, 1_000), 1_000, &known, &same), Reported::Over);
}

/// `brokers` named another cluster for one start. With `on_data_loss = "continue"` the next one would have read everything again.
#[test]
fn fault_6_a_topic_that_is_there_again_under_its_id_was_not_made_anew() {
    let known = identity(Some("a"), Some(3));
    let elsewhere = standing(0, 150, identity(Some("b"), Some(0)));
    let found = history(100, &known, &elsewhere).gap(&Split::new("t", 0), 100, elsewhere.reach).unwrap();
    let same = standing(0, 110, known.clone());
    assert_eq!(reported(&found, 100, &known, &same), Reported::Over);
    // Nobody knows it of a topic without an id.
    let nameless = identity(None, Some(3));
    let now = standing(0, 110, nameless.clone());
    assert_eq!(reported(&found, 100, &nameless, &now), Reported::Again { next: 0 });
}
