//! What a table's log says of the past: our newest commit, what others did behind it, which checkpoints have written there.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use bytes::Bytes;
use connector::{Message, ReadByThen, SinkError};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use storage::{patiently, retried};

use crate::entry::{EntryActions, read_entry, summary_version};
use crate::record::{ReadUpTo, writer_of};
use crate::table::Table;

/// Entries of a log that are looked through for what others did behind our newest commit.
const ENTRIES_LOOKED_THROUGH: usize = 64;

impl Table {
    /// The newest entry of the log that is ours, and those of others behind it; as many as are looked through.
    async fn newest_own(&self, version: i64) -> Result<(Option<EntryActions>, Vec<(i64, EntryActions)>), SinkError> {
        let mut others = Vec::new();
        for version in (0..=version).rev().take(ENTRIES_LOOKED_THROUGH) {
            let Some(actions) = patiently(|| self.entry(version)).await? else { break };
            if self.shared.apps.find(&actions.transactions).is_some() {
                return Ok((Some(actions), others));
            }
            others.push((version, actions));
        }
        Ok((None, others))
    }

    /// The version in which another program restored an older one after our newest commit, if the table has other files now than that
    /// commit left in it: a restore may also bring back what another program had taken out.
    pub(crate) async fn restored(&self, version: i64) -> Result<Option<i64>, SinkError> {
        let (own, others) = self.newest_own(version).await?;
        let is_restore = |actions: &EntryActions| actions.operation.as_deref() == Some("RESTORE");
        let restored = others.iter().find(|(_, actions)| is_restore(actions)).map(|(version, _)| *version);
        Ok(restored.filter(|_| own.is_none() || have_other_files(&others)))
    }

    /// The version that our newest commit made, if others have changed the table since.
    pub(crate) async fn own_before_others(&self, version: i64) -> Option<i64> {
        let (_, others) = self.newest_own(version).await.ok().filter(|(own, _)| own.is_some())?;
        others.last().map(|(first, _)| first - 1)
    }

    /// What our newest commit in the log says of all that had been read by then.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`, `Data`.
    pub async fn read_by_then(&self) -> Result<Option<ReadByThen>, SinkError> {
        let head = self.shared.head.lock().await;
        let (Some(record), (Some(own), _)) = (head.record, self.newest_own(head.version).await?) else {
            return Ok(None);
        };
        let mut read = ReadByThen { commit: record.commit, touched: own.touched, ..ReadByThen::default() };
        let mut fields = Vec::new();
        // The entry of a record that was adopted says nothing of what was read.
        for (app, number) in &own.transactions {
            match self.shared.apps.position_of(app) {
                Some(ReadUpTo::Offset(source, split)) => {
                    read.positions.entry(source).or_default().insert(split, (*number).into());
                }
                Some(ReadUpTo::Watermark(source)) => {
                    read.watermarks_us.insert(source, *number);
                }
                Some(ReadUpTo::Identity(field)) => fields.push((field, *number)),
                None => {}
            }
        }
        fields.iter().for_each(|(field, number)| field.add_to(&mut read.identities, &read.positions, *number));
        if read.identities.is_empty() {
            // An engine of before had them elsewhere.
            read.identities = own.identities;
        }
        Ok(Some(read).filter(|read| !read.positions.is_empty()))
    }

    /// A checkpoint that has epochs in the table, of this job or another: its job and its id.
    ///
    /// Its commits may lie behind any number of others: what the log has of transactions is looked through whole, its entries back to
    /// the newest summary, and that, which keeps the last of every application.
    pub(crate) async fn other_checkpoint(&self, version: i64) -> Result<Option<String>, SinkError> {
        let log = self.log_files(version).await?;
        for version in (log.summarised.unwrap_or(0)..=version).rev() {
            let Some(actions) = patiently(|| self.entry(version)).await? else { break };
            if let Some(writer) = actions.transactions.iter().find_map(|(app, _)| writer_of(app)) {
                return Ok(Some(named(writer)));
            }
        }
        // Of several it is the first by name: which of them wrote last is not known here.
        let mut writers = BTreeSet::new();
        for path in &log.summary {
            let apps = self.applications_in(path).await?;
            writers.extend(apps.iter().filter_map(|app| writer_of(app)).map(named));
        }
        Ok(writers.into_iter().next())
    }

