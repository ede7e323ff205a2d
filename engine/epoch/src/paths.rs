//! Every path under a checkpoint and a warehouse, formed here and nowhere else.

use crate::identity::{ArtifactId, EpochId, Owner};

/// Folder of the RocksDB database inside a checkpoint.
pub const DATABASE: &str = "db";

/// File inside a checkpoint that its owner holds locked; it names the owner's host and process.
pub const OWNER: &str = "OWNER";

/// Folder of a table inside the warehouse: `gold.event_counts` is `gold/event_counts`.
pub fn table_folder(table: &str) -> String {
    table.replace('.', "/")
}

/// Table that takes the rejected records of a source.
pub fn rejected_table(source: &str) -> String {
    format!("rejected.{source}")
}

/// Table that takes the rows that a table's query has no value for.
pub fn rejected_rows_table(table: &str) -> String {
    format!("{table}__rejected")
}

/// Table that takes the late rows of a table.
pub fn late_table(table: &str) -> String {
    format!("{table}__late")
}

/// Data file that an attempt at an epoch stages for a table, relative to the table's folder. Owner and attempt stand in the name,
/// so that it is never used again. `job_id` keeps the files of jobs with different checkpoints apart. Names sort as their epochs do.
pub fn data_file(job_id: &str, artifact: &ArtifactId) -> String {
    let ArtifactId { epoch, owner, attempt, number } = artifact;
    format!("part-{job_id}-{:010}-{}-{:016x}-{attempt}-{number:05}.parquet", epoch.0, owner.term, owner.run)
}

/// The prefix that all data files of an epoch share, relative to the table's folder.
pub fn data_file_prefix(job_id: &str, epoch: EpochId) -> String {
    format!("part-{job_id}-{:010}-", epoch.0)
}

/// The job id and the epoch in the name of a data file; `None` for a file that no epoch staged.
pub fn origin_of(data_file: &str) -> Option<(&str, EpochId)> {
    let name = data_file.rsplit('/').next()?.strip_prefix("part-")?;
    let (job_id, rest) = name.split_once('-')?;
    let (epoch, _) = rest.split_once('-')?;
    let is_number = epoch.len() == 10 && epoch.bytes().all(|byte| byte.is_ascii_digit());
    Some((job_id, EpochId(epoch.parse().ok().filter(|_| is_number)?)))
}

/// Who staged a data file, by its name: nobody for an engine of format 1, which had no owners; `None` for a file that no epoch staged.
pub fn stager_of(data_file: &str) -> Option<Owner> {
    origin_of(data_file)?;
    let name = data_file.rsplit('/').next()?.strip_suffix(".parquet")?;
    let parts: Vec<&str> = name.split('-').collect();
    match parts.as_slice() {
        [_part, _job_id, _epoch, term, run, _attempt, _number] => {
            Some(Owner { term: term.parse().ok()?, run: u64::from_str_radix(run, 16).ok()? })
        }
        _ => Some(Owner::default()),
    }
}

/// The prefix that all data files of a job with this checkpoint share, relative to the table's folder.
pub fn data_files_prefix(job_id: &str) -> String {
    format!("part-{job_id}-")
}

/// Object that says which table versions belong to a job's last published epoch, relative to the warehouse.
pub fn published_pointer(job: &str) -> String {
    format!("_engine/{job}.json")
}

#[cfg(test)]
mod tests;
