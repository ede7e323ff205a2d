//! The ledger of differences: `differences/FAMILY.txt`, below a heading for each kind one expression a line. `differences/that_stay.txt`
//! has those that are meant, below headings that say why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::outcome::{Compared, Outcome};

const THAT_STAY: &str = "that_stay";

/// The listed differences.
pub struct Ledger {
    folder: PathBuf,
    /// Kind by expression.
    listed: BTreeMap<String, Outcome>,
    /// Expressions that differ on purpose; one that ends with `…` stands for all that begin so.
    that_stay: BTreeSet<String>,
}

impl Ledger {
    /// The ledger in a folder; there is none yet: it is empty.
    pub fn read(folder: &Path) -> Ledger {
        let mut ledger = Ledger { folder: folder.to_owned(), listed: BTreeMap::new(), that_stay: BTreeSet::new() };
        let Ok(entries) = fs::read_dir(folder) else { return ledger };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let text = fs::read_to_string(&path).unwrap();
            if path.file_stem().is_some_and(|stem| stem == THAT_STAY) {
                ledger.that_stay = lines(&text).filter(|line| heading(line).is_none()).map(unescaped).collect();
            } else {
                ledger.take(&text, &path);
            }
        }
        ledger
    }

    fn take(&mut self, text: &str, path: &Path) {
        let mut kind = None;
        for line in lines(text) {
            match heading(line) {
                Some(name) => kind = Outcome::ALL.into_iter().find(|outcome| outcome.name() == name),
                None => {
                    let kind = kind.unwrap_or_else(|| panic!("{}: no kind stands above {line}", path.display()));
                    self.listed.insert(unescaped(line), kind);
                }
            }
        }
    }

    /// True if an expression may differ.
    pub fn lists(&self, expression: &str) -> bool {
        self.listed.contains_key(expression) || self.stays(expression)
    }

    fn stays(&self, expression: &str) -> bool {
        let begins = |entry: &String| entry.strip_suffix('…').is_some_and(|start| expression.starts_with(start));
        self.that_stay.contains(expression) || self.that_stay.iter().any(begins)
    }

    /// What is not as the ledger says, each with both answers.
    pub fn problems(&self, results: &[Compared]) -> Vec<String> {
        let mut problems: Vec<String> = results.iter().filter_map(|compared| self.problem(compared)).collect();
        let asked: BTreeSet<&str> = results.iter().map(|compared| compared.recorded.expression.as_str()).collect();
        let is_asked = |entry: &&String| {
            let start = entry.strip_suffix('…');
            asked.contains(entry.as_str())
                || start.is_some_and(|start| asked.iter().any(|other| other.starts_with(start)))
        };
        let gone = self.listed.keys().chain(&self.that_stay).filter(|entry| !is_asked(entry));
        problems.extend(gone.map(|entry| format!("  {entry}: is listed, and not asked any more")));
        problems
    }

    fn problem(&self, compared: &Compared) -> Option<String> {
        let Compared { recorded, outcome, engine } = compared;
        let expression = &recorded.expression;
        if self.stays(expression) {
            let is_equal = *outcome == Outcome::Equal && self.that_stay.contains(expression);
            return is_equal.then(|| format!("  {expression}: is equal now, take it out of {THAT_STAY}.txt"));
        }
        let was = self.listed.get(expression).copied().unwrap_or(Outcome::Equal);
        let change = format!("was {}, is {}", was.name(), outcome.name());
        (was != *outcome).then(|| format!("  {expression}: {change}; Spark {:?}, here {engine}", recorded.answer))
    }

    /// Writes the ledger anew, without those that are meant.
    pub fn rewrite(&self, results: &[Compared]) {
        fs::create_dir_all(&self.folder).unwrap();
        let families: BTreeSet<&str> = results.iter().map(|compared| compared.recorded.family.as_str()).collect();
        for family in families {
            let path = self.folder.join(format!("{family}.txt"));
            let text = self.text(results.iter().filter(|compared| compared.recorded.family == family));
            if text.is_empty() {
                // The file may not be there, which is as good.
                let _ = fs::remove_file(path);
            } else {
                fs::write(path, text).unwrap();
            }
        }
    }

    fn text<'a>(&self, results: impl Iterator<Item = &'a Compared>) -> String {
        let mut by_kind: BTreeMap<Outcome, Vec<String>> = BTreeMap::new();
        for compared in results {
            if compared.outcome != Outcome::Equal && !self.stays(&compared.recorded.expression) {
                by_kind.entry(compared.outcome).or_default().push(escaped(&compared.recorded.expression));
            }
        }
        let section = |(kind, entries): (Outcome, Vec<String>)| format!("# {}\n{}\n", kind.name(), entries.join("\n"));
        by_kind.into_iter().map(section).collect::<Vec<_>>().join("\n")
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty())
}

fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("# ")
}

/// An expression on one line.
fn escaped(expression: &str) -> String {
    expression.replace('\n', "␤")
}

fn unescaped(line: &str) -> String {
    line.replace('␤', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorded::{Answer, Recorded};

    fn compared(expression: &str, outcome: Outcome) -> Compared {
        let recorded = Recorded {
            family: "f".to_owned(),
            expression: expression.to_owned(),
            marked: None,
            answer: Answer::Error("E".to_owned()),
        };
        Compared { recorded, outcome, engine: String::new() }
    }

    fn ledger(text: &str) -> Ledger {
        let that_stay = BTreeSet::from(["kept(…".to_owned(), "stays".to_owned()]);
        let mut ledger = Ledger { folder: PathBuf::new(), listed: BTreeMap::new(), that_stay };
        ledger.take(text, Path::new("f.txt"));
        ledger
    }

    #[test]
    fn what_is_listed_may_differ_and_nothing_else() {
        let ledger = ledger("# refused\na\nb␤c\n\n# wrong value\nd\n");
        let as_listed = [
            compared("a", Outcome::Refused),
            compared("b\nc", Outcome::Refused),
            compared("d", Outcome::WrongValue),
            compared("kept(1)", Outcome::Fails),
            compared("kept(2)", Outcome::Equal),
            compared("stays", Outcome::WrongType),
            compared("e", Outcome::Equal),
        ];
        assert_eq!(ledger.problems(&as_listed), Vec::<String>::new());
        let mut changed = as_listed.to_vec();
        changed[0].outcome = Outcome::Equal;
        changed[2].outcome = Outcome::Refused;
        changed[5].outcome = Outcome::Equal;
        changed[6].outcome = Outcome::WrongValue;
        changed.remove(1);
        let problems = ledger.problems(&changed);
        assert_eq!(problems.len(), 5, "{problems:?}");
        assert!(problems[0].contains("was refused, is equal") && problems[4].contains("not asked any more"));
    }

    #[test]
    fn a_ledger_that_was_written_is_read_as_it_was() {
        let results =
            [compared("x\ny", Outcome::Panics), compared("z", Outcome::Refused), compared("kept(3)", Outcome::Fails)];
        let text = ledger("").text(results.iter());
        assert_eq!(text, "# refused\nz\n\n# panics\nx␤y\n");
        let again = ledger(&text);
        assert_eq!(
            again.listed,
            BTreeMap::from([("x\ny".to_owned(), Outcome::Panics), ("z".to_owned(), Outcome::Refused)])
        );
    }
}
