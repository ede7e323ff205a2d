//! A stream beside a static table: joins, IN, EXISTS and single values. The rows of an epoch meet the version that is recorded with it.

use crate::case::Case;

use super::{Ask, Query};

/// Name of the static table.
pub const STATIC: &str = "s";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    Inner,
    Left,
    /// With a query over the static table.
    Grouped,
    Semi,
    Anti,
    In,
    NotIn,
    Exists,
    NotExists,
    Scalar,
}

impl Lookup {
    pub const ALL: [Lookup; 10] = [
        Lookup::Inner,
        Lookup::Left,
        Lookup::Grouped,
        Lookup::Semi,
        Lookup::Anti,
        Lookup::In,
        Lookup::NotIn,
        Lookup::Exists,
        Lookup::NotExists,
        Lookup::Scalar,
    ];

    pub fn engine(self, input: &Query, case: &Case) -> String {
        let columns = input.columns(case);
        let times = columns.engine_times();
        let from = match self {
            Lookup::Inner => "JOIN s ON q.k = s.k",
            Lookup::Left => "LEFT JOIN s ON q.k = s.k AND s.n > 0",
            Lookup::Grouped => {
                "JOIN (SELECT k, max(n) AS n, count(c) AS c FROM s WHERE n < 5 GROUP BY k) s ON q.k = s.k"
            }
            Lookup::Semi => "LEFT SEMI JOIN s ON q.k = s.k AND q.g = s.c",
            Lookup::Anti => "LEFT ANTI JOIN s ON q.k = s.k",
            Lookup::In => "WHERE q.k IN (SELECT k FROM s WHERE n > 1)",
            Lookup::NotIn => "WHERE q.k NOT IN (SELECT k FROM s WHERE n > 0)",
            Lookup::Exists => "WHERE EXISTS (SELECT 1 FROM s WHERE s.k = q.k AND s.n > 1)",
            Lookup::NotExists => "WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.k = q.k AND s.c = q.g)",
            Lookup::Scalar => "WHERE q.v > (SELECT avg(n) FROM s)",
        };
        let times = qualified(&times);
        format!(
            "SELECT {times}{}{} FROM ({}) q {from}",
            self.values(),
            qualified_more(&columns.more()),
            input.engine(case)
        )
    }

    pub fn batch(self, input: &Query, ask: &Ask<'_>) -> String {
        let columns = input.columns(ask.case);
        // Rows of a source know their epoch; whatever stands on memory meets a table that does not change.
        let epoch = if input.is_rows() { "q.epoch" } else { "0" };
        let of_epoch = format!("s.epoch = {epoch}");
        let from = match self {
            Lookup::Inner => format!("JOIN s ON q.k = s.k AND {of_epoch}"),
            Lookup::Left => format!("LEFT JOIN s ON q.k = s.k AND s.n > 0 AND {of_epoch}"),
            Lookup::Grouped => format!(
                "JOIN (SELECT epoch, k, max(n) AS n, count(c) AS c FROM s WHERE n < 5 GROUP BY epoch, k) s ON q.k = s.k AND {of_epoch}"
            ),
            Lookup::Semi => format!("WHERE EXISTS (SELECT 1 FROM s WHERE s.k = q.k AND s.c = q.g AND {of_epoch})"),
            Lookup::Anti => format!("WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.k = q.k AND {of_epoch})"),
            Lookup::In | Lookup::Exists => {
                format!("WHERE EXISTS (SELECT 1 FROM s WHERE s.k = q.k AND s.n > 1 AND {of_epoch})")
            }
            // SQL's three values: a NULL on either side makes it unknown, unless there is nothing to compare with.
            Lookup::NotIn => format!(
                "WHERE NOT EXISTS (SELECT 1 FROM s WHERE (s.k = q.k OR s.k IS NULL OR q.k IS NULL) AND s.n > 0 AND {of_epoch})"
            ),
            Lookup::NotExists => {
                format!("WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.k = q.k AND s.c = q.g AND {of_epoch})")
            }
            Lookup::Scalar => {
                format!("JOIN (SELECT epoch, avg(n) AS mean FROM s GROUP BY epoch) s ON q.v > s.mean AND {of_epoch}")
            }
        };
        format!(
            "SELECT {}{}{} FROM ({}) q {from}",
            qualified(&columns.batch_times()),
            self.values(),
            qualified_more(&columns.more()),
            input.batch(ask)
        )
    }

    fn values(self) -> &'static str {
        match self {
            Lookup::Inner | Lookup::Grouped => "q.k AS k, s.c AS g, q.v + s.n AS v, q.x AS x, q.id * 100 + s.n AS id",
            Lookup::Left => {
                "q.k AS k, coalesce(s.c, q.g) AS g, q.v + coalesce(s.n, 0) AS v, q.x AS x, q.id * 100 + coalesce(s.n, 0) AS id"
            }
            _ => "q.k AS k, q.g AS g, q.v AS v, q.x AS x, q.id AS id",
        }
    }
}

/// The columns, each with `q.` before it and its own name behind.
fn qualified(times: &str) -> String {
    times.split_terminator(", ").map(|column| format!("q.{column} AS {column}, ")).collect()
}

fn qualified_more(more: &str) -> String {
    more.split(", ").filter(|column| !column.is_empty()).map(|column| format!(", q.{column} AS {column}")).collect()
}
