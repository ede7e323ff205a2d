//! Rows, and what happens to the engine meanwhile.

use epoch::Step;

use crate::case::{Act, BEGIN_US, Case, Row, SECOND};
use crate::dice::Dice;
use crate::query::{JoinKind, Query};

pub fn acts(dice: &mut Dice, case: &Case) -> Vec<Act> {
    let count = dice.between(2, 9);
    let partitions = dice.between(1, 4) as u16;
    let idle = dice.percent(30).then(|| dice.below(u64::from(partitions)) as u16);
    let spread_us = *dice.pick(&[3, 10, 30, 60]) * SECOND;
    let nulls = *dice.pick(&[0, 5, 25]);
    let keys = dice.between(1, 5);
    let is = |of: &dyn Fn(&Query) -> bool| case.tables.iter().any(|table| table.query.any(case, of));
    // Which of two duplicates is the first is known if they come in one partition.
    let by_key = is(&|query| matches!(query, Query::Deduplicated { .. }));
    // A row without a time that nothing matches waits for ever.
    let timeless = !is(&|query| matches!(query, Query::Join(join) if join.kind != JoinKind::Inner));
    let mut versions = case.fixed.as_ref().map_or(0, |fixed| fixed.versions.len() - 1);
    let mut id = 0;
    let mut acts = Vec::new();
    let mut front_us = BEGIN_US + dice.between(0, 100_000) * 1000;
    for _ in 0..count {
        let mut act = Act { passes_us: dice.between(0, 6) * SECOND, ..Act::default() };
        let size = if dice.percent(12) { 0 } else { dice.between(1, 18) };
        for _ in 0..size {
            for at in 0..case.sources.len() {
                let partition = dice.below(u64::from(partitions)) as u16;
                let partition = if idle == Some(partition) && dice.percent(95) { 0 } else { partition };
                id += 1;
                let mut row = row(dice, id, front_us, spread_us, (nulls, keys));
                if !timeless {
                    row.us = row.us.or(Some(front_us));
                }
                let of_key = row.k.as_ref().map_or(0, |k| k.len() + k.as_bytes()[1] as usize) as u16 % partitions;
                act.rows.push((at, if by_key { of_key } else { partition }, row));
            }
        }
        // A row that comes twice, as it is.
        if let (true, Some(again)) = (dice.percent(15), act.rows.last().cloned()) {
            act.rows.push(again);
        }
        front_us += *dice.pick(&[0, 1, 5, 10, 40, 100]) * SECOND;
        // Now and then to another hour, or another day.
        front_us += if dice.percent(4) { *dice.pick(&[3_600, 90_000]) * SECOND } else { 0 };
        fate(dice, &mut act);
        act.refreshes = versions > 0 && dice.percent(40);
        versions -= usize::from(act.refreshes);
        acts.push(act);
    }
    acts
}

fn row(dice: &mut Dice, id: i64, front_us: i64, spread_us: i64, (nulls, keys): (u64, i64)) -> Row {
    let back_us = if dice.percent(8) { dice.between(0, 200) * SECOND } else { dice.between(0, spread_us) };
    // Times on the edges of windows come often.
    let us = front_us - back_us;
    let us = if dice.percent(40) { us.div_euclid(SECOND) * SECOND } else { us };
    let maybe = |dice: &mut Dice| !dice.percent(nulls);
    Row {
        id,
        us: (nulls == 0 || !dice.percent(4)).then_some(us),
        k: maybe(dice).then(|| format!("k{}", dice.below(keys as u64))),
        g: maybe(dice).then(|| dice.between(0, 2)),
        v: maybe(dice).then(|| dice.between(-2, 9)),
        x: maybe(dice).then(|| dice.between(-20, 40) as f64 / 4.0),
    }
}

fn fate(dice: &mut Dice, act: &mut Act) {
    act.restarts = dice.percent(12);
    act.demands = dice.percent(5);
    while act.kills.len() < 3 && dice.percent(18) {
        act.kills.push((*dice.pick(&Step::ALL), dice.percent(50)));
    }
}
