//! A table's own record of a job: which commit it holds and who published it, as transactions in its log.
//!
//! Delta keeps the last version of each transaction application, through summaries of the log and clean-ups; what stands in
//! `commitInfo` is lost with them. So everything that must outlive the log is a transaction of an application of its own.

use std::collections::BTreeMap;

use epoch::{Commit, CommitId, EpochId, Owner, PerSplit, Position, Split, SplitIdentities, SplitIdentity};
use serde_json::Value;

/// What a table's log says of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    /// The last commit that was published.
    pub commit: CommitId,
    /// Who published it.
    pub owner: Owner,
}

/// What an application that is no part of the record holds.
pub(crate) enum ReadUpTo {
    /// The offset of a source's split.
    Offset(String, Split),
    /// A source's watermark.
    Watermark(String),
    /// Something that tells the splits of a source's stream from others that come to stand in their place.
    Identity(IdentityField),
}

/// A field of the identities of splits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IdentityField {
    source: String,
    stream: String,
    /// `None`: it is that of all partitions of the stream.
    partition: Option<i32>,
    field: String,
    /// What it holds, if that is text: a version is a number.
    text: Option<String>,
}

/// The transaction applications of a job and its checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct Applications {
    /// The application whose version is the epoch; Spark's word for it is the query's id.
    pub epoch: String,
}

impl Applications {
    /// Those of a job with this checkpoint.
    pub(crate) fn of(job: &str, job_id: &str) -> Applications {
        Applications { epoch: format!("engine-{job}-{job_id}") }
    }

    /// The application that holds the drawn part of the commit's id.
    pub(crate) fn commit(&self) -> String {
        format!("{}/commit", self.epoch)
    }

    /// The application that holds the owner's term.
    pub(crate) fn term(&self) -> String {
        format!("{}/term", self.epoch)
    }

    /// The application that holds the owner's run.
    pub(crate) fn run(&self) -> String {
        format!("{}/run", self.epoch)
    }

    fn offset(&self, source: &str, split: &Split) -> String {
        format!("{}/offset/{source}/{}/{}", self.epoch, split.stream, split.partition)
    }

    fn identity(&self, of: &IdentityField) -> String {
        let IdentityField { source, stream, partition, field, text } = of;
        let partition = partition.map_or("*".to_string(), |partition| partition.to_string());
        let text = text.as_ref().map(|text| format!("={text}")).unwrap_or_default();
        format!("{}/identity/{source}/{stream}/{partition}/{field}{text}", self.epoch)
    }

    fn watermark(&self, source: &str) -> String {
        format!("{}/watermark/{source}", self.epoch)
    }

    /// The transactions of a record.
    pub(crate) fn of_record(&self, record: &Record) -> Vec<(String, i64)> {
        vec![
            (self.epoch.clone(), record.commit.epoch.0.cast_signed()),
            (self.commit(), record.commit.nonce.cast_signed()),
            (self.term(), record.owner.term.cast_signed()),
            (self.run(), record.owner.run.cast_signed()),
        ]
    }

    /// The transactions of what a commit had read: offsets, what the splits were that they are in, and watermarks; also those of sources
    /// that were set aside. Positions that are no offsets, and what tells splits apart but is neither a number nor text, have no place in
    /// a log.
    pub(crate) fn of_positions(&self, commit: &Commit) -> Vec<(String, i64)> {
        let mut all = Vec::new();
        for source in commit.known_sources() {
            let ends = commit.position(source).unwrap_or_default();
            let ends = ends.iter().filter_map(|(split, position)| Some((split, Position::offset(position)?)));
            all.extend(ends.map(|(split, offset)| (self.offset(source, &split), offset)));
            let identities =
                commit.identity(source).map(|identities| fields_of(source, identities)).unwrap_or_default();
            all.extend(identities.into_iter().map(|(field, version)| {
                // That of a text is the epoch: of several for one split, the log's summaries keep all.
                (self.identity(&field), version.unwrap_or(commit.plan.epoch.0.cast_signed()))
            }));
        }
        let watermarks = commit.watermarks.iter();
        all.extend(watermarks.filter_map(|(source, state)| Some((self.watermark(source), state.watermark_us?))));
        all
    }

