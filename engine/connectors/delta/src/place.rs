//! A place that a job reads and does not write: files, a folder of them, or a Delta table.

use std::path::Path as FilePath;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::prelude::{SessionConfig, SessionContext};
use deltalake_core::DeltaTable;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use url::Url;

use crate::error::SinkError;
use crate::provider::DeltaRows;
use crate::retry::retried;
use crate::synced::SyncedLocal;
use crate::warehouse::{s3_place, with_final_slash};

/// The folder of a Delta table's log.
const LOG: &str = "_delta_log";

/// A file or a folder to read from. Nothing in it is ever made or changed.
pub struct Place {
    location: String,
    /// Ends with a slash, even if it is a file's.
    url: Url,
    root: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("location", &self.location).finish_non_exhaustive()
    }
}

/// A file of a place, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFile {
    /// Its path below the place; its name if the place is the file itself.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// When it was last changed, microseconds since 1970 UTC, and what else the store says of its content.
    pub tag: String,
    path: Path,
}

impl Place {
    /// Opens `location`: a local path (may be relative) or `s3://bucket/key`, with the same environment as the warehouse.
    ///
    /// # Errors
    /// `Settings` if the location cannot be read or a variable is missing. Whether anything lies there is not asked.
    pub fn open(location: &str) -> Result<Place, SinkError> {
        Place::from_location(location, &|name| std::env::var(name).ok())
    }

    fn from_location(location: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Place, SinkError> {
        match location.split_once("://") {
            Some(("s3" | "s3a", _)) => {
                let (url, root) = s3_place(location, variable)?;
                Ok(Place::with_store(location, url, root))
            }
            Some((scheme, _)) => Err(SinkError::Settings(format!(
                "`{location}`: `{scheme}://` is not known; write a local path or s3://bucket/prefix"
            ))),
            None => {
                let path = FilePath::new(location);
                let absolute = std::path::absolute(path).map_err(|error| SinkError::file(location, &error))?;
                let absolute = absolute.canonicalize().unwrap_or(absolute);
                let url = Url::from_directory_path(&absolute).map_err(|()| {
                    SinkError::Settings(format!("`{location}` does not make a path that can be written as a URL"))
                })?;
                Ok(Place::with_store(location, url, Arc::new(SyncedLocal::new())))
            }
        }
    }

    /// A place at `url` in `store`, whose paths begin at the root of the url.
    pub fn with_store(location: &str, url: Url, store: Arc<dyn ObjectStore>) -> Place {
        let url = with_final_slash(url);
        let prefix = Path::from_url_path(url.path()).unwrap_or_default();
        Place { location: location.to_string(), url, root: store, prefix }
    }

    /// The place as the user wrote it.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The files of the place, sorted by name: those whose name, and whose folders' names, do not begin with `_` or `.`.
    /// Empty if nothing lies there.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`.
    pub async fn files(&self) -> Result<Vec<PlacedFile>, SinkError> {
        if let Some(found) = self.head().await? {
            let name = self.prefix.filename().unwrap_or_default().to_string();
            return Ok(vec![placed(name, found)]);
        }
        let listing = || self.root.list(Some(&self.prefix)).try_collect::<Vec<_>>();
        let found = retried(&format!("files of {}", self.location), listing).await?;
        let mut files = Vec::with_capacity(found.len());
        for object in found {
            let Some(parts) = object.location.prefix_match(&self.prefix) else { continue };
            let parts: Vec<String> = parts.map(|part| part.as_ref().to_string()).collect();
            if !parts.is_empty() && !parts.iter().any(|part| part.starts_with(['_', '.'])) {
                files.push(placed(parts.join("/"), object));
            }
        }
        files.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(files)
    }

    /// The content of a file.
    ///
    /// # Errors
    /// `Data` if it is gone; `Unavailable`; `Settings`.
    pub async fn read(&self, file: &PlacedFile) -> Result<Bytes, SinkError> {
        let place = format!("{} of {}", file.name, self.location);
        retried(&place, || async { self.root.get(&file.path).await?.bytes().await }).await
    }

    /// True if a Delta table lies there.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`.
    pub async fn is_delta(&self) -> Result<bool, SinkError> {
        // A local file is no folder that could be listed.
        if self.head().await?.is_some() {
            return Ok(false);
        }
        let log = self.prefix.clone().join(LOG);
        let first = || async { self.root.list(Some(&log)).try_next().await };
        Ok(retried(&format!("{LOG} of {}", self.location), first).await?.is_some())
    }

    /// The newest version of the Delta table there. `known`: a version that it had before, which makes it cheaper.
    ///
    /// # Errors
    /// `Data` if there is no Delta table, or a damaged one; `Unavailable`; `Settings`.
    pub async fn delta_version(&self, known: Option<i64>) -> Result<i64, SinkError> {
        if let Some(known) = known {
            let newest = self.log_store().get_latest_version(known.cast_unsigned()).await;
            // The log before it may have been cleaned up: then it is read from its checkpoint.
            if let Ok(version) = newest {
                return Ok(version.cast_signed());
            }
        }
        let table = self.delta(None).await?;
        let state = table.snapshot().map_err(|error| SinkError::delta(&self.delta_place(None), &error))?;
        Ok(state.version().cast_signed())
    }

    /// All rows of one version of the Delta table there, with its columns. The order of the rows is not that of any reader.
    ///
    /// # Errors
    /// `Data` if that version is not there any more; `Unavailable`; `Settings`.
    pub async fn delta_rows(&self, version: i64) -> Result<(SchemaRef, Vec<RecordBatch>), SinkError> {
        let place = self.delta_place(Some(version));
        let table = self.delta(Some(version)).await?;
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let rows = DeltaRows::new(&table, &self.delta_place(None), None)?;
        rows.make_ready(&context.runtime_env());
        let failed = |error: datafusion::error::DataFusionError| SinkError::query(&place, &error);
        let frame = context.read_table(Arc::new(rows)).map_err(failed)?;
        let schema = Arc::clone(frame.schema().inner());
        Ok((schema, frame.collect().await.map_err(failed)?))
    }

    async fn delta(&self, version: Option<i64>) -> Result<DeltaTable, SinkError> {
        let mut table = DeltaTable::new(self.log_store());
        let loaded = match version {
            Some(version) => table.load_version(version.cast_unsigned()).await,
            None => table.load().await,
        };
        loaded.map_err(|error| SinkError::reading(&self.delta_place(version), &error))?;
        Ok(table)
    }

    fn delta_place(&self, version: Option<i64>) -> String {
        match version {
            Some(version) => format!("Delta table {} at version {version}", self.location),
            None => format!("Delta table {}", self.location),
        }
    }

    fn log_store(&self) -> LogStoreRef {
        let table = Arc::new(PrefixStore::new(Arc::clone(&self.root), self.prefix.clone()));
        default_logstore(table, Arc::clone(&self.root), &self.url, &StorageConfig::default())
    }

    /// The place itself, if it is a file.
    async fn head(&self) -> Result<Option<ObjectMeta>, SinkError> {
        if self.prefix.as_ref().is_empty() {
            return Ok(None);
        }
        let look = || async {
            match self.root.head(&self.prefix).await {
                Ok(found) => Ok(Some(found)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        retried(&self.location, look).await
    }
}

fn placed(name: String, object: ObjectMeta) -> PlacedFile {
    let tag = format!("{} {}", object.last_modified.timestamp_micros(), object.e_tag.unwrap_or_default());
    PlacedFile { name, bytes: object.size, tag, path: object.location }
}

#[cfg(test)]
mod tests;
