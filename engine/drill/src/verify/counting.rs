//! The rows and files of a table, counted against what the commits say that it holds. Nothing that hinders a comparison hinders this.

use std::collections::BTreeMap;

use epoch::{Commit, CountedRows, EpochId, paths};

mod present;

pub use present::{Present, read};

/// Lines shown of each kind.
const SHOWN: usize = 5;

/// What counting a table came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// Its rows and files are those of its commits.
    Agrees {
        /// Rows.
        rows: u64,
        /// Data files.
        files: u64,
        /// What could not be held against commits.
        notes: Vec<String>,
    },
    /// They are not: what is wrong, line by line.
    Breach(Vec<String>),
    /// Nothing says what it must hold, and why.
    Unknown(String),
}

/// What the commits on record say of a table.
pub struct Books<'a> {
    /// Eight hex digits that the job's data files bear.
    job_id: &'a str,
    /// The oldest epoch whose files are on record, and the one at which the warehouse must stand.
    epochs: (EpochId, EpochId),
    /// How many rows it holds, as the newest commit says.
    rows: Option<CountedRows>,
    /// Data files that commits on record added and none took out, with epoch and rows.
    files: BTreeMap<&'a str, (EpochId, u64)>,
    /// Data files that commits on record took out, with the epoch that did.
    removed: BTreeMap<&'a str, EpochId>,
}

/// The files of a table, held against its books.
#[derive(Default)]
struct Sorted {
    /// Rows in the files of this checkpoint, and in those that no epoch wrote.
    rows: u64,
    /// Files that no epoch wrote: another program put rows into them.
    of_programs: u64,
    /// Rows in files of another checkpoint.
    rows_of_others: u64,
    /// Files that are not what their commits say.
    wrong: Vec<String>,
    /// Files that commits name and that are not there.
    missing: Vec<String>,
}

