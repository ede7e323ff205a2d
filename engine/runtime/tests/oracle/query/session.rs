//! GROUP BY a session window and keys.

use crate::case::{Case, Mode, duration};

use super::{Ask, Columns, Figure, Query, never_late};

#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Rows of a source, filtered at most: a model in plain Rust follows them.
    pub input: Box<Query>,
    pub gap_us: i64,
    /// Of `k` and `g`.
    pub keys: Vec<&'static str>,
    pub figures: Vec<Figure>,
}

impl Session {
    pub fn columns(&self) -> Columns {
        Columns { has_time: true, has_window: true, figures: self.figures.len() }
    }

    pub fn engine(&self, case: &Case) -> String {
        let mut given = vec!["session_window AS w, window_time(session_window) AS ts".to_string()];
        given.extend(self.key_columns("STRING"));
        given.push("count(*) AS v, max(x) AS x, max(id) AS id".to_string());
        given.extend(self.figures.iter().enumerate().map(|(at, figure)| format!("{} AS e{at}", figure.engine())));
        let keys: String = self.keys.iter().map(|key| format!(", {key}")).collect();
        let gap = duration(self.gap_us);
        format!(
            "SELECT {} FROM ({}) q GROUP BY session_window(ts, '{gap}'){keys}",
            given.join(", "),
            self.input.engine(case)
        )
    }

    /// Rows carry the number of the life of a session: what was given out and forgotten is no part of one that begins later.
    pub fn batch(&self, ask: &Ask<'_>) -> String {
        let gap = self.gap_us;
        let keys: String = self.keys.iter().map(|key| format!("{key}, ")).collect();
        let island = format!(
            "SELECT *, sum(CASE WHEN before IS NULL OR us - before > {gap} THEN 1 ELSE 0 END) OVER (PARTITION BY {keys}mark ORDER BY us, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island
             FROM (SELECT *, lag(us) OVER (PARTITION BY {keys}mark ORDER BY us, id) AS before FROM ({}) q WHERE mark >= 0) q",
            self.input.batch(ask)
        );
        let mut given = vec![format!("min(us) AS ws, max(us) + {gap} AS we, max(us) + {gap} - 1 AS us")];
        given.extend(self.key_columns("VARCHAR"));
        given.push("count(*) AS v, max(x) AS x, max(id) AS id".to_string());
        let figure = |(at, figure): (usize, &Figure)| format!("{} AS e{at}", figure.batch(ask.dialect));
        given.extend(self.figures.iter().enumerate().map(figure));
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
        if part < self.figures.len() {
            self.figures.remove(part);
            return true;
        }
        let part = part - self.figures.len();
        if part < self.keys.len() {
            self.keys.remove(part);
            return true;
        }
        false
    }
}
