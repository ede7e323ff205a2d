//! The bounded range of the topics that a drill reads, pinned so that every run reads the same and in the same epochs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{PlanRequest, Registry, SourceError};
use epoch::Split;
use epoch::offsets::{OffsetRange, OffsetRanges, Offsets, offset_ranges, spread_limit};
use job::Job;

use crate::options::DrillOptions;

/// What a drill reads.
#[derive(Debug, Clone)]
pub struct Scope {
    /// `--set` values that pin it.
    pub sets: Vec<(String, String)>,
    /// Offsets in it, over all sources: as many records, where no transaction or compaction left gaps.
    pub records: u64,
    /// Its partitions, for a reader.
    pub partitions: String,
}

/// Reads the job file as the engine will, with more values put over it.
pub fn read_job(options: &DrillOptions, more: &[(String, String)]) -> Result<Job, String> {
    let name = options.job_file.display().to_string();
    let text = std::fs::read_to_string(&options.job_file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let sets = [options.sets.as_slice(), more].concat();
    job::parse(&name, &text, &sets, &|name| std::env::var(name).ok(), options.connectors)
        .map_err(|problems| problems.render(false))
}

/// Takes the newest records of each source, in proportion to what its partitions hold.
pub fn bound(job: &Job, options: &DrillOptions, connectors: &Registry) -> Result<Scope, String> {
    let share = (options.records / job.sources.len().max(1) as u64).max(1);
    let mut scope = Scope { sets: general(job), records: 0, partitions: String::new() };
    let mut described = Vec::new();
    for (name, source) in &job.sources {
        let from_start = (key_of(name, "starting_offsets"), quoted("earliest"));
        let whole = read_job(options, &[from_start, set("job.name", &quoted(&drill_name(job)))])?;
        let newest = newest(&available(&whole, name, connectors)?, share);
        let records: u64 = newest.iter().map(|(_, range)| range.span()).sum();
        if records == 0 {
            let topics: BTreeSet<String> = newest.iter().map(|(split, _)| split.stream).collect();
            return Err(format!(
                "source {name}: its topic holds no records to drill with ({})\n  send some first: engine generate ecommerce --topic NAME",
                topics.into_iter().collect::<Vec<_>>().join(", ")
            ));
        }
        scope.records += records;
        described.push(format!("source {name} ({} partitions)", newest.len()));
        let limit = records.div_ceil(options.epochs.max(1)).max(1);
        scope.sets.extend(pinned(name, &newest, limit, source.watermark.is_some()));
    }
    scope.partitions = described.join(", ");
    Ok(scope)
}

/// All that a source of a job holds, split by split.
fn available(job: &Job, source: &str, connectors: &Registry) -> Result<OffsetRanges, String> {
    let text = |error: SourceError| error.to_string();
    let settings = job.sources.get(source).ok_or_else(|| format!("the job has no source {source}"))?;
    let source = connectors.source(settings, job).map_err(text)?;
    let all = PlanRequest { position: None, identity: None, reported: &[], records_max: None, is_bounded: true };
    let plan = source.planner(&Arc::default()).and_then(|mut planner| planner.plan(&all)).map_err(text)?;
    Ok(offset_ranges(&plan.ranges))
}

fn newest(there: &OffsetRanges, records: u64) -> OffsetRanges {
    let shares = spread_limit(there, Some(records));
    let from_end = |(split, range): (Split, &OffsetRange)| {
        let take = shares.get(&split).map_or(0, OffsetRange::span);
        (split, OffsetRange { from: range.until - i64::try_from(take).unwrap_or(0), until: range.until })
    };
    there.iter().map(from_end).collect()
}

fn drill_name(job: &Job) -> String {
    // A name of its own keeps the job's consumer group, which lag tools watch, as it is.
    format!("{}-drill", job.name)
}

fn general(job: &Job) -> Vec<(String, String)> {
    vec![
        set("job.name", &quoted(&drill_name(job))),
        set("job.trigger", "\"asap\""),
        // All of a run's commits are needed for its books.
        set("job.retain_epochs", "1000000"),
    ]
}

fn pinned(source: &str, ranges: &OffsetRanges, limit: u64, has_watermark: bool) -> Vec<(String, String)> {
    let key = |key: &str| key_of(source, key);
    let offsets = |pick: fn(&OffsetRange) -> i64| -> Offsets {
        ranges.iter().map(|(split, range)| (split, pick(range))).collect()
    };
    let mut sets = vec![
        (key("starting_offsets"), inline_table(&offsets(|range| range.from))),
        (key("ending_offsets"), inline_table(&offsets(|range| range.until))),
        (key("max_offsets_per_trigger"), limit.to_string()),
    ];
    if has_watermark {
        // Which partitions are idle depends on the clock on the wall; here the same rows must come out every time.
        sets.push((key("watermark.idle_timeout"), "\"none\"".to_owned()));
    }
    sets
}

fn set(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// The name of a source's key, as `--set` takes it.
fn key_of(source: &str, key: &str) -> String {
    format!("source.{}.{key}", quoted(source))
}

/// Offsets as TOML writes them on one line.
fn inline_table(offsets: &Offsets) -> String {
    let partitions = |partitions: &BTreeMap<i32, i64>| {
        let entries: Vec<String> =
            partitions.iter().map(|(partition, offset)| format!("\"{partition}\" = {offset}")).collect();
        format!("{{ {} }}", entries.join(", "))
    };
    let topics: Vec<String> =
        offsets.0.iter().map(|(topic, of_topic)| format!("{} = {}", quoted(topic), partitions(of_topic))).collect();
    format!("{{ {} }}", topics.join(", "))
}

/// A string of TOML. JSON's escapes are TOML's, too.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
