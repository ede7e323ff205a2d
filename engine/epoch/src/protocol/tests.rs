//! The protocol under every fault: all single faults and all pairs over three epochs, with and without a zombie.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod model;

use std::collections::BTreeMap;

use self::model::{EPOCHS, Fault, Planned, Simulation};
use super::*;
use crate::offsets::OffsetRange;
use crate::record::{DataGap, FORMAT, SourcePlan};
use crate::splits::Split;

/// Every fault at every step of every epoch. Only steps that are not one atomic write can be torn.
fn all_faults() -> Vec<Planned> {
    let mut all = Vec::new();
    for epoch in (0..EPOCHS).map(EpochId) {
        for step in Step::ALL {
            all.extend([Fault::Before, Fault::After, Fault::AnswerLost].map(|fault| (epoch, step, fault)));
            if matches!(step, Step::Stage | Step::Publish | Step::Retire) {
                all.push((epoch, step, Fault::Torn));
            }
        }
    }
    all
}

/// True if the second fault can still meet its place after the first one: a stored plan is not planned again, and a
/// committed epoch not committed again.
fn both_can_fire(first: &Planned, second: &Planned) -> bool {
    let for_good = matches!(first.1, Step::Plan | Step::Commit) && matches!(first.2, Fault::After | Fault::AnswerLost);
    !((first.0, first.1) == (second.0, second.1) && for_good)
}

/// Runs the histories with these faults: planning in turn and ahead, without and with a second owner. Returns how many
/// there were and how often zombies acted.
fn run(faults: &[Planned]) -> (usize, usize) {
    let (mut histories, mut zombie_acts) = (0, 0);
    for (ahead, takeover) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut simulation = Simulation::with(faults, ahead);
        simulation.run_to_the_end(takeover);
        assert_eq!(simulation.faults, [], "a fault that never fired proves nothing");
        assert_eq!(simulation.fired.len(), faults.len());
        histories += 1;
        zombie_acts += simulation.zombie_acts;
    }
    (histories, zombie_acts)
}

#[test]
fn no_fault_and_every_single_fault_give_the_undisturbed_result() {
    run(&[]);
    let faults = all_faults();
    let zombie_acts: usize = faults.iter().map(|fault| run(&[*fault]).1).sum();
    assert_eq!(faults.len(), 81, "3 epochs of 8 steps with 3 faults, 3 steps of them with a fourth");
    assert!(zombie_acts > 500, "{zombie_acts}");
}

#[test]
fn every_pair_of_faults_gives_the_undisturbed_result() {
    let faults = all_faults();
    let mut histories = 0;
    for first in &faults {
        for second in faults.iter().filter(|second| both_can_fire(first, second)) {
            histories += run(&[*first, *second]).0;
        }
    }
    // 81 x 81 ordered pairs, less the 3 epochs x 2 steps x 2 x 3 pairs whose second fault has no place left; each
    // planned in turn and ahead, with the same owner and with a second one.
    assert_eq!(histories, 4 * (81 * 81 - 36), "histories run");
}

fn plan(epoch: u64) -> Plan {
    let from = i64::try_from(epoch).unwrap() * 10;
    let mut events = SourcePlan::default();
    events.ranges.insert(Split::new("t", 0), OffsetRange { from, until: from + 10 }.into());
    Plan {
        format: FORMAT,
        epoch: EpochId(epoch),
        batch_time_us: from,
        watermark_us: None,
        late_watermark_us: None,
        times: std::collections::BTreeMap::new(),
        lanes: 1,
        sources: BTreeMap::from([("events".to_string(), events)]),
        statics: BTreeMap::new(),
    }
}

fn commit(epoch: u64) -> Commit {
    Commit {
        gaps: std::collections::BTreeMap::new(),
        plan: plan(epoch),
        tables: BTreeMap::new(),
        watermarks: BTreeMap::new(),
        next_watermark_us: None,
        sources: BTreeMap::new(),
    }
}

