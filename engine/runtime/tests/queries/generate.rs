//! Random queries over two sources `t` and `r` of the same columns.

use crate::corpus::{Corpus, any_column, column};
use crate::dice::Dice;
use crate::rows::SCHEMA;

/// A query as a table of a job.
#[derive(Debug, Clone)]
pub struct Query {
    sql: String,
    mode: &'static str,
    keys: &'static str,
    /// A computed column of the source `t`, and a function of the job.
    extra: Option<(String, String)>,
    ansi: bool,
}

/// The query of a seed.
pub fn query_of(seed: u64, corpus: &Corpus) -> Query {
    let dice = &mut Dice::of(seed);
    let (mut sql, mode, keys) = shape(dice, corpus);
    let extra = dice.percent(15).then(|| (corpus.scalar(dice, ""), corpus.scalar(dice, "")));
    if extra.is_some() {
        sql = sql.replacen("SELECT ", "SELECT own(z, s) AS of_function, ", usize::from(dice.percent(50)));
    }
    if dice.percent(30) {
        sql = broken(dice, &sql);
    }
    Query { sql, mode, keys, extra, ansi: dice.percent(90) }
}

impl Query {
    /// The table alone, to be shown.
    pub fn table(&self) -> String {
        let extra = self.extra.as_ref().map(|(column, body)| format!("computed = {column}\nown(z, s) = {body}\n"));
        format!("{}[{}] {}", extra.unwrap_or_default(), self.mode, self.sql)
    }

    /// The whole job.
    pub fn job_file(&self) -> String {
        let mut text = format!("[job]\nname = \"fuzz\"\ncheckpoint = \"c\"\nwarehouse = \"w\"\nansi = {}\n", self.ansi);
        for source in ["t", "r"] {
            text.push_str(&format!(
                "[source.{source}]\nconnector = \"kafka\"\nbrokers = \"127.0.0.1:9092\"\ntopic = \"{source}\"\n\
                 watermark = {{ column = \"ts\", delay = \"10 seconds\" }}\n[source.{source}.schema]\n{SCHEMA}"
            ));
            if let (Some((column, _)), "t") = (&self.extra, source) {
                text.push_str(&format!("computed = {{ expression = {} }}\n", quoted(column)));
            }
        }
        if let Some((_, body)) = &self.extra {
            // Only some bodies have these two for their arguments; the others are refused.
            let body = body.replace("k", "z").replace("u", "s");
            let body = if body.len() % 2 == 0 { body } else { "coalesce(length(s) % z, z)".to_string() };
            text.push_str(&format!(
                "[function.own]\narguments = {{ z = \"int\", s = \"string\" }}\nexpression = {}\n",
                quoted(&body)
            ));
        }
        text.push_str(&format!("[table.g.q]\nmode = \"{}\"\n{}sql = {}\n", self.mode, self.keys, quoted(&self.sql)));
        text
    }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '$' => quoted.push_str("$$"),
            sign if (sign as u32) < 32 || sign as u32 == 127 => quoted.push_str(&format!("\\u{:04x}", sign as u32)),
            sign => quoted.push(sign),
        }
    }
    // Only `${` is anything but itself.
    quoted.replace("$$", "$").replace("${", "$${") + "\""
}

const UNBOUNDED: &str = "state_ttl = \"unbounded\"\n";

fn shape(dice: &mut Dice, corpus: &Corpus) -> (String, &'static str, &'static str) {
    match dice.below(13) {
        0..=2 => (rows(dice, corpus), "append", ""),
        3 => (grouped(dice, corpus), "update", UNBOUNDED),
        4 => (grouped(dice, corpus), "complete", ""),
        5 => (windowed(dice, corpus), *dice.pick(&["append", "update"]), ""),
        6 => (joined(dice, corpus), *dice.pick(&["append", "update"]), UNBOUNDED),
        7 => (over(dice, corpus), "update", UNBOUNDED),
        8 => (exploded(dice, corpus), "append", ""),
        9 => (nested(dice, corpus), "update", UNBOUNDED),
        10 => (united(dice, corpus), "append", ""),
        11 => (distinct(dice, corpus), *dice.pick(&["append", "update"]), UNBOUNDED),
        _ => (pivoted(dice, corpus), "update", UNBOUNDED),
    }
}

fn items(dice: &mut Dice, most: u64, of: &mut dyn FnMut(&mut Dice) -> String) -> String {
    let count = 1 + dice.below(most);
    (0..count).map(|at| format!("{} AS c{at}", of(dice))).collect::<Vec<_>>().join(", ")
}

