//! Accounting at a run's end: what the checkpoint says was read and written is what the tables hold.

use std::collections::BTreeMap;
use std::path::Path;

use epoch::{EpochId, Ranges, RowCounts, SourceTime};
use state::Checkpoint;

use crate::rows::Tables;

/// The sums of a run over all its epochs.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Records by source.
    pub sources: BTreeMap<String, RowCounts>,
    /// Rows by table.
    pub tables: BTreeMap<String, RowCounts>,
    /// Rows in the files of each table that the commits left.
    pub rows: BTreeMap<String, i64>,
    /// Rows of each table as the newest commit counts them, where it does.
    counted: BTreeMap<String, u64>,
    /// The places that got something, by epoch.
    pub touched: BTreeMap<u64, Vec<String>>,
    /// Epochs committed.
    pub epochs: u64,
    /// What each epoch read, and what time it was for it.
    cuts: Vec<(BTreeMap<String, Ranges>, BTreeMap<String, SourceTime>)>,
}

impl Books {
    /// Adds up the commits of a checkpoint that nobody uses.
    pub fn read(checkpoint: &Path) -> Result<Books, String> {
        let reader = Checkpoint::open_read_only(checkpoint).map_err(|error| error.to_string())?;
        let mut books = Books::default();
        let mut last = None;
        for commit in reader.commits(EpochId(0)..=EpochId(u64::MAX)).map_err(|error| error.to_string())? {
            let commit = commit.map_err(|error| error.to_string())?;
            debug_assert!(last.is_none_or(|last| last < commit.plan.epoch), "epoch {} twice", commit.plan.epoch);
            last = Some(commit.plan.epoch);
            books.epochs += 1;
            let ranges = commit.plan.sources.iter().map(|(name, plan)| (name.clone(), plan.ranges.clone()));
            books.cuts.push((ranges.collect(), commit.plan.times.clone()));
            for (name, counts) in &commit.sources {
                books.sources.entry(name.clone()).or_default().add(counts);
            }
            let touched = commit.tables.iter().filter(|(_, table)| table.changes_rows());
            books.touched.insert(commit.plan.epoch.0, touched.map(|(name, _)| name.clone()).collect());
            for (name, table) in &commit.tables {
                books.tables.entry(name.clone()).or_default().add(&table.counts);
                let rows = |files: &[epoch::StagedFile]| files.iter().map(|file| file.rows.cast_signed()).sum::<i64>();
                *books.rows.entry(name.clone()).or_default() += rows(&table.added) - rows(&table.removed);
            }
            let counted = commit.sinks.iter().filter_map(|(name, link)| Some((name.clone(), link.rows?.rows)));
            books.counted = counted.collect();
        }
        Ok(books)
    }

    /// True if its epochs read what those of another run read, by the same watermarks.
    pub fn is_cut_like(&self, other: &Books) -> bool {
        self.cuts == other.cuts
    }

    /// What does not add up, against the tables and against the undisturbed run; `None` if all does.
    pub fn breach(&self, tables: &Tables, undisturbed: &Books) -> Option<String> {
        let mut breaches = Vec::new();
        for (name, expected) in &undisturbed.sources {
            let counts = self.sources.get(name).copied().unwrap_or_default();
            if (counts.read, counts.rejected) != (expected.read, expected.rejected) {
                breaches.push(format!(
                    "source {name}: read {} records, {} rejected; undisturbed {} and {}",
                    counts.read, counts.rejected, expected.read, expected.rejected
                ));
            }
        }
        for (name, rows) in &tables.by_name {
            let (in_table, in_commits) = (rows.keys.len() as i64, self.rows.get(name).copied().unwrap_or_default());
            if in_table != in_commits {
                breaches.push(format!("{name} holds {in_table} rows, its commits say {in_commits}"));
            }
        }
        for (name, rows) in &self.rows {
            let counted = self.counted.get(name).map_or(0, |counted| counted.cast_signed());
            if counted != *rows {
                breaches.push(format!("{name}: the last commit counts {counted} rows, all commits together {rows}"));
            }
        }
        for (name, counts) in &self.tables {
            breaches.extend(counts.balance(name).err().map(|breach| breach.to_string()));
        }
        (!breaches.is_empty()).then(|| breaches.join("\n"))
    }

    /// For each table that keeps its source's records one by one: rows + rejected = records. What the reader can check by hand.
    pub fn proofs(&self, tables: &Tables) -> Vec<String> {
        let mut proofs = Vec::new();
        for (source, read) in &self.sources {
            for (name, counts) in &self.tables {
                let keeps_all =
                    counts.read == read.read && counts.written == counts.emitted && counts.late + counts.filtered == 0;
                let rows = tables.by_name.get(name).map_or(0, |rows| rows.keys.len() as u64);
                if keeps_all && rows + read.rejected == read.read && rows > 0 {
                    proofs.push(format!(
                        "{name}: {rows} rows + {} rejected = {} records of {source}",
                        read.rejected, read.read
                    ));
                }
            }
        }
        proofs
    }
}
