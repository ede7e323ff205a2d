//! Asks the batch engines what the tables should hold after every step, and says where they hold something else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::case::{Case, Mode, SOURCES, StaticRow, Table};
use crate::cell::Lines;
use crate::marks::marked;
use crate::model::{Model, ReadRow};
use crate::query::{Ask, Dialect, STATIC, relation_of};
use crate::run::{Failure, Kind, Oracles, Snapshot};
use crate::times::{Part, spent};

/// Rows that were compared and are seldom there, so that a test of nothing is seen.
pub static LATE: AtomicU64 = AtomicU64::new(0);
pub static REJECTED: AtomicU64 = AtomicU64::new(0);

/// Where a table is compared, and with what.
struct Question<'a> {
    snapshot: &'a Snapshot,
    table: usize,
    /// The table of its late rows is meant.
    is_late: bool,
    dialect: Dialect,
    sql: String,
}

pub fn compare(case: &Case, model: &Model, snapshots: &[Snapshot], oracles: &mut Oracles) -> Result<(), Failure> {
    snapshots.iter().try_for_each(|snapshot| rejects(model, snapshot))?;
    let questions = questions(case, snapshots);
    let load = load(case, model, oracles);
    // Steps without an epoch ask the same once more.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut texts: Vec<String> = Vec::new();
    for question in questions.iter().filter(|question| question.dialect == Dialect::Duck) {
        places.entry(&question.sql).or_insert_with(|| {
            texts.push(question.sql.clone());
            texts.len() - 1
        });
    }
    let duck = spent(Part::Duck, || oracles.duck.ask(&load, &texts));
    for question in &questions {
        match question.dialect {
            Dialect::Duck => question.judge(case, &duck[places[question.sql.as_str()]])?,
            Dialect::Fusion => question.judge(case, &spent(Part::Fusion, || oracles.fusion.ask(&question.sql)))?,
        }
    }
    Ok(())
}

fn questions<'a>(case: &'a Case, snapshots: &'a [Snapshot]) -> Vec<Question<'a>> {
    let mut asked = Vec::new();
    for (number, snapshot) in snapshots.iter().enumerate() {
        let is_last = number + 1 == snapshots.len();
        // Every epoch of a table whose rows change; what is only added to is all there at the end, so now and then is enough before.
        let is_asked = |table: &Table| {
            let is_changing = table.mode != Mode::Append || (case.seed + snapshot.step as u64).is_multiple_of(2);
            is_last || table.is_exact && is_changing
        };
        for (at, table) in case.tables.iter().enumerate().filter(|(_, table)| is_asked(table)) {
            let (epoch, watermarks_us) = (snapshot.epoch, snapshot.watermarks_us);
            let ask = |dialect| Ask { case, table: at, dialect, epoch, watermarks_us };
            let mut add = |dialect, is_late, sql| asked.push(Question { snapshot, table: at, is_late, dialect, sql });
            add(Dialect::Duck, false, table.query.batch_sql(&ask(Dialect::Duck)));
            // DataFusion plans long; the last content is that of all steps.
            if is_last || (case.seed + snapshot.step as u64).is_multiple_of(10) && table.mode != Mode::Append {
                add(Dialect::Fusion, false, table.query.batch_sql(&ask(Dialect::Fusion)));
            }
            if let (true, Some(sql)) = (table.keeps_late, table.query.late_sql(&ask(Dialect::Duck))) {
                add(Dialect::Duck, true, sql);
            }
        }
    }
    asked
}

/// Gives DataFusion all that was read. Returns what DuckDB needs for it.
fn load(case: &Case, model: &Model, oracles: &mut Oracles) -> Vec<String> {
    for (at, rows) in model.read.iter().enumerate() {
        oracles.fusion.load(SOURCES[at], rows);
    }
    let mut load: Vec<String> = model.read.iter().enumerate().map(|(at, rows)| duck_table(SOURCES[at], rows)).collect();
    for (at, table) in case.tables.iter().enumerate() {
        let Some((source, rows)) = marked(case, at, model) else { continue };
        let name = relation_of(table, source);
        oracles.fusion.load(&name, &rows);
        load.push(duck_table(&name, &rows));
    }
    if let Some(fixed) = &case.fixed {
        let of_epoch =
            |(epoch, version): (i64, &usize)| fixed.versions[*version].iter().map(move |row| (epoch, row.clone()));
        let rows: Vec<(i64, StaticRow)> = (0..).zip(&model.versions).flat_map(of_epoch).collect();
        oracles.fusion.load_static(&rows);
        load.push(duck_static(&rows));
    }
    load
}

