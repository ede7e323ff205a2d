//! What a run reports while it goes on: one record an epoch, in the field names of Spark's StreamingQueryProgress.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::event_times::EventTimes;

/// Takes what a run reports. Called on the planning thread.
pub trait ProgressListener: Send {
    /// An epoch was planned.
    fn planned(&mut self, _epoch: u64) {}

    /// An epoch was published.
    fn epoch(&mut self, progress: &EpochProgress);

    /// Something to report that is not an epoch: recovery, idleness.
    fn note(&mut self, _text: &str) {}

    /// The job reads nothing for now, and why: said again every few seconds for as long as that is so. It stands in the log already, and
    /// in the report of the next epoch.
    fn waiting(&mut self, _reason: &str) {}
}

/// One table in one epoch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableProgress {
    /// Name of the table.
    pub name: String,
    /// Rows written to it.
    pub written: u64,
    /// Rows too late for it.
    pub late: u64,
    /// Records rejected before it.
    pub rejected: u64,
    /// Rows that its query left out.
    pub filtered: u64,
    /// Watermark that its query went by, microseconds since 1970 UTC; `None` if its sources have none yet.
    pub watermark_us: Option<i64>,
}

/// One operator's state after an epoch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StateProgress {
    /// Name of the operator; it begins with that of its table.
    pub name: String,
    /// Name of the table that it belongs to.
    pub table: String,
    /// Rows kept; `None` if they are not known without reading the state.
    pub rows: Option<u64>,
    /// Rows added or changed in the epoch.
    pub updated: u64,
    /// Rows that went in the epoch.
    pub removed: u64,
    /// Rows that came too late for it.
    pub late: u64,
    /// Blocks of state.
    pub blocks: u64,
    /// Bytes of state, encoded.
    pub bytes: u64,
    /// Bytes of state in memory.
    pub memory_bytes: u64,
}

/// One source in one epoch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceProgress {
    /// Name of the source.
    pub name: String,
    /// What its kind is called.
    pub title: &'static str,
    /// Offsets where the epoch began, in Spark's JSON.
    pub start_offset: Value,
    /// Offsets where it ended.
    pub end_offset: Value,
    /// Newest offsets when it was planned.
    pub latest_offset: Value,
    /// Records read.
    pub rows_read: u64,
    /// Records behind the newest, summed over partitions, after this epoch.
    pub lag: u64,
    /// Event times of the records read; `None` without a watermark, or without a record that has one.
    pub event_times: Option<EventTimes>,
}

/// What an epoch waited for before anything of it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitProgress {
    /// How long, milliseconds.
    pub ms: u64,
    /// For what.
    pub reason: String,
}

/// One epoch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EpochProgress {
    /// Name of the job.
    pub job: String,
    /// What the kind of its warehouse is called.
    pub sink: &'static str,
    /// The checkpoint's id, the same for all runs.
    pub id: String,
    /// This run's id.
    pub run_id: String,
    /// The epoch.
    pub epoch: u64,
    /// When it began, microseconds since 1970 UTC.
    pub started_us: i64,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// Records read, rejected ones included.
    pub rows_read: u64,
    /// Records read a second since the epoch before began.
    pub input_rows_per_second: f64,
    /// Records read a second of the epoch's own time.
    pub rows_per_second: f64,
    /// Records rejected.
    pub rejected: u64,
    /// Rows too late, over all tables.
    pub late: u64,
    /// Watermark of the epoch, microseconds since 1970 UTC: that of the slowest source.
    pub watermark_us: Option<i64>,
    /// Event times of the records of all sources.
    pub event_times: Option<EventTimes>,
    /// Records behind the newest, over all sources.
    pub lag: u64,
    /// Milliseconds by step: Spark's names, then ours.
    pub durations_ms: Vec<(&'static str, u64)>,
    /// The tables.
    pub tables: Vec<TableProgress>,
    /// State by operator.
    pub state: Vec<StateProgress>,
    /// The sources.
    pub sources: Vec<SourceProgress>,
    /// What was waited for before it: too much was committed and not yet published.
    pub waited: Option<WaitProgress>,
}