    /// The offset of a split, or the watermark of a source, that an application of ours holds.
    pub(crate) fn position_of(&self, app: &str) -> Option<ReadUpTo> {
        let what = app.strip_prefix(&self.epoch)?.strip_prefix('/')?;
        if let Some(source) = what.strip_prefix("watermark/") {
            return Some(ReadUpTo::Watermark(source.to_string()));
        }
        if let Some(rest) = what.strip_prefix("identity/") {
            return identity_field(rest).map(ReadUpTo::Identity);
        }
        // A topic's name holds no slash; the source's may not, either.
        let mut parts = what.strip_prefix("offset/")?.split('/');
        let (source, stream, partition) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
        Some(ReadUpTo::Offset(source.to_string(), Split::new(stream, partition)))
    }

    /// The record among transactions, newest last; `None` if the job has none there.
    pub(crate) fn find(&self, transactions: &[(String, i64)]) -> Option<Record> {
        let newest: BTreeMap<&str, i64> = transactions.iter().map(|(app, version)| (app.as_str(), *version)).collect();
        let number = |app: &str| newest.get(app).copied();
        Some(self.record(number(&self.epoch)?, number(&self.commit()), number(&self.term()), number(&self.run())))
    }

    /// A record from the versions of its applications. An engine of format 1 wrote the epoch alone.
    pub(crate) fn record(&self, epoch: i64, nonce: Option<i64>, term: Option<i64>, run: Option<i64>) -> Record {
        let unsigned = |number: Option<i64>| number.unwrap_or(0).cast_unsigned();
        Record {
            commit: CommitId { epoch: EpochId(epoch.cast_unsigned()), nonce: unsigned(nonce) },
            owner: Owner { term: unsigned(term), run: unsigned(run) },
        }
    }
}

/// The fields of the identities of a source's splits, those that all splits of a stream share once, with the numbers among them.
fn fields_of(source: &str, identities: &SplitIdentities) -> BTreeMap<IdentityField, Option<i64>> {
    let mut fields = BTreeMap::new();
    for (stream, partitions) in &identities.0 {
        for (partition, SplitIdentity(identity)) in partitions {
            for (field, value) in identity.as_object().into_iter().flatten() {
                let is_shared = partitions.values().all(|SplitIdentity(other)| other.get(field) == Some(value));
                let text = value.as_str().map(str::to_string);
                if text.is_none() && value.as_i64().is_none_or(i64::is_negative) {
                    continue;
                }
                let (source, stream, field) = (source.to_string(), stream.clone(), field.clone());
                let partition = (!is_shared).then_some(*partition);
                fields.insert(IdentityField { source, stream, partition, field, text }, value.as_i64());
            }
        }
    }
    fields
}

/// Behind the first word: source, stream, partition, and the field, with text that may hold anything.
fn identity_field(text: &str) -> Option<IdentityField> {
    let mut parts = text.splitn(4, '/');
    let (source, stream, partition, field) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let partition = if partition == "*" { None } else { Some(partition.parse().ok()?) };
    let (field, text) = match field.split_once('=') {
        Some((field, text)) => (field, Some(text.to_string())),
        None => (field, None),
    };
    Some(IdentityField {
        source: source.to_string(),
        stream: stream.to_string(),
        partition,
        field: field.to_string(),
        text,
    })
}

impl IdentityField {
    /// Adds it to what is known of splits: those of which positions are known.
    pub(crate) fn add_to(
        &self,
        identities: &mut BTreeMap<String, SplitIdentities>,
        positions: &BTreeMap<String, PerSplit<Position>>,
        version: i64,
    ) {
        let partitions = positions.get(&self.source).and_then(|positions| positions.0.get(&self.stream));
        let partitions = partitions.into_iter().flat_map(BTreeMap::keys);
        for partition in partitions.filter(|partition| self.partition.is_none_or(|own| own == **partition)) {
            let splits = identities.entry(self.source.clone()).or_default();
            let split = Split::new(self.stream.clone(), *partition);
            let SplitIdentity(identity) =
                splits.entry_or_insert_with(&split, || SplitIdentity(Value::Object(serde_json::Map::new())));
            identity[&self.field] = self.text.clone().map_or(Value::from(version), Value::from);
        }
    }
}

/// The job and the checkpoint's id in an epoch application; `None` for any other application.
pub(crate) fn writer_of(app: &str) -> Option<(&str, &str)> {
    let (job, id) = app.strip_prefix("engine-")?.rsplit_once('-')?;
    (id.len() == 8 && id.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some((job, id))
}

/// True if an application is that of the epochs of any job.
pub(crate) fn is_of_epochs(app: &str) -> bool {
    app.starts_with("engine-") && !app.contains('/')
}

#[cfg(test)]
mod tests;