/// The table of rejected records holds exactly those that were dated too far ahead.
fn rejects(model: &Model, snapshot: &Snapshot) -> Result<(), Failure> {
    for (at, got) in snapshot.rejected.iter().enumerate() {
        let expected = model.rejected[at].iter().filter(|reject| reject.epoch <= snapshot.epoch);
        let mut expected: Lines =
            expected.map(|reject| format!("{} | {} | {}", reject.partition, reject.offset, reject.epoch)).collect();
        expected.sort();
        REJECTED.fetch_add(expected.len() as u64, Ordering::Relaxed);
        if expected != *got {
            let text = format!(
                "rejected.{} after step {} should be (partition, offset, epoch)\n{expected:#?}\nand is\n{got:#?}\n",
                SOURCES[at], snapshot.step
            );
            return Err(Failure { kind: Kind::Rows, text });
        }
    }
    Ok(())
}

impl Question<'_> {
    fn judge(&self, case: &Case, answer: &Result<Lines, String>) -> Result<(), Failure> {
        let who = match self.dialect {
            Dialect::Duck => "DuckDB",
            Dialect::Fusion => "DataFusion",
        };
        let expected = answer
            .as_ref()
            .map_err(|error| Failure { kind: Kind::Generator, text: format!("{who}: {error}\n{}", self.sql) })?;
        let tables = if self.is_late { &self.snapshot.late } else { &self.snapshot.tables };
        let got = &tables[self.table];
        if expected == got {
            LATE.fetch_add(if self.is_late { got.len() as u64 } else { 0 }, Ordering::Relaxed);
            return Ok(());
        }
        let text = format!(
            "{}{} after step {} (epoch {}, watermarks {:?}) is not what {who} says:\n  missing:\n{}  too much:\n{}  {who} says {} rows, the table has {}\n  {}\n",
            case.tables[self.table].name,
            if self.is_late { "__late" } else { "" },
            self.snapshot.step,
            self.snapshot.epoch,
            self.snapshot.watermarks_us,
            only(expected, got),
            only(got, expected),
            expected.len(),
            got.len(),
            self.sql,
        );
        Err(Failure { kind: Kind::Rows, text })
    }
}

/// Lines of one that the other has not, or has less often.
fn only(one: &Lines, other: &Lines) -> String {
    let mut left = other.clone();
    let is_alone = |line: &&String| match left.iter().position(|found| found == *line) {
        Some(at) => {
            left.swap_remove(at);
            false
        }
        None => true,
    };
    one.iter().filter(is_alone).map(|line| format!("    {line}\n")).collect()
}

fn whole(value: Option<i64>) -> String {
    value.map_or("NULL".to_string(), |value| value.to_string())
}

fn text(value: Option<&String>) -> String {
    value.map_or("NULL".to_string(), |value| format!("'{value}'"))
}

fn duck_table(name: &str, rows: &[ReadRow]) -> String {
    let line = |read: &ReadRow| {
        let row = &read.row;
        let x = row.x.map_or("NULL".to_string(), |x| format!("{x:?}"));
        let [first, second, both] = read.late_us;
        format!(
            "({},{},{},{},{},{x},{},{first},{second},{both},{},{})",
            row.id,
            whole(row.us),
            text(row.k.as_ref()),
            whole(row.g),
            whole(row.v),
            read.epoch,
            read.mark,
            read.seq
        )
    };
    let columns = "id BIGINT, us BIGINT, k VARCHAR, g BIGINT, v BIGINT, x DOUBLE, epoch BIGINT, late_0 BIGINT, late_1 BIGINT, late_2 BIGINT, mark BIGINT, seq BIGINT";
    created(name, columns, rows.iter().map(line).collect())
}

fn duck_static(rows: &[(i64, StaticRow)]) -> String {
    let line =
        |(epoch, row): &(i64, StaticRow)| format!("({epoch},{},{},{})", text(row.k.as_ref()), row.n, whole(row.c));
    created(STATIC, "epoch BIGINT, k VARCHAR, n BIGINT, c BIGINT", rows.iter().map(line).collect())
}

fn created(name: &str, columns: &str, lines: Vec<String>) -> String {
    let mut sql = format!("CREATE OR REPLACE TABLE {name} ({columns});");
    if !lines.is_empty() {
        sql.push_str(&format!(" INSERT INTO {name} VALUES {};", lines.join(",")));
    }
    sql
}
