//! Two streams joined by equal keys and a range of times, or by equal keys and windows.

use crate::case::{Case, Mode, duration};

use super::{Ask, Columns, Dialect, Query, never_late};

/// With BETWEEN, rows are kept a millisecond longer than it takes (Spark `StreamingJoinHelper`, for `<=` and `>=`).
const INCLUSIVE_US: i64 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Semi,
    Anti,
}

/// How semi and anti joins are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spelling {
    #[default]
    Join,
    Exists,
    /// An anti join has no such form: NULLs mean something else there.
    In,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    pub kind: JoinKind,
    pub left: Query,
    pub right: Query,
    /// Of `k` and `g`.
    pub keys: Vec<&'static str>,
    /// Left time less right time is from here to there, microseconds; `None`: both have windows, and these are equal, or
    /// neither has a time.
    pub range_us: Option<(i64, i64)>,
    /// A further condition.
    pub is_v_compared: bool,
    /// Semi and anti joins as EXISTS and NOT EXISTS, or IN.
    pub spelling: Spelling,
}

impl Join {
    pub fn columns(&self, case: &Case) -> Columns {
        Columns { has_time: self.kind != JoinKind::Full && self.is_timed(case), ..Columns::default() }
    }

    fn is_timed(&self, case: &Case) -> bool {
        self.left.columns(case).has_time && self.right.columns(case).has_time
    }

    /// How far the times of its inputs lie behind.
    fn lag_below_us(&self, case: &Case) -> i64 {
        self.left.lag_us(case).max(self.right.lag_us(case))
    }

    /// The time that its rows carry is the right one in right joins, the left one in all others.
    pub fn lag_us(&self, case: &Case) -> i64 {
        let own = match (self.range_us, self.kind) {
            (None, _) => 0,
            // A left row waits for right ones that are as much newer as the range allows.
            (Some((least, _)), JoinKind::Left | JoinKind::Inner | JoinKind::Semi | JoinKind::Anti | JoinKind::Full) => {
                INCLUSIVE_US - least
            }
            (Some((_, most)), JoinKind::Right) => most + INCLUSIVE_US,
        };
        self.lag_below_us(case) + own.max(0)
    }

    pub fn engine(&self, case: &Case) -> String {
        let word = match self.kind {
            JoinKind::Inner => "JOIN",
            JoinKind::Left => "LEFT JOIN",
            JoinKind::Right => "RIGHT JOIN",
            JoinKind::Full => "FULL JOIN",
            JoinKind::Semi => "LEFT SEMI JOIN",
            JoinKind::Anti => "LEFT ANTI JOIN",
        };
        let mut conditions = self.conditions();
        conditions.extend(match self.range_us {
            Some((least, most)) => Some(format!("l.ts BETWEEN {} AND {}", moved(least), moved(most))),
            None => self.is_timed(case).then(|| "l.w = r.w".to_string()),
        });
        let time = match self.kind {
            _ if !self.columns(case).has_time => "",
            JoinKind::Right => "r.ts AS ts, ",
            _ => "l.ts AS ts, ",
        };
        let is_semi = self.kind == JoinKind::Semi;
        if (is_semi || self.kind == JoinKind::Anti) && self.spelling != Spelling::Join {
            let (right, key) = (self.right.engine(case), self.keys[0]);
            let condition = match (is_semi, self.spelling) {
                (true, Spelling::In) => {
                    let others = [&["TRUE".to_string()], &conditions[1..]].concat().join(" AND ");
                    format!("l.{key} IN (SELECT r.{key} FROM ({right}) r WHERE {others})")
                }
                _ => {
                    let not = if is_semi { "" } else { "NOT " };
                    format!("{not}EXISTS (SELECT 1 FROM ({right}) r WHERE {})", conditions.join(" AND "))
                }
            };
            return format!("SELECT {time}{} FROM ({}) l WHERE {condition}", self.values(), self.left.engine(case));
        }
        format!(
            "SELECT {time}{} FROM ({}) l {word} ({}) r ON {}",
            self.values(),
            self.left.engine(case),
            self.right.engine(case),
            conditions.join(" AND ")
        )
    }