    /// The newest summary of the log up to a version.
    async fn log_files(&self, version: i64) -> Result<Summary, SinkError> {
        let place = format!("the log of table {}", self.shared.name);
        let folder = Path::from("_delta_log");
        let paths: Vec<Path> =
            retried(&place, || self.shared.store.list(Some(&folder)).map_ok(|object| object.location).try_collect())
                .await?;
        let mut newest = Summary::default();
        for path in paths {
            let Some(of) = summary_version(&path).filter(|of| *of <= version) else { continue };
            if newest.summarised < Some(of) {
                newest = Summary { summarised: Some(of), summary: Vec::new() };
            }
            if newest.summarised == Some(of) {
                newest.summary.push(path);
            }
        }
        Ok(newest)
    }

    /// The transaction applications that a file of a summary names.
    async fn applications_in(&self, path: &Path) -> Result<Vec<String>, SinkError> {
        let place = format!("summary {path} of the log of table {}", self.shared.name);
        let bytes = retried(&place, || async { self.shared.store.get(path).await?.bytes().await }).await?;
        let damaged = |error: &(dyn std::error::Error + 'static)| {
            SinkError::Data(Message::caused_by(
                format!("{place} cannot be read: {error}; restore it from a copy of the table"),
                error,
            ))
        };
        match path.extension() {
            // A summary of the second kind may be written as entries are.
            Some("json") => {
                let actions = read_entry(&bytes).map_err(|error| damaged(&error))?;
                Ok(actions.transactions.into_iter().map(|(app, _)| app).collect())
            }
            _ => applications(bytes).map_err(|error| damaged(&error)),
        }
    }
}

/// True if entries, newest first, leave other files in the table than were there before them.
fn have_other_files(entries: &[(i64, EntryActions)]) -> bool {
    let (mut taken, mut put) = (BTreeSet::new(), BTreeSet::new());
    for (_, actions) in entries.iter().rev() {
        for path in &actions.removed {
            if !put.remove(path) {
                taken.insert(path);
            }
        }
        for path in &actions.added {
            if !taken.remove(path) {
                put.insert(path);
            }
        }
    }
    !taken.is_empty() || !put.is_empty()
}

/// The newest summary of a log.
#[derive(Debug, Default)]
struct Summary {
    /// The version that it is of; `None` if there is none.
    summarised: Option<i64>,
    /// Its files, several if it was written in parts.
    summary: Vec<Path>,
}

/// The transaction applications in a summary that is Parquet.
fn applications(bytes: Bytes) -> Result<Vec<String>, ParquetError> {
    // Whoever wrote it: text as plain text.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)?;
    let columns = builder.parquet_schema().columns().iter().enumerate();
    let apps: Vec<usize> =
        columns.filter(|(_, column)| column.path().string() == "txn.appId").map(|(at, _)| at).collect();
    if apps.is_empty() {
        return Ok(Vec::new());
    }
    let mask = ProjectionMask::leaves(builder.parquet_schema(), apps);
    let mut found = Vec::new();
    for rows in builder.with_projection(mask).build()? {
        let rows = rows?;
        let transactions = rows.column(0).as_struct_opt().and_then(|of| of.column_by_name("appId"));
        let Some(apps) = transactions.and_then(|apps| apps.as_string_opt::<i32>()) else { continue };
        found.extend(apps.iter().flatten().map(str::to_string));
    }
    Ok(found)
}

fn named((job, job_id): (&str, &str)) -> String {
    format!("{job}, {job_id}")
}
