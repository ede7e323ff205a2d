//! From a seed to a job, its data and its fate.

use crate::case::{Case, Mode, SECOND, Source, Table};
use crate::dice::Dice;
use crate::query::{Aggregate, Filter, Gap, Join, JoinKind, Measure, Query, Session, Sets, Spelling, Window};

mod data;
mod more;

/// The case of a seed.
pub fn case_of(seed: u64) -> Case {
    let mut dice = Dice::of(seed);
    let mut case = Case {
        seed,
        lanes: *dice.pick(&[1, 1, 2, 3, 4]),
        sources: vec![source(&mut dice)],
        fixed: None,
        is_policy_max: false,
        no_data_epochs: dice.percent(90),
        tables: Vec::new(),
        acts: Vec::new(),
    };
    tables(&mut dice, &mut case);
    let reads_second = case.tables.iter().any(|table| table.query.clock(&case) != 0);
    if reads_second {
        case.sources.push(source(&mut dice));
        // A table whose own watermark is ahead of that of a table it reads finds rows of it late: no batch answers that.
        let reads_other_clock = |table: &Table| {
            let mut read = case.tables.iter().enumerate().filter(|(at, _)| table.query.reads(*at));
            read.any(|(_, other)| other.query.clock(&case) != table.query.clock(&case))
        };
        let is_of_one_clock = !case.tables.iter().any(reads_other_clock);
        case.is_policy_max = dice.percent(20) && is_of_one_clock;
    }
    more::keep_late(&mut dice, &mut case);
    case.acts = data::acts(&mut dice, &case);
    case
}

fn source(dice: &mut Dice) -> Source {
    Source {
        delay_us: *dice.pick(&[0, SECOND, 5 * SECOND, 20 * SECOND, 2_500_000]),
        is_scope_source: dice.percent(60),
        idle_us: (!dice.percent(30)).then(|| *dice.pick(&[SECOND, 10 * SECOND])),
        records_max: dice.percent(15).then(|| 1 + dice.below(12)),
        future_limit_us: dice.percent(12).then(|| *dice.pick(&[20, 60, 300]) * SECOND),
    }
}

fn add(case: &mut Case, name: &str, mode: Mode, query: Query) -> usize {
    let table = Table { name: name.to_string(), mode, query, extra: String::new(), is_exact: true, keeps_late: false };
    case.tables.push(table);
    case.tables.len() - 1
}

/// Makes the tables of a case.
type Shape = fn(&mut Dice, &mut Case);

/// What jobs are made of, how often, and by which name `ENGINE_ORACLE_SHAPE` asks for it alone.
const SHAPES: [(&str, u64, Shape); 21] = [
    ("aggregate", 3, one_aggregate),
    ("windows_of_windows", 1, windows_of_windows),
    ("chain", 2, chain_of_tables),
    ("changing_chain", 2, changing_chain),
    ("distinct", 1, distinct),
    ("deduplicated", 1, deduplicated),
    ("session", 2, session),
    ("range_join", 3, range_join),
    ("window_join", 1, window_join),
    ("union", 1, union),
    ("top_of_windows", 1, top_of_windows),
    ("top_of_keys", 1, top_of_keys),
    ("updating_join", 1, updating_join),
    ("three_way", 1, three_way),
    ("complete", 1, complete),
    ("exploded", 2, more::exploded),
    ("looked", 3, more::looked),
    ("looked_at_results", 1, more::looked_at_results),
    ("sets", 1, more::sets),
    ("ordered", 1, more::ordered),
    ("chain_of_sources", 1, more::chain_of_sources),
];

fn tables(dice: &mut Dice, case: &mut Case) {
    let asked = std::env::var("ENGINE_ORACLE_SHAPE").ok();
    let is_asked = |name: &str| asked.as_ref().is_none_or(|asked| asked == name);
    let shapes: Vec<_> = SHAPES.iter().filter(|(name, ..)| is_asked(name)).collect();
    let mut at = dice.below(shapes.iter().map(|(_, often, _)| often).sum());
    for (_, often, shape) in shapes {
        if at < *often {
            return shape(dice, case);
        }
        at -= often;
    }
    panic!("no shape is named {asked:?}");
}

