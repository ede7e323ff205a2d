//! Random rows in random epochs, lanes and chunks, against Spark's rules written out row by row over plain maps.

use std::collections::{BTreeMap, BTreeSet};

use expr::window::WindowSpec;
use proptest::prelude::*;

use super::engine::{Aggregates, Group, Lanes, Row, absorb, by_group, epoch_time, merged, open, spec};
use crate::aggregate::AggregateSpec;
use crate::memory_blocks::MemoryBlocks;

const SECOND: i64 = 1_000_000;

fn row() -> impl Strategy<Value = Row> {
    let time = prop_oneof![9 => (-90_i64..90).prop_map(|tenths| Some(tenths * SECOND + 7)), 1 => Just(None)];
    let number = prop_oneof![4 => (-2..2_i32).prop_map(Some), 1 => Just(None)];
    let text = prop_oneof![4 => "[ab]{0,2}".prop_map(Some), 1 => Just(None)];
    let float = prop_oneof![
        Just(None),
        Just(Some(0.0)),
        Just(Some(-0.0)),
        Just(Some(f64::NAN)),
        Just(Some(-f64::NAN)),
        Just(Some(1.5)),
    ];
    let value = prop_oneof![4 => (-9..9_i64).prop_map(Some), 1 => Just(None)];
    (time, number, text, float, value).prop_map(|(time, number, text, float, value)| Row {
        time,
        number,
        text,
        float,
        value,
    })
}

/// Epochs of lanes of chunks.
fn epochs() -> impl Strategy<Value = Vec<Lanes>> {
    let chunk = prop::collection::vec(row(), 0..12);
    let lane = prop::collection::vec(chunk, 0..3);
    prop::collection::vec(prop::collection::vec(lane, 0..4), 1..40)
}

fn window() -> impl Strategy<Value = Option<WindowSpec>> {
    let spec = |size: i64, slide: i64, offset: i64| {
        Some(WindowSpec { size_us: size * SECOND, slide_us: slide * SECOND, offset_us: offset * SECOND })
    };
    prop_oneof![Just(None), Just(spec(10, 10, 0)), Just(spec(10, 2, 0)), Just(spec(10, 4, 1)), Just(spec(9, 6, -2))]
}

fn keys() -> impl Strategy<Value = Vec<usize>> {
    prop::sample::select(vec![vec![], vec![1], vec![2], vec![3], vec![1, 2], vec![3, 2, 1]])
}

/// Spark §4.1, row by row.
fn windows_of(window: &WindowSpec, time_us: i64) -> Vec<i64> {
    let mut start = time_us - (time_us - window.offset_us).rem_euclid(window.slide_us);
    let mut starts = Vec::new();
    while start + window.size_us > time_us {
        starts.push(start);
        start -= window.slide_us;
    }
    starts
}

fn keys_of(row: &Row, keys: &[usize]) -> Vec<String> {
    let text = |key: &usize| match key {
        1 => row.number.map(|number| number.to_string()),
        2 => row.text.as_ref().map(|text| format!("'{text}'")),
        _ => row.float.map(|float| format!("{:?}", if float == 0.0 { 0.0 } else { float })),
    };
    keys.iter().map(|key| text(key).unwrap_or("null".to_string())).collect()
}

/// The rows that a correct engine has taken, by group. Values of one group stand pane by pane, in order of arrival.
#[derive(Default)]
struct Model {
    groups: BTreeMap<Group, BTreeMap<i64, Vec<Option<i64>>>>,
}

impl Model {
    /// Takes an epoch; returns late and untimed rows and the windows that changed.
    fn take(&mut self, spec: &AggregateSpec, lanes: &Lanes, late_us: Option<i64>) -> (u64, u64, BTreeSet<i64>) {
        let (mut late, mut untimed, mut touched) = (0, 0, BTreeSet::new());
        for row in lanes.iter().flatten().flatten() {
            let keys = keys_of(row, &spec.keys);
            let Some(window) = spec.window else {
                self.groups.entry((None, keys)).or_default().entry(0).or_default().push(row.value);
                continue;
            };
            let Some(time_us) = row.time else {
                untimed += 1;
                continue;
            };
            let windows = windows_of(&window, time_us);
            if windows.iter().all(|start| late_us.is_some_and(|late_us| start + window.size_us <= late_us)) {
                late += 1;
                continue;
            }
            for start in windows {
                let pane = self.groups.entry((Some(start), keys.clone())).or_default();
                pane.entry(window.pane_of(time_us)).or_default().push(row.value);
                if late_us.is_none_or(|late_us| start + window.size_us > late_us) {
                    touched.insert(start);
                }
            }
        }
        (late, untimed, touched)
    }

    fn result(&self, is_asked: impl Fn(Option<i64>) -> bool) -> BTreeMap<Group, Aggregates> {
        let groups = self.groups.iter().filter(|((start, _), _)| is_asked(*start));
        groups.map(|(group, panes)| (group.clone(), summary(panes.values().flatten()))).collect()
    }
}

