//! Readers beside a running job: whenever they come, all tables are of one epoch.

use std::collections::BTreeSet;

use crate::kafka::{Topic, event};
use crate::run::{Job, KEEP_ALL, Running};

const TABLES: &str = r#"
[table.silver.large]
sql = "SELECT id, amount FROM bronze.everything WHERE amount >= 5"
[table.gold.total]
mode = "update"
sql = "SELECT count(*) AS events, sum(amount) AS amount FROM events"
"#;

/// One query over all tables; `engine sql` reads them as of one epoch.
const LOOK: &str = "SELECT
    (SELECT count(*) FROM bronze.everything) AS bronze,
    (SELECT coalesce(sum(amount), 0) FROM bronze.everything) AS amount,
    (SELECT count(*) FROM silver.large) AS silver,
    (SELECT count(*) FROM rejected.events) AS rejected,
    (SELECT events FROM gold.total) AS total,
    (SELECT coalesce(amount, 0) FROM gold.total) AS total_amount";

const RECORDS: usize = 8_000;

#[test]
fn readers_always_see_one_epoch_of_all_tables() {
    let topic = Topic::new("reading", 2);
    let job =
        Job::new(&topic, "max_offsets_per_trigger = 100\n", &format!("{KEEP_ALL}{TABLES}")).set("job.trigger", "50ms");
    let mut running = job.start();
    running.wait("the first epoch", |running: &Running| !running.epochs.is_empty());
    for partition in 0..2 {
        topic.send(
            partition,
            (0..RECORDS / 2).map(|n| match n % 10 {
                3 => "nonsense".to_owned(),
                _ => event(n * 2 + partition as usize, "a", n % 3000, (n % 13) as i64),
            }),
        );
    }
    let mut seen = BTreeSet::new();
    let mut looks = 0;
    while running.records() < RECORDS as u64 {
        // The same with several statements of one session.
        let rows = job.sql(&format!("{LOOK}; {LOOK}"));
        assert_eq!(rows[0], rows[1], "two statements of a session see different epochs");
        let number = |name: &str| rows[0][name].as_u64().unwrap_or_else(|| panic!("{name} in {rows:?}"));
        assert_eq!(number("bronze"), number("total"), "{rows:?}");
        assert_eq!(number("amount"), number("total_amount"), "{rows:?}");
        seen.insert((number("bronze"), number("silver"), number("rejected")));
        looks += 1;
        running.listen();
        assert!(looks < 500, "the job does not get on: {:?}", running.epochs.last());
    }
    assert_eq!(running.stop().0, Some(0));
    // The states that whole epochs make, from the commit records.
    let mut whole = BTreeSet::from([(0, 0, 0)]);
    let mut sum = (0, 0, 0);
    for commit in job.commits() {
        let written = |table: &str| commit.tables.get(table).map_or(0, |table| table.counts.written);
        sum.0 += written("bronze.everything");
        sum.1 += written("silver.large");
        sum.2 += commit.sources["events"].rejected;
        whole.insert(sum);
    }
    assert_eq!(sum.0 + sum.2, RECORDS as u64);
    assert!(seen.is_subset(&whole), "not of one epoch: {:?}", seen.difference(&whole).collect::<Vec<_>>());
    assert!(seen.len() >= 5, "only {} states were seen in {looks} looks", seen.len());
}
