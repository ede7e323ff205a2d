//! Which data file holds the rows of each open bucket of an update or complete table, so that an epoch can replace it.

use std::collections::BTreeMap;

use epoch::{EpochId, Message, StagedFile};
use state::{BlockKey, BucketRange, Checkpoint, OperatorId, StateChanges};

use crate::error::RunError;

/// The open files of one table.
#[derive(Debug)]
pub struct OpenFiles {
    operator: OperatorId,
    files: BTreeMap<i64, StagedFile>,
    changed: BTreeMap<i64, Option<StagedFile>>,
}

impl OpenFiles {
    /// The files that the checkpoint knows of.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub fn open(checkpoint: &Checkpoint, table: &str) -> Result<OpenFiles, RunError> {
        let operator = operator_id(table);
        let mut files = BTreeMap::new();
        for entry in checkpoint.bucket_index(operator)? {
            let (key, _) = entry?;
            let Some(bytes) = checkpoint.read_block(&key)? else { continue };
            let file = serde_json::from_slice(&bytes).map_err(|error| {
                RunError::Internal(Message::caused_by(
                    format!("the file list of {table} cannot be read: {error}"),
                    &error,
                ))
            })?;
            files.insert(key.bucket, file);
        }
        Ok(OpenFiles { operator, files, changed: BTreeMap::new() })
    }

    /// Number of open files.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// All open files.
    pub fn all(&self) -> Vec<StagedFile> {
        self.files.values().cloned().collect()
    }

    /// Puts a new file, or none, in the place of a bucket's file; returns the file that goes.
    pub fn replace(&mut self, bucket: i64, file: Option<StagedFile>) -> Option<StagedFile> {
        self.changed.insert(bucket, file.clone());
        match file {
            Some(file) => self.files.insert(bucket, file),
            None => self.files.remove(&bucket),
        }
    }

    /// Forgets the files of complete buckets: their rows are final and stay where they are.
    pub fn close(&mut self, is_closed: impl Fn(i64) -> bool) {
        let closed: Vec<i64> = self.files.keys().copied().filter(|bucket| is_closed(*bucket)).collect();
        for bucket in closed {
            self.files.remove(&bucket);
            self.changed.insert(bucket, None);
        }
    }

    /// What the epoch changes, for its commit. Each bucket has one entry, under epoch 0, that is replaced in place.
    ///
    /// # Errors
    /// Never in practice.
    pub fn prepare_commit(&mut self, changes: &mut StateChanges) -> Result<(), RunError> {
        for (bucket, file) in std::mem::take(&mut self.changed) {
            let key =
                BlockKey { operator: self.operator, bucket, section: 0, epoch: EpochId(0), writer: 0, sequence: 0 };
            match file {
                Some(file) => {
                    let bytes =
                        serde_json::to_vec(&file).map_err(|error| RunError::Internal(error.to_string().into()))?;
                    changes.puts.push((key, bytes));
                }
                None => changes.deletes.push(key),
            }
        }
        Ok(())
    }
}

/// Everything under a table that is no longer in the job goes.
pub fn drop_table(table: &str, stores: &[String], changes: &mut StateChanges) {
    let operators = stores.iter().map(|store| OperatorId::of(store)).chain([operator_id(table)]);
    for operator in operators {
        changes.drop_buckets.push(BucketRange { operator, from: i64::MIN, until: i64::MAX });
    }
}

fn operator_id(table: &str) -> OperatorId {
    OperatorId::of(&format!("{table}/files"))
}
