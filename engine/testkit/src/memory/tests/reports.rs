//! Every epoch that is published is reported once, whatever became of the run that committed it.

use epoch::Step;
use runtime::StepSide;

use super::{TABLES, feed, open};

/// An epoch whose run was killed behind its commit was published by the next one, and nobody heard of it.
#[test]
fn each_epoch_is_reported_once_wherever_its_run_ends() {
    let sides = [StepSide::Before, StepSide::After];
    for (step, side) in Step::ALL.into_iter().flat_map(|step| sides.map(|side| (step, side))) {
        let at = format!("{} {side:?}", step.name());
        let mut run = open(TABLES);
        for epoch in 0..5 {
            feed(&run, epoch);
            run.crash(step, side).unwrap();
            run.step().unwrap();
        }
        let reported: Vec<u64> = run.reports().iter().map(|report| report.epoch).collect();
        assert_eq!(reported, (0..run.epochs_committed()).collect::<Vec<_>>(), "{at}");
        let records: u64 = run.reports().iter().map(|report| report.rows_read).sum();
        assert_eq!(records, 11, "{at}: one of them is rejected");
        let rejected: u64 = run.reports().iter().map(|report| report.rejected).sum();
        assert_eq!(rejected, 1, "{at}");
    }
}

#[test]
fn a_recovered_epoch_is_reported_as_its_commit_says() {
    let mut run = open(TABLES);
    feed(&run, 0);
    assert!(run.crash(Step::Commit, StepSide::After).unwrap());
    let recovered = run.progress().unwrap().clone();
    let mut undisturbed = open(TABLES);
    feed(&undisturbed, 0);
    let mut usual = undisturbed.step().unwrap().remove(0);
    assert_eq!((recovered.epoch, recovered.rows_read, recovered.started_us), (0, 3, 1_000_000));
    // What the commit does not keep: the run and its times, the state as it was then, the event times of the records.
    assert_eq!((recovered.duration_ms, recovered.state.len(), recovered.event_times), (0, 0, None));
    usual.sources.iter_mut().for_each(|source| source.event_times = None);
    assert_eq!((&recovered.tables, &recovered.sources, recovered.lag), (&usual.tables, &usual.sources, usual.lag));
    let steps =
        |progress: &runtime::EpochProgress| progress.durations_ms.iter().map(|(step, _)| *step).collect::<Vec<_>>();
    assert_eq!(steps(&recovered), steps(&usual), "the same fields");
    run.restart().unwrap();
    assert_eq!(run.reports().len(), 1, "not once more");
}
