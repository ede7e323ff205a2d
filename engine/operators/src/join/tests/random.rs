//! Random rows in random epochs, lanes and chunks, with restarts, against nested loops over all rows that were on time.

use proptest::prelude::*;

use super::machine::{Chunk, Machine, epoch_time};
use super::rows::{Joined, On, Row, SECOND, Shape, nested_loops};
use crate::change::Sign;
use crate::join::{JoinKind, Side};
use crate::operator::Operator;

/// Later than everything, and than what any range reaches.
const THE_END: i64 = 1_000_000 * SECOND;

type Epoch = Vec<Vec<(Side, Vec<Row>)>>;

/// Rows around the time of their epoch: few keys, few values, so that equal rows come up.
fn row() -> impl Strategy<Value = Row> {
    let key = prop_oneof![8 => (0..4_i64).prop_map(Some), 1 => Just(None)];
    let time = prop_oneof![12 => (-25..10_i64).prop_map(Some), 1 => Just(None)];
    (key, time, 0..6_i64).prop_map(|(key, time, value)| Row { key, time: time.map(|time| time * SECOND), value })
}

fn epochs() -> impl Strategy<Value = Vec<Epoch>> {
    let side = prop_oneof![Just(Side::Left), Just(Side::Right)];
    let chunk = (side, prop::collection::vec(row(), 0..7));
    let lane = prop::collection::vec(chunk, 0..4);
    let epoch = prop::collection::vec(lane, 0..3);
    prop::collection::vec(epoch, 1..9).prop_map(|mut epochs: Vec<Epoch>| {
        for (number, epoch) in epochs.iter_mut().enumerate() {
            let rows = epoch.iter_mut().flatten().flat_map(|(_, rows)| rows);
            rows.for_each(|row| row.time = row.time.map(|time| time + number as i64 * 9 * SECOND));
        }
        epochs
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    use JoinKind::{Full, Inner, Left, LeftAnti, LeftSemi, Right};
    let kind = prop::sample::select(vec![Inner, Left, Right, Full, LeftSemi, LeftAnti]);
    let range = (-3..8_i64, 0..8_i64).prop_map(|(before, more)| On::Range(before, more - before));
    let on = prop_oneof![2 => Just(On::Window), 5 => range, 1 => Just(On::Key)];
    let least = || prop_oneof![2 => Just(None), 1 => (1..4_i64).prop_map(Some)];
    (kind, on, least(), least()).prop_map(|(kind, on, left, right)| Shape { kind, on, least: [left, right] })
}

/// A row that was on time, and the number of its epoch.
struct Seen {
    side: Side,
    row: Row,
    epoch: usize,
}

/// The rows on time, the rows that were late, and the watermark of each epoch.
fn on_time(shape: &Shape, epochs: &[Epoch]) -> (Vec<Seen>, Vec<u64>, Vec<Option<i64>>) {
    let (mut seen, mut late, mut marks) = (Vec::new(), Vec::new(), Vec::new());
    let mut newest: [Option<i64>; 2] = [None; 2];
    for (number, epoch) in epochs.iter().enumerate() {
        let now = newest[0].zip(newest[1]).map(|(one, other)| one.min(other) - 4 * SECOND);
        marks.push(now.max(marks.last().copied().flatten()));
        let before = number.checked_sub(1).and_then(|before| marks[before]);
        let mut count = 0;
        for (side, row) in epoch.iter().flatten().flat_map(|(side, rows)| rows.iter().map(move |row| (*side, *row))) {
            newest[side as usize] = newest[side as usize].max(row.time);
            if shape.late_by(&row).is_some_and(|us| before.is_some_and(|before| us <= before)) {
                count += 1;
            } else {
                seen.push(Seen { side, row, epoch: number });
            }
        }
        late.push(count);
    }
    (seen, late, marks)
}

/// What each epoch must give, and the rows that each side keeps after it.
fn expected(shape: &Shape, seen: &[Seen], marks: &[Option<i64>]) -> (Vec<Vec<Joined>>, Vec<[u64; 2]>) {
    let mut emitted: Vec<Vec<Joined>> = vec![Vec::new(); marks.len()];
    let mut kept = vec![[0; 2]; marks.len()];
    for one in seen {
        let partners = seen.iter().filter(|other| match one.side {
            _ if other.side == one.side => false,
            Side::Left => shape.matches(&one.row, &other.row),
            Side::Right => shape.matches(&other.row, &one.row),
        });
        let met: Vec<(usize, Row)> = partners.map(|other| (other.epoch.max(one.epoch), other.row)).collect();
        let first_met = met.iter().map(|(epoch, _)| *epoch).min();
        let alone = if one.side == Side::Left { (Some(one.row), None) } else { (None, Some(one.row)) };
        let until = shape.until(one.side, &one.row);
        let due = (one.epoch..marks.len())
            .find(|epoch| until.is_some_and(|until| marks[*epoch].is_some_and(|now| until <= now)));
        let is_let_in = shape.may_match(one.side, &one.row);
        let is_preserved = shape.kind.preserves(one.side);
        if shape.kind.emits_pairs() && one.side == Side::Left {
            met.iter().for_each(|(epoch, other)| emitted[*epoch].push((Some(one.row), Some(*other))));
        }
        match (first_met, due) {
            (Some(epoch), _) if one.side == Side::Left && shape.kind == JoinKind::LeftSemi => {
                emitted[epoch].push(alone)
            }
            (None, _) if is_preserved && !is_let_in => emitted[one.epoch].push(alone),
            (None, Some(epoch)) if is_preserved => emitted[epoch].push(alone),
            _ => {}
        }
        let goes_when_met = !shape.kind.emits_pairs() && one.side == Side::Left;
        let gone = due.unwrap_or(marks.len()).min(first_met.filter(|_| goes_when_met).unwrap_or(marks.len()));
        if is_let_in && (shape.has_key(&one.row) || is_preserved) {
            (one.epoch..gone).for_each(|epoch| kept[epoch][one.side as usize] += 1);
        }
    }
    emitted.iter_mut().for_each(|rows| rows.sort_unstable());
    (emitted, kept)
}

/// `restarts` between all epochs; `is_tight`: no memory for what is not in use.
fn run(shape: Shape, mut epochs: Vec<Epoch>, restarts: bool, is_tight: bool) {
    epochs.push(Vec::new());
    let (seen, late, mut marks) = on_time(&shape, &epochs);
    *marks.last_mut().unwrap() = Some(THE_END);
    let (emitted, kept) = expected(&shape, &seen, &marks);
    let cap_bytes = if is_tight { 0 } else { usize::MAX };
    let mut machine = Machine::with_memory(shape, shape.spec([true, true]), cap_bytes);
    let mut all = Vec::new();
    for (number, epoch) in epochs.iter().enumerate() {
        if restarts {
            machine.restart();
        }
        let lanes: Vec<Vec<Chunk>> = epoch
            .iter()
            .map(|lane| lane.iter().map(|(side, rows)| (*side, Sign::Add, rows.clone())).collect())
            .collect();
        let before = number.checked_sub(1).and_then(|before| marks[before]);
        let now = epoch_time(number as u64, before, marks[number]);
        let done = machine.epoch(&lanes, now);
        assert_eq!(done.late, late[number], "late rows of epoch {number}");
        assert_eq!(done.sorted(), emitted[number], "epoch {number}");
        let sides = Side::BOTH.map(|side| machine.join.side_metrics(side).rows);
        assert_eq!(sides, kept[number], "rows kept after epoch {number}");
        assert!(!machine.join.has_pending_output(&now));
        all.extend(done.added());
    }
    check_the_end(&shape, &seen, all);
    if kept.last() == Some(&[0, 0]) {
        assert!(machine.blocks.map.is_empty(), "nothing is kept, so nothing is written any more");
    }
}

/// What was emitted in all is the batch join of the rows on time, but for rows that wait for a time that never comes.
fn check_the_end(shape: &Shape, seen: &[Seen], mut all: Vec<Joined>) {
    let of = |side| seen.iter().filter(|seen| seen.side == side).map(|seen| seen.row).collect::<Vec<Row>>();
    let waits = |side, row: &Option<Row>| {
        row.as_ref().is_some_and(|row| shape.until(side, row).is_none() && shape.may_match(side, row))
    };
    let mut expected = nested_loops(shape, &of(Side::Left), &of(Side::Right));
    expected.retain(|(left, right)| match (left, right) {
        (left, None) if shape.kind != JoinKind::LeftSemi => !waits(Side::Left, left),
        (None, right) => !waits(Side::Right, right),
        _ => true,
    });
    all.sort_unstable();
    assert_eq!(all, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_epoch_gives_what_it_must_and_in_the_end_all_is_the_batch_join(shape in shape(), epochs in epochs(), restarts: bool, is_tight: bool) {
        run(shape, epochs, restarts, is_tight);
    }
}
