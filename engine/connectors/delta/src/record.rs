//! A table's own record of a job: which commit it holds and who published it, as transactions in its log.
//!
//! Delta keeps the last version of each transaction application, through summaries of the log and clean-ups; what stands in
//! `commitInfo` is lost with them. So everything that must outlive the log is a transaction of an application of its own.

use std::collections::BTreeMap;

use epoch::{Commit, CommitId, EpochId, Owner, Split};

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

    /// The transactions of what a commit had read: offsets and watermarks. Positions that are no offsets have no place in a log.
    pub(crate) fn of_positions(&self, commit: &Commit) -> Vec<(String, i64)> {
        let mut all = Vec::new();
        for (source, plan) in &commit.plan.sources {
            let ends = plan.ranges.iter().filter_map(|(split, range)| Some((split, range.until.offset()?)));
            all.extend(ends.map(|(split, offset)| (self.offset(source, &split), offset)));
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