fn summary<'a>(values: impl Iterator<Item = &'a Option<i64>>) -> Aggregates {
    let all: Vec<Option<i64>> = values.copied().collect();
    let list: Vec<i64> = all.iter().flatten().copied().collect();
    let distinct = list.iter().collect::<BTreeSet<_>>().len() as i64;
    let sum = (!list.is_empty()).then(|| list.iter().sum::<i64>());
    Aggregates {
        count: all.len() as i64,
        sum,
        min: list.iter().min().copied(),
        max: list.iter().max().copied(),
        positive: list.iter().filter(|value| **value > 0).count() as i64,
        mean: sum.map(|sum| sum as f64 / list.len() as f64),
        distinct,
        exact_distinct: distinct,
        list,
    }
}

fn ends_by(window: Option<WindowSpec>, start: Option<i64>, watermark_us: Option<i64>) -> bool {
    matches!((window, start, watermark_us), (Some(window), Some(start), Some(watermark_us)) if start + window.size_us <= watermark_us)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Append,
    Update,
    Complete,
}

/// The watermarks of each epoch (the one before, its own), as plans have them: 5 s behind the newest row of earlier epochs.
fn watermarks(epochs: &[Lanes]) -> Vec<(Option<i64>, Option<i64>)> {
    let (mut before, mut now) = (None, None);
    let mut all = Vec::new();
    for lanes in epochs {
        all.push((before, now));
        let newest = lanes.iter().flatten().flatten().filter_map(|row| row.time).max();
        before = now;
        now = now.max(newest.map(|newest| newest - 5 * SECOND));
    }
    all
}

fn run(mode: Mode, window: Option<WindowSpec>, keys: &[usize], mut epochs: Vec<Lanes>, restarts: bool) {
    let spec = spec(window, keys);
    let mut marks = watermarks(&epochs);
    if mode == Mode::Append {
        // One epoch more, that closes every window.
        epochs.push(Vec::new());
        marks.push((marks.last().unwrap().1, Some(1_000 * SECOND)));
    }
    let (mut store, mut model) = (MemoryBlocks::default(), Model::default());
    let mut aggregate = open(&store, &spec);
    for (number, (lanes, (late, now))) in epochs.iter().zip(&marks).enumerate() {
        if restarts {
            aggregate = open(&store, &spec);
        }
        let time = epoch_time(number as u64, *late, *now);
        let late_us = late.filter(|_| mode != Mode::Complete);
        let left = absorb(&mut aggregate, lanes, &time, late_us);
        let (late_rows, untimed, touched) = model.take(&spec, lanes, late_us);
        assert_eq!((left.late, left.untimed), (late_rows, untimed));
        let groups = match mode {
            Mode::Append => aggregate.complete_windows(&time),
            Mode::Update => aggregate.touched_groups(&time),
            Mode::Complete => aggregate.all_groups(&time),
        };
        let results = by_group(&spec, &merged(&aggregate, &store, &groups));
        let mut expected = model.result(|start| match mode {
            Mode::Append => ends_by(window, start, *now) && !ends_by(window, start, *late),
            Mode::Update => start.is_none_or(|start| touched.contains(&start)),
            Mode::Complete => true,
        });
        if window.is_none() && keys.is_empty() && number == 0 {
            expected.entry((None, Vec::new())).or_default();
        }
        if window.is_none() && mode == Mode::Update {
            // Keys without a window come bucket by bucket: a bucket that changed comes whole.
            assert!(results.iter().all(|(group, values)| expected.get(group) == Some(values)));
            let mut changed = lanes.iter().flatten().flatten().map(|row| (None, keys_of(row, keys)));
            assert!(changed.all(|group| results.contains_key(&group)));
        } else {
            assert_eq!(results, expected, "epoch {number}");
        }
        let evict_until_us = now.filter(|_| mode != Mode::Complete);
        let changes = aggregate.prepare_commit(&store, time.epoch, evict_until_us).unwrap();
        store.apply(&changes);
        aggregate.committed();
        assert_eq!(aggregate.blocks(), store.map.len());
        assert_eq!(aggregate.bytes(), store.bytes() as u64);
    }
    if mode == Mode::Append && window.is_some() {
        assert!(store.map.is_empty(), "state of finished windows is gone");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn append_gives_each_window_once_and_whole_and_forgets_it(
        window in window().prop_filter("append needs a window", Option::is_some), keys in keys(), epochs in epochs(), restarts: bool
    ) {
        run(Mode::Append, window, &keys, epochs, restarts);
    }

    #[test]
    fn update_gives_every_changed_group_with_all_its_rows(window in window(), keys in keys(), epochs in epochs(), restarts: bool) {
        run(Mode::Update, window, &keys, epochs, restarts);
    }

    #[test]
    fn complete_gives_everything_that_ever_came(window in window(), keys in keys(), epochs in epochs(), restarts: bool) {
        run(Mode::Complete, window, &keys, epochs, restarts);
    }
}
