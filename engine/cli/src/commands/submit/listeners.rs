//! The three forms in which a run's progress is shown.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runtime::{EpochProgress, ProgressListener, TableProgress};

use super::write_line;
use crate::show::Side::{Left, Right};
use crate::show::{count, counted, instant_or_dash, table, whole};
use crate::terminal;

/// One JSON object for each epoch.
pub struct Json<W> {
    out: W,
    stop: Arc<AtomicBool>,
}

impl<W: Write + Send> Json<W> {
    /// Writes to `out`, and sets `stop` when nobody reads it any more.
    pub fn new(out: W, stop: Arc<AtomicBool>) -> Self {
        Json { out, stop }
    }
}

impl<W: Write + Send> ProgressListener for Json<W> {
    fn epoch(&mut self, progress: &EpochProgress) {
        if let Err(error) = write_line(&mut self.out, &progress.to_json()) {
            // As with any command of a pipeline whose reader has seen enough; the epoch itself is published.
            if error.kind() != io::ErrorKind::BrokenPipe {
                tracing::error!(%error, "the progress cannot be written; the job stops in order");
            }
            self.stop.store(true, Ordering::SeqCst);
        }
    }

    fn note(&mut self, text: &str) {
        tracing::info!("{text}");
    }
}

/// One log line for each epoch.
pub struct Lines;

impl ProgressListener for Lines {
    fn epoch(&mut self, progress: &EpochProgress) {
        tracing::info!("{}", epoch_line(progress));
    }

    fn note(&mut self, text: &str) {
        tracing::info!("{text}");
    }
}

fn epoch_line(progress: &EpochProgress) -> String {
    let written: Vec<String> = progress
        .tables
        .iter()
        .filter(|table| table.written > 0)
        .map(|table| format!("{} {}", table.name, count(table.written)))
        .collect();
    format!(
        "epoch {}: {} in {} ms ({}/s), lag {}, watermark {}, rejected {}, late {}; rows: {}",
        progress.epoch,
        counted(progress.rows_read, "record"),
        progress.duration_ms,
        whole(progress.rows_per_second),
        count(progress.lag),
        instant_or_dash(progress.watermark_us),
        count(progress.rejected),
        count(progress.late),
        if written.is_empty() { "none".to_owned() } else { written.join(", ") }
    )
}

/// One live line for each table, redrawn with each epoch.
#[derive(Default)]
pub struct Live {
    totals: BTreeMap<String, Totals>,
    records: u64,
}

/// What a table got since the run began.
#[derive(Default, Clone, Copy)]
struct Totals {
    written: u64,
    rejected: u64,
    late: u64,
}

impl ProgressListener for Live {
    fn epoch(&mut self, progress: &EpochProgress) {
        terminal::draw(&self.lines(progress));
    }

    fn note(&mut self, text: &str) {
        terminal::line(text);
    }
}

impl Live {
    /// The lines after this epoch. Rates are of the epoch, counts of the run.
    fn lines(&mut self, progress: &EpochProgress) -> Vec<String> {
        self.records += progress.rows_read;
        for TableProgress { name, written, late, rejected, .. } in &progress.tables {
            let totals = self.totals.entry(name.clone()).or_default();
            totals.written += written;
            totals.late += late;
            totals.rejected += rejected;
        }
        let seconds = (progress.duration_ms.max(1)) as f64 / 1000.0;
        let rows: Vec<Vec<String>> = progress
            .tables
            .iter()
            .map(|table| {
                let totals = self.totals.get(&table.name).copied().unwrap_or_default();
                vec![
                    table.name.clone(),
                    progress.epoch.to_string(),
                    whole(table.written as f64 / seconds),
                    count(totals.written),
                    count(progress.lag),
                    instant_or_dash(progress.watermark_us),
                    count(totals.rejected),
                    count(totals.late),
                ]
            })
            .collect();
        let columns = [
            ("table", Left),
            ("epoch", Right),
            ("rows/s", Right),
            ("rows", Right),
            ("lag", Right),
            ("watermark", Left),
            ("rejected", Right),
            ("late", Right),
        ];
        let mut lines = vec![format!(
            "{}: {} read, {} records/s, {} ms an epoch",
            progress.job,
            counted(self.records, "record"),
            whole(progress.rows_per_second),
            progress.duration_ms
        )];
        lines.extend(table(&columns, &rows));
        lines
    }
}

#[cfg(test)]
mod tests;
