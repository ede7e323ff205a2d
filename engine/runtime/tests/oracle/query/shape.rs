//! The small nodes: other values, names, DISTINCT, UNION ALL, row numbers and windows of rows.

use crate::case::{Case, Mode};

use super::{Ask, Query, never_late};

/// Spark's order of rows: NULL is the smallest.
const ORDER: &str = "v DESC NULLS LAST, id ASC NULLS FIRST";

impl Query {
    pub(super) fn shape_engine(&self, case: &Case) -> String {
        let columns = self.columns(case);
        let (times, more) = (columns.engine_times(), columns.more());
        match self {
            Query::Shaped { input } => format!("SELECT {times}{}{more} FROM ({}) q", shaped("STRING"), input.engine(case)),
            Query::Named { input } => {
                format!("WITH named AS ({}) SELECT {times}k, g, v, x, id{more} FROM named", input.engine(case))
            }
            Query::Distinct { input, .. } => format!(
                "SELECT {times}k, g, CAST(NULL AS BIGINT) AS v, CAST(NULL AS DOUBLE) AS x, CAST(NULL AS BIGINT) AS id
                 FROM (SELECT DISTINCT {times}k, g FROM ({}) q) q",
                input.engine(case)
            ),
            Query::Deduplicated { input, .. } => input.engine(case),
            Query::Union(inputs) => {
                let parts = inputs.iter().map(|input| format!("SELECT {times}k, g, v, x, id FROM ({}) q", input.engine(case)));
                parts.collect::<Vec<_>>().join(" UNION ALL ")
            }
            Query::Top { input, by, rows } => format!(
                "SELECT {times}k, g, v, CAST(rn AS DOUBLE) AS x, id{more} FROM (SELECT *, row_number() OVER (PARTITION BY {by} ORDER BY v DESC, id) AS rn FROM ({}) q) q
                 WHERE rn <= {rows}",
                input.engine(case)
            ),
            Query::Over { input, by } => format!(
                "SELECT {times}k, g, sum(v) OVER (PARTITION BY {by} ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS v,
                 CAST(lag(v) OVER (PARTITION BY {by} ORDER BY id) AS DOUBLE) AS x, id{more} FROM ({}) q",
                input.engine(case)
            ),
            Query::Limited { input, rows } => {
                format!("SELECT * FROM ({}) q ORDER BY v DESC, id LIMIT {rows}", input.engine(case))
            }
            other => unreachable!("{other:?} is written elsewhere"),
        }
    }

    pub(super) fn shape_batch(&self, ask: &Ask<'_>) -> String {
        let columns = self.columns(ask.case);
        let (times, more) = (columns.batch_times(), columns.more());
        match self {
            Query::Shaped { input } => format!("SELECT {times}{}{more} FROM ({}) q", shaped("VARCHAR"), input.batch(ask)),
            Query::Named { input } => format!("SELECT {times}k, g, v, x, id{more} FROM ({}) q", input.batch(ask)),
            Query::Distinct { input, with_time } => {
                let time = if *with_time { "us, " } else { "" };
                // Without the time nothing says which rows are late.
                let on_time = if *with_time && ask.mode() != Mode::Complete { "us IS NULL OR us > l" } else { "TRUE" };
                format!(
                    "SELECT {time}k, g, CAST(NULL AS BIGINT) AS v, CAST(NULL AS DOUBLE) AS x, CAST(NULL AS BIGINT) AS id, {}
                     FROM (SELECT DISTINCT {time}k, g FROM ({}) q WHERE {on_time}) q",
                    never_late(),
                    input.batch(ask)
                )
            }
            Query::Deduplicated { input, .. } => {
                let times = times.replace("l, ", "");
                format!("SELECT {times}k, g, v, x, id, {} FROM ({}) q WHERE mark = 1", never_late(), input.batch(ask))
            }
            Query::Union(inputs) => {
                let parts = inputs.iter().map(|input| format!("SELECT {times}k, g, v, x, id FROM ({}) q", input.batch(ask)));
                parts.collect::<Vec<_>>().join(" UNION ALL ")
            }
            Query::Top { input, by, rows } => format!(
                "SELECT {times}k, g, v, CAST(rn AS DOUBLE) AS x, id{more} FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY {ORDER}) AS rn FROM ({}) q) q
                 WHERE rn <= {rows}",
                window_start(by),
                input.batch(ask)
            ),
            Query::Over { input, by } => {
                let by = window_start(by);
                format!(
                    "SELECT {times}k, g, CAST(sum(v) OVER (PARTITION BY {by} ORDER BY id ASC NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS BIGINT) AS v,
                     CAST(lag(v) OVER (PARTITION BY {by} ORDER BY id ASC NULLS FIRST) AS DOUBLE) AS x, id{more} FROM ({}) q",
                    input.batch(ask)
                )
            }
            Query::Limited { input, rows } => format!("SELECT * FROM ({}) q ORDER BY {ORDER} LIMIT {rows}", input.batch(ask)),
            other => unreachable!("{other:?} is written elsewhere"),
        }
    }
}

fn window_start(by: &str) -> &str {
    if by == "w" { "ws" } else { by }
}

fn shaped(text: &str) -> String {
    format!(
        "CASE WHEN g = 1 THEN 'k9' WHEN v > 6 THEN CAST(NULL AS {text}) ELSE k END AS k, coalesce(g, 7) AS g, v * 2 - coalesce(g, 0) AS v,
         CASE WHEN x > 5 THEN x - 1.5 ELSE -x END AS x, id + 5000000 AS id"
    )
}
