//! Every key of a job file but those of connectors: what it takes, what it means. The parser knows no other keys, and
//! `docs/job-file.md` is written from here.

mod key;
mod keys;
mod statics;
mod test_section;

pub use key::{Key, Part, Without};
pub(crate) use keys::{PLANNED, PLANNED_CONNECTORS};

/// The keys that a section may have, and what else they are called elsewhere.
#[derive(Debug, Clone)]
pub struct KeySet {
    part: Part,
    keys: Vec<&'static Key>,
    foreign_names: Vec<(&'static str, &'static str)>,
}

impl KeySet {
    /// The keys of a part that every job file has.
    pub(crate) fn of_part(part: Part) -> KeySet {
        KeySet { part, keys: keys(part).collect(), foreign_names: keys::FOREIGN_NAMES.to_vec() }
    }

    /// Those keys of a connector that stand in one part.
    pub fn of_connector(keys: &'static [Key], part: Part) -> KeySet {
        KeySet { part, keys: Vec::new(), foreign_names: Vec::new() }.with(keys, part, &[])
    }

    /// These, and those keys of a connector that stand in one part.
    #[must_use]
    pub(crate) fn with(
        mut self,
        keys: &'static [Key],
        part: Part,
        foreign_names: &[(&'static str, &'static str)],
    ) -> KeySet {
        // Right behind `connector`: which keys there are follows from it, and messages list them in this order.
        let at = self.keys.len().min(1);
        self.keys.splice(at..at, keys.iter().filter(|key| key.part == part));
        self.foreign_names.extend(foreign_names);
        self
    }

    /// The part of the file that they stand in.
    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// The key of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().copied().find(|key| key.name == name)
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }

    /// The key that Spark or others call by this name.
    pub(crate) fn by_foreign_name(&self, name: &str) -> Option<&'static str> {
        // Several keys may have one foreign name, `path` for example: the one that can stand here is meant.
        let mut fitting = self.foreign_names.iter().filter(|(_, ours)| self.get(ours).is_some());
        fitting.find(|(foreign, _)| foreign.eq_ignore_ascii_case(name)).map(|(_, ours)| *ours)
    }
}

/// All keys.
fn all() -> impl Iterator<Item = &'static Key> {
    keys::KEYS.iter().chain(statics::KEYS).chain(test_section::KEYS)
}

/// The keys of one part, in the order of the documentation.
pub fn keys(part: Part) -> impl Iterator<Item = &'static Key> {
    all().filter(move |key| key.part == part)
}

#[cfg(test)]
mod tests;