fn one_aggregate(dice: &mut Dice, case: &mut Case) {
    let mode = *dice.pick(&[Mode::Append, Mode::Append, Mode::Update, Mode::Complete]);
    let input = rows(dice, 0);
    let query = aggregate(dice, case, input, mode, true);
    add(case, "gold.one", mode, query);
}

/// In one query, by `window_time`.
fn windows_of_windows(dice: &mut Dice, case: &mut Case) {
    let input = rows(dice, 0);
    let inner = aggregate(dice, case, input, Mode::Append, false);
    let inner = dressed(dice, case, inner);
    let outer = aggregate(dice, case, inner, Mode::Append, false);
    add(case, "gold.one", Mode::Append, outer);
}

/// A table that passes rows on, one with windows, one over that, and one that only looks.
fn chain_of_tables(dice: &mut Dice, case: &mut Case) {
    let input = rows(dice, 0);
    let passed = dressed(dice, case, input);
    let bronze = add(case, "bronze.rows", Mode::Append, passed);
    let first = aggregate(dice, case, Query::Table(bronze), Mode::Append, false);
    let silver = add(case, "silver.windows", Mode::Append, first);
    let second = dressed(dice, case, Query::Table(silver));
    let (mode, timeless) = if dice.percent(50) { (Mode::Append, false) } else { (Mode::Update, true) };
    let second = aggregate(dice, case, second, mode, timeless);
    add(case, "gold.over", mode, second);
    if dice.percent(40) {
        let looked = Query::Where { input: Box::new(Query::Table(silver)), filters: dice.some(&Filter::ALL, 1) };
        add(case, "gold.look", Mode::Append, looked);
    }
}

/// A count over an updating count: what was counted is retracted.
fn changing_chain(dice: &mut Dice, case: &mut Case) {
    let input = rows(dice, 0);
    let first = aggregate(dice, case, input, Mode::Update, true);
    let first = match dice.percent(50) {
        true => Query::Table(add(case, "silver.first", Mode::Update, first)),
        false => first,
    };
    let first = dressed(dice, case, first);
    let has_time = first.columns(case).has_time;
    let timeless = !has_time || dice.percent(50);
    let mut second = match dice.below(4) {
        0 if first.has_unique_ids(case) => top(dice, first, "k"),
        1 => Query::Distinct { input: Box::new(first), with_time: has_time && dice.percent(50) },
        _ => aggregate(dice, case, first, Mode::Update, timeless),
    };
    if !has_time && let Query::Aggregate(aggregate) = &mut second {
        aggregate.window = None;
    }
    let at = add(case, "gold.second", Mode::Update, second);
    if dice.percent(25) {
        let mut third = aggregate(dice, case, Query::Table(at), Mode::Update, true);
        if let Query::Aggregate(aggregate) = &mut third {
            aggregate.window = None;
        }
        add(case, "gold.third", Mode::Update, third);
    }
}

fn distinct(dice: &mut Dice, case: &mut Case) {
    let input = rows(dice, 0);
    let with_time = dice.percent(60);
    let query = Query::Distinct { input: Box::new(input), with_time };
    let mode = if with_time && dice.percent(60) { Mode::Append } else { Mode::Update };
    let at = add(case, "silver.distinct", mode, query);
    if dice.percent(50) && with_time {
        let over = aggregate(dice, case, Query::Table(at), mode, mode == Mode::Update);
        add(case, "gold.over", mode, over);
    }
}

fn deduplicated(dice: &mut Dice, case: &mut Case) {
    let input = Box::new(rows(dice, 0));
    let keys = dice.pick(&[vec!["k"], vec!["k", "g"], vec!["k", "ts"]]).clone();
    let within_us =
        dice.percent(if keys.contains(&"ts") { 30 } else { 80 }).then(|| *dice.pick(&[1, 5, 20, 100]) * SECOND);
    let mode = *dice.pick(&[Mode::Append, Mode::Append, Mode::Update]);
    let at = add(case, "silver.first", mode, Query::Deduplicated { input, keys, within_us });
    if dice.percent(70) {
        let over = aggregate(dice, case, Query::Table(at), mode, mode == Mode::Update);
        let over = add(case, "gold.over", mode, over);
        if mode == Mode::Append && dice.percent(50) {
            let right = aggregate(dice, case, Query::Table(at), mode, false);
            let windows = [case.tables[over].query.clone(), right].map(as_keyed);
            let [left, right] = windows;
            let join = ranged(dice, left, right);
            add(case, "gold.joined", Mode::Append, join);
        }
    }
}