impl EpochProgress {
    /// Takes in what publishing took, which is known only later.
    pub(crate) fn published_in(&mut self, spent_us: u64) {
        let publish_ms = spent_us / 1000;
        for (name, ms) in &mut self.durations_ms {
            match *name {
                "publish" => *ms = publish_ms,
                "triggerExecution" => *ms += publish_ms,
                _ => {}
            }
        }
    }

    /// One JSON object on one line.
    pub fn to_json(&self) -> String {
        let durations: Map<String, Value> =
            self.durations_ms.iter().map(|(name, ms)| ((*name).to_string(), json!(ms))).collect();
        let fields = [
            ("id", json!(self.id)),
            ("runId", json!(self.run_id)),
            ("name", json!(self.job)),
            ("timestamp", json!(instant(self.started_us))),
            ("batchId", json!(self.epoch)),
            ("batchDuration", json!(self.duration_ms)),
            ("numInputRows", json!(self.rows_read)),
            ("inputRowsPerSecond", json!(self.input_rows_per_second)),
            ("processedRowsPerSecond", json!(self.rows_per_second)),
            ("durationMs", Value::Object(durations)),
            ("eventTime", event_time_json(self.event_times, self.watermark_us)),
            ("stateOperators", Value::Array(self.state.iter().map(state_json).collect())),
            ("sources", Value::Array(self.sources.iter().map(|source| self.source_json(source)).collect())),
            ("sink", self.sink_json()),
            ("tables", Value::Array(self.tables.iter().map(table_json).collect())),
        ];
        // Written by hand, so that the fields stand in Spark's order and the first numInputRows is the epoch's.
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", body.join(","))
    }

    fn sink_json(&self) -> Value {
        let written = self.tables.iter().map(|table| table.written).sum::<u64>();
        let mut json = json!({"description": self.sink, "numOutputRows": written});
        if let Some(WaitProgress { ms, reason }) = &self.waited {
            json["metrics"] = json!({"waitedMs": ms.to_string(), "waitedFor": reason});
        }
        json
    }

    fn source_json(&self, source: &SourceProgress) -> Value {
        json!({
            "description": format!("{}[{}]", source.title, source.name),
            "startOffset": source.start_offset,
            "endOffset": source.end_offset,
            "latestOffset": source.latest_offset,
            "numInputRows": source.rows_read,
            "inputRowsPerSecond": self.input_rows_per_second,
            "processedRowsPerSecond": self.rows_per_second,
            "metrics": {"totalOffsetsBehindLatest": source.lag.to_string()},
            "eventTime": event_time_json(source.event_times, None),
        })
    }
}

/// Spark's `eventTime`: what is not known is left out.
fn event_time_json(times: Option<EventTimes>, watermark_us: Option<i64>) -> Value {
    let times = times.map(|times| [("max", times.max_us), ("min", times.min_us), ("avg", times.avg_us())]);
    let known = times.into_iter().flatten().chain(watermark_us.map(|us| ("watermark", us)));
    Value::Object(known.map(|(name, us)| (name.to_string(), json!(instant(us)))).collect())
}

fn state_json(state: &StateProgress) -> Value {
    let mut json = json!({
        "operatorName": "stateStoreSave",
        "name": state.name,
        "table": state.table,
        "numRowsUpdated": state.updated,
        "numRowsRemoved": state.removed,
        "numRowsDroppedByWatermark": state.late,
        "memoryUsedBytes": state.memory_bytes,
        "customMetrics": {"stateBlocks": state.blocks, "stateBytes": state.bytes},
    });
    if let Some(rows) = state.rows {
        json["numRowsTotal"] = json!(rows);
    }
    json
}

fn table_json(table: &TableProgress) -> Value {
    json!({
        "name": table.name,
        "eventTime": event_time_json(None, table.watermark_us),
        "numOutputRows": table.written,
        "numRowsDroppedByWatermark": table.late,
        "numRowsRejected": table.rejected,
        "numRowsFiltered": table.filtered,
    })
}

/// An instant as Spark writes it: ISO-8601, milliseconds, Z.
fn instant(us: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(us)
        .map_or_else(|| us.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests;