    pub fn batch(&self, ask: &Ask<'_>) -> String {
        let word = match (self.kind, ask.dialect) {
            (JoinKind::Inner, _) => "JOIN",
            (JoinKind::Left, _) => "LEFT JOIN",
            (JoinKind::Right, _) => "RIGHT JOIN",
            (JoinKind::Full, _) => "FULL JOIN",
            (JoinKind::Semi, Dialect::Duck) => "SEMI JOIN",
            (JoinKind::Anti, Dialect::Duck) => "ANTI JOIN",
            (JoinKind::Semi, Dialect::Fusion) => "LEFT SEMI JOIN",
            (JoinKind::Anti, Dialect::Fusion) => "LEFT ANTI JOIN",
        };
        let mut conditions = self.conditions();
        conditions.extend(match self.range_us {
            Some((least, most)) => Some(format!("l.us - r.us BETWEEN {least} AND {most}")),
            None => self.is_timed(ask.case).then(|| "l.ws = r.ws AND l.we = r.we".to_string()),
        });
        let time = match self.kind {
            _ if !self.columns(ask.case).has_time => "",
            JoinKind::Right => "r.us AS us, ",
            _ => "l.us AS us, ",
        };
        // Rows are found late by the time of the input that lags most (Spark: the watermark of an operator's input).
        let lag_us = self.lag_below_us(ask.case);
        let on_time = |input: &Query| match self.is_timed(ask.case) {
            true => format!("SELECT * FROM ({}) q WHERE us IS NULL OR us > l - {lag_us}", input.batch(ask)),
            false => input.batch(ask),
        };
        let joined = format!(
            "FROM ({}) l {word} ({}) r ON {}",
            on_time(&self.left),
            on_time(&self.right),
            conditions.join(" AND ")
        );
        let closed = self.closed(ask);
        format!("SELECT {time}{}, {} {joined} WHERE {closed}", self.values(), never_late())
    }

    /// A row that matched nothing is there once nothing can match it any more.
    fn closed(&self, ask: &Ask<'_>) -> String {
        if ask.mode() == Mode::Update {
            // It is retracted when something does.
            return "TRUE".to_string();
        }
        let watermark_us = ask.watermark_us() - self.lag_below_us(ask.case);
        let (left, right) = match self.range_us {
            Some((least, most)) => (
                format!("l.us - ({least}) + {INCLUSIVE_US} <= {watermark_us}"),
                format!("r.us + ({most}) + {INCLUSIVE_US} <= {watermark_us}"),
            ),
            None => (format!("l.we <= {watermark_us}"), format!("r.we <= {watermark_us}")),
        };
        match self.kind {
            JoinKind::Inner | JoinKind::Semi => "TRUE".to_string(),
            JoinKind::Left => format!("r.id IS NOT NULL OR {left}"),
            JoinKind::Right => format!("l.id IS NOT NULL OR {right}"),
            JoinKind::Full => format!(
                "(l.id IS NOT NULL AND r.id IS NOT NULL) OR (r.id IS NULL AND {left}) OR (l.id IS NULL AND {right})"
            ),
            JoinKind::Anti => left,
        }
    }

    fn conditions(&self) -> Vec<String> {
        let mut conditions: Vec<String> = self.keys.iter().map(|key| format!("l.{key} = r.{key}")).collect();
        conditions.extend(self.is_v_compared.then(|| "l.v <= r.v + 2".to_string()));
        conditions
    }

    fn values(&self) -> &'static str {
        match self.kind {
            JoinKind::Semi | JoinKind::Anti => "l.k AS k, l.g AS g, l.v AS v, l.x AS x, l.id AS id",
            _ => {
                "coalesce(l.k, r.k) AS k, r.g AS g, l.v - coalesce(r.v, 0) AS v, coalesce(l.x, 0.25) + r.x AS x,
                 coalesce(l.id, 0) * 10000 + coalesce(r.id, 0) AS id"
            }
        }
    }

    /// Leaves its part of this number out. False if it has no such part.
    pub fn simplify(&mut self, part: usize) -> bool {
        match part {
            0 => self.is_v_compared = false,
            1 if self.keys.len() > 1 => drop(self.keys.pop()),
            1 | 2 => self.spelling = Spelling::Join,
            _ => return false,
        }
        true
    }
}

/// The right time, moved.
fn moved(us: i64) -> String {
    match us {
        0 => "r.ts".to_string(),
        1.. => format!("r.ts + INTERVAL '{}'", duration(us)),
        _ => format!("r.ts - INTERVAL '{}'", duration(-us)),
    }
}
