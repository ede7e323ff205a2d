//! Which definition made the rows of a table, and since when: what is computed again is held against the epochs of that definition only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::identity::EpochId;

/// The definition of a table that is in force in an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// What tells it from others: its query, and what else decides which rows come of which records.
    pub fingerprint: String,
    /// The first epoch that it was in force in, without a break until now.
    pub since: EpochId,
    /// What was before that epoch.
    pub before: Before,
}

/// What there was of a table before its definition came into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// Nothing: the table was new.
    Nothing,
    /// Rows of another definition, or of the same before the table left the job for some time.
    Another,
    /// Rows of which nobody noted what made them.
    Unknown,
}

/// What the commit before says of tables.
#[derive(Clone, Copy)]
pub struct Earlier<'a> {
    /// The definitions that it was made by; none if an engine that did not note them made it.
    pub definitions: &'a BTreeMap<String, Definition>,
    /// True if the table ever got anything.
    pub got_rows: &'a dyn Fn(&str) -> bool,
}

/// The definitions that a commit of `epoch` is made by, each with the epoch that it came into force in. `fingerprints` are those of the
/// job as it is; `earlier`: the commit before, if there is one.
pub fn in_force(
    fingerprints: &BTreeMap<String, String>,
    earlier: Option<Earlier<'_>>,
    epoch: EpochId,
) -> BTreeMap<String, Definition> {
    let definition = |(table, fingerprint): (&String, &String)| {
        let before = match &earlier {
            None => Before::Nothing,
            Some(Earlier { definitions, got_rows }) => match definitions.get(table) {
                Some(known) if known.fingerprint == *fingerprint => return (table.clone(), known.clone()),
                Some(_) => Before::Another,
                // It may have state of records that it has shown nothing of yet.
                None if definitions.is_empty() => Before::Unknown,
                None if got_rows(table) => Before::Another,
                None => Before::Nothing,
            },
        };
        (table.clone(), Definition { fingerprint: fingerprint.clone(), since: epoch, before })
    };
    fingerprints.iter().map(definition).collect()
}

#[cfg(test)]
mod tests;
