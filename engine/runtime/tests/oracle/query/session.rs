//! GROUP BY a session window and keys.

use crate::case::{Case, Mode, Row, SECOND, duration};

use super::{Ask, Columns, Measure, Query, never_late};

/// How long a row keeps its session open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    Fixed(i64),
    /// As the row says; rows without one are in no session.
    OfRow,
}

impl Gap {
    /// Of a row, microseconds. None: the row is in no session.
    pub fn of(self, row: &Row) -> Option<i64> {
        match self {
            Gap::Fixed(us) => Some(us),
            Gap::OfRow if row.g == Some(1) => Some(2 * SECOND),
            Gap::OfRow if row.v.is_some_and(|v| v > 6) => Some(SECOND / 2),
            Gap::OfRow if row.v == Some(-2) => None,
            Gap::OfRow if row.k.is_none() => Some(20 * SECOND),
            Gap::OfRow => Some(7 * SECOND),
        }
    }

    fn engine(self) -> String {
        match self {
            Gap::Fixed(us) => format!("'{}'", duration(us)),
            Gap::OfRow => "CASE WHEN g = 1 THEN '2 seconds' WHEN v > 6 THEN '500 milliseconds' WHEN v = -2 THEN '0 seconds' WHEN k IS NULL THEN '20 seconds' ELSE '7 seconds' END".to_string(),
        }
    }

    pub fn batch(self) -> String {
        match self {
            Gap::Fixed(us) => us.to_string(),
            Gap::OfRow => "CASE WHEN g = 1 THEN 2000000 WHEN v > 6 THEN 500000 WHEN v = -2 THEN 0 WHEN k IS NULL THEN 20000000 ELSE 7000000 END".to_string(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Rows of a source, filtered at most: a model in plain Rust follows them.
    pub input: Box<Query>,
    pub gap: Gap,
    /// Of `k` and `g`.
    pub keys: Vec<&'static str>,
    pub measures: Vec<Measure>,
}

impl Session {
    pub fn columns(&self) -> Columns {
        Columns { has_time: true, has_window: true, measures: self.measures.len() }
    }

    pub fn engine(&self, case: &Case) -> String {
        let mut given = vec!["session_window AS w, window_time(session_window) AS ts".to_string()];
        given.extend(self.key_columns("STRING"));
        given.push("count(*) AS v, max(x) AS x, max(id) AS id".to_string());
        given.extend(self.measures.iter().enumerate().map(|(at, measure)| format!("{} AS e{at}", measure.engine())));
        let keys: String = self.keys.iter().map(|key| format!(", {key}")).collect();
        let gap = self.gap.engine();
        format!(
            "SELECT {} FROM ({}) q GROUP BY session_window(ts, {gap}){keys}",
            given.join(", "),
            self.input.engine(case)
        )
    }

    /// Rows carry the number of the life of a session: what was emitted and forgotten is no part of one that begins later.
    pub fn batch(&self, ask: &Ask<'_>) -> String {
        let gap = self.gap.batch();
        let keys: String = self.keys.iter().map(|key| format!("{key}, ")).collect();
        let island = format!(
            "SELECT *, sum(CASE WHEN until IS NULL OR us > until THEN 1 ELSE 0 END) OVER (PARTITION BY {keys}mark ORDER BY us, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island
             FROM (SELECT *, max(us + {gap}) OVER (PARTITION BY {keys}mark ORDER BY us, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until FROM ({}) q WHERE mark >= 0) q",
            self.input.batch(ask)
        );
        let mut given = vec![format!("min(us) AS ws, max(us + {gap}) AS we, max(us + {gap}) - 1 AS us")];
        given.extend(self.key_columns("VARCHAR"));
        given.push("count(*) AS v, max(x) AS x, max(id) AS id".to_string());
        let measure = |(at, measure): (usize, &Measure)| format!("{} AS e{at}", measure.batch(ask.dialect));
        given.extend(self.measures.iter().enumerate().map(measure));
        given.push(never_late());
        let grouped = format!("SELECT {} FROM ({island}) q GROUP BY {keys}mark, island", given.join(", "));
        match ask.mode() {
            Mode::Append => format!("SELECT * FROM ({grouped}) q WHERE we <= {}", ask.watermark_us()),
            _ => grouped,
        }
    }

    fn key_columns(&self, text: &str) -> Vec<String> {
        let column = |key: &str, kind: &str| match self.keys.contains(&key) {
            true => key.to_string(),
            false => format!("CAST(NULL AS {kind}) AS {key}"),
        };
        vec![column("k", text), column("g", "BIGINT")]
    }

    /// Leaves its part of this number out. False if it has no such part.
    pub fn simplify(&mut self, part: usize) -> bool {
        if part < self.measures.len() {
            self.measures.remove(part);
            return true;
        }
        let part = part - self.measures.len();
        if part < self.keys.len() {
            self.keys.remove(part);
            return true;
        }
        let is_changed = part == self.keys.len() && self.gap == Gap::OfRow;
        self.gap = if is_changed { Gap::Fixed(7 * SECOND) } else { self.gap };
        is_changed
    }
}
