//! Random rows, lanes, chunks and watermarks against a model that merges all live rows anew in every epoch.

use std::collections::BTreeMap;

use super::harness::{Job, Lanes, Row, Table, epoch_time, exact, sessions, spec};
use crate::Emission;
use crate::session::GroupTime;

/// Numbers from a seed (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as i64
    }

    /// Rows about a time, some far behind it, some without a time or a gap.
    pub fn lanes(&mut self, now: i64, rows: i64, keys: i64) -> Lanes {
        let mut lanes: Lanes = (0..1 + self.below(3)).map(|_| vec![Vec::new()]).collect();
        for _ in 0..rows {
            let spread = if self.below(8) == 0 { 150 } else { 40 };
            let start = now - self.below(spread) + 10;
            let row = Row {
                key: (self.below(9) > 0).then(|| format!("k{}", self.below(keys))),
                start: (self.below(40) > 0).then_some(start),
                end: (self.below(40) > 0).then(|| start + self.below(12) - 1),
                value: self.below(12),
            };
            let lane = self.below(lanes.len() as i64) as usize;
            if self.below(10) == 0 {
                lanes[lane].push(Vec::new());
            }
            lanes[lane].last_mut().unwrap().push(row);
        }
        lanes
    }
}

/// All rows that are not gone, key by key.
#[derive(Default)]
struct Model {
    live: BTreeMap<String, Vec<Row>>,
    gone: Vec<String>,
    late: u64,
    untimed: u64,
}

impl Model {
    /// Takes in rows; returns what the live ones come to.
    fn take(&mut self, lanes: &Lanes, late_us: Option<i64>) {
        for row in lanes.iter().flatten().flatten() {
            match (row.start, row.end) {
                (Some(start), Some(end)) if start < end => {
                    if late_us.is_some_and(|late_us| end <= late_us) {
                        self.late += 1;
                    } else {
                        let key = row.key.clone().unwrap_or("null".to_string());
                        self.live.entry(key).or_default().push(row.clone());
                    }
                }
                _ => self.untimed += 1,
            }
        }
    }

    fn sessions(&self) -> Vec<(i64, String)> {
        let all = self.live.iter().flat_map(|(key, rows)| merged(rows).into_iter().map(move |rows| (key, rows)));
        all.map(|(key, rows)| (end(&rows), text(key, &rows))).collect()
    }

    /// Evicts sessions; returns what they come to.
    fn evict(&mut self, watermark_us: Option<i64>) -> Vec<String> {
        let mut gone = Vec::new();
        for (key, rows) in &mut self.live {
            let (due, live) =
                merged(rows).into_iter().partition::<Vec<_>, _>(|rows| watermark_us.is_some_and(|us| end(rows) <= us));
            gone.extend(due.iter().map(|rows| text(key, rows)));
            *rows = live.concat();
        }
        self.gone.extend(gone.clone());
        gone.sort();
        gone
    }
}

fn merged(rows: &[Row]) -> Vec<Vec<Row>> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row.start);
    let mut sessions: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        match sessions.last_mut() {
            Some(session) if row.start.unwrap() <= end(session) => session.push(row),
            _ => sessions.push(vec![row]),
        }
    }
    sessions
}

fn end(rows: &[Row]) -> i64 {
    rows.iter().filter_map(|row| row.end).max().unwrap()
}

fn text(key: &str, rows: &[Row]) -> String {
    let start = rows.iter().filter_map(|row| row.start).min().unwrap();
    format!("{start}-{} {key} {}", end(rows), metrics(rows))
}

fn metrics(rows: &[Row]) -> String {
    let values = || rows.iter().map(|row| row.value);
    let (min, max) = (values().min().unwrap(), values().max().unwrap());
    let large = values().filter(|value| *value > 5).count();
    format!("{} {} {min} {max} {large}", rows.len(), values().sum::<i64>())
}

fn run(seed: u64, emission: Emission, epochs: u64, rows: i64, keys: i64) {
    let mut dice = Dice::new(seed);
    let (mut job, mut model, mut table) = (Job::new(sessions(exact(), emission)), Model::default(), Table::default());
    let (mut late, mut watermark) = (None, None);
    let (mut late_rows, mut untimed_rows) = (0, 0);
    for epoch in 0..epochs {
        let now = epoch as i64 * 12;
        let count = 1 + dice.below(rows);
        let lanes = if dice.below(5) == 0 { vec![] } else { dice.lanes(now, count, keys) };
        let outcome = job.epoch(&lanes, &epoch_time(epoch, late, watermark));
        (late_rows, untimed_rows) = (late_rows + outcome.left.late, untimed_rows + outcome.left.untimed);
        let is_complete = emission == Emission::Complete;
        model.take(&lanes, late.filter(|_| !is_complete));
        let live: Vec<String> = model.sessions().into_iter().map(|(_, text)| text).collect();
        let gone_before = model.gone.clone();
        let due = if is_complete { Vec::new() } else { model.evict(watermark) };
        let context = format!("seed {seed} epoch {epoch} {emission:?}");
        match emission {
            Emission::Append => assert_eq!(super::harness::added(&outcome.changes, 1), due, "{context}"),
            Emission::Replace | Emission::ReplaceAndChanges => unreachable!("sessions have no buckets"),
            Emission::Changes => {
                let mut before = table.clone();
                table.apply(&outcome.changes, 1);
                let mut expected = [live, gone_before.clone()].concat();
                expected.sort();
                assert_eq!(table.rows(), expected, "{context}");
                // Nothing is retracted only to be added again.
                before.0.retain(|row, _| table.0.contains_key(row));
                for change in outcome.changes.iter().filter(|change| change.sign == crate::operator::Sign::Retract) {
                    let gone = super::harness::shown(&change.rows, 1);
                    assert!(gone.iter().all(|row| before.0.get(row).is_none_or(|count| *count > 1)), "{context}");
                }
            }
            Emission::Complete => {
                table.apply(&outcome.changes, 1);
                let mut expected = live;
                expected.sort();
                assert_eq!(table.rows(), expected, "{context}");
            }
        }
        assert_eq!((late_rows, untimed_rows), (model.late, model.untimed), "{context}");
        assert_eq!(job.operator.metrics().rows, model.sessions().len() as u64, "{context}");
        late = watermark;
        watermark = watermark.max((dice.below(3) > 0).then(|| now - 60 + dice.below(40)));
    }
}

