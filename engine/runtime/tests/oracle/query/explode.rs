//! Rows out of arrays and maps: LATERAL VIEW and `explode` in SELECT.

use crate::case::Case;

use super::{Ask, Query};

/// Which array, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Explode {
    /// LATERAL VIEW posexplode of three values, NULLs among them.
    Positions,
    /// LATERAL VIEW OUTER of an array that is missing or empty now and then.
    Outer,
    /// LATERAL VIEW of a map.
    Map,
    /// `explode` in SELECT, of an array with as many elements as `g` says.
    Select,
    /// `unnest` in SELECT, of the words of a text.
    Unnest,
}

impl Explode {
    pub const ALL: [Explode; 5] = [Explode::Positions, Explode::Outer, Explode::Map, Explode::Select, Explode::Unnest];

    pub fn engine(self, input: &Query, case: &Case) -> String {
        let columns = input.columns(case);
        let (times, more, from) = (columns.engine_times(), columns.more(), input.engine(case));
        let viewed =
            |values: &str, view: &str| format!("SELECT {times}{values}{more} FROM ({from}) q LATERAL VIEW {view}");
        let selected = |values: &str, item: &str| {
            format!("SELECT {times}{values}{more} FROM (SELECT *, {item} AS item FROM ({from}) q) q")
        };
        match self {
            Explode::Positions => {
                viewed("k, g, item AS v, x, id * 10 + pos AS id", "posexplode(array(v, g, 7)) t AS pos, item")
            }
            Explode::Outer => viewed(
                "k, g, item AS v, x, id * 10 + coalesce(item, 0) AS id",
                "OUTER explode(CASE WHEN v > 3 THEN sequence(1, 2) WHEN v > 0 THEN slice(array(v), 1, 0) END) t AS item",
            ),
            Explode::Map => viewed(
                "name AS k, g, item AS v, x, id * 10 + CASE WHEN name = 'k0' THEN 0 ELSE 1 END AS id",
                "explode(map('k0', v, 'k8', g)) t AS name, item",
            ),
            Explode::Select => selected("k, g, v - item AS v, x, id * 10 + item AS id", "explode(sequence(0, g))"),
            Explode::Unnest => selected(
                "item AS k, g, v, x, id * 10 + length(item) AS id",
                "unnest(split(CASE WHEN v > 1 THEN concat('k', ',long,', 'longer') WHEN v < 0 THEN '' END, ','))",
            ),
        }
    }

    pub fn batch(self, input: &Query, ask: &Ask<'_>) -> String {
        let columns = input.columns(ask.case);
        let (times, more, from) = (columns.batch_times(), columns.more(), input.batch(ask));
        let (values, is_there) = match self {
            Explode::Positions => {
                ("k, g, CASE p WHEN 0 THEN v WHEN 1 THEN g ELSE 7 END AS v, x, id * 10 + p AS id", "TRUE")
            }
            Explode::Outer => (
                "k, g, CASE WHEN v > 3 THEN p + 1 END AS v, x, id * 10 + CASE WHEN v > 3 THEN p + 1 ELSE 0 END AS id",
                "p = 0 OR p = 1 AND v > 3",
            ),
            Explode::Map => (
                "CASE p WHEN 0 THEN 'k0' ELSE 'k8' END AS k, g, CASE p WHEN 0 THEN v ELSE g END AS v, x, id * 10 + p AS id",
                "p < 2",
            ),
            Explode::Select => ("k, g, v - p AS v, x, id * 10 + p AS id", "p <= g"),
            Explode::Unnest => (
                "CASE WHEN v < 0 THEN '' WHEN p = 0 THEN 'k' WHEN p = 1 THEN 'long' ELSE 'longer' END AS k, g, v, x,
                 id * 10 + CASE WHEN v < 0 THEN 0 WHEN p = 0 THEN 1 WHEN p = 1 THEN 4 ELSE 6 END AS id",
                "v > 1 OR v < 0 AND p = 0",
            ),
        };
        // `g` may have been made larger below: seven at most.
        format!(
            "SELECT {times}{values}{more} FROM ({from}) q CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7)) o(p) WHERE ({is_there}) AND ({})",
            match self {
                Explode::Select => "TRUE",
                _ => "p < 3",
            }
        )
    }
}
