//! Where tables live: a folder or an S3 prefix, and the store under each table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use connector::SinkError;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use epoch::paths;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use storage::Location;
use storage::location::with_final_slash;
use url::Url;

/// A place for tables. Cheap to clone; holds no keys that `Debug` would print.
#[derive(Clone)]
pub struct Warehouse {
    /// Ends with a slash.
    url: Url,
    /// Its paths begin at the root of the file system or the bucket.
    root: Arc<dyn ObjectStore>,
    prefix: Path,
    in_memory: bool,
    /// The folder, if data files are written straight to the local disk.
    folder: Option<PathBuf>,
}

impl std::fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warehouse").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Warehouse {
    /// Opens `location`: a local folder (made if it is not there; may be relative) or `s3://bucket/prefix`, with the keys and
    /// the endpoint of the environment ([`Location::open`]).
    ///
    /// # Errors
    /// `Settings` if the location cannot be read or a variable is missing; `DiskFull`; `Unavailable`.
    pub async fn open(location: &str) -> Result<Self, SinkError> {
        let Location { url, root, folder } = Location::open(location)?;
        Ok(Warehouse { folder, ..Warehouse::with_store(url, root) })
    }

    /// A warehouse at `url` in `store`, whose paths begin at the root of the url. Data files go through the store, too.
    pub fn with_store(url: Url, store: Arc<dyn ObjectStore>) -> Self {
        let url = with_final_slash(url);
        let prefix = Path::from_url_path(url.path()).unwrap_or_default();
        Warehouse { url, root: store, prefix, in_memory: false, folder: None }
    }

    /// An empty warehouse in memory. Its clones are the same warehouse; with the last of them its tables are gone.
    ///
    /// # Errors
    /// Never.
    pub fn in_memory() -> Result<Self, SinkError> {
        let url = Url::parse("memory:///").map_err(|error| SinkError::Internal(error.to_string()))?;
        Ok(Warehouse { in_memory: true, ..Warehouse::with_store(url, Arc::new(InMemory::new())) })
    }

    /// The same warehouse with its store wrapped (fault injection, counting). On a local disk data files still go straight to it.
    #[must_use]
    pub fn wrapped(mut self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        self.root = wrap(self.root);
        // Whatever wraps it may wait.
        self.in_memory = false;
        self
    }

    /// The location, without any key.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Every data file that lies in it, published or not, by its path: what an epoch that was run again is compared by. All of
    /// them are in memory at once, so this is for small warehouses.
    ///
    /// # Errors
    /// `Unavailable`, if it cannot be listed or a file cannot be read.
    pub async fn data_files(&self) -> Result<BTreeMap<String, Bytes>, SinkError> {
        let unavailable = |error: object_store::Error| SinkError::Unavailable(format!("{}: {error}", self.url));
        let store = self.store();
        let objects: Vec<_> = store.list(None).try_collect().await.map_err(unavailable)?;
        let mut files = BTreeMap::new();
        // A checkpoint of a table's log is a Parquet file, too; it holds times of writing.
        let is_data =
            |path: &Path| path.extension() == Some("parquet") && path.parts().all(|part| part.as_ref() != "_delta_log");
        for object in objects.iter().filter(|object| is_data(&object.location)) {
            let bytes = store.get(&object.location).await.map_err(unavailable)?.bytes().await.map_err(unavailable)?;
            files.insert(object.location.to_string(), bytes);
        }
        Ok(files)
    }

    /// True if objects are put without waiting for anything.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    /// The store under it; its paths begin at the root of the file system or the bucket.
    pub(crate) fn root(&self) -> &Arc<dyn ObjectStore> {
        &self.root
    }

    /// A store whose paths begin at the warehouse.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(Arc::clone(&self.root), self.prefix.clone()))
    }

    /// A store whose paths begin at the table's folder.
    pub(crate) fn table_store(&self, table: &str) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(Arc::clone(&self.root), self.table_prefix(table)))
    }

    /// The table's folder on the local disk, if it is there.
    pub(crate) fn table_folder(&self, table: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(paths::table_folder(table)))
    }

    /// The Delta library's view of the table's log.
    pub(crate) fn log_store(&self, table: &str) -> Result<LogStoreRef, SinkError> {
        let url = self
            .url
            .join(&format!("{}/", paths::table_folder(table)))
            .map_err(|error| SinkError::Settings(format!("table {table} makes no path in {}: {error}", self.url)))?;
        Ok(default_logstore(self.table_store(table), Arc::clone(&self.root), &url, &StorageConfig::default()))
    }

    fn table_prefix(&self, table: &str) -> Path {
        paths::table_folder(table).split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }
}

#[cfg(test)]
mod tests;
