//! A job with its data and its fate: what a seed stands for, and what is made smaller when it fails.

use std::fmt::Write;

use chrono::DateTime;
use epoch::Step;
use runtime::StepSide;
use testkit::MemoryRecord;

use crate::query::{Query, STATIC};

pub const SECOND: i64 = 1_000_000;
/// When the first rows happened: 2026-01-01T00:00:00Z.
pub const BEGIN_US: i64 = 1_767_225_600 * SECOND;
/// Names of the sources.
pub const SOURCES: [&str; 2] = ["a", "b"];

/// One row of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub id: i64,
    pub us: Option<i64>,
    pub k: Option<String>,
    pub g: Option<i64>,
    pub v: Option<i64>,
    pub x: Option<f64>,
}

impl Row {
    pub fn record(&self) -> MemoryRecord {
        let mut text = format!("{{\"id\":{}", self.id);
        if let Some(us) = self.us {
            let _ = write!(text, ",\"ts\":\"{}\"", instant(us));
        }
        if let Some(k) = &self.k {
            let _ = write!(text, ",\"k\":\"{k}\"");
        }
        if let Some(g) = self.g {
            let _ = write!(text, ",\"g\":{g}");
        }
        if let Some(v) = self.v {
            let _ = write!(text, ",\"v\":{v}");
        }
        if let Some(x) = self.x {
            let _ = write!(text, ",\"x\":{x}");
        }
        MemoryRecord::of(text + "}")
    }
}

pub fn instant(us: i64) -> String {
    DateTime::from_timestamp_micros(us).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// A row of the static table.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticRow {
    pub k: Option<String>,
    /// No two rows of a version have the same.
    pub n: i64,
    pub c: Option<i64>,
}

/// When the static table is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    Never,
    OnChange,
    After(i64),
}

/// The static table of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Static {
    pub refresh: Refresh,
    /// What it holds one after the other.
    pub versions: Vec<Vec<StaticRow>>,
}

/// What arrives together, and what happens to the engine meanwhile.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Act {
    /// Source, partition, row.
    pub rows: Vec<(usize, u16, Row)>,
    /// Microseconds that pass before it.
    pub passes_us: i64,
    /// The engine ends in order and begins again first.
    pub restarts: bool,
    /// The engine is killed in the epoch, before (false) or after a step; several times, one after the other.
    pub kills: Vec<(Step, bool)>,
    /// An epoch runs even if there is nothing to do.
    pub demands: bool,
    /// The static table gets its next version first.
    pub refreshes: bool,
}

impl Act {
    pub fn side(after: bool) -> StepSide {
        if after { StepSide::After } else { StepSide::Before }
    }
}

/// A source of the job.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub delay_us: i64,
    /// One watermark for all partitions, as in Spark; otherwise the slowest partition's.
    pub is_scope_source: bool,
    pub idle_us: Option<i64>,
    pub records_max: Option<u64>,
    /// Rows dated further ahead are rejected.
    pub future_limit_us: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Append,
    Update,
    Complete,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::Append => "append",
            Mode::Update => "update",
            Mode::Complete => "complete",
        }
    }
}

/// A table of the job.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub name: String,
    pub mode: Mode,
    pub query: Query,
    /// Lines of the job file besides mode and sql.
    pub extra: String,
    /// False if only its last content is compared: what it holds meanwhile depends on when the engine emits rows.
    pub is_exact: bool,
    /// Late rows are kept in a table beside it.
    pub keeps_late: bool,
}

/// A job with its data and its fate.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub seed: u64,
    pub lanes: u32,
    pub sources: Vec<Source>,
    pub fixed: Option<Static>,
    /// The fastest source decides, not the slowest.
    pub is_policy_max: bool,
    pub no_data_epochs: bool,
    pub tables: Vec<Table>,
    pub acts: Vec<Act>,
}

