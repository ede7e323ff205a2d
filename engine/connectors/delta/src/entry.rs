//! One entry of a table's log: the actions of a commit as Delta writes them, and what to look for in a foreign one.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use connector::{Message, SinkError};
use deltalake_core::kernel::{Action, Add, CommitInfo, Metadata, Protocol, Remove, Transaction};
use epoch::{Commit, SplitIdentities, StagedFile, TableCommit};
use object_store::path::Path;
use serde::Deserialize;
use serde_json::json;

use crate::record::{Applications, Record};

/// Path of the entry that makes `version`, relative to the table.
pub(crate) fn entry_path(version: i64) -> Path {
    Path::from(format!("_delta_log/{version:020}.json"))
}

/// The version that an entry makes: `00000000000000000010.json`.
pub(crate) fn entry_version(path: &Path) -> Option<i64> {
    let version = path.filename()?.strip_suffix(".json")?;
    version.parse().ok().filter(|_| version.len() == 20)
}

/// The version of which a file is the summary, or a part of it: `00000000000000000010.checkpoint.parquet`.
pub(crate) fn summary_version(path: &Path) -> Option<i64> {
    let (version, kind) = path.filename()?.split_once(".checkpoint")?;
    let is_summary = version.len() == 20 && (kind.ends_with(".parquet") || kind.ends_with(".json"));
    version.parse().ok().filter(|_| is_summary)
}

/// The time that a log entry carries, milliseconds since 1970 UTC. No row depends on it: vacuum and time travel by date count from it.
pub(crate) fn log_time_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "bookkeeping of the table's log, not a time of the epoch")]
    chrono::Utc::now().timestamp_millis()
}

/// The entry of a commit: the job's record, what it had read by then, removed files, added files.
pub(crate) fn commit_entry(
    apps: &Applications,
    (record, commit): (&Record, &Commit),
    read_version: i64,
    change: &TableCommit,
    time_ms: i64,
) -> Result<Bytes, SinkError> {
    let mode = if change.removed.is_empty() { "Append" } else { "Update" };
    let touched: Vec<&String> =
        commit.tables.iter().filter(|(_, table)| table.changes_rows()).map(|(name, _)| name).collect();
    let parameters = [
        ("outputMode", json!(mode)),
        ("queryId", json!(apps.epoch)),
        ("epochId", json!(record.commit.epoch.0.to_string())),
        ("sinks", json!(touched)),
    ];
    // Spark's name for what its streams commit, so that tools show ours alike.
    let mut actions =
        vec![commit_info("STREAMING UPDATE", &parameters, read_version, change.removed.is_empty(), time_ms)];
    actions.extend(transactions(apps.of_record(record), time_ms));
    actions.extend(transactions(apps.of_positions(commit), time_ms));
    actions.extend(change.removed.iter().map(|file| Action::Remove(remove(file, time_ms))));
    actions.extend(change.added.iter().map(|file| Action::Add(add(file, time_ms))));
    lines(&actions)
}

/// The entry that sets the job's record, and changes nothing else.
pub(crate) fn record_entry(
    apps: &Applications,
    record: &Record,
    read_version: i64,
    time_ms: i64,
) -> Result<Bytes, SinkError> {
    let parameters = [("queryId", json!(apps.epoch)), ("epochId", json!(record.commit.epoch.0.to_string()))];
    let mut actions = vec![commit_info("STREAMING UPDATE", &parameters, read_version, false, time_ms)];
    actions.extend(transactions(apps.of_record(record), time_ms));
    lines(&actions)
}

fn transactions(of: Vec<(String, i64)>, time_ms: i64) -> impl Iterator<Item = Action> {
    of.into_iter()
        .map(move |(app, version)| Action::Txn(Transaction::new_with_last_update(app, version, Some(time_ms))))
}

/// The first entry of a table: its definition, readable by the oldest readers.
pub(crate) fn create_entry(metadata: Metadata, time_ms: i64) -> Result<Bytes, SinkError> {
    let protocol: Protocol =
        serde_json::from_value(json!({"minReaderVersion": 1, "minWriterVersion": 2})).map_err(|error| {
            SinkError::Internal(Message::caused_by(format!("the protocol of a new table: {error}"), &error))
        })?;
    lines(&[
        commit_info("CREATE TABLE", &[], -1, true, time_ms),
        Action::Protocol(protocol),
        Action::Metadata(metadata),
    ])
}

