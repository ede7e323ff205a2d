//! Static tables: rows that streams are joined with, which version lies there now, and the rows of a version.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;

use crate::error::StaticError;

/// The rows of a static table at one version.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticRows {
    /// What distinguishes these rows from those of another time, in the connector's words: two are equal or not.
    pub version: String,
    /// All rows, always in the same order for one version. Types are those that sources and tables have.
    pub batch: RecordBatch,
}

impl StaticRows {
    /// Names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }
}

/// Finds and loads the rows of one static table.
#[async_trait]
pub trait StaticTable: Send + Sync {
    /// True if what lies there now is of this connector's kind. Asked only where the job file leaves that open.
    ///
    /// # Errors
    /// `Settings` if the job file says otherwise; `Unavailable`.
    async fn recognises(&self) -> Result<bool, StaticError>;

    /// True if a version is in this connector's words.
    fn owns(&self, version: &str) -> bool;

    /// True if the place itself keeps the rows of its versions, so that the checkpoint needs no copy of them.
    fn keeps_versions(&self) -> bool;

    /// True if this version needs no copy in the checkpoint.
    fn keeps(&self, version: &str) -> bool {
        self.owns(version) && self.keeps_versions()
    }

    /// The version that lies there now. Reads no rows.
    ///
    /// # Errors
    /// `Data` if nothing is there; `Settings`; `Unavailable`.
    async fn current(&self) -> Result<String, StaticError>;

    /// The rows that lie there now, with their version.
    ///
    /// # Errors
    /// `Data` if nothing is there, if it cannot be read or keeps changing; `Settings`; `Unavailable`.
    async fn load_current(&self) -> Result<StaticRows, StaticError>;

    /// The rows of a version, as it was recorded with an epoch.
    ///
    /// # Errors
    /// `Data` if the version is no longer there; `Settings`; `Unavailable`.
    async fn load(&self, version: &str) -> Result<StaticRows, StaticError>;
}

/// A static table whose kind the job file leaves open: the first that recognises what lies there, asked anew each time.
pub(crate) struct OneOf {
    /// At least one; the last takes whatever the others leave.
    pub(crate) kinds: Vec<Arc<dyn StaticTable>>,
}

impl OneOf {
    async fn kind(&self) -> Result<&dyn StaticTable, StaticError> {
        let nothing = || StaticError::Internal("a static table of no kind".to_string().into());
        let (last, others) = self.kinds.split_last().ok_or_else(nothing)?;
        for kind in others {
            if kind.recognises().await? {
                return Ok(kind.as_ref());
            }
        }
        Ok(last.as_ref())
    }

    fn owner(&self, version: &str) -> Option<&Arc<dyn StaticTable>> {
        self.kinds.iter().find(|kind| kind.owns(version))
    }
}

#[async_trait]
impl StaticTable for OneOf {
    async fn recognises(&self) -> Result<bool, StaticError> {
        self.kind().await.map(|_| true)
    }

    fn owns(&self, version: &str) -> bool {
        self.owner(version).is_some()
    }

    fn keeps_versions(&self) -> bool {
        self.kinds.iter().all(|kind| kind.keeps_versions())
    }

    fn keeps(&self, version: &str) -> bool {
        self.owner(version).is_some_and(|kind| kind.keeps_versions())
    }

    async fn current(&self) -> Result<String, StaticError> {
        self.kind().await?.current().await
    }

    async fn load_current(&self) -> Result<StaticRows, StaticError> {
        self.kind().await?.load_current().await
    }

    async fn load(&self, version: &str) -> Result<StaticRows, StaticError> {
        match self.owner(version) {
            Some(kind) => kind.load(version).await,
            None => self.kind().await?.load(version).await,
        }
    }
}

#[cfg(test)]
mod tests;