/// A condition over columns of one row.
fn condition(dice: &mut Dice, corpus: &Corpus, of: &str) -> String {
    let scalar = corpus.scalar(dice, of);
    match dice.below(6) {
        0 => format!("({scalar}) IS NOT NULL"),
        1 => format!("({scalar}) = ({})", corpus.scalar(dice, of)),
        2 => format!("{} > 0 AND ({scalar}) IS NULL", column(dice, "int", of)),
        3 => format!("NOT ({scalar} <=> NULL) OR {}", column(dice, "boolean", of)),
        4 => format!("CASE WHEN {of}z <> 0 THEN ({scalar}) IS NULL ELSE false END"),
        _ => format!("{} IN ({}, 1, NULL)", column(dice, "int", of), column(dice, "int", of)),
    }
}

fn filter(dice: &mut Dice, corpus: &Corpus, word: &str, of: &str) -> String {
    if dice.percent(40) { format!(" {word} {}", condition(dice, corpus, of)) } else { String::new() }
}

fn rows(dice: &mut Dice, corpus: &Corpus) -> String {
    let items = items(dice, 3, &mut |dice| corpus.scalar(dice, ""));
    format!("SELECT {items} FROM t{}", filter(dice, corpus, "WHERE", ""))
}

fn calls(dice: &mut Dice, corpus: &Corpus, of: &str) -> String {
    let mut call = |dice: &mut Dice| {
        let call = corpus.aggregate(dice, of);
        let is_whole = call.ends_with(')') && !call.to_uppercase().contains(" FILTER");
        if is_whole && dice.percent(15) {
            format!("{call} FILTER (WHERE {})", condition(dice, corpus, of))
        } else {
            call
        }
    };
    items(dice, 2, &mut call)
}

fn key(dice: &mut Dice, corpus: &Corpus, of: &str) -> String {
    match dice.below(4) {
        0 => format!("{of}k"),
        1 => format!("{of}u"),
        2 => any_column(dice, of),
        _ => corpus.scalar(dice, of),
    }
}

fn grouped(dice: &mut Dice, corpus: &Corpus) -> String {
    let (key, calls) = (key(dice, corpus, ""), calls(dice, corpus, ""));
    let filter = filter(dice, corpus, "WHERE", "");
    match dice.below(5) {
        0 => format!("SELECT {calls} FROM t{filter}"),
        1 => format!("SELECT {key} AS key, {calls} FROM t{filter} GROUP BY 1 HAVING count(*) > 0"),
        2 => format!("SELECT k, u, {calls} FROM t{filter} GROUP BY GROUPING SETS ((k), (k, u), ())"),
        3 => format!("SELECT k, {calls} FROM t{filter} GROUP BY ROLLUP (k)"),
        _ => format!("SELECT {key} AS key, {calls} FROM t{filter} GROUP BY {key}"),
    }
}

fn windowed(dice: &mut Dice, corpus: &Corpus) -> String {
    let (key, calls) = (key(dice, corpus, ""), calls(dice, corpus, ""));
    let window = *dice.pick(&[
        "window(ts, '10 seconds')",
        "window(ts, '10 seconds', '5 seconds')",
        "session_window(ts, '5 seconds')",
        "session_window(ts, CASE WHEN k = 1 THEN '3 seconds' ELSE '1 minute' END)",
    ]);
    let name = if window.starts_with("session") { "session_window" } else { "window" };
    format!("SELECT {name}.start AS start, {key} AS key, {calls} FROM t GROUP BY {window}, {key}")
}

fn joined(dice: &mut Dice, corpus: &Corpus) -> String {
    let kind = *dice.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN"]);
    let left = *dice.pick(&["a.", "a.", "b."]);
    let of = if kind.contains("SEMI") || kind.contains("ANTI") { "a." } else { left };
    let items = items(dice, 2, &mut |dice| corpus.scalar(dice, of));
    let time = *dice.pick(&[
        " AND b.ts BETWEEN a.ts AND a.ts + INTERVAL 20 SECONDS",
        " AND a.ts = b.ts",
        " AND b.ts >= a.ts - INTERVAL 5 SECONDS AND b.ts <= a.ts + INTERVAL 5 SECONDS",
        "",
    ]);
    let residual = if dice.percent(40) { format!(" AND {}", condition(dice, corpus, left)) } else { String::new() };
    let key = *dice.pick(&["a.k = b.k", "a.k = b.k AND a.u = b.u", "a.i <=> b.i", "coalesce(a.z, 0) = b.z"]);
    format!("SELECT {items} FROM t a {kind} r b ON {key}{time}{residual}")
}

