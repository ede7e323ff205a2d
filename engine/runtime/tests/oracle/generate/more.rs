//! Further shapes: arrays, static tables, grouping sets, functions of the order, chains over several sources.

use super::{add, aggregate, dressed, ranged, rows};
use crate::case::{Case, Mode, Refresh, SECOND, Static, StaticRow};
use crate::dice::Dice;
use crate::query::{Aggregate, Explode, Join, Lookup, Measure, Query, Sets};

/// Tables whose late rows can be named keep them now and then.
pub fn keep_late(dice: &mut Dice, case: &mut Case) {
    for table in &mut case.tables {
        let input = match &table.query {
            Query::Aggregate(Aggregate { input, window: Some(_), .. }) | Query::Deduplicated { input, .. } => input,
            Query::Session(session) => &session.input,
            _ => continue,
        };
        table.keeps_late = table.mode != Mode::Complete && input.is_rows() && dice.percent(40);
    }
}

/// Rows out of arrays, passed on or counted.
pub fn exploded(dice: &mut Dice, case: &mut Case) {
    let input = rows(dice, 0);
    let input = dressed(dice, case, input);
    let exploded = Query::Exploded { input: Box::new(input), by: *dice.pick(&Explode::ALL) };
    let mode = *dice.pick(&[Mode::Append, Mode::Append, Mode::Update, Mode::Complete]);
    match dice.below(4) {
        0 => {
            let at = add(case, "bronze.items", Mode::Append, exploded);
            let over = aggregate(dice, case, Query::Table(at), mode, true);
            add(case, "gold.over", mode, over);
        }
        1 => {
            // Windows that are emitted, in parts.
            let windows = aggregate(dice, case, exploded, Mode::Append, false);
            let parts = Query::Exploded { input: Box::new(windows), by: *dice.pick(&Explode::ALL) };
            let at = add(case, "silver.parts", Mode::Append, parts);
            let over = aggregate(dice, case, Query::Table(at), Mode::Append, false);
            add(case, "gold.over", Mode::Append, over);
        }
        2 => {
            let counts = aggregate(dice, case, exploded, Mode::Update, true);
            // Grouped by the same keys in one query it is refused.
            let counts = Query::Table(add(case, "silver.counts", Mode::Update, counts));
            let parts = Query::Exploded { input: Box::new(counts), by: *dice.pick(&Explode::ALL) };
            let mut over = aggregate(dice, case, parts, Mode::Update, true);
            timeless(&mut over);
            add(case, "gold.over", Mode::Update, over);
        }
        _ => {
            let over = aggregate(dice, case, exploded, mode, true);
            add(case, "gold.one", mode, over);
        }
    }
}

/// Without the time: the rows below may have none.
fn timeless(query: &mut Query) {
    if let Query::Aggregate(aggregate) = query {
        aggregate.window = None;
    }
}

/// Rows of a source beside a static table that changes meanwhile.
pub fn looked(dice: &mut Dice, case: &mut Case) {
    case.fixed = Some(fixed(dice));
    let mut looked = Query::Looked { input: Box::new(rows(dice, 0)), by: *dice.pick(&Lookup::ALL) };
    let mode = *dice.pick(&[Mode::Append, Mode::Append, Mode::Update, Mode::Complete]);
    match dice.below(4) {
        0 => drop(add(case, "silver.looked", Mode::Append, looked)),
        1 => {
            let at = add(case, "silver.looked", Mode::Append, looked);
            let over = aggregate(dice, case, Query::Table(at), mode, true);
            add(case, "gold.over", mode, over);
        }
        2 => {
            looked = dressed(dice, case, looked);
            let other = dice.below(2) as usize;
            let right = rows(dice, other);
            let join = ranged(dice, looked, right);
            add(case, "gold.joined", Mode::Append, join);
        }
        _ => {
            looked = dressed(dice, case, looked);
            let over = aggregate(dice, case, looked, mode, true);
            add(case, "gold.one", mode, over);
        }
    }
}

