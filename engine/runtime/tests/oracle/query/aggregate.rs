//! GROUP BY a time window, keys, both or nothing.

use crate::case::{Case, Mode, duration};

use super::{Ask, Columns, Measure, Query, never_late};

/// Tumbling if it slides by its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub size_us: i64,
    pub slide_us: i64,
    pub offset_us: i64,
}

/// More than one set of keys. Nothing is known of rows without time windows in append mode, so these have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sets {
    #[default]
    None,
    Rollup,
    WithRollup,
    Cube,
    Each,
}

impl Sets {
    pub const SOME: [Sets; 4] = [Sets::Rollup, Sets::WithRollup, Sets::Cube, Sets::Each];

    fn sql(self, groups: &[String], is_engine: bool) -> String {
        let keys = groups.join(", ");
        match self {
            Sets::None => keys,
            Sets::WithRollup if is_engine => format!("{keys} WITH ROLLUP"),
            Sets::Rollup | Sets::WithRollup => format!("ROLLUP ({keys})"),
            Sets::Cube => format!("CUBE ({keys})"),
            Sets::Each => {
                let each: Vec<String> = groups.iter().map(|key| format!("({key})")).collect();
                format!("GROUPING SETS (({keys}), {})", each.join(", "))
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub input: Box<Query>,
    pub window: Option<Window>,
    /// Of `k` and `g`.
    pub keys: Vec<&'static str>,
    /// What becomes `v`.
    pub value: Measure,
    pub measures: Vec<Measure>,
    pub having: Option<i64>,
    pub sets: Sets,
}

impl Aggregate {
    pub fn columns(&self) -> Columns {
        let is_windowed = self.window.is_some();
        Columns { has_time: is_windowed, has_window: is_windowed, measures: self.measures.len() }
    }

    pub fn engine(&self, case: &Case) -> String {
        let mut given = Vec::new();
        let mut groups: Vec<String> = Vec::new();
        if let Some(window) = &self.window {
            given.extend(["window AS w".to_string(), "window_time(window) AS ts".to_string()]);
            groups.push(window.call());
        }
        groups.extend(self.keys.iter().map(|key| key.to_string()));
        given.extend(self.key_columns("STRING"));
        given.push(format!("{} AS v, {} AS x, max(id) AS id", self.value.engine(), self.x()));
        given.extend(self.measures.iter().enumerate().map(|(at, measure)| format!("{} AS e{at}", measure.engine())));
        let mut sql = format!("SELECT {} FROM ({}) q", given.join(", "), self.input.engine(case));
        if !groups.is_empty() {
            sql.push_str(&format!(" GROUP BY {}", self.sets.sql(&groups, true)));
        }
        if let Some(least) = self.having {
            sql.push_str(&format!(" HAVING count(*) >= {least}"));
        }
        sql
    }

    pub fn batch(&self, ask: &Ask<'_>) -> String {
        let mut given = Vec::new();
        let mut groups: Vec<String> = Vec::new();
        let mut input = self.input.batch(ask);
        let mut conditions = Vec::new();
        if let Some(window) = &self.window {
            given.push(format!("ws, ws + {0} AS we, ws + {0} - 1 AS us", window.size_us));
            groups.push("ws".to_string());
            let is_ordered = self.measures.iter().any(|measure| measure.is_ordered());
            input = window.rows_by_window(&input, if is_ordered { "i.seq, " } else { "" });
            if ask.mode() != Mode::Complete {
                conditions.push(format!("ws + {} > l", window.size_us));
            }
            if ask.mode() == Mode::Append {
                let lag_us = self.input.lag_us(ask.case);
                conditions.push(format!("ws + {} <= {}", window.size_us, ask.watermark_us() - lag_us));
            }
        }
        groups.extend(self.keys.iter().map(|key| key.to_string()));
        given.extend(self.key_columns("VARCHAR"));
        given.push(format!("{} AS v, {} AS x, max(id) AS id", self.value.batch(ask.dialect), self.x()));
        let measure = |(at, measure): (usize, &Measure)| format!("{} AS e{at}", measure.batch(ask.dialect));
        given.extend(self.measures.iter().enumerate().map(measure));
        given.push(never_late());
        let mut sql = format!("SELECT {} FROM ({input}) q", given.join(", "));
        if !conditions.is_empty() {
            sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        if !groups.is_empty() {
            sql.push_str(&format!(" GROUP BY {}", self.sets.sql(&groups, false)));
        }
        // Of no rows at all, a set without keys has none either (Spark); elsewhere it has one.
        if let Some(least) = self.having.or((self.sets != Sets::None && !self.keys.is_empty()).then_some(1)) {
            sql.push_str(&format!(" HAVING count(*) >= {least}"));
        }
        sql
    }

    /// Which key a set leaves out, where there are sets.
    fn x(&self) -> String {
        match (self.sets, self.keys.first()) {
            (Sets::None, _) | (_, None) => "max(x)".to_string(),
            (_, Some(key)) => format!("CAST(grouping({key}) AS DOUBLE)"),
        }
    }

    fn key_columns(&self, text: &str) -> Vec<String> {
        let column = |key: &str, kind: &str| match self.keys.contains(&key) {
            true => key.to_string(),
            false => format!("CAST(NULL AS {kind}) AS {key}"),
        };
        vec![column("k", text), column("g", "BIGINT")]
    }
}

impl Window {
    pub fn call(&self) -> String {
        let (size, slide, offset) = (duration(self.size_us), duration(self.slide_us), duration(self.offset_us));
        match (self.slide_us == self.size_us, self.offset_us) {
            (true, 0) => format!("window(ts, '{size}')"),
            (false, 0) => format!("window(ts, '{size}', '{slide}')"),
            _ => format!("window(ts, '{size}', '{slide}', '{offset}')"),
        }
    }

    /// True of a row all of whose windows had ended.
    pub fn is_late(&self) -> String {
        format!("us - (us - {}) % {} + {} <= l", self.offset_us, self.slide_us, self.size_us)
    }

    /// Each row once for every window that it is in, with the window's start `ws`. Rows without a time are in none.
    pub fn rows_by_window(&self, input: &str, more: &str) -> String {
        let (size, slide, offset) = (self.size_us, self.slide_us, self.offset_us);
        let last = format!("i.us - (i.us - {offset}) % {slide}");
        let back: Vec<String> = (0..(size + slide - 1) / slide).map(|step| format!("({})", step * slide)).collect();
        format!(
            "SELECT * FROM (SELECT i.us, i.k, i.g, i.v, i.x, i.id, i.l, {more}{last} - o.back AS ws FROM ({input}) i CROSS JOIN (VALUES {}) o(back) WHERE i.us IS NOT NULL) s
             WHERE us < ws + {size}",
            back.join(", ")
        )
    }
}

impl Aggregate {
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
        match part - self.keys.len() {
            0 => self.having = None,
            1 => self.value = Measure::Count,
            2 => {
                let Some(window) = &mut self.window else { return true };
                (window.slide_us, window.offset_us) = (window.size_us, 0);
            }
            3 => self.sets = Sets::None,
            _ => return false,
        }
        true
    }
}
