//! What a sink can take, and how a table is therefore written to it.

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
    /// The tables of one epoch become visible in one transaction: a reader sees all of them or none.
    pub transaction_over_tables: bool,
    /// How often the rows of a commit reach it, if the job dies on the way.
    pub delivery: Delivery,
}

/// How often the rows of a commit reach a sink.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// The place keeps no record of its own that moves with the rows: after a crash the last commit may come again.
    #[default]
    AtLeastOnce,
    /// The place says which commit it holds, and takes the next one only behind that.
    ExactlyOnce,
}

/// How the rows of a table are written to a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// Rows that are final, each once.
    Append,
    /// Whole buckets, whenever a row in one changed.
    ReplaceBuckets,
    /// Rows that changed, and keys that went.
    Upsert,
}

impl Capabilities {
    /// Those of tables made of files: rows are added, whole files are replaced.
    pub const FILES: Capabilities = Capabilities {
        append: true,
        upsert: false,
        delete: false,
        replace_buckets: true,
        transaction_over_tables: false,
        delivery: Delivery::ExactlyOnce,
    };

    /// How a table in this mode is written, if its rows change (`is_changing`) or not; `None` if the sink cannot hold it.
    ///
    /// Whole buckets are preferred where both are possible: they need no key, and nothing is looked up.
    pub fn write_mode(&self, mode: OutputMode, is_changing: bool) -> Option<WriteMode> {
        match (mode, is_changing) {
            (OutputMode::Append, _) | (_, false) => self.append.then_some(WriteMode::Append),
            _ if self.replace_buckets => Some(WriteMode::ReplaceBuckets),
            _ => (self.upsert && self.delete).then_some(WriteMode::Upsert),
        }
    }
}

#[cfg(test)]
mod tests;
