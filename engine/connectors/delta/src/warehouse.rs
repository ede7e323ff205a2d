//! Where tables live: a folder or an S3 prefix, and the store under each table.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use connector::{Message, Pointer, SinkError};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use epoch::paths;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use storage::location::with_final_slash;
use storage::{Location, retried};
use tokio::sync::OnceCell;
use url::Url;

use crate::ahead::Ahead;

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
    shared: Arc<Shared>,
}

/// What the clones of a warehouse have learnt.
#[derive(Default)]
struct Shared {
    /// Each job's pointer as it was put last, and its version: the next put can be conditional without a look before it.
    pointers: Mutex<BTreeMap<String, (Pointer, UpdateVersion)>>,
    /// What is already written of the pointers that come next, by job.
    ahead: Mutex<BTreeMap<String, Ahead>>,
    has_begun_pointer: AtomicBool,
    /// True once the store was seen to refuse a second object of one name.
    is_probed: OnceCell<()>,
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
        Warehouse { url, root: store, prefix, in_memory: false, folder: None, shared: Arc::default() }
    }

    /// An empty warehouse in memory. Its clones are the same warehouse; with the last of them its tables are gone.
    ///
    /// # Errors
    /// Never.
    pub fn in_memory() -> Result<Self, SinkError> {
        let url = Url::parse("memory:///").map_err(|error| SinkError::Internal(error.to_string().into()))?;
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
        let unavailable = |error: object_store::Error| {
            SinkError::Unavailable(Message::caused_by(format!("{}: {error}", self.url), &error))
        };
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

    /// True if the store can put an object on condition that it was not changed since. A local disk cannot.
    pub(crate) fn can_update(&self) -> bool {
        self.url.scheme() != "file"
    }

    /// A job's pointer as it was put last, if it was.
    pub(crate) fn known_pointer(&self, job: &str) -> Option<(Pointer, UpdateVersion)> {
        self.shared.pointers.lock().unwrap_or_else(PoisonError::into_inner).get(job).cloned()
    }

    /// Remembers a pointer that was just put.
    pub(crate) fn keep_pointer(&self, pointer: &Pointer, version: UpdateVersion) {
        if self.can_update() && version.e_tag.is_some() {
            let mut pointers = self.shared.pointers.lock().unwrap_or_else(PoisonError::into_inner);
            pointers.insert(pointer.job.clone(), (pointer.clone(), version));
        }
    }

    /// The folder, if data files are written straight to the local disk.
    pub(crate) fn folder(&self) -> Option<&FilePath> {
        self.folder.as_deref()
    }

    /// True once: for the first pointer that is begun.
    pub(crate) fn is_first_pointer(&self) -> bool {
        !self.shared.has_begun_pointer.swap(true, Ordering::Relaxed)
    }

    /// Remembers what was begun of a job's next pointer, and nothing else of it.
    pub(crate) fn set_pointer_ahead(&self, job: &str, ahead: Option<Ahead>) {
        let mut all = self.shared.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(job);
        all.extend(ahead.map(|ahead| (job.to_string(), ahead)));
    }

    /// What was begun of a job's next pointer.
    pub(crate) fn take_pointer_ahead(&self, job: &str) -> Option<Ahead> {
        self.shared.ahead.lock().unwrap_or_else(PoisonError::into_inner).remove(job)
    }

    /// Refuses a store that puts an object though one of that name is there: two engines could both commit the same version.
    ///
    /// # Errors
    /// `Settings` then; `Unavailable`.
    pub(crate) async fn check_conditional_puts(&self, table: &str) -> Result<(), SinkError> {
        if !self.url.scheme().starts_with("s3") {
            return Ok(());
        }
        let probe = async {
            let (store, path) = (self.store(), Path::from(PROBE));
            // The first time it is made, ever after it is refused.
            for _ in 0..2 {
                let put = retried_put(&store, &path, table).await?;
                if put == Put::Refused {
                    return Ok(());
                }
            }
            Err(SinkError::Settings(format!(
                "the store at {} ignores conditions of puts (If-None-Match): two engines could overwrite each other's commits; \
                 use a store that honours them (Amazon S3, MinIO, Ceph from 2024 on)",
                self.url
            ).into()))
        };
        self.shared.is_probed.get_or_try_init(|| probe).await.map(|_| ())
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
        let url = self.url.join(&format!("{}/", paths::table_folder(table))).map_err(|error| {
            SinkError::Settings(Message::caused_by(
                format!("table {table} makes no path in {}: {error}", self.url),
                &error,
            ))
        })?;
        Ok(default_logstore(self.table_store(table), Arc::clone(&self.root), &url, &StorageConfig::default()))
    }

    fn table_prefix(&self, table: &str) -> Path {
        paths::table_folder(table).split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }
}

/// An object that is made once, to see whether a second put of it is refused.
const PROBE: &str = "_engine/probe";

#[derive(PartialEq, Eq)]
enum Put {
    Made,
    Refused,
}

async fn retried_put(store: &Arc<dyn ObjectStore>, path: &Path, table: &str) -> Result<Put, SinkError> {
    let place = format!("a probe for conditional puts, before table {table} is opened");
    retried(&place, || async {
        match store.put_opts(path, Bytes::from_static(b"").into(), PutMode::Create.into()).await {
            Ok(_) => Ok(Put::Made),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(Put::Refused)
            }
            Err(error) => Err(error),
        }
    })
    .await
}

#[cfg(test)]
mod tests;
