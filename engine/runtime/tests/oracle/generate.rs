//! From a seed to a job, its data and its fate.

use epoch::Step;

use crate::case::{Act, BEGIN_US, Case, Mode, Row, SECOND, Source, Table};
use crate::dice::Dice;
use crate::query::{Aggregate, Figure, Filter, Query, Window};

/// The case of a seed.
pub fn case_of(seed: u64) -> Case {
    let mut dice = Dice::of(seed);
    let mut case = Case {
        seed,
        lanes: *dice.pick(&[1, 1, 2, 3, 4]),
        sources: Vec::new(),
        is_policy_max: false,
        no_data_epochs: dice.percent(90),
        tables: Vec::new(),
        acts: Vec::new(),
    };
    case.sources.push(source(&mut dice));
    tables(&mut dice, &mut case);
    case.acts = acts(&mut dice, &case);
    case
}

fn source(dice: &mut Dice) -> Source {
    Source {
        delay_us: *dice.pick(&[0, SECOND, 5 * SECOND, 20 * SECOND, 2_500_000]),
        is_scope_source: dice.percent(60),
        idle_us: (!dice.percent(30)).then(|| *dice.pick(&[SECOND, 10 * SECOND])),
        records_max: dice.percent(15).then(|| 1 + dice.below(12)),
    }
}

fn table(name: &str, mode: Mode, query: Query) -> Table {
    Table { name: name.to_string(), mode, query, extra: String::new(), is_exact: true }
}

fn tables(dice: &mut Dice, case: &mut Case) {
    let mode = *dice.pick(&[Mode::Append, Mode::Append, Mode::Update, Mode::Complete]);
    let input = rows(dice, 0);
    let query = aggregate(dice, input, mode, true);
    case.tables.push(table("gold.one", mode, query));
}

/// The rows of a source, filtered now and then.
fn rows(dice: &mut Dice, source: usize) -> Query {
    let rows = Query::Rows { source };
    match dice.percent(40) {
        true => Query::Where { input: Box::new(rows), filters: dice.some(&Filter::ALL, 2) },
        false => rows,
    }
}

fn window(dice: &mut Dice) -> Window {
    let size_us = *dice.pick(&[2, 5, 10, 10, 30, 60]) * SECOND;
    let slide_us = match dice.below(10) {
        0..=5 => size_us,
        6..=7 => size_us / 2,
        8 => (size_us * 2 / 5).max(SECOND),
        _ => 700_000.min(size_us),
    };
    let slide_us = slide_us.max(size_us / 12 / 1000 * 1000);
    let offset_us = if dice.percent(25) { dice.between(1, slide_us / 1000 - 1) * 1000 } else { 0 };
    Window { size_us, slide_us, offset_us }
}

fn aggregate(dice: &mut Dice, input: Query, mode: Mode, can_be_timeless: bool) -> Query {
    let is_timeless = can_be_timeless && mode != Mode::Append && dice.percent(40);
    Query::Aggregate(Aggregate {
        input: Box::new(input),
        window: (!is_timeless).then(|| window(dice)),
        keys: dice.pick(&[vec![], vec!["k"], vec!["k"], vec!["g"], vec!["k", "g"]]).clone(),
        value: *dice.pick(&Figure::WHOLE),
        figures: dice.some(&Figure::ALL, 5),
        having: dice.percent(15).then(|| dice.between(2, 3)),
    })
}

fn acts(dice: &mut Dice, case: &Case) -> Vec<Act> {
    let count = dice.between(2, 9);
    let partitions = dice.between(1, 4) as u16;
    let idle = dice.percent(30).then(|| dice.below(u64::from(partitions)) as u16);
    let spread_us = *dice.pick(&[3, 10, 30, 60]) * SECOND;
    let nulls = *dice.pick(&[0, 5, 25]);
    let keys = dice.between(1, 5);
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
                act.rows.push((at, partition, row(dice, id, front_us, spread_us, (nulls, keys))));
            }
        }
        // A row that comes twice, as it is.
        if let (true, Some(again)) = (dice.percent(15), act.rows.last().cloned()) {
            act.rows.push(again);
        }
        front_us += *dice.pick(&[0, 1, 5, 10, 40, 100]) * SECOND;
        fate(dice, &mut act);
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