/// Results beside a static table: it must not change, or nobody knows which version a result meets.
pub fn looked_at_results(dice: &mut Dice, case: &mut Case) {
    case.fixed = Some(Static { refresh: Refresh::Never, ..fixed(dice) });
    let mode = if dice.percent(50) { Mode::Append } else { Mode::Update };
    let input = rows(dice, 0);
    let input = dressed(dice, case, input);
    let first = aggregate(dice, case, input, mode, true);
    let looked = Query::Looked { input: Box::new(first), by: *dice.pick(&Lookup::ALL) };
    if dice.percent(40) {
        let has_time = looked.columns(case).has_time;
        let mut over = aggregate(dice, case, looked, mode, true);
        if mode == Mode::Update && (!has_time || dice.percent(50)) {
            timeless(&mut over);
        }
        add(case, "gold.over", mode, over);
    } else {
        add(case, "gold.looked", mode, looked);
    }
}

fn fixed(dice: &mut Dice) -> Static {
    let refresh = *dice.pick(&[Refresh::OnChange, Refresh::OnChange, Refresh::After(5 * SECOND), Refresh::Never]);
    let count = dice.between(1, 4);
    let row = |dice: &mut Dice, n: i64| StaticRow {
        k: (!dice.percent(8)).then(|| format!("k{}", dice.below(5))),
        n,
        c: (!dice.percent(15)).then(|| dice.between(0, 3)),
    };
    let version = |dice: &mut Dice| {
        let numbers: Vec<i64> = (0..9).filter(|_| dice.percent(50)).collect();
        numbers.into_iter().map(|n| row(dice, n)).collect()
    };
    Static { refresh, versions: (0..count).map(|_| version(dice)).collect() }
}

/// ROLLUP, CUBE and GROUPING SETS of rows or of counts.
pub fn sets(dice: &mut Dice, case: &mut Case) {
    let mode = if dice.percent(60) { Mode::Update } else { Mode::Complete };
    let input = rows(dice, 0);
    let mut input = dressed(dice, case, input);
    if dice.percent(30) {
        input = aggregate(dice, case, input, mode, true);
    }
    let mut query = aggregate(dice, case, input, mode, true);
    if let Query::Aggregate(aggregate) = &mut query {
        aggregate.window = None;
        aggregate.keys = dice.pick(&[vec!["k"], vec!["k", "g"], vec!["g", "k"]]).clone();
        aggregate.sets = *dice.pick(&Sets::SOME);
    }
    let at = add(case, "gold.sets", mode, query);
    if mode == Mode::Update && dice.percent(30) {
        let mut over = aggregate(dice, case, Query::Table(at), mode, true);
        timeless(&mut over);
        add(case, "gold.over", mode, over);
    }
}

/// The first, the last, the list: in one lane the order is known.
pub fn ordered(dice: &mut Dice, case: &mut Case) {
    case.lanes = 1;
    let mode = *dice.pick(&[Mode::Append, Mode::Update, Mode::Complete]);
    let input = rows(dice, 0);
    let mut query = aggregate(dice, case, input, mode, true);
    if let Query::Aggregate(Aggregate { window, measures, .. }) = &mut query {
        window.iter_mut().for_each(|window| (window.slide_us, window.offset_us) = (window.size_us, 0));
        measures.retain(|measure| !measure.is_ordered());
        measures.extend(Measure::ORDERED);
    }
    add(case, "gold.one", mode, query);
}

/// A table over one source, and one that brings it together with the other: each goes by its own watermark.
pub fn chain_of_sources(dice: &mut Dice, case: &mut Case) {
    let (first, second) = (rows(dice, 0), rows(dice, 1));
    let windows = aggregate(dice, case, first, Mode::Append, false);
    let at = add(case, "silver.windows", Mode::Append, windows);
    match dice.below(3) {
        0 => {
            let union = Query::Union(vec![Query::Table(at), second]);
            let over = aggregate(dice, case, union, Mode::Append, false);
            add(case, "gold.over", Mode::Append, over);
        }
        1 => {
            let other = aggregate(dice, case, second, Mode::Append, false);
            let other = add(case, "silver.others", Mode::Append, other);
            let mut join = ranged(dice, Query::Table(at), Query::Table(other));
            keyed(&mut join);
            add(case, "gold.joined", Mode::Append, join);
        }
        _ => {
            let mut join = ranged(dice, Query::Table(at), second);
            keyed(&mut join);
            let joined = add(case, "silver.joined", Mode::Append, join);
            let over = aggregate(dice, case, Query::Table(joined), Mode::Append, false);
            add(case, "gold.over", Mode::Append, over);
        }
    }
}

fn keyed(query: &mut Query) {
    if let Query::Join(join) = query {
        let Join { keys, .. } = join.as_mut();
        *keys = vec!["k"];
    }
}