impl Case {
    /// The job file.
    pub fn job_file(&self) -> String {
        let mut text =
            String::from("[job]\nname = \"oracle\"\ncheckpoint = \"nowhere\"\nwarehouse = \"nowhere-else\"\n");
        if self.is_policy_max {
            text.push_str("watermark_policy = \"max\"\n");
        }
        if !self.no_data_epochs {
            text.push_str("no_data_epochs = false\n");
        }
        for (at, source) in self.sources.iter().enumerate() {
            let name = SOURCES[at];
            let idle = source.idle_us.map_or("none".to_string(), duration);
            let scope = if source.is_scope_source { "source" } else { "partition" };
            let future = source.future_limit_us.map_or("none".to_string(), duration);
            let _ = write!(
                text,
                "\n[source.{name}]\nconnector = \"kafka\"\nbrokers = \"127.0.0.1:1\"\ntopic = \"{name}\"\n\
                 watermark = {{ column = \"ts\", delay = \"{}\", idle_timeout = \"{idle}\", scope = \"{scope}\", future_limit = \"{future}\" }}\n",
                duration(source.delay_us),
            );
            if let Some(most) = source.records_max {
                let _ = writeln!(text, "max_offsets_per_trigger = {most}");
            }
            let _ = write!(
                text,
                "[source.{name}.schema]\nid = \"bigint\"\nts = \"timestamp\"\nk = \"string\"\ng = \"bigint\"\nv = \"bigint\"\nx = \"double\"\n"
            );
        }
        if let Some(fixed) = &self.fixed {
            let refresh = match fixed.refresh {
                Refresh::Never => "never".to_string(),
                Refresh::OnChange => "on_change".to_string(),
                Refresh::After(us) => duration(us),
            };
            let _ = write!(
                text,
                "\n[static.{STATIC}]\npath = \"nowhere/s.json\"\nrefresh = \"{refresh}\"\n[static.{STATIC}.schema]\nk = \"string\"\nn = \"bigint\"\nc = \"bigint\"\n"
            );
        }
        for table in &self.tables {
            let sql = table.query.engine_sql(self);
            let _ = writeln!(text, "\n[table.{}]\nmode = \"{}\"", table.name, table.mode.name());
            if let Query::Deduplicated { keys, within_us, .. } = &table.query {
                let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
                let within = match within_us {
                    Some(us) => format!(", within = \"{}\"", duration(*us)),
                    None if keys.iter().any(|key| key.contains("ts")) => String::new(),
                    None => ", within = \"ever\"".to_string(),
                };
                let _ = writeln!(text, "deduplicate = {{ keys = [{}]{within} }}", keys.join(", "));
            }
            if table.keeps_late {
                text.push_str("late = \"table\"\n");
            }
            let _ = writeln!(text, "{}sql = '''{sql}'''", table.extra);
        }
        text
    }

    /// Everything that happens, for people to read.
    pub fn story(&self) -> String {
        let mut text = format!("lanes {}\n", self.lanes);
        let mut version = 0;
        let shown = |version: usize| self.fixed.as_ref().map(|fixed| format!("{:?}", fixed.versions[version]));
        if let Some(rows) = shown(0) {
            let _ = writeln!(text, "static table: {rows}");
        }
        for (at, act) in self.acts.iter().enumerate() {
            let _ = write!(text, "step {at}:");
            if act.passes_us > 0 {
                let _ = write!(text, " {} pass;", duration(act.passes_us));
            }
            if act.refreshes {
                version += 1;
                let _ = write!(text, " static table: {};", shown(version).unwrap_or_default());
            }
            if act.restarts {
                text.push_str(" restart;");
            }
            for (step, after) in &act.kills {
                let _ = write!(text, " killed {} {};", if *after { "after" } else { "before" }, step.name());
            }
            if act.demands {
                text.push_str(" an epoch is demanded;");
            }
            text.push('\n');
            for (source, partition, row) in &act.rows {
                let record = row.record().value.unwrap_or_default();
                let _ = writeln!(text, "  {}[{partition}] {}", SOURCES[*source], String::from_utf8_lossy(&record));
            }
        }
        text
    }
}

/// A duration as job files and SQL write it.
pub fn duration(us: i64) -> String {
    match us {
        0 => "0 seconds".to_string(),
        us if us % (86_400 * SECOND) == 0 => format!("{} days", us / 86_400 / SECOND),
        us if us % (60 * SECOND) == 0 => format!("{} minutes", us / 60 / SECOND),
        us if us % SECOND == 0 => format!("{} seconds", us / SECOND),
        us => format!("{} milliseconds", us / 1000),
    }
}
