//! What time does to a job: `state_ttl` of groups, and clocks that are wrong.

use epoch::Step;
use runtime::StepSide;

use super::{click, job, rows};
use crate::{MemoryOptions, MemoryRun};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const YEAR: i64 = 365 * 24 * HOUR;
/// 2026-01-01.
const BEGIN: i64 = 1_767_225_600 * SECOND;

fn open(tables: &str) -> MemoryRun {
    MemoryRun::open(job(tables), &MemoryOptions { time_us: BEGIN, ..MemoryOptions::default() }).unwrap()
}

/// So much time passes, then rows of these users arrive and an epoch runs.
fn step(run: &mut MemoryRun, passes_us: i64, users: &[&str]) {
    run.set_time(run.time_us() + passes_us);
    // All of one event time: no watermark moves, so no time but that of the epochs can forget anything.
    run.append("clicks", 0, users.iter().map(|user| click(user, 100, 1.0))).unwrap();
    run.step().unwrap();
}

const COUNTS: &str = "[table.gold.users]\nmode = \"update\"\nstate_ttl = \"1 hour\"\n\
    sql = \"SELECT user, count(*) AS clicks FROM clicks GROUP BY user\"\n";

/// Fault: `state_ttl` on GROUP BY was ignored, without a word.
#[test]
fn state_ttl_on_group_by_forgets_a_key_and_leaves_its_row() {
    let mut run = open(COUNTS);
    step(&mut run, 0, &["ann", "ann", "bob"]);
    step(&mut run, 30 * MINUTE, &["ann"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 3", "bob 1"]);
    // An hour after its last row `bob` is forgotten; his row stands, also when the table's files are written anew.
    step(&mut run, 40 * MINUTE, &["cid"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 3", "bob 1", "cid 1"]);
    // He begins anew when he comes back, in the place of his row. `ann` was seen within the hour.
    step(&mut run, 10 * MINUTE, &["ann", "bob"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 4", "bob 1", "cid 1"]);
    step(&mut run, 59 * MINUTE, &["bob", "bob"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 4", "bob 3", "cid 1"]);
    // Whether or not an epoch has run in between: after an hour a key is forgotten.
    step(&mut run, HOUR, &["bob", "ann"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 1", "bob 1", "cid 1"]);
}

#[test]
fn what_is_forgotten_does_not_depend_on_restarts_and_crashes() {
    let acts: &[(i64, &[&str])] = &[
        (0, &["ann", "bob"]),
        (50 * MINUTE, &["ann"]),
        (20 * MINUTE, &["bob", "cid"]),
        (55 * MINUTE, &["ann", "cid"]),
        (3 * HOUR, &["ann", "bob", "dan"]),
    ];
    let play = |disturb: &dyn Fn(&mut MemoryRun)| -> Vec<Vec<String>> {
        let mut run = open(COUNTS);
        let mut seen = Vec::new();
        for (passes_us, users) in acts {
            run.set_time(run.time_us() + passes_us);
            run.append("clicks", 0, users.iter().map(|user| click(user, 100, 1.0))).unwrap();
            disturb(&mut run);
            run.step().unwrap();
            seen.push(rows(&mut run, "gold.users"));
        }
        seen
    };
    let undisturbed = play(&|_| {});
    assert_eq!(undisturbed[2], ["ann 2", "bob 1", "cid 1"]);
    assert_eq!(undisturbed[3], ["ann 1", "bob 1", "cid 2"]);
    assert_eq!(undisturbed[4], ["ann 1", "bob 1", "cid 2", "dan 1"]);
    assert_eq!(play(&|run| run.restart().unwrap()), undisturbed);
    for kill in [Step::Read, Step::Compute, Step::Commit] {
        let crash = |run: &mut MemoryRun| assert!(run.crash(kill, StepSide::Before).unwrap());
        assert_eq!(play(&crash), undisturbed, "killed before {kill:?}");
    }
}

/// Those that read the table see that a row takes the place of another.
#[test]
fn a_table_that_reads_a_forgetful_one_follows_it() {
    let mut run = open(&format!(
        "{COUNTS}[table.gold.total]\nmode = \"update\"\nsql = \"SELECT sum(clicks) AS n, count(*) AS users FROM gold.users\"\n"
    ));
    step(&mut run, 0, &["ann", "ann", "bob"]);
    assert_eq!(rows(&mut run, "gold.total"), ["3 2"]);
    step(&mut run, 2 * HOUR, &["ann"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 1", "bob 1"]);
    assert_eq!(rows(&mut run, "gold.total"), ["2 2"], "the sum of the rows that stand");
}

#[test]
fn windows_without_a_watermark_and_groups_of_changing_rows_are_forgotten_too() {
    let mut run = open(
        "[table.gold.windows]\nmode = \"update\"\nstate_ttl = \"1 hour\"\n\
         sql = \"SELECT window.start AS s, user, count(*) AS n FROM clicks GROUP BY window(timestamp_seconds(CAST(price AS BIGINT)), '1 minute'), user\"\n\
         [table.gold.often]\nmode = \"update\"\nstate_ttl = \"1 hour\"\n\
         sql = \"SELECT clicks, count(*) AS users FROM (SELECT user, count(*) AS clicks FROM clicks GROUP BY user) q GROUP BY clicks\"\n",
    );
    step(&mut run, 0, &["ann", "bob"]);
    step(&mut run, 0, &["ann"]);
    let windows = rows(&mut run, "gold.windows");
    assert!(windows.len() == 2 && windows[0].ends_with("ann 2") && windows[1].ends_with("bob 1"), "{windows:?}");
    assert_eq!(rows(&mut run, "gold.often"), ["1 1", "2 1"]);
    step(&mut run, 90 * MINUTE, &["ann"]);
    let windows = rows(&mut run, "gold.windows");
    assert!(windows[0].ends_with("ann 1") && windows[1].ends_with("bob 1"), "{windows:?}");
    // `ann` has clicked once, as far as is known; that `bob` has is forgotten, and so is that `ann` had twice.
    assert_eq!(rows(&mut run, "gold.often"), ["1 1", "2 1"]);
}

/// Found beside: rows of a window over a time that is not the watermark's were left out as late, by a watermark of another column.
#[test]
fn a_window_over_another_time_than_the_watermarks_leaves_nothing_out() {
    let mut run = open(
        "[table.gold.w]\nmode = \"update\"\n\
         sql = \"SELECT window.start AS s, user, count(*) AS n FROM clicks GROUP BY window(timestamp_seconds(CAST(price AS BIGINT)), '1 minute'), user\"\n",
    );
    for second in [1_000, 2_000, 3_000, 4_000] {
        run.append("clicks", 0, [click("ann", second, 5.0)]).unwrap();
        run.step().unwrap();
    }
    assert_eq!(rows(&mut run, "gold.w"), ["1970-01-01T00:00:00Z ann 4"]);
}

const FORGETFUL: &str = "[table.silver.once]\nstate_ttl = \"1 hour\"\n\
    sql = \"SELECT user, price FROM clicks\"\ndeduplicate = { keys = [\"user\"] }\n\
    [table.silver.pairs]\nstate_ttl = \"1 hour\"\n\
    sql = \"SELECT a.user, b.price FROM clicks a JOIN clicks b ON a.user = b.user AND a.price < b.price\"\n";

/// Fault: one jump forward of the wall clock made `state_ttl` forget everything, for good.
#[test]
fn one_jump_of_the_wall_clock_forgets_nothing() {
    let mut run = open(&format!("{COUNTS}{FORGETFUL}"));
    step(&mut run, 0, &["ann"]);
    run.machine_clock().step_wall(100 * YEAR);
    step(&mut run, MINUTE, &["bob"]);
    step(&mut run, MINUTE, &["ann"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 2", "bob 1"]);
    assert_eq!(rows(&mut run, "silver.once"), ["ann 1.0", "bob 1.0"], "ann is a duplicate still");
    // The wall clock is right again: what comes now is remembered, also by an engine that begins anew.
    run.machine_clock().step_wall(-100 * YEAR);
    step(&mut run, MINUTE, &["cid"]);
    run.restart().unwrap();
    step(&mut run, MINUTE, &["cid", "bob", "ann"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 3", "bob 2", "cid 2"]);
    assert_eq!(rows(&mut run, "silver.once"), ["ann 1.0", "bob 1.0", "cid 1.0"]);
    run.append("clicks", 0, [click("ann", 100, 2.0), click("cid", 100, 2.0)]).unwrap();
    run.step().unwrap();
    let pairs = rows(&mut run, "silver.pairs");
    assert_eq!(pairs, ["ann 2.0", "ann 2.0", "ann 2.0", "cid 2.0", "cid 2.0"], "each with all rows before it");
    // An hour that really passes forgets all of them.
    step(&mut run, HOUR, &["dan"]);
    step(&mut run, MINUTE, &["ann", "cid"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 1", "bob 2", "cid 1", "dan 1"]);
    assert_eq!(rows(&mut run, "silver.once").len(), 6);
}

/// A machine that comes up with a wrong clock costs half of `state_ttl` at most, once.
#[test]
fn a_machine_that_starts_with_a_wrong_clock_forgets_no_key_of_the_last_half_of_state_ttl() {
    let mut run = open(COUNTS);
    step(&mut run, 0, &["old"]);
    step(&mut run, 40 * MINUTE, &["ann"]);
    run.machine_clock().start_machine();
    run.machine_clock().step_wall(100 * YEAR);
    run.restart().unwrap();
    step(&mut run, MINUTE, &["ann", "old"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 2", "old 1"]);
    // A right clock that lost a day of its own is nothing either.
    run.machine_clock().start_machine();
    run.machine_clock().step_wall(-100 * YEAR - 24 * HOUR);
    run.restart().unwrap();
    step(&mut run, MINUTE, &["ann", "old"]);
    assert_eq!(rows(&mut run, "gold.users"), ["ann 3", "old 2"]);
}

#[test]
fn current_timestamp_comes_back_down_with_the_wall_clock() {
    let mut run = open("[table.silver.now]\nsql = \"SELECT user, current_timestamp() AS now FROM clicks\"\n");
    step(&mut run, 0, &["ann"]);
    run.machine_clock().step_wall(100 * YEAR);
    step(&mut run, MINUTE, &["bob"]);
    run.machine_clock().step_wall(-100 * YEAR);
    step(&mut run, MINUTE, &["cid"]);
    let seen = rows(&mut run, "silver.now");
    assert!(seen[0].starts_with("ann 2026-01-01") && seen[2].starts_with("cid 2026-01-01"), "{seen:?}");
    assert!(seen[1].starts_with("bob 2125-"), "{seen:?}");
}
