//! What cannot be said in SQL: which rows a deduplication keeps, and which rows live in one session. Plain Rust after Spark's rules.

use std::collections::BTreeMap;

use crate::case::{Case, Mode, Row};
use crate::model::{Model, ReadRow};
use crate::query::{Filter, Query, Session};

impl Query {
    /// True if a model makes marks for its rows.
    pub fn is_marked(&self) -> bool {
        matches!(self, Query::Session(_) | Query::Deduplicated { .. })
            || self.inputs().iter().any(|input| input.is_marked())
    }
}

type Key = (Option<String>, Option<i64>, Option<Option<i64>>);

fn key_of(row: &Row, keys: &[&'static str]) -> Key {
    let k = keys.contains(&"k").then(|| row.k.clone()).flatten();
    let g = keys.contains(&"g").then_some(row.g).flatten();
    (k, g, keys.contains(&"ts").then_some(row.us))
}

/// The rows of a source with the marks of a table's query, in the order in which they were read.
pub fn marked(case: &Case, table: usize, model: &Model) -> Option<(usize, Vec<ReadRow>)> {
    let table = &case.tables[table];
    let node = marked_node(&table.query)?;
    let (input, clock) = (node.inputs()[0], table.query.clock(case));
    let (source, filters) = rows_of(input);
    let mut rows = model.read[source].clone();
    let is_in = |read: &ReadRow| filters.iter().all(|filter| filter.holds(&read.row));
    match node {
        Query::Session(session) => sessions(session, table.mode, &mut rows, clock, model, &is_in),
        Query::Deduplicated { keys, within_us, .. } => firsts(keys, *within_us, &mut rows, clock, model, &is_in),
        _ => return None,
    }
    Some((source, rows))
}

fn marked_node(query: &Query) -> Option<&Query> {
    match query {
        Query::Session(_) | Query::Deduplicated { .. } => Some(query),
        _ => query.inputs().into_iter().find_map(marked_node),
    }
}

/// The source of filtered rows, and the filters.
fn rows_of(query: &Query) -> (usize, Vec<Filter>) {
    match query {
        Query::Rows { source } => (*source, Vec::new()),
        Query::Where { input, filters } => {
            let (source, mut all) = rows_of(input);
            all.extend(filters);
            (source, all)
        }
        other => panic!("no model follows {other:?}"),
    }
}

/// Spark §5.3: the first row wins and is remembered until the watermark has reached its time and the delay; late rows are dropped.
fn firsts(
    keys: &[&'static str],
    within_us: Option<i64>,
    rows: &mut [ReadRow],
    clock: usize,
    model: &Model,
    is_in: &dyn Fn(&ReadRow) -> bool,
) {
    let mut known: BTreeMap<Key, Option<i64>> = BTreeMap::new();
    for (epoch, watermarks_us) in model.watermarks.iter().enumerate() {
        for read in rows.iter_mut().filter(|read| read.epoch == epoch as i64) {
            let is_late = read.row.us.is_some_and(|us| us <= read.late_us[clock]);
            let key = key_of(&read.row, keys);
            if is_in(read) && !is_late && !known.contains_key(&key) {
                read.mark = 1;
                // A row without a time has that of 1970.
                known.insert(key, within_us.map(|within_us| read.row.us.unwrap_or(0) + within_us));
            }
        }
        known.retain(|_, expires| expires.is_none_or(|expires| expires > watermarks_us[clock]));
    }
}

/// Spark §4.2: rows whose gaps touch are one session, until the watermark has reached its end and it is forgotten. The mark is the
/// number of such a life, −1 for rows that are in none.
fn sessions(
    session: &Session,
    mode: Mode,
    rows: &mut [ReadRow],
    clock: usize,
    model: &Model,
    is_in: &dyn Fn(&ReadRow) -> bool,
) {
    /// Positions of rows that have come together, and where they reach.
    struct Open {
        key: Key,
        from_us: i64,
        until_us: i64,
        rows: Vec<usize>,
    }
    rows.iter_mut().for_each(|read| read.mark = -1);
    let (mut open, mut lives): (Vec<Open>, i64) = (Vec::new(), 0);
    let mut close = |rows: &mut [ReadRow], ended: Open| {
        ended.rows.iter().for_each(|at| rows[*at].mark = lives);
        lives += 1;
    };
    for (epoch, watermarks_us) in model.watermarks.iter().enumerate() {
        for (at, read) in rows.iter().enumerate() {
            let Some(us) = read.row.us.filter(|_| read.epoch == epoch as i64 && is_in(read)) else { continue };
            let Some(gap_us) = session.gap.of(&read.row) else { continue };
            let is_late = mode != Mode::Complete && us + gap_us <= read.late_us[clock];
            if is_late {
                continue;
            }
            let key = key_of(&read.row, &session.keys);
            let mut new = Open { key: key.clone(), from_us: us, until_us: us + gap_us, rows: vec![at] };
            let touches =
                |old: &Open, new: &Open| old.key == key && old.from_us <= new.until_us && new.from_us <= old.until_us;
            while let Some(found) = open.iter().position(|old| touches(old, &new)) {
                let old = open.swap_remove(found);
                (new.from_us, new.until_us) = (new.from_us.min(old.from_us), new.until_us.max(old.until_us));
                new.rows.extend(old.rows);
            }
            open.push(new);
        }
        if mode != Mode::Complete {
            let (ended, left): (Vec<Open>, Vec<Open>) =
                open.into_iter().partition(|session| session.until_us <= watermarks_us[clock]);
            open = left;
            ended.into_iter().for_each(|session| close(rows, session));
        }
    }
    open.into_iter().for_each(|session| close(rows, session));
}