/// An aggregate by the keys that joins want.
fn as_keyed(mut query: Query) -> Query {
    if let Query::Aggregate(aggregate) = &mut query {
        aggregate.keys = vec!["k"];
        aggregate.measures.clear();
    }
    query
}

fn session(dice: &mut Dice, case: &mut Case) {
    let mode = *dice.pick(&[Mode::Append, Mode::Append, Mode::Update, Mode::Complete]);
    let input = Box::new(rows(dice, 0));
    let session = Session {
        input,
        gap: if dice.percent(35) { Gap::OfRow } else { Gap::Fixed(*dice.pick(&[1, 2, 5, 15]) * SECOND) },
        keys: dice.pick(&[vec!["k"], vec!["g"], vec!["k", "g"], vec![]]).clone(),
        measures: dice.some(&Measure::ALL, 4),
    };
    let at = add(case, "gold.sessions", mode, Query::Session(session));
    if mode == Mode::Append && dice.percent(40) {
        let over = aggregate(dice, case, Query::Table(at), mode, false);
        add(case, "gold.over", mode, over);
    }
}

fn range_join(dice: &mut Dice, case: &mut Case) {
    let other = if dice.percent(70) { 1 } else { 0 };
    let (left, right) = (rows(dice, 0), rows(dice, other));
    let mut join = ranged(dice, left, right);
    let kind = match &mut join {
        Query::Join(join) => {
            join.kind = *dice.pick(&[
                JoinKind::Inner,
                JoinKind::Inner,
                JoinKind::Left,
                JoinKind::Right,
                JoinKind::Full,
                JoinKind::Semi,
                JoinKind::Anti,
            ]);
            join.kind
        }
        _ => JoinKind::Inner,
    };
    let mode = if dice.percent(35) { Mode::Update } else { Mode::Append };
    match dice.below(3) {
        0 if kind != JoinKind::Full => {
            let join = dressed(dice, case, join);
            let over = aggregate(dice, case, join, mode, mode == Mode::Update);
            add(case, "gold.over", mode, over);
        }
        _ => {
            let at = add(case, "gold.joined", mode, join);
            if mode == Mode::Update && dice.percent(40) {
                // A reader gets the changes; the table keeps its rows by a time that a full join does not show.
                let mut over = aggregate(dice, case, Query::Table(at), Mode::Update, true);
                if let Query::Aggregate(aggregate) = &mut over {
                    aggregate.window = aggregate.window.filter(|_| kind != JoinKind::Full);
                }
                add(case, "gold.over", Mode::Update, over);
            }
        }
    }
}

fn ranged(dice: &mut Dice, left: Query, right: Query) -> Query {
    let least = dice.between(-12, 6);
    let most = least + dice.between(0, 12);
    Query::Join(Box::new(Join {
        kind: JoinKind::Inner,
        left,
        right,
        keys: dice.pick(&[vec!["k"], vec!["g"], vec!["k", "g"]]).clone(),
        range_us: Some((least * SECOND, most * SECOND)),
        is_v_compared: dice.percent(25),
        spelling: spelling(dice),
    }))
}

fn window_join(dice: &mut Dice, case: &mut Case) {
    let window = window(dice);
    let side = |dice: &mut Dice, source: usize| {
        Query::Aggregate(Aggregate {
            input: Box::new(rows(dice, source)),
            window: Some(window),
            keys: vec!["k", "g"],
            value: *dice.pick(&Measure::WHOLE),
            measures: Vec::new(),
            having: None,
            sets: Sets::None,
        })
    };
    let other = if dice.percent(60) { 1 } else { 0 };
    let (left, right) = (side(dice, 0), side(dice, other));
    let kind =
        *dice.pick(&[JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti]);
    let join = Join {
        kind,
        left,
        right,
        keys: vec!["k"],
        range_us: None,
        is_v_compared: dice.percent(25),
        spelling: spelling(dice),
    };
    let mode = if dice.percent(35) { Mode::Update } else { Mode::Append };
    add(case, "gold.joined", mode, Query::Join(Box::new(join)));
}

