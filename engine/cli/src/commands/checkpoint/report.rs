//! What `engine checkpoint show` says.

use std::collections::BTreeMap;

use epoch::offsets::split_lag;
use epoch::{Commit, EpochId, RowCounts, Split};
use state::{CheckpointReader, OperatorId, StateError};

use crate::show::Side::{Left, Right};
use crate::show::{bytes, count, counted, instant, instant_or_dash, table};

/// All of it, line by line.
///
/// # Errors
/// What is wrong with the checkpoint.
pub fn lines(reader: &CheckpointReader, epochs: u64) -> Result<Vec<String>, StateError> {
    let disk = bytes(reader.disk_bytes()?);
    let mut lines = vec![format!("job {}, checkpoint id {}, {disk} on disk", reader.job(), reader.job_id())];
    let Some(last) = reader.newest_commit()? else {
        lines.push("no epoch is committed yet".to_owned());
        return Ok(lines);
    };
    let newest = last.plan.epoch;
    let oldest = EpochId((newest.0 + 1).saturating_sub(epochs));
    let commits = reader.commits(oldest..=newest)?.collect::<Result<Vec<_>, _>>()?;
    let published = reader.published()?;
    lines.push(match &published {
        Some(published) => format!("last epoch: {newest}, published up to {}", published.epoch),
        None => format!("last epoch: {newest}, none known to be published"),
    });
    if let Some(attempt) = reader.attempt()?.filter(|attempt| attempt.epoch > newest) {
        lines.push(format!("epoch {} was begun and not committed: a start plans it afresh", attempt.epoch));
    }
    for (source, gaps) in reader.losses()? {
        lines.extend(gaps.iter().map(|epoch::DataGap { stream, partition, from, until, reason }| {
            format!("stopped for lost records of {source}: {stream} [{partition}] from {from} to {until}: {reason}")
        }));
    }
    let owner = reader.owner()?;
    if owner.term > 0 {
        lines.push(format!("claimed last by {owner}"));
    }
    section(&mut lines, format!("newest {}", counted(commits.len() as u64, "epoch")), epoch_table(&commits));
    section(&mut lines, format!("offsets after epoch {newest}"), offset_table(&last));
    if !last.set_aside.is_empty() {
        section(&mut lines, "kept aside: sources that are not in the job".to_owned(), aside_table(&last));
    }
    if !last.watermarks.is_empty() {
        section(&mut lines, format!("watermarks after epoch {newest}"), watermark_table(&last));
    }
    if !last.plan.statics.is_empty() {
        let versions =
            last.plan.statics.iter().map(|(name, version)| vec![name.clone(), version.clone()]).collect::<Vec<_>>();
        let body = table(&[("static table", Left), ("version", Left)], &versions);
        section(&mut lines, format!("static tables as epoch {newest} saw them"), body);
    }
    let versions = published.map(|published| published.versions).unwrap_or_default();
    let title = format!("tables: rows of these {}, and state now", counted(commits.len() as u64, "epoch"));
    section(&mut lines, title, tables_table(reader, &commits, &versions)?);
    Ok(lines)
}

fn section(lines: &mut Vec<String>, title: String, body: Vec<String>) {
    lines.push(String::new());
    lines.push(title);
    lines.extend(body);
}

/// Newest first.
fn epoch_table(commits: &[Commit]) -> Vec<String> {
    let rows: Vec<Vec<String>> = commits
        .iter()
        .rev()
        .map(|commit| {
            let read = total(commit.sources.values());
            let tables = total(commit.tables.values().map(|change| &change.counts));
            let files: usize = commit.tables.values().map(|change| change.added.len()).sum();
            vec![
                commit.plan.epoch.to_string(),
                instant(commit.plan.batch_time_us),
                count(read.read),
                count(read.rejected),
                count(tables.late),
                count(tables.written),
                count(files as u64),
                instant_or_dash(commit.plan.watermark_us),
            ]
        })
        .collect();
    let columns = [
        ("epoch", Right),
        ("batch time", Left),
        ("records", Right),
        ("rejected", Right),
        ("late", Right),
        ("rows written", Right),
        ("files", Right),
        ("watermark", Left),
    ];
    table(&columns, &rows)
}

fn total<'a>(all: impl Iterator<Item = &'a RowCounts>) -> RowCounts {
    let mut total = RowCounts::default();
    all.for_each(|counts| total.add(counts));
    total
}

fn offset_table(commit: &Commit) -> Vec<String> {
    let mut rows = Vec::new();
    for (source, plan) in &commit.plan.sources {
        for (split, range) in plan.ranges.iter() {
            let behind = plan.latest.get(&split).and_then(|latest| split_lag(range, latest));
            let Split { stream, partition } = split;
            rows.push(vec![
                source.clone(),
                stream,
                partition.to_string(),
                range.until.to_string(),
                behind.map_or_else(|| "-".to_owned(), count),
            ]);
        }
    }
    table(&[("source", Left), ("topic", Left), ("partition", Right), ("next", Right), ("behind", Right)], &rows)
}

fn aside_table(commit: &Commit) -> Vec<String> {
    let of_source = |(source, positions): (&String, &epoch::Positions)| {
        let row = |(split, position): (Split, &epoch::Position)| {
            vec![source.clone(), split.stream, split.partition.to_string(), position.to_string()]
        };
        positions.iter().map(row).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = commit.set_aside.iter().flat_map(of_source).collect();
    table(&[("source", Left), ("topic", Left), ("partition", Right), ("next", Right)], &rows)
}

fn watermark_table(commit: &Commit) -> Vec<String> {
    let mut rows = Vec::new();
    for (source, state) in &commit.watermarks {
        let slowest = state.partitions.iter().filter_map(|(_, clock)| clock.event_us_max).min();
        let newest = state.partitions.iter().filter_map(|(_, clock)| clock.event_us_max).max();
        rows.push(vec![
            source.clone(),
            instant_or_dash(state.watermark_us),
            instant_or_dash(newest),
            instant_or_dash(slowest),
        ]);
    }
    let columns =
        [("source", Left), ("watermark", Left), ("newest event", Left), ("newest of the slowest partition", Left)];
    table(&columns, &rows)
}

fn tables_table(
    reader: &CheckpointReader,
    commits: &[Commit],
    versions: &BTreeMap<String, i64>,
) -> Result<Vec<String>, StateError> {
    let mut totals: BTreeMap<&String, RowCounts> = BTreeMap::new();
    // An epoch names only the tables that it changes.
    for (name, change) in commits.iter().flat_map(|commit| &commit.tables) {
        totals.entry(name).or_default().add(&change.counts);
    }
    let mut rows = Vec::new();
    for (name, counts) in totals {
        let RowCounts { read, emitted, rejected, late, filtered, written } = counts;
        let mut row = vec![name.clone()];
        row.extend([read, emitted, rejected, late, filtered, written].map(count));
        row.push(versions.get(name).map_or_else(|| "-".to_owned(), i64::to_string));
        // A table's operator carries the table's name.
        let (mut blocks, mut size) = (0, 0);
        for entry in reader.bucket_index(OperatorId::of(name))? {
            blocks += 1;
            size += entry?.1;
        }
        row.push(if blocks == 0 { "-".to_owned() } else { format!("{} in {}", bytes(size), counted(blocks, "block")) });
        rows.push(row);
    }
    let columns = [
        ("table", Left),
        ("read", Right),
        ("emitted", Right),
        ("rejected", Right),
        ("late", Right),
        ("filtered", Right),
        ("written", Right),
        ("version", Right),
        ("state", Left),
    ];
    Ok(table(&columns, &rows))
}