fn over(dice: &mut Dice, corpus: &Corpus) -> String {
    let call = match dice.below(3) {
        0 => corpus.aggregate(dice, ""),
        1 => dice
            .pick(&["row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(2)"])
            .to_string(),
        _ => {
            let of = *dice.pick(&["lag", "lead", "first_value", "last_value", "nth_value"]);
            let second = if of == "nth_value" { ", 2" } else { "" };
            format!("{of}({}{second})", any_column(dice, ""))
        }
    };
    let frame = *dice.pick(&[
        "",
        "",
        " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING",
    ]);
    let order = any_column(dice, "");
    let direction = *dice.pick(&["", " DESC", " DESC NULLS LAST"]);
    format!(
        "SELECT k, i, ts, {call} OVER (PARTITION BY {} ORDER BY {order}{direction}{frame}) AS c FROM t",
        key(dice, corpus, "")
    )
}

fn exploded(dice: &mut Dice, corpus: &Corpus) -> String {
    match dice.below(4) {
        0 => format!("SELECT k, explode({}) AS e FROM t", column(dice, "array", "")),
        1 => format!("SELECT k, e, {} AS c FROM t LATERAL VIEW explode(ai) v AS e", corpus.scalar(dice, "")),
        2 => format!(
            "SELECT k, n, w FROM t LATERAL VIEW OUTER explode(mp) v AS n, w WHERE {}",
            condition(dice, corpus, "")
        ),
        _ => format!("SELECT posexplode(array({}, NULL)) FROM t", corpus.scalar(dice, "")),
    }
}

fn nested(dice: &mut Dice, corpus: &Corpus) -> String {
    let inner = items(dice, 2, &mut |dice| corpus.scalar(dice, ""));
    match dice.below(4) {
        0 => format!("WITH w AS (SELECT k, {inner} FROM t) SELECT k, count(*) AS n, max(c0) AS c FROM w GROUP BY k"),
        1 => format!(
            "SELECT n, count(*) AS c FROM (SELECT k, count(*) AS n FROM t{} GROUP BY k) GROUP BY n",
            filter(dice, corpus, "WHERE", "")
        ),
        2 => format!(
            "SELECT * FROM (SELECT k, {inner} FROM t) WHERE k IN (SELECT k FROM r{})",
            filter(dice, corpus, "WHERE", "")
        ),
        _ => format!(
            "SELECT k, c0 FROM (SELECT k, {inner}, row_number() OVER (PARTITION BY u ORDER BY ts DESC) AS n FROM t) WHERE n = 1"
        ),
    }
}

fn united(dice: &mut Dice, corpus: &Corpus) -> String {
    let (one, other) = (corpus.scalar(dice, ""), corpus.scalar(dice, ""));
    format!("SELECT k, {one} AS c FROM t UNION ALL SELECT {}, {other} FROM r", any_column(dice, ""))
}

fn distinct(dice: &mut Dice, corpus: &Corpus) -> String {
    let items = items(dice, 2, &mut |dice| corpus.scalar(dice, ""));
    format!("SELECT DISTINCT {items} FROM t{}", filter(dice, corpus, "WHERE", ""))
}

fn pivoted(dice: &mut Dice, corpus: &Corpus) -> String {
    let call = corpus.aggregate(dice, "");
    format!("SELECT * FROM (SELECT * FROM t) PIVOT ({call} FOR u IN ('ann', 'bob' AS b))")
}

/// A query with a few of its parts taken away, doubled, or put in each other's place.
fn broken(dice: &mut Dice, sql: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for sign in sql.chars() {
        let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
        match parts.last_mut() {
            Some(last) if is_word(sign) && last.chars().all(is_word) => last.push(sign),
            _ => parts.push(sign.to_string()),
        }
    }
    for _ in 0..=dice.below(2) {
        let (one, other) = (dice.below(parts.len() as u64) as usize, dice.below(parts.len() as u64) as usize);
        match dice.below(5) {
            0 => drop(parts.remove(one)),
            1 => parts.insert(other, parts[one].clone()),
            2 => parts.swap(one, other),
            3 => parts[one] = any_column(dice, ""),
            _ => {
                parts[one] = dice
                    .pick(&["NULL", "0", "''", "sum", "*", "(", "AND", "interval", "1e400", "99999999999999999999"])
                    .to_string()
            }
        }
        if parts.is_empty() {
            return String::from(" ");
        }
    }
    parts.concat()
}