/// How a semi or anti join is written.
fn spelling(dice: &mut Dice) -> Spelling {
    *dice.pick(&[Spelling::Join, Spelling::Exists, Spelling::In])
}

/// Counts of two streams by key, side by side: right after every epoch, rows without a match included.
fn updating_join(dice: &mut Dice, case: &mut Case) {
    let other = if dice.percent(60) { 1 } else { 0 };
    let side = |dice: &mut Dice, source: usize| {
        Query::Aggregate(Aggregate {
            input: Box::new(rows(dice, source)),
            window: None,
            keys: dice.pick(&[vec!["k"], vec!["k", "g"]]).clone(),
            value: *dice.pick(&Measure::WHOLE),
            measures: Vec::new(),
            having: dice.percent(15).then_some(2),
            sets: Sets::None,
        })
    };
    let (left, right) = (side(dice, 0), side(dice, other));
    let kind =
        *dice.pick(&[JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti]);
    let join = Join {
        kind,
        left,
        right,
        keys: vec!["k"],
        range_us: None,
        is_v_compared: dice.percent(25),
        spelling: spelling(dice),
    };
    let at = add(case, "silver.joined", Mode::Update, Query::Join(Box::new(join)));
    case.tables[at].extra = "state_ttl = \"unbounded\"\n".to_string();
    if dice.percent(40) {
        let mut over = aggregate(dice, case, Query::Table(at), Mode::Update, true);
        if let Query::Aggregate(aggregate) = &mut over {
            aggregate.window = None;
        }
        add(case, "gold.over", Mode::Update, over);
    }
}

fn three_way(dice: &mut Dice, case: &mut Case) {
    let (first, second, third) = (rows(dice, 0), rows(dice, 1), rows(dice, 0));
    let mut pairs = ranged(dice, first, second);
    if let Query::Join(join) = &mut pairs {
        join.kind = *dice.pick(&[JoinKind::Inner, JoinKind::Inner, JoinKind::Left, JoinKind::Semi]);
    }
    let mut all = ranged(dice, pairs, third);
    let mode = if dice.percent(40) { Mode::Update } else { Mode::Append };
    if let (Mode::Update, Query::Join(join)) = (mode, &mut all) {
        // What the first join emits may be retracted while the second waits for matches.
        join.kind = *dice.pick(&[JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Semi, JoinKind::Anti]);
    }
    match dice.percent(40) {
        true => {
            let over = aggregate(dice, case, all, mode, mode == Mode::Update);
            add(case, "gold.over", mode, over)
        }
        false => add(case, "gold.joined", mode, all),
    };
}

fn union(dice: &mut Dice, case: &mut Case) {
    let other = if dice.percent(60) { 1 } else { 0 };
    let (first, second) = (rows(dice, 0), rows(dice, other));
    let inputs = vec![dressed(dice, case, first), dressed(dice, case, second)];
    let mode = *dice.pick(&[Mode::Append, Mode::Append, Mode::Update, Mode::Complete]);
    let query = Query::Union(inputs);
    let query = match mode == Mode::Append && dice.percent(30) {
        true => query,
        false => aggregate(dice, case, query, mode, true),
    };
    add(case, "gold.one", mode, query);
}

/// The first of each window, or what runs through it, and windows over that.
fn top_of_windows(dice: &mut Dice, case: &mut Case) {
    let input = rows(dice, 0);
    let mut windows = aggregate(dice, case, input, Mode::Append, false);
    if let Query::Aggregate(Aggregate { window: Some(window), keys, .. }) = &mut windows {
        window.slide_us = window.size_us;
        window.offset_us = 0;
        *keys = vec!["k", "g"];
    }
    let mode = if dice.percent(60) { Mode::Append } else { Mode::Update };
    let query = match dice.percent(70) {
        true => top(dice, windows, "w"),
        false => Query::Over { input: Box::new(windows), by: "w" },
    };
    let at = add(case, "silver.top", mode, query);
    if dice.percent(40) {
        let over = aggregate(dice, case, Query::Table(at), mode, false);
        add(case, "gold.over", mode, over);
    }
}