#[test]
fn append() {
    (0..200).for_each(|seed| run(seed, Emission::Append, 25, 40, 4));
}

#[test]
fn changes() {
    (0..200).for_each(|seed| run(seed, Emission::Changes, 25, 40, 4));
}

#[test]
fn complete() {
    (0..60).for_each(|seed| run(seed, Emission::Complete, 25, 40, 4));
}

#[test]
fn large_epochs_in_pieces() {
    for emission in [Emission::Append, Emission::Changes, Emission::Complete] {
        run(7, emission, 6, 40_000, 5_000);
    }
}

#[test]
fn groups_by_key_and_instant() {
    for seed in 0..100 {
        let mut dice = Dice::new(seed);
        let mut job = Job::new(spec(GroupTime::Key(1), &[0, 2], exact(), Emission::Append));
        let mut model: BTreeMap<(Option<i64>, String), Vec<Row>> = BTreeMap::new();
        let (mut late, mut watermark): (Option<i64>, Option<i64>) = (None, None);
        for epoch in 0..20 {
            let now = epoch as i64 * 12;
            let lanes = dice.lanes(now, 50, 3);
            let outcome = job.epoch(&lanes, &epoch_time(epoch, late, watermark));
            for row in lanes.iter().flatten().flatten() {
                if row.end.is_none_or(|end| late.is_none_or(|late| end > late)) {
                    let key = row.key.clone().unwrap_or("null".to_string());
                    model.entry((row.end, key)).or_default().push(row.clone());
                }
            }
            let is_due =
                |(end, _): &(Option<i64>, String)| end.is_some_and(|end| watermark.is_some_and(|us| end <= us));
            let due = model.iter().filter(|(key, _)| is_due(key));
            let mut due: Vec<String> =
                due.map(|((end, key), rows)| format!("{key} {} {}", end.unwrap(), metrics(rows))).collect();
            due.sort();
            assert_eq!(super::harness::added(&outcome.changes, 1), due, "seed {seed} epoch {epoch}");
            model.retain(|key, _| !is_due(key));
            assert_eq!(job.operator.metrics().rows, model.len() as u64);
            late = watermark;
            watermark = watermark.max((dice.below(3) > 0).then(|| now - 60 + dice.below(40)));
        }
    }
}

#[test]
fn functions_of_every_kind_come_to_the_same_however_rows_are_split_into_epochs() {
    for seed in 0..30 {
        let mut dice = Dice::new(seed);
        let rows: Vec<Row> = dice.lanes(60, 300, 4).concat().concat();
        let split = |size: usize| {
            let mut job = Job::new(sessions(super::harness::mixed(), Emission::Changes));
            let mut table = Table::default();
            for (epoch, rows) in rows.chunks(size).enumerate() {
                let lanes = vec![vec![rows.to_vec()]];
                table.apply(&job.epoch(&lanes, &epoch_time(epoch as u64, None, None)).changes, 1);
            }
            table.rows()
        };
        let whole = split(rows.len());
        assert!(whole.len() > 4);
        assert_eq!(whole, split(20), "seed {seed}");
        assert_eq!(whole, split(7), "seed {seed}");
    }
}

#[test]
fn a_new_session_beside_an_old_one_has_no_value_yet() {
    use datafusion::functions_aggregate::bool_and_or::bool_and_udaf;
    use datafusion::logical_expr::Operator;
    use datafusion::physical_expr::expressions::{binary, case, col, lit};

    use super::harness::{added, call, input_schema};

    // value > 7 where value > 5, else NULL: bool_and of nothing but NULL is NULL, it was true.
    let schema = input_schema();
    let above = |least: i64| binary(col("value", &schema).unwrap(), Operator::Gt, lit(least), &schema).unwrap();
    let maybe = case(None, vec![(above(5), above(7))], None).unwrap();
    let mut job = Job::new(sessions(vec![call(&bool_and_udaf(), maybe)], Emission::Append));
    job.epoch(&vec![vec![vec![Row::of("a", 60, 75, 9)]]], &epoch_time(0, None, None));
    job.epoch(&vec![vec![vec![Row::of("a", 15, 30, 0), Row::of("a", 45, 60, 0)]]], &epoch_time(1, None, None));
    let closed = job.epoch(&vec![], &epoch_time(2, None, Some(100)));
    assert_eq!(added(&closed.changes, 1), ["15-30 a null", "45-75 a true"]);
}