#[test]
fn every_pair_of_newest_records_has_one_conclusion() {
    let epochs = || std::iter::once(None).chain((0..5).map(Some));
    let mut cases = 0;
    for (planned, committed) in epochs().flat_map(|planned| epochs().map(move |committed| (planned, committed))) {
        cases += 1;
        let recovery = recover(NewestRecords { plan: planned.map(plan), commit: committed.map(commit) });
        let expected = match (planned, committed) {
            (None, None) => Recovery::Fresh,
            (None, Some(c)) => Recovery::Refuse(Contradiction::CommitWithoutPlan(EpochId(c))),
            (Some(0), None) => Recovery::Redo { plan: plan(0), republish: None },
            (Some(p), Some(c)) if p == c => Recovery::Next { republish: commit(c) },
            (Some(p), Some(c)) if p == c + 1 => Recovery::Redo { plan: plan(p), republish: Some(commit(c)) },
            (Some(p), c) => {
                Recovery::Refuse(Contradiction::PlanOutOfOrder { plan: EpochId(p), commit: c.map(EpochId) })
            }
        };
        assert_eq!(recovery, expected, "plan {planned:?}, commit {committed:?}");
    }
    assert_eq!(cases, 36);
}

#[test]
fn a_commit_of_another_plan_is_refused() {
    let found = NewestRecords { plan: Some(Plan { batch_time_us: 1, ..plan(3) }), commit: Some(commit(3)) };
    let recovery = recover(found);
    assert_eq!(recovery, Recovery::Refuse(Contradiction::CommitOfAnotherPlan(EpochId(3))));
}

#[test]
fn a_plan_that_leaves_out_or_repeats_records_is_refused() {
    for from in [9, 11] {
        let mut torn = plan(1);
        let at = Split::new("t", 0);
        torn.sources.get_mut("events").unwrap().ranges.insert(at, OffsetRange { from, until: 20 }.into());
        let recovery = recover(NewestRecords { plan: Some(torn.clone()), commit: Some(commit(0)) });
        let expected = format!("source events, t [0]: {from} does not follow 10");
        assert_eq!(recovery, Recovery::Refuse(Contradiction::OffsetsDoNotJoin(expected)));
        // A jump that the plan itself records is no contradiction: forward over lost records, back in a topic made anew.
        let gap = DataGap {
            stream: "t".into(),
            partition: 0,
            from: 10.into(),
            until: from.into(),
            reason: "retention".into(),
        };
        let elsewhere = DataGap { partition: 1, ..gap.clone() };
        torn.sources.get_mut("events").unwrap().gaps = vec![elsewhere];
        let recovery = recover(NewestRecords { plan: Some(torn.clone()), commit: Some(commit(0)) });
        assert!(matches!(recovery, Recovery::Refuse(_)), "a gap in another partition excuses nothing");
        torn.sources.get_mut("events").unwrap().gaps.push(gap);
        let recovery = recover(NewestRecords { plan: Some(torn), commit: Some(commit(0)) });
        assert!(matches!(recovery, Recovery::Redo { .. }), "{recovery:?}");
    }
}

#[test]
fn contradictions_name_their_epochs() {
    let says = |contradiction: Contradiction, words: &[&str]| {
        let text = contradiction.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    says(Contradiction::CommitWithoutPlan(EpochId(7)), &["7", "never planned"]);
    says(Contradiction::PlanOutOfOrder { plan: EpochId(7), commit: Some(EpochId(4)) }, &["7", "4"]);
    says(Contradiction::PlanOutOfOrder { plan: EpochId(7), commit: None }, &["7", "no epoch"]);
    says(Contradiction::OffsetsDoNotJoin("t [0]".into()), &["t [0]"]);
    says(Contradiction::CommitOfAnotherPlan(EpochId(7)), &["7", "another plan"]);
}

#[test]
fn steps_are_eight_in_order_and_have_names_of_their_own() {
    let names = Step::ALL.map(Step::name);
    assert_eq!(names, ["plan", "read", "decode", "compute", "stage", "commit", "publish", "retire"]);
    for step in Step::ALL {
        assert_eq!(Step::from_name(step.name()), Some(step));
        assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{}\"", step.name()));
    }
    assert!(Step::ALL.is_sorted());
    assert_eq!(Step::from_name("Plan"), None);
}

#[test]
fn a_permit_carries_its_commit() {
    let permit = Permit::for_durable(commit(2));
    assert_eq!(permit.commit(), &commit(2));
    assert_eq!(permit.into_commit(), commit(2));
}