fn top_of_keys(dice: &mut Dice, case: &mut Case) {
    let input = rows(dice, 0);
    let input = dressed(dice, case, input);
    let by = *dice.pick(&["k", "g"]);
    let query = match dice.percent(70) {
        true => top(dice, input, by),
        false => Query::Over { input: Box::new(input), by },
    };
    let at = add(case, "silver.top", Mode::Update, query);
    if dice.percent(40) {
        let mut over = aggregate(dice, case, Query::Table(at), Mode::Update, true);
        if let Query::Aggregate(aggregate) = &mut over {
            aggregate.window = None;
        }
        add(case, "gold.over", Mode::Update, over);
    }
}

fn top(dice: &mut Dice, input: Query, by: &'static str) -> Query {
    Query::Top { input: Box::new(input), by, rows: dice.between(1, 3) }
}

fn complete(dice: &mut Dice, case: &mut Case) {
    let input = rows(dice, 0);
    let first = aggregate(dice, case, input, Mode::Complete, true);
    let has_time = first.columns(case).has_time;
    let query = match dice.below(3) {
        0 if first.has_unique_ids(case) => Query::Limited { input: Box::new(first), rows: dice.between(1, 4) },
        _ => {
            let mut second = aggregate(dice, case, first, Mode::Complete, true);
            if let (false, Query::Aggregate(aggregate)) = (has_time, &mut second) {
                aggregate.window = None;
            }
            second
        }
    };
    add(case, "gold.one", Mode::Complete, query);
}

/// Now and then with other values, a filter, or a name.
fn dressed(dice: &mut Dice, case: &Case, query: Query) -> Query {
    // DataFusion moves a condition below an aggregate of all rows, which then has its one row all the same (55.2; DuckDB and the
    // engine are right): no filter stands there.
    let is_global = |query: &Query| matches!(query, Query::Aggregate(of) if of.window.is_none() && of.keys.is_empty());
    let can_filter = !query.any(case, &is_global);
    let input = Box::new(query);
    match dice.below(8) {
        0..=1 => Query::Shaped { input },
        2 if can_filter => Query::Where { input, filters: dice.some(&Filter::ALL, 2) },
        3 => Query::Named { input },
        _ => *input,
    }
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
    let size_us = *dice.pick(&[2, 5, 5, 10, 10, 10, 30, 30, 60, 60, 3_600, 86_400]) * SECOND;
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

fn aggregate(dice: &mut Dice, case: &Case, input: Query, mode: Mode, can_be_timeless: bool) -> Query {
    let is_timeless = can_be_timeless && mode != Mode::Append && dice.percent(40);
    let mut measures = dice.some(&Measure::ALL, 5);
    // Without an order of the rows nobody knows which is the first.
    measures.retain(|measure| !measure.is_by_id() || input.has_unique_ids(case));
    let window = (!is_timeless).then(|| window(dice));
    let keys = dice.pick(&[vec![], vec!["k"], vec!["k"], vec!["g"], vec!["k", "g"]]).clone();
    // Over several panes or lanes the order is the engine's own.
    let is_ordered =
        case.lanes == 1 && input.is_rows() && window.is_none_or(|window| window.slide_us == window.size_us);
    if is_ordered && dice.percent(40) {
        measures.extend(dice.some(&Measure::ORDERED, 2));
    }
    let sets = if is_timeless && !keys.is_empty() && dice.percent(30) { *dice.pick(&Sets::SOME) } else { Sets::None };
    Query::Aggregate(Aggregate {
        input: Box::new(input),
        window,
        keys,
        value: *dice.pick(&Measure::WHOLE),
        measures,
        having: dice.percent(15).then(|| dice.between(2, 3)),
        sets,
    })
}
