//! What a sink can take, and what a table therefore emits.

use job::OutputMode;

/// What a sink can take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Rows can be added.
    pub append: bool,
    /// A row can take the place of the one with its key.
    pub upsert: bool,
    /// A row can be taken away by its key.
    pub delete: bool,
    /// All rows of a bucket (a window, a share of the keys) can be replaced at once, so that a reader sees one row a key.
    pub replace_buckets: bool,
    /// The tables of one epoch become visible in one transaction.
    pub transaction_over_tables: bool,
}

/// How the rows of a table reach a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emission {
    /// Rows that are final, each once.
    Append,
    /// Whole buckets, whenever a row in one changed.
    ReplaceBuckets,
    /// Rows that changed, and keys that went.
    Upsert,
}

impl Capabilities {
    /// What a table in this mode emits to the sink; `None` if the sink cannot hold such a table.
    ///
    /// Whole buckets are preferred where both are possible: they need no key, and nothing is looked up.
    pub fn emission(&self, mode: OutputMode) -> Option<Emission> {
        match mode {
            OutputMode::Append => self.append.then_some(Emission::Append),
            OutputMode::Update | OutputMode::Complete if self.replace_buckets => Some(Emission::ReplaceBuckets),
            OutputMode::Update | OutputMode::Complete => (self.upsert && self.delete).then_some(Emission::Upsert),
        }
    }
}

#[cfg(test)]
mod tests;