/// The entry that changes a table's definition; `operation` is Delta's name of what it does.
pub(crate) fn definition_entry(
    operation: &str,
    metadata: Metadata,
    read_version: i64,
    time_ms: i64,
) -> Result<Bytes, SinkError> {
    lines(&[commit_info(operation, &[], read_version, false, time_ms), Action::Metadata(metadata)])
}

fn commit_info(
    operation: &str,
    parameters: &[(&str, serde_json::Value)],
    read_version: i64,
    blind: bool,
    time_ms: i64,
) -> Action {
    Action::CommitInfo(CommitInfo {
        timestamp: Some(time_ms),
        operation: Some(operation.to_string()),
        operation_parameters: Some(
            parameters.iter().map(|(name, value)| ((*name).to_string(), value.clone())).collect(),
        ),
        read_version: u64::try_from(read_version).ok(),
        is_blind_append: Some(blind),
        engine_info: Some(concat!("engine/", env!("CARGO_PKG_VERSION")).to_string()),
        ..Default::default()
    })
}

fn add(file: &StagedFile, time_ms: i64) -> Add {
    Add {
        path: file.path.clone(),
        partition_values: HashMap::new(),
        size: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        modification_time: time_ms,
        data_change: true,
        stats: (!file.stats.is_empty()).then(|| file.stats.clone()),
        ..Default::default()
    }
}

fn remove(file: &StagedFile, time_ms: i64) -> Remove {
    Remove {
        path: file.path.clone(),
        data_change: true,
        deletion_timestamp: Some(time_ms),
        extended_file_metadata: Some(true),
        partition_values: Some(HashMap::new()),
        size: i64::try_from(file.bytes).ok(),
        ..Default::default()
    }
}

fn lines(actions: &[Action]) -> Result<Bytes, SinkError> {
    let mut text = String::new();
    for action in actions {
        let line = serde_json::to_string(action).map_err(|error| {
            SinkError::Internal(Message::caused_by(format!("an action of a commit: {error}"), &error))
        })?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text.into())
}

/// What matters to us in an entry that we may not have written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct EntryActions {
    /// Transactions: application and version.
    pub transactions: Vec<(String, i64)>,
    /// Files put into the table.
    pub added: Vec<String>,
    /// Files taken out of the table.
    pub removed: Vec<String>,
    /// True if columns, properties or the protocol changed.
    pub redefined: bool,
    /// What was done, in the words of whoever did it.
    pub operation: Option<String>,
    /// The tables that a commit of ours touched.
    pub touched: Vec<String>,
    /// What the splits were that a commit of ours had read, by source, where an engine wrote it that had no transactions for it.
    pub identities: BTreeMap<String, SplitIdentities>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<CommitInfoLine>,
    txn: Option<TransactionLine>,
    add: Option<FileLine>,
    remove: Option<FileLine>,
    meta_data: Option<serde::de::IgnoredAny>,
    protocol: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitInfoLine {
    operation: Option<String>,
    #[serde(default)]
    operation_parameters: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransactionLine {
    app_id: String,
    version: i64,
}

#[derive(Deserialize)]
struct FileLine {
    path: String,
}

/// Reads an entry; actions that do not concern us are passed over.
pub(crate) fn read_entry(bytes: &[u8]) -> Result<EntryActions, serde_json::Error> {
    let mut actions = EntryActions::default();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let line: Line = serde_json::from_slice(line)?;
        if let Some(info) = line.commit_info {
            let touched = info.operation_parameters["sinks"].as_array().cloned().unwrap_or_default();
            actions.touched.extend(touched.iter().filter_map(|name| name.as_str().map(str::to_string)));
            // Without it a commit still says all that it did before.
            let identities = info.operation_parameters["identities"].as_str();
            actions.identities = identities.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            actions.operation = info.operation;
        }
        actions.transactions.extend(line.txn.map(|txn| (txn.app_id, txn.version)));
        actions.added.extend(line.add.map(|add| add.path));
        actions.removed.extend(line.remove.map(|remove| remove.path));
        actions.redefined |= line.meta_data.is_some() || line.protocol.is_some();
    }
    Ok(actions)
}

/// An entry of a table's log that cannot be read.
pub(crate) fn unreadable_entry(table: &str, version: i64, error: &serde_json::Error) -> SinkError {
    let path = entry_path(version);
    SinkError::Data(format!(
        "log entry {version} of table {table} ({path}) cannot be read: {error}; restore that file, or the whole table, from a copy"
    ).into())
}

#[cfg(test)]
mod tests;