impl<'a> Books<'a> {
    /// Of a table, from the commits, oldest first, up to the one at which the warehouse must stand; `None` if there are none.
    pub fn of(
        table: &str,
        commits: impl Iterator<Item = (&'a EpochId, &'a Commit)> + Clone,
        job_id: &'a str,
    ) -> Option<Books<'a>> {
        let ((first, oldest), (last, newest)) = (commits.clone().next()?, commits.clone().last()?);
        // A checkpoint that was rebuilt begins with where the tables stood, and knows no files of before.
        let begins =
            oldest.sinks.get(table).is_some_and(|link| link.last == oldest.id()) && !oldest.tables.contains_key(table);
        let first = &if begins { first.next() } else { *first };
        // A table without a link never got anything.
        let rows = newest.sinks.get(table).map_or(Some(CountedRows::default()), |link| link.rows);
        let (files, removed) = (BTreeMap::new(), BTreeMap::new());
        let mut books = Books { job_id, epochs: (*first, *last), rows, files, removed };
        for (epoch, commit) in commits {
            let Some(change) = commit.tables.get(table) else { continue };
            for file in &change.removed {
                books.files.remove(file.path.as_str());
                books.removed.insert(&file.path, *epoch);
            }
            books.files.extend(change.added.iter().map(|file| (file.path.as_str(), (*epoch, file.rows))));
        }
        Some(books)
    }

    /// Rows that the table must hold, if that is known.
    pub fn rows(&self) -> Option<u64> {
        self.rows.map(|counted| counted.rows)
    }

    /// The files of commits on record that a text names: what cannot be read.
    pub fn named_in(&self, text: &str) -> Vec<String> {
        let named = self.files.iter().filter(|(name, _)| text.contains(**name));
        let line = |(name, (epoch, rows)): (&&str, &(EpochId, u64))| {
            format!("epoch {epoch}: {name} with {}", rows_text(*rows))
        };
        shown(named.map(line).collect())
    }

    /// Holds what is there against them.
    pub fn compare(&self, present: &Present) -> Counted {
        let sorted = match &present.by_file {
            Some(by_file) => self.sorted(by_file),
            None => Sorted { rows: present.rows, ..Sorted::default() },
        };
        // Where rows were taken as they were found, those of another checkpoint were among them; it may have gone on writing.
        let takes_others = sorted.rows_of_others > 0 && self.rows.is_some_and(|counted| counted.since.is_some());
        let rows = sorted.rows + if takes_others { sorted.rows_of_others } else { 0 };
        let others_go_on = takes_others && self.rows() < Some(rows);
        let wrong_total = self.rows().filter(|committed| *committed != rows && !others_go_on);
        let wrong_total = wrong_total.map(|committed| self.wrong_total(committed, rows));
        let rewritten = (sorted.of_programs > 0).then(|| {
            format!("another program wrote {} of its files (OPTIMIZE, or rows of its own)", sorted.of_programs)
        });
        // Rows that another program has put into other files are counted by their number.
        let may_be_elsewhere = rewritten.is_some() && wrong_total.is_none();
        let missing = if may_be_elsewhere { Vec::new() } else { shown(sorted.missing) };
        let lines: Vec<String> = wrong_total.into_iter().chain(shown(sorted.wrong)).chain(missing).collect();
        if !lines.is_empty() {
            return Counted::Breach(lines.into_iter().chain(rewritten).collect());
        }
        if others_go_on {
            let reason = "another checkpoint writes to it, too, and how much is not on record here";
            return Counted::Unknown(reason.to_owned());
        }
        let Some(counted) = self.rows else { return Counted::Unknown(self.unknown(rewritten)) };
        let since = counted.since;
        let since = since.map(|since| format!("the rows that it held before epoch {since} are taken as they were"));
        let others = (sorted.rows_of_others > 0 && !takes_others)
            .then(|| format!("{} rows that another checkpoint wrote are not counted", sorted.rows_of_others));
        let is_whole = present.by_file.is_none().then(|| {
            "its rows alone are counted: another program deletes rows beside its files, or gave its columns other names"
                .to_owned()
        });
        let notes = since.into_iter().chain(others).chain(rewritten).chain(is_whole).collect();
        Counted::Agrees { rows, files: present.files, notes }
    }

    fn sorted(&self, by_file: &BTreeMap<String, u64>) -> Sorted {
        let mut sorted = Sorted::default();
        for (name, rows) in by_file {
            match paths::origin_of(name) {
                Some((writer, _)) if writer != self.job_id => sorted.rows_of_others += rows,
                Some((_, epoch)) => {
                    sorted.rows += rows;
                    sorted.wrong.extend(self.wrong_file(name, epoch, *rows));
                }
                None => {
                    sorted.rows += rows;
                    sorted.of_programs += 1;
                }
            }
        }
        let missing = self.files.iter().filter(|(name, _)| !by_file.contains_key(**name));
        let line = |(name, (epoch, rows)): (&&str, &(EpochId, u64))| {
            format!("epoch {epoch}: {name} with {} is not among its files", rows_text(*rows))
        };
        sorted.missing = missing.map(line).collect();
        sorted
    }

    /// What is wrong with a file of this checkpoint. One of before all commits on record counts with the others alone.
    fn wrong_file(&self, name: &str, epoch: EpochId, rows: u64) -> Option<String> {
        if let Some((epoch, committed)) = self.files.get(name) {
            let differs = *committed != rows;
            return differs
                .then(|| format!("epoch {epoch}: {name} holds {}, {committed} were committed", rows_text(rows)));
        }
        if let Some(by) = self.removed.get(name) {
            return Some(format!("epoch {by}: it took {name} out, which is still there with {}", rows_text(rows)));
        }
        (epoch >= self.epochs.0)
            .then(|| format!("epoch {epoch}: {name} with {} is there and was not committed", rows_text(rows)))
    }

    fn wrong_total(&self, committed: u64, rows: u64) -> String {
        let (difference, what) =
            if rows < committed { (committed - rows, "missing") } else { (rows - committed, "too many") };
        format!(
            "it holds {}, its commits up to epoch {} say {committed}: {difference} {what}",
            rows_text(rows),
            self.epochs.1
        )
    }

    fn unknown(&self, rewritten: Option<String>) -> String {
        let (first, last) = self.epochs;
        let files = match rewritten {
            None => format!("the files of epochs {first} to {last} are as they were committed"),
            Some(rewritten) => rewritten,
        };
        format!(
            "how many rows it must hold is not on record: an engine that did not count made its commits, or it was gone on with in spite \
             of a contradiction. It is counted from the next epoch on; {files}"
        )
    }
}

/// A number of rows.
pub fn rows_text(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

fn shown(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    lines.extend((more > 0).then(|| format!("and {more} more of this kind")));
    lines
}

#[cfg(test)]
mod tests;
