//! Which file of a table's log is damaged: the library says that it could not read a table, not where.

use std::sync::Arc;

use bytes::Bytes;
use connector::SinkError;
use deltalake_core::DeltaTableError;
use deltalake_core::logstore::LogStoreRef;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::entry::{entry_version, summary_version};
use crate::error::reading_error;

/// Entries of a log that are looked through, the newest first: more are seldom read beside a summary.
const ENTRIES_LOOKED_THROUGH: usize = 1_000;

/// Sorts an error of loading a table. What lies in its log is looked at if that is at fault: the message names the file and what to do.
pub(crate) async fn loading_error(log: &LogStoreRef, place: &str, error: &DeltaTableError) -> SinkError {
    match reading_error(place, error) {
        SinkError::Data(text) => match damage(&log.object_store(None)).await {
            Some(damage) => SinkError::Data(text.reworded(|text| format!("{text}; {damage}"))),
            None => SinkError::Data(text),
        },
        other => other,
    }
}

/// The newest damaged file of a log, and what to do about it; `None` if there is none, or it cannot be looked at.
async fn damage(store: &Arc<dyn ObjectStore>) -> Option<String> {
    let folder = Path::from("_delta_log");
    let paths: Vec<Path> = store.list(Some(&folder)).map_ok(|object| object.location).try_collect().await.ok()?;
    let summarised = paths.iter().filter_map(summary_version).max();
    let mut entries: Vec<(i64, &Path)> = paths
        .iter()
        .filter_map(|path| Some((entry_version(path)?, path)))
        .filter(|(at, _)| Some(*at) >= summarised)
        .collect();
    entries.sort_unstable_by_key(|(version, _)| -version);
    if let Some(hole) = hole(&entries, summarised) {
        return Some(hole);
    }
    for (at, (version, path)) in entries.iter().take(ENTRIES_LOOKED_THROUGH).enumerate() {
        let Some(what) = entry_damage(&read(store, path).await?) else { continue };
        let mut remedy = "restore that file, or the whole table, from a copy".to_string();
        if at == 0 && *version > 0 {
            remedy.push_str(&format!(
                "; as it is the newest entry it may also be moved away: the table is at version {} then, and a job that writes it publishes \
                 again what it lacks",
                version - 1
            ));
        }
        return Some(format!("its log entry {path} is damaged: {what}; {remedy}"));
    }
    for path in paths.iter().filter(|path| summarised.is_some() && summary_version(path) == summarised) {
        let Some(what) = summary_damage(path, read(store, path).await?) else { continue };
        return Some(format!(
            "the summary of its log {path} is damaged: {what}; restore that file from a copy; if the entries before it are all there, it may \
             also be moved away together with {folder}/_last_checkpoint"
        ));
    }
    None
}

/// The newest entries that are missing between those that are there, or before the first one if nothing summarises what was before it.
fn hole(entries: &[(i64, &Path)], summarised: Option<i64>) -> Option<String> {
    let before = entries.windows(2).map(|pair| (pair[0], pair[1].0));
    let first = entries.last().filter(|_| summarised.is_none()).map(|first| (*first, -1));
    let ((version, path), last) = before.chain(first).find(|((version, _), before)| *version != before + 1)?;
    let (from, until) = (last + 1, version - 1);
    let what = if from == until { format!("entry {from}") } else { format!("entries {from} to {until}") };
    Some(format!("its log has lost {what} before {path}: restore what is lost, or the whole table, from a copy"))
}

async fn read(store: &Arc<dyn ObjectStore>, path: &Path) -> Option<Bytes> {
    store.get(path).await.ok()?.bytes().await.ok()
}

fn entry_damage(bytes: &[u8]) -> Option<String> {
    if bytes.trim_ascii().is_empty() {
        return Some("it is empty".to_string());
    }
    let lines = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let mut damaged = lines.filter_map(|(at, line)| {
        let read = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(line);
        Some(format!("line {} is no action ({})", at + 1, read.err()?))
    });
    damaged.next()
}

fn summary_damage(path: &Path, bytes: Bytes) -> Option<String> {
    match path.extension() {
        Some("json") => entry_damage(&bytes),
        _ => ParquetRecordBatchReaderBuilder::try_new(bytes).err().map(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests;
